//! What Pricing does in the journeys, on a whole shop in virtual time: quotes that a checkout takes,
//! coupons that a cancelled order gives back, changes that come by themselves, looks at the market.

// Helpers stand outside the test functions, where clippy takes no test for one.
use std::sync::Arc;
use std::time::Duration;

use mercato_actors::*;
use mercato_runtime::persistence::{DiskPace, JournalOptions, RedbJournal, WriterPlace};
use mercato_runtime::{
    Caller, Clock, Command, Entropy, FlowId, Principal, Rejection, RunError, Runtime, Scope,
    Timestamp,
};

const HOUR: Duration = Duration::from_secs(3_600);

struct Disk;

impl DiskPace for Disk {
    fn commit_time(&mut self, _: usize) -> Duration {
        Duration::from_millis(2)
    }
}

struct Town {
    runtime: Runtime,
    feed: Arc<InProcessCompetitors>,
}

type Receipt = Result<CheckoutReceipt, RunError<CheckoutError>>;

impl Town {
    async fn open() -> Self {
        let tea = Product {
            sku: sku(),
            name: "tea".into(),
            description: "to drink".into(),
            category: "drinks".into(),
            base_price: gbp(1_000),
            cost: gbp(400),
        };
        let feed = Arc::new(InProcessCompetitors::new());
        let ports = Ports {
            payments: Arc::new(InProcessPayments::new(LedgerOptions::default())),
            carrier: Arc::new(InProcessCarrier::new(LedgerOptions::default())),
            mail: Arc::new(InProcessMail::new(LedgerOptions::default())),
            messengers: Messengers::in_process(),
            procurement: Arc::new(InProcessProcurement::new(
                SupplierHabits::default(),
                LedgerOptions::default(),
            )),
            competitors: feed.clone(),
        };
        let place = WriterPlace::Task(Box::new(Disk));
        let journal = RedbJournal::in_memory(JournalOptions::default(), place).unwrap();
        let builder = Runtime::builder(Arc::new(journal))
            .clock(Clock::starting_at(Timestamp::from_millis(1_000_000_000)))
            .entropy(Entropy::seeded(7));
        let shop = Shop::new(Arc::new(Catalogue::new([tea]).unwrap()));
        let runtime = shop.open(builder, &ports).start().await.unwrap();
        let town = Self { runtime, feed };
        let quantity = Quantity::new(100).unwrap();
        let sku = sku();
        town.ask(ReceiveStock { sku, quantity }).await.unwrap();
        town
    }

    async fn ask<C: Command>(&self, command: C) -> Result<C::Reply, Rejection<C>>
    where
        Rejection<C>: std::fmt::Debug,
    {
        let answer = self.runtime.handle().ask(&Caller::system(), command).await;
        answer.map_err(|error| error.rejection().cloned().unwrap())
    }

    fn now(&self) -> Timestamp {
        self.runtime.handle().clock().now()
    }

    async fn issue(&self, uses: u32) {
        let terms = CouponTerms {
            off: Reduction::Share(BasisPoints::new(1_000)),
            cap: None,
            goods_min: None,
            stacking: Stacking::Stackable,
            on_promoted: true,
            uses_max: uses,
            uses_per_customer_max: 1,
            starts: self.now(),
            ends: self.now().plus(HOUR * 24),
        };
        let code = code();
        self.ask(IssueCoupon { code, terms }).await.unwrap();
    }

    /// Whether another customer could use the coupon now.
    async fn usable(&self) -> bool {
        let customer = CustomerId::new("next").unwrap();
        let code = code();
        self.ask(CheckCoupon { code, customer }).await.is_ok()
    }

    async fn lock(&self, cart: &Cart, quote: &QuoteId) -> Result<CartQuote, CartPricingError> {
        let caller = Caller::new(Principal::user(cart.customer().as_str()));
        let locking =
            async |scope: &Scope| lock_cart(scope, cart, Segment::Standard, quote.clone()).await;
        self.runtime.handle().serve(&caller, locking).await
    }

