//! One shopper: a script that asks again, under the same key, for whatever had no answer.

use std::error::Error;
use std::time::Duration;

use mercato_actors::runtime::{
    AskFailure, Caller, CommandId, FlowError, FlowId, Principal, RunError, Scope,
};
use mercato_actors::{
    Address, BackorderChoice, CHECKOUT, CancelLine, CancelReason, Cart, CartId, CartPricingError,
    Channel, CheckStock, CheckoutReceipt, CheckoutRequest, ConversationId, CustomerId,
    CustomerQuery, Destination, EmailAddress, InProcessPayments, Inspection, Jurisdiction,
    ORDER_CHANGE, OrderChangeRequest, OrderId, OrderLine, PaymentMethod, PrivateText, Purpose,
    Quantity, QuotePrice, RETURN, RecordConsent, ReturnFinding, ReturnRequest, Segment, Sku,
    SupportChannel, add_to_cart, answer_query,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::ShopScene;
use super::plan::Rush;
use crate::lives::{Stage, Unserved, is_worth_asking_again};
use crate::observer::Acknowledgement;

/// How long a shopper waits for a page.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a shopper waits for an order.
const CHECKOUT_PATIENCE: Duration = Duration::from_secs(60);

/// Of a hundred shoppers so many do this.
const DECLINED_PERCENT: u32 = 4;
const CONSENT_PERCENT: u32 = 40;
/// Of a hundred who agreed to be written to.
const TAKES_BACK_PERCENT: u32 = 25;
const ASKS_PERCENT: u32 = 15;
const WAITS_PERCENT: u32 = 15;
const CHANGES_PERCENT: u32 = 12;
const CANCELS_PERCENT: u32 = 6;
const RETURNS_PERCENT: u32 = 10;

/// What a request came to that was answered: good, or refused in words.
type Answer<T> = Result<T, String>;

struct Visit<'a> {
    scene: &'a ShopScene,
    stage: &'a Stage,
    number: u32,
    rng: ChaCha8Rng,
    customer: CustomerId,
    caller: Caller,
}

/// Visits the shop.
pub(super) async fn visit(scene: &ShopScene, stage: &Stage, number: u32) {
    let rng = stage.rng(&format!("visit {number}"));
    let Ok(customer) = CustomerId::new(format!("c{number}")) else {
        return;
    };
    let caller = Caller::new(Principal::user(customer.as_str())).within(PATIENCE);
    let mut visit = Visit {
        scene,
        stage,
        number,
        rng,
        customer,
        caller,
    };
    visit.arrive().await;
    visit.shop().await;
}

