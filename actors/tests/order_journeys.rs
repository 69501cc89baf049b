//! The journeys between the agents, on a whole shop in virtual time.

// Helpers stand outside the test functions, where clippy takes no test for one.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use mercato_actors::*;
use mercato_runtime::persistence::{DiskPace, JournalOptions, RedbJournal, WriterPlace};
use mercato_runtime::{
    Caller, Clock, Command, Entropy, FlowId, Principal, Rejection, RunError, Runtime,
    RuntimeBuilder, Timestamp,
};

struct Disk;

impl DiskPace for Disk {
    fn commit_time(&mut self, _: usize) -> Duration {
        Duration::from_millis(2)
    }
}

/// A gateway that, once asked to, does what it is told and loses the answer.
struct Forgetful {
    gateway: InProcessPayments,
    authorisation: AtomicBool,
    capture: AtomicBool,
}

fn tell<T>(forget: &AtomicBool, answer: Result<T, PaymentError>) -> Result<T, PaymentError> {
    if forget.swap(false, Ordering::Relaxed) {
        return Err(PaymentError::Unknown);
    }
    answer
}

impl Payments for Forgetful {
    fn authorise<'a>(
        &'a self,
        request: &'a AuthoriseRequest,
    ) -> BoxFuture<'a, Result<Authorisation, PaymentError>> {
        async move { tell(&self.authorisation, self.gateway.authorise(request).await) }.boxed()
    }

    fn capture<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>> {
        async move { tell(&self.capture, self.gateway.capture(key, request).await) }.boxed()
    }

    fn void<'a>(
        &'a self,
        key: &'a str,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<VoidOutcome, PaymentError>> {
        self.gateway.void(key, payment)
    }

    fn refund<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>> {
        self.gateway.refund(key, request)
    }

    fn lookup<'a>(
        &'a self,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<Option<PaymentRecord>, PaymentError>> {
        self.gateway.lookup(payment)
    }
}

struct Town {
    runtime: Runtime,
    payments: Arc<Forgetful>,
}

impl Town {
    async fn open() -> Self {
        let product = |sku: &str| Product {
            sku: self::sku(sku),
            name: sku.into(),
            description: "to drink".into(),
            category: "drinks".into(),
            base_price: Money::new(1_000, Currency::GBP),
            cost: Money::new(400, Currency::GBP),
        };
        let catalogue = Catalogue::new([product("tea"), product("coffee")]).unwrap();
        let payments = Arc::new(Forgetful {
            gateway: InProcessPayments::new(LedgerOptions::default()),
            authorisation: AtomicBool::new(false),
            capture: AtomicBool::new(false),
        });
        let ports = Ports {
            payments: payments.clone(),
            carrier: Arc::new(InProcessCarrier::new(LedgerOptions::default())),
            mail: Arc::new(InProcessMail::new(LedgerOptions::default())),
            procurement: Arc::new(InProcessProcurement::new(
                SupplierHabits::default(),
                LedgerOptions::default(),
            )),
            competitors: Arc::new(InProcessCompetitors::new()),
        };
        let place = WriterPlace::Task(Box::new(Disk));
        let journal = RedbJournal::in_memory(JournalOptions::default(), place).unwrap();
        let builder: RuntimeBuilder = Runtime::builder(Arc::new(journal))
            .clock(Clock::starting_at(Timestamp::from_millis(1_000_000_000)))
            .entropy(Entropy::seeded(7));
        let runtime = Shop::new(Arc::new(catalogue))
            .open(builder, &ports)
            .start()
            .await
            .unwrap();
        let town = Self { runtime, payments };
        for name in ["tea", "coffee"] {
            let quantity = Quantity::new(20).unwrap();
            let sku = sku(name);
            town.ask(ReceiveStock { sku, quantity }).await.unwrap();
        }
        town
    }

    async fn ask<C: Command>(&self, command: C) -> Result<C::Reply, Rejection<C>>
    where
        Rejection<C>: std::fmt::Debug,
    {
        let answer = self.runtime.handle().ask(&Caller::system(), command).await;
        answer.map_err(|error| error.rejection().cloned().unwrap())
    }

    async fn check_out(
        &self,
        lines: &[(&str, u32)],
        token: &str,
    ) -> Result<CheckoutReceipt, RunError<CheckoutError>> {
        let mut cart = Cart::new(
            CartId::new("cart").unwrap(),
            CustomerId::new("ada").unwrap(),
        );
        for (name, units) in lines {
            cart.add(CartLine {
                sku: sku(name),
                quantity: Quantity::new(*units).unwrap(),
                held: None,
            })
            .unwrap();
        }
        let (person, sealer) = (
            cart.customer().person().unwrap(),
            self.runtime.handle().sealer(),
        );
        let email = EmailAddress::new("ada@example.com").unwrap();
        let address = Address::new("Ada", "1 Lane", "London", "N1", Jurisdiction::GB).unwrap();
        let request = CheckoutRequest {
            order: order(),
            cart,
            segment: Segment::Standard,
            email: sealer.seal(&person, &email).unwrap(),
            address: Destination::seal(&sealer, &person, &address).unwrap(),
            method: PaymentMethod::token(token),
        };
        let caller = Caller::new(Principal::user("ada")).within(Duration::from_secs(600));
        let id = FlowId::new(order().as_str());
        let handle = self.runtime.handle();
        handle.run(&caller, CHECKOUT, id, request).await
    }