    async fn check_out(&self, order: &str, cart: Cart, token: &str) -> Receipt {
        let (person, sealer) = (
            cart.customer().person().unwrap(),
            self.runtime.handle().sealer(),
        );
        let email = EmailAddress::new("ada@example.com").unwrap();
        let address = Address::new("Ada", "1 Lane", "London", "N1", Jurisdiction::GB).unwrap();
        let caller = Caller::new(Principal::user(cart.customer().as_str()));
        let request = CheckoutRequest {
            order: OrderId::new(order).unwrap(),
            cart,
            segment: Segment::Standard,
            email: sealer.seal(&person, &email).unwrap(),
            address: Destination::seal(&sealer, &person, &address).unwrap(),
            method: PaymentMethod::token(token),
            backorder: BackorderChoice::Refused,
        };
        let handle = self.runtime.handle();
        let caller = caller.within(Duration::from_secs(600));
        handle
            .run(&caller, CHECKOUT, FlowId::new(order), request)
            .await
    }

    async fn unit(&self) -> i64 {
        let segment = Segment::Standard;
        let quote = QuotePrice {
            sku: sku(),
            segment,
            held: None,
        };
        self.ask(quote).await.unwrap().unit.minor()
    }

    async fn close(self) {
        assert!(self.runtime.work_list().unwrap().is_empty());
        self.runtime.stop().await.unwrap();
    }
}

fn sku() -> Sku {
    Sku::new("tea").unwrap()
}