impl Visit<'_> {
    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    fn key(&self, what: impl std::fmt::Display) -> String {
        format!("v{}/{what}", self.number)
    }

    fn keyed(&self, key: &str) -> Caller {
        self.caller.clone().keyed(CommandId::from_key(key))
    }

    async fn arrive(&mut self) {
        let share: f64 = match self.scene.plan.rush {
            Rush::At(at) if self.rng.random() => at + self.rng.random::<f64>() / 20.0,
            _ => self.rng.random(),
        };
        let at = self.scene.plan.open_for.mul_f64(share.min(1.0));
        self.stage.until(at).await;
    }

    /// Thinks; in a later life, only for what is left of it.
    async fn think(&mut self, what: &str) {
        let think = self
            .scene
            .plan
            .think_max
            .mul_f64(self.rng.random::<f64>().powi(2));
        let key = self.key(format_args!("{what}/since"));
        let since = self.stage.note(&key, || self.stage.now());
        self.stage.until(since + think).await;
    }

    fn product(&mut self) -> Option<Sku> {
        let hot = self.chance(self.scene.plan.hot_percent);
        let products = self.scene.skus.len();
        let place = if hot {
            0
        } else {
            self.rng.random_range(0..products)
        };
        self.scene.sku(place).cloned()
    }

    async fn shop(&mut self) {
        if self.chance(CONSENT_PERCENT) {
            self.consent().await;
        }
        for look in 0..self.rng.random_range(0..=2) {
            if let Some(sku) = self.product() {
                self.look(look, &sku).await;
                self.think("look").await;
            }
        }
        if !self.chance(self.scene.plan.fills_percent) {
            return;
        }
        let Some(cart) = self.fill_cart().await else {
            return;
        };
        self.think("cart").await;
        if self.chance(self.scene.plan.abandons_percent) {
            return;
        }
        if self.chance(ASKS_PERCENT) {
            self.ask_support(None).await;
        }
        let Some((order, lines)) = self.check_out(&cart).await else {
            return;
        };
        self.think("order").await;
        let drawn = self.rng.random_range(0..100);
        if drawn < CHANGES_PERCENT {
            self.change(&order, lines).await;
        } else if drawn < CHANGES_PERCENT + CANCELS_PERCENT {
            self.cancel_line(&order, &lines).await;
        } else if drawn < CHANGES_PERCENT + CANCELS_PERCENT + RETURNS_PERCENT {
            self.send_back(&order, &lines).await;
        } else if self.chance(ASKS_PERCENT) {
            self.ask_support(Some(order)).await;
        }
    }

    fn email(&self) -> Option<EmailAddress> {
        EmailAddress::new(format!("c{}@example.com", self.number)).ok()
    }

    /// Agrees to be written to; some take it back before they buy anything, so that there was nothing to
    /// write to them about before.
    async fn consent(&mut self) {
        let Some(email) = self.email() else {
            return;
        };
        let takes_back = self.chance(TAKES_BACK_PERCENT);
        // Whatever the shop answers, it may have heard.
        self.scene.memory.remembered().agreed.insert(email.clone());
        self.decides("consent", true).await;
        if takes_back && self.decides("consent/back", false).await {
            self.scene.memory.remembered().agreed.remove(&email);
        }
    }

    /// Gives whether the shop took note.
    async fn decides(&self, what: &str, granted: bool) -> bool {
        let consent = RecordConsent {
            customer: self.customer.clone(),
            channel: Channel::Email,
            purpose: Purpose::FollowUp,
            granted,
            proof: "the box on the first page".into(),
        };
        let key = self.key(what);
        let noted = self.stage.ask(&key, &self.caller, consent).await;
        noted.is_ok()
    }

    async fn look(&self, look: u32, sku: &Sku) {
        let key = self.key(format_args!("look/{look}"));
        let ask = async || {
            let page = async |scope: &Scope| {
                let stock = CheckStock { sku: sku.clone() };
                let quote = QuotePrice {
                    sku: sku.clone(),
                    segment: Segment::Standard,
                    held: None,
                };
                let stock = scope.ask_shared(stock).await?.into_value();
                let quote = scope.ask_shared(quote).await?.into_value();
                Ok::<_, FlowError>((stock.available, quote.unit))
            };
            match self.stage.handle.serve(&self.keyed(&key), page).await {
                Ok(shown) => Ok(Ok(shown)),
                Err(FlowError::Failed(failure)) => self.again(&key, &failure),
                Err(error) => Ok(Err(self.refused(&key, &error))),
            }
        };
        let _: Answer<_> = self.stage.recall(&key, ask).await;
    }

    async fn fill_cart(&mut self) -> Option<Cart> {
        let id = CartId::new(format!("o{}", self.number)).ok()?;
        let mut cart = Cart::new(id, self.customer.clone());
        for line in 0..self.rng.random_range(1..=2) {
            let sku = self.product()?;
            let units = self.rng.random_range(1..=self.scene.plan.line_units_max);
            let quantity = Quantity::new(units).ok()?;
            let key = self.key(format_args!("add/{line}"));
            let ask = async || {
                let (cart, sku) = (cart.clone(), sku.clone());
                let add = async |scope: &Scope| {
                    add_to_cart(scope, &cart, sku, quantity, Segment::Standard).await
                };
                match self.stage.handle.serve(&self.keyed(&key), add).await {
                    Ok((filled, _)) => Ok(Ok(Told(filled))),
                    Err(CartPricingError::Unserved(failure)) => self.again(&key, &failure),
                    Err(error) => Ok(Err(self.refused(&key, &error))),
                }
            };
            let added: Answer<Told<Cart>> = self.stage.recall(&key, ask).await;
            if let Ok(Told(filled)) = added {
                cart = filled;
            }
            self.think(&format!("add/{line}")).await;
        }
        (!cart.lines().is_empty()).then_some(cart)
    }

    fn request(&mut self, cart: &Cart) -> Option<CheckoutRequest> {
        let token = match self.chance(DECLINED_PERCENT) {
            true => InProcessPayments::DECLINED,
            false => "tok_good",
        };
        let backorder = match self.chance(WAITS_PERCENT) {
            true => BackorderChoice::Accepted,
            false => BackorderChoice::Refused,
        };
        let country = Jurisdiction::new("GB").ok()?;
        let email = self.email()?;
        let name = format!("Shopper {}", self.number);
        let address = Address::new(&name, "1 Market Street", "London", "N1 1AA", country).ok()?;
        let (person, sealer) = (self.customer.person().ok()?, self.stage.handle.sealer());
        Some(CheckoutRequest {
            order: OrderId::from(cart.id()),
            cart: cart.clone(),
            segment: Segment::Standard,
            email: sealer.seal(&person, &email).ok()?,
            address: Destination::seal(&sealer, &person, &address).ok()?,
            method: PaymentMethod::token(token),
            backorder,
        })
    }

    async fn check_out(&mut self, cart: &Cart) -> Option<(OrderId, Vec<OrderLine>)> {
        let request = self.request(cart)?;
        let order = request.order.clone();
        self.scene.memory.remembered().asks_for(&order);
        let since = self.key("checkout/since");
        let site = &self.stage.site;
        let (asked_at, life) = self.stage.note(&since, || (site.clock.now(), site.life));
        // Where the clock was set back since, the shop went by what it read then.
        let asked_at = site.witness.earliest_since(life, asked_at);
        let caller = self.caller.clone().within(CHECKOUT_PATIENCE);
        let key = self.key("checkout");
        let ask = async || {
            let id = FlowId::new(order.as_str());
            let run = self
                .stage
                .handle
                .run(&caller, CHECKOUT, id, request.clone());
            self.outcome(&key, Box::pin(run).await)
        };
        let receipt: Answer<CheckoutReceipt> = self.stage.recall(&key, ask).await;
        let receipt = receipt.ok()?;
        let lifetime = self.scene.plan.quote_lifetime;
        for line in &receipt.priced.lines {
            self.stage.must(
                "no price is taken after its quote expired",
                line.quoted_at.plus(lifetime) >= asked_at,
                || {
                    let age = asked_at.since(line.quoted_at).as_secs();
                    format!(
                        "{order}: the price of {} was {age} s old when it was asked for",
                        line.sku
                    )
                },
            );
        }
        let lines = cart.lines().iter();
        self.scene.memory.remembered().acknowledge(Acknowledgement {
            order: order.clone(),
            shopper: u64::from(self.number),
            total_minor: receipt.priced.total.minor(),
            lines: lines
                .map(|line| (line.sku.clone(), line.quantity))
                .collect(),
            revision: 1,
        });
        let lines = cart.lines().iter().map(|line| OrderLine {
            sku: line.sku.clone(),
            quantity: line.quantity,
        });
        Some((order, lines.collect()))
    }

    /// One more of the first product.
    async fn change(&mut self, order: &OrderId, mut lines: Vec<OrderLine>) {
        let Some(first) = lines.first_mut() else {
            return;
        };
        let Ok(more) = Quantity::new(first.quantity.get() + 1) else {
            return;
        };
        first.quantity = more;
        let caller = self.caller.clone().within(CHECKOUT_PATIENCE);
        let key = self.key("change");
        let ask = async || {
            let request = OrderChangeRequest {
                order: order.clone(),
                revision: 1,
                lines: lines.clone(),
                segment: Segment::Standard,
            };
            let id = FlowId::new(format!("{order}/1"));
            let run = self.stage.handle.run(&caller, ORDER_CHANGE, id, request);
            self.outcome(&key, Box::pin(run).await)
        };
        let Ok(receipt) = self.stage.recall(&key, ask).await else {
            return;
        };
        let lines = lines.into_iter().map(|line| (line.sku, line.quantity));
        self.scene.memory.remembered().acknowledge(Acknowledgement {
            order: order.clone(),
            shopper: u64::from(self.number),
            total_minor: receipt.priced.total.minor(),
            lines: lines.collect(),
            revision: receipt.revision,
        });
    }

    async fn cancel_line(&self, order: &OrderId, lines: &[OrderLine]) {
        let [_, .., last] = lines else {
            return;
        };
        let cancel = CancelLine {
            order: order.clone(),
            sku: last.sku.clone(),
            reason: CancelReason::Customer,
        };
        let key = self.key("cancel");
        // Whether it still can be is the shop's to say.
        let _ = self.stage.ask(&key, &self.caller, cancel).await;
    }

    /// Sends the first line back, some time after it came.
    async fn send_back(&mut self, order: &OrderId, lines: &[OrderLine]) {
        let Some(line) = lines.first().cloned() else {
            return;
        };
        let units = line.quantity.get();
        let damaged = self.rng.random_range(0..=units.min(1));
        let found = ReturnFinding {
            sku: line.sku.clone(),
            resaleable: units - damaged,
            damaged,
        };
        let wait = self.scene.plan.change_for + Duration::from_secs(30);
        let since = self.key("return/since");
        let since = self.stage.note(&since, || self.stage.now());
        self.stage.until(since + wait).await;
        // The shopper sends the parcel, and the warehouse opens it.
        let caller = Caller::new(Principal::Operator("warehouse".into())).within(CHECKOUT_PATIENCE);
        let key = self.key("return");
        let ask = async || {
            let request = ReturnRequest {
                order: order.clone(),
                lines: vec![line.clone()],
                found: Inspection::Findings(vec![found.clone()]),
            };
            let id = FlowId::new(format!("{order}/r"));
            let run = self.stage.handle.run(&caller, RETURN, id, request);
            self.outcome(&key, Box::pin(run).await)
        };
        let _ = self.stage.recall(&key, ask).await;
    }

    /// A failure that may mend is no answer; any other is one.
    fn again<T>(&self, key: &str, failure: &AskFailure) -> Result<Answer<T>, Unserved> {
        match is_worth_asking_again(failure) {
            true => Err(Unserved::because(failure)),
            false => Ok(Err(self.refused(key, failure))),
        }
    }

    /// A flow that failed has come to an end; one whose end is not known has not.
    fn outcome<T, E: Error + 'static>(
        &self,
        key: &str,
        ran: Result<T, RunError<E>>,
    ) -> Result<Answer<T>, Unserved> {
        match ran {
            Ok(output) => Ok(Ok(output)),
            Err(RunError::Failed(error)) => Ok(Err(self.refused(key, &error))),
            Err(RunError::Unserved(failure)) => self.again(key, &failure),
            Err(error) => Ok(Err(self.refused(key, &error))),
        }
    }

    /// Whoever is refused is told in words.
    fn refused(&self, key: &str, error: &(dyn Error + 'static)) -> String {
        self.stage.refused(key, error);
        error.to_string()
    }

    async fn ask_support(&mut self, order: Option<OrderId>) {
        let product = self.product();
        let Ok(conversation) = ConversationId::new(format!("talk{}", self.number)) else {
            return;
        };
        let key = self.key(format_args!("support/{}", order.is_some()));
        let ask = async || {
            let query = CustomerQuery {
                conversation: conversation.clone(),
                text: PrivateText::new("Where is my order?".to_owned()),
                order: order.clone(),
                product: product.clone(),
                channel: SupportChannel::Chat,
            };
            let talk = async |scope: &Scope| answer_query(scope, query).await;
            let answered = self.stage.handle.serve(&self.keyed(&key), talk).await;
            // What support cannot look up it says, and asking again is what people do.
            Ok(answered
                .map(drop)
                .map_err(|error| self.refused(&key, &error)))
        };
        let _: Answer<()> = self.stage.recall(&key, ask).await;
    }
}

/// What is remembered and not shown.
#[derive(Clone)]
struct Told<T>(T);

impl<T> std::fmt::Debug for Told<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("done")
    }
}