    async fn until(&self, phase: OrderPhase) -> OrderView {
        for _ in 0..1_000 {
            let view = self.ask(OrderStatus { order: order() }).await.unwrap();
            if view.phase == phase {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the order never became {phase}");
    }

    async fn balances(&self, name: &str) -> Balances {
        let levels = self.ask(CheckStock { sku: sku(name) }).await.unwrap();
        levels.balances
    }

    fn payment(&self) -> Option<PaymentRecord> {
        let mut ledger = self.payments.gateway.ledger();
        assert_eq!(ledger.double_charges_refused, 0);
        ledger.payments.remove(&PaymentId::from(&order()))
    }

    async fn close(self) {
        assert!(self.runtime.work_list().unwrap().is_empty());
        self.runtime.stop().await.unwrap();
    }
}

fn sku(name: &str) -> Sku {
    Sku::new(name).unwrap()
}

fn order() -> OrderId {
    OrderId::new("o-1").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_checkout_ends_with_a_parcel_and_the_money() {
    let town = Town::open().await;
    let lines = [("tea", 2), ("coffee", 1)];
    let receipt = town.check_out(&lines, "tok").await.unwrap();
    let view = town.until(OrderPhase::Captured).await;
    assert!(view.tracking.is_some());
    assert_eq!(view.captured, Some(receipt.priced.total));
    let paid = town.payment().unwrap();
    assert_eq!(paid.captured, Some(receipt.priced.total));
    let tea = town.balances("tea").await;
    assert_eq!((tea.on_hand, tea.shipped, tea.reserved), (18, 2, 0));

    let request = ReturnRequest {
        order: order(),
        lines: view.lines,
        found: Inspection::Goods(Condition::Resaleable),
    };
    let handle = town.runtime.handle();
    let caller = Caller::system();
    let outcome = handle
        .run(&caller, RETURN, FlowId::new("r-1"), request)
        .await;
    assert_eq!(outcome, Ok(ReturnOutcome::Refunded(receipt.priced.total)));
    assert_eq!(town.payment().unwrap().refunded, Some(receipt.priced.total));
    town.until(OrderPhase::Refunded).await;
    assert_eq!(town.balances("tea").await.on_hand, 20);
    town.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_declined_payment_gives_everything_back() {
    let town = Town::open().await;
    let lines = [("tea", 2), ("coffee", 1)];
    let refused = town.check_out(&lines, InProcessPayments::DECLINED).await;
    assert_eq!(
        refused.unwrap_err(),
        RunError::Failed(CheckoutError::PaymentDeclined(DeclineReason::Issuer))
    );
    let view = town.until(OrderPhase::Cancelled).await;
    assert_eq!(view.cancelled, Some(CancelReason::CheckoutFailed));
    assert_eq!(town.balances("tea").await.reserved, 0);
    assert_eq!(town.balances("coffee").await.reserved, 0);
    town.close().await;
}

#[tokio::test(start_paused = true)]
async fn one_line_out_of_stock_releases_the_others() {
    let town = Town::open().await;
    let refused = town.check_out(&[("tea", 2), ("coffee", 21)], "tok").await;
    assert!(matches!(
        refused.unwrap_err(),
        RunError::Failed(CheckoutError::Stock {
            rejection: InventoryRejection::OutOfStock { available: 20, .. },
            ..
        })
    ));
    town.until(OrderPhase::Cancelled).await;
    assert_eq!(town.balances("tea").await.reserved, 0);
    assert_eq!(town.payment(), None);
    town.close().await;
}

#[tokio::test(start_paused = true)]
async fn lost_answers_are_looked_up_and_money_moves_once() {
    let town = Town::open().await;
    town.payments.authorisation.store(true, Ordering::Relaxed);
    town.payments.capture.store(true, Ordering::Relaxed);
    let receipt = town.check_out(&[("tea", 1)], "tok").await.unwrap();
    let view = town.until(OrderPhase::Captured).await;
    assert_eq!(view.captured, Some(receipt.priced.total));
    assert_eq!(town.payment().unwrap().captured, Some(receipt.priced.total));
    town.close().await;
}

#[tokio::test(start_paused = true)]
async fn low_stock_raises_the_price_until_more_arrives() {
    let town = Town::open().await;
    town.check_out(&[("tea", 16)], "tok").await.unwrap();
    town.until(OrderPhase::Captured).await;
    let price = async || {
        let quote = QuotePrice {
            sku: sku("tea"),
            segment: Segment::Standard,
            held: None,
        };
        town.ask(quote).await.unwrap().unit.minor()
    };
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(price().await, 1_050);
    assert!(town.balances("tea").await.incoming > 0);
    tokio::time::sleep(Duration::from_secs(86_400 * 60)).await;
    assert_eq!(price().await, 1_000);
    assert!(town.balances("tea").await.available() > 5);
    town.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_cart_is_priced_and_an_order_says_how_it_can_change() {
    let town = Town::open().await;
    let mut cart = Cart::new(
        CartId::new("cart").unwrap(),
        CustomerId::new("ada").unwrap(),
    );
    cart.add(CartLine {
        sku: sku("tea"),
        quantity: Quantity::new(3).unwrap(),
        held: None,
    })
    .unwrap();
    let handle = town.runtime.handle();
    let caller = Caller::new(Principal::user("ada"));
    let priced = handle
        .serve(&caller, async |scope| {
            price_cart(scope, &cart, Segment::Standard).await
        })
        .await
        .unwrap();
    assert_eq!(priced.total, Some(Money::new(3_000, Currency::GBP)));
    town.check_out(&[("tea", 1)], "tok").await.unwrap();
    town.until(OrderPhase::Captured).await;
    let options = handle
        .serve(&caller, async |scope| {
            modification_options(scope, order()).await
        })
        .await;
    assert_eq!(
        options,
        Ok(ModificationOptions::TooLate {
            phase: OrderPhase::Captured
        })
    );
    town.close().await;
}