fn gbp(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

fn code() -> CouponCode {
    CouponCode::new("TENTH").unwrap()
}

fn cart_of(who: &str, units: u32) -> Cart {
    let mut cart = Cart::new(CartId::new("cart").unwrap(), CustomerId::new(who).unwrap());
    let quantity = Quantity::new(units).unwrap();
    cart.add(CartLine {
        sku: sku(),
        quantity,
        held: None,
    })
    .unwrap();
    cart
}

fn with_coupon(who: &str, units: u32) -> Cart {
    let mut cart = cart_of(who, units);
    cart.add_coupon(code()).unwrap();
    cart
}

async fn settle() {
    tokio::time::sleep(Duration::from_secs(30)).await;
}

/// Catches: a coupon that takes nothing off, one whose use is not taken, and one that is lost with a
/// payment that was declined or an order that was cancelled.
#[tokio::test(start_paused = true)]
async fn a_coupon_is_taken_at_the_checkout_and_given_back_on_cancel() {
    let town = Town::open().await;
    town.issue(1).await;
    let declined = town.check_out("o1", with_coupon("ada", 3), InProcessPayments::DECLINED);
    assert!(declined.await.is_err());
    settle().await;
    assert!(town.usable().await, "the declined payment gave it back");
    let receipt = town
        .check_out("o2", with_coupon("ada", 3), "tok_good")
        .await
        .unwrap();
    assert_eq!(receipt.priced.discount, gbp(300));
    assert_eq!(receipt.priced.lines[0].net, gbp(2_700));
    assert!(!town.usable().await);
    let refused = town
        .check_out("o3", with_coupon("bob", 1), "tok_good")
        .await;
    let used_up = PricingRejection::CouponUsedUp(code());
    assert!(
        matches!(refused, Err(RunError::Failed(CheckoutError::Pricing(ref it))) if *it == used_up)
    );
    let order = OrderId::new("o2").unwrap();
    let reason = CancelReason::Customer;
    if town.ask(CancelOrder { order, reason }).await.is_ok() {
        settle().await;
        assert!(town.usable().await, "the cancelled order gave it back");
    }
    town.close().await;
}

/// Catches: a cart that was quoted and costs something else at the checkout, a quote that a second
/// order takes, and one that a stranger does.
#[tokio::test(start_paused = true)]
async fn a_locked_quote_is_what_the_order_costs() {
    let town = Town::open().await;
    town.issue(5).await;
    let id = QuoteId::new("q1").unwrap();
    let mut cart = with_coupon("ada", 2);
    let locked = town.lock(&cart, &id).await.unwrap();
    assert_eq!((locked.discount, locked.total), (gbp(200), gbp(1_800)));
    cart.hold_quote(id.clone());
    let adjust = AdjustStrategy {
        sku: sku(),
        adjustment: BasisPoints::new(500),
        reason: PriceReason::LowStock,
    };
    town.ask(adjust).await.unwrap();
    let mut stranger = cart_of("eve", 2);
    stranger.hold_quote(id.clone());
    let refused = town.check_out("o1", stranger, "tok_good").await;
    let foreign = PricingRejection::UnknownQuote(id.clone());
    assert!(
        matches!(refused, Err(RunError::Failed(CheckoutError::Pricing(ref it))) if *it == foreign)
    );
    // A payment that is declined gives the quote back.
    let declined = town
        .check_out("o2", cart.clone(), InProcessPayments::DECLINED)
        .await;
    assert!(declined.is_err());
    settle().await;
    let receipt = town
        .check_out("o3", cart.clone(), "tok_good")
        .await
        .unwrap();
    let line = &receipt.priced.lines[0];
    assert_eq!(
        (line.unit, line.discount, line.net),
        (gbp(1_000), gbp(200), gbp(1_800))
    );
    let again = town.check_out("o4", cart, "tok_good").await;
    let taken = PricingRejection::QuoteTaken(id);
    assert!(matches!(again, Err(RunError::Failed(CheckoutError::Pricing(ref it))) if *it == taken));
    town.close().await;
}

/// Catches: late news of a failed order that takes the use of the next order, which took the same
/// quote: what the news gives back is named in the failed order's own quote.
#[tokio::test(start_paused = true)]
async fn a_failed_order_gives_back_its_own_use_of_a_coupon_and_no_other() {
    let town = Town::open().await;
    town.issue(1).await;
    let id = QuoteId::new("q1").unwrap();
    let mut cart = with_coupon("ada", 2);
    town.lock(&cart, &id).await.unwrap();
    cart.hold_quote(id);
    let declined = town
        .check_out("o1", cart.clone(), InProcessPayments::DECLINED)
        .await;
    assert!(declined.is_err());
    settle().await;
    assert!(town.usable().await, "the failed order gave it back");
    town.check_out("o2", cart, "tok_good").await.unwrap();
    let quote = QuoteId::new("o1").unwrap();
    let failed = town.ask(ShowQuote { quote }).await.unwrap();
    assert_eq!(failed.coupons.len(), 1);
    for CouponUse { code, holder } in failed.coupons {
        town.ask(ReleaseCoupon { code, holder }).await.unwrap();
    }
    assert!(!town.usable().await, "the placed order has the use");
    let order = OrderId::new("o2").unwrap();
    let reason = CancelReason::Customer;
    town.ask(CancelOrder { order, reason }).await.unwrap();
    settle().await;
    assert!(town.usable().await, "the cancelled order gave it back");
    town.close().await;
}

/// Catches: a use that its quote holds and that its own order is refused, and one that is taken twice.
#[tokio::test(start_paused = true)]
async fn an_order_takes_over_the_use_that_its_quote_holds() {
    let town = Town::open().await;
    town.issue(1).await;
    let id = QuoteId::new("q1").unwrap();
    let mut cart = with_coupon("ada", 2);
    town.lock(&cart, &id).await.unwrap();
    assert!(!town.usable().await, "the quote holds it");
    cart.hold_quote(id);
    let receipt = town.check_out("o1", cart, "tok_good").await.unwrap();
    assert_eq!(receipt.priced.discount, gbp(200));
    // Longer than a quote lives.
    tokio::time::sleep(HOUR).await;
    assert!(!town.usable().await, "the order holds it for good");
    town.close().await;
}

/// Catches: an order whose prices nobody can explain, and sales that teach nothing.
#[tokio::test(start_paused = true)]
async fn what_was_sold_is_explained_and_learnt_from() {
    let town = Town::open().await;
    let receipt = town
        .check_out("o1", cart_of("ada", 2), "tok_good")
        .await
        .unwrap();
    settle().await;
    let quote = QuoteId::from(&receipt.order);
    let quoted = town.ask(ShowQuote { quote }).await.unwrap();
    assert_eq!(quoted.stage, QuoteStage::Sold(receipt.order));
    let (quote, frozen) = (&quoted.lines[0].line.quote, &receipt.priced.lines[0]);
    assert_eq!(
        (quote.unit, quote.revision),
        (frozen.unit, frozen.price_revision)
    );
    tokio::time::sleep(HOUR * 48).await;
    town.check_out("o2", cart_of("ada", 1), "tok_good")
        .await
        .unwrap();
    settle().await;
    let known = town
        .ask(ShowElasticity { sku: sku() })
        .await
        .unwrap()
        .unwrap();
    assert!(known.periods >= 1, "{known:?}");
    town.close().await;
}

/// Catches: a planned change or a promotion that nobody brings about, and a history that does not
/// hear of it.
#[tokio::test(start_paused = true)]
async fn what_is_planned_comes_by_itself() {
    let town = Town::open().await;
    let (soon, later) = (town.now().plus(HOUR), town.now().plus(HOUR * 2));
    let planned = ChangePrice {
        sku: sku(),
        change: PriceChangeId::new("planned").unwrap(),
        terms: PriceChangeTerms {
            base: gbp(1_100),
            cost: gbp(400),
            advertised_min: None,
            lifecycle: Lifecycle::Regular,
            at: Some(soon),
            reason: PriceReason::Merchant,
        },
    };
    town.ask(planned).await.unwrap();
    let promote = StartPromotion {
        sku: sku(),
        promotion: PromotionId::new("sale").unwrap(),
        terms: PromotionTerms::share(BasisPoints::new(2_000), later, later.plus(HOUR)),
    };
    town.ask(promote).await.unwrap();
    let mut asked = vec![town.unit().await];
    for _ in 0..3 {
        tokio::time::sleep(HOUR + Duration::from_secs(1)).await;
        asked.push(town.unit().await);
    }
    assert_eq!(asked, [1_000, 1_100, 880, 1_100]);
    let shown = town.ask(ShowShelfPrice { sku: sku() }).await.unwrap();
    assert_eq!(shown.lowest_30_days, gbp(880));
    assert_eq!(shown.before, None, "the reduction is over");
    town.close().await;
}

/// Catches: a feed that nobody asks, and prices that are taken in and move nothing.
#[tokio::test(start_paused = true)]
async fn a_look_at_the_market_moves_prices() {
    let town = Town::open().await;
    for (name, unit) in [("one", 800), ("two", 820), ("three", 80_000)] {
        let observation = CompetitorObservation {
            source: CompetitorId::new(name).unwrap(),
            unit: gbp(unit),
            seen_at: town.now(),
            confidence: BasisPoints::WHOLE,
        };
        town.feed.see(sku(), observation);
    }
    let watch = MarketWatch { skus: vec![sku()] };
    let handle = town.runtime.handle();
    let caller = Caller::system();
    let look = async |name: &str| {
        let id = FlowId::new(name);
        handle.run(&caller, WATCH_MARKET, id, watch.clone()).await
    };
    let watched = look("monday").await.unwrap();
    assert_eq!(
        watched,
        MarketWatched {
            taken: 3,
            ignored: 0,
            moved: 1
        }
    );
    assert_eq!(town.unit().await, 960, "a fifth of the way to 800");
    let again = look("tuesday").await.unwrap();
    assert_eq!(
        again,
        MarketWatched {
            taken: 0,
            ignored: 3,
            moved: 0
        }
    );
    // Nobody looks any more: when the prices are stale the price goes back by itself.
    tokio::time::sleep(HOUR * 48).await;
    assert_eq!(town.unit().await, 1_000);
    town.close().await;
}
