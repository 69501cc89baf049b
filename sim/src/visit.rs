//! One visit: a shopper's walk through the shop, as requests to it.

mod change;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mercato_actors::runtime::{
    AskError, Caller, FlowError, FlowId, Handle, Principal, RunError, Scope,
};
use mercato_actors::{
    Address, BackorderChoice, BackorderStock, BrowseRequest, CHECKOUT, Cart, CartId, CartLine,
    CartPricingError, Channel, CheckStock, CheckoutError, CheckoutRequest, ConversationId,
    CustomerId, CustomerQuery, Destination, EmailAddress, HeldPrice, InProcessPayments, Inspection,
    Jurisdiction, OrderId, OrderLine, PaymentMethod, PrivateText, Purpose, Quantity, QuoteId,
    QuotePrice, RETURN, RecordConsent, RecordView, ReservationId, ReturnError, ReturnFinding,
    ReturnRequest, Segment, Showcase, Situation, Sku, SupportChannel, add_to_cart, answer_query,
    calculate_total, lock_cart, recommend,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::data::Line;
use crate::error::SimulationError;
use crate::merchant::coupon_of;
use crate::observer::{Acknowledgement, Observer, Outcome, Request};
use crate::shopper::{Action, CatalogueSampler, Shopper, SupportTopic, Walk};
use crate::stocking::Range;

/// How long a shopper waits for a page.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a shopper waits for an order.
const CHECKOUT_PATIENCE: Duration = Duration::from_secs(120);
/// Of a hundred cards so many are declined.
const DECLINED_PERCENT: u32 = 3;
/// Of a hundred shoppers who find a shelf empty so many order ahead.
const WAITS_PERCENT: u32 = 40;
/// Of a hundred shoppers so many wait for what is out of stock.
const BACKORDER_PERCENT: u32 = 15;
/// Of a hundred shoppers so many agree to mail about the shop.
const CONSENT_PERCENT: u32 = 40;
/// Of a hundred shoppers at the checkout so many have a coupon.
const COUPON_PERCENT: u32 = 20;

/// What all visits share.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) handle: Handle,
    pub(crate) range: Range,
    pub(crate) sampler: Arc<CatalogueSampler>,
    pub(crate) observer: Arc<Mutex<Observer>>,
    /// Names that differ between the runs of one store begin with this.
    pub(crate) run: u64,
    /// How much faster than in life shoppers think: 1 and below.
    pub(crate) think_factor: f64,
    /// Whether some wait for what is out of stock. The shop looks for it every few hours, and on the
    /// machine's clock nobody waits for that.
    pub(crate) backorders: bool,
}

pub(crate) struct Visit {
    pub(crate) stage: Stage,
    pub(crate) number: u64,
    pub(crate) shopper: Shopper,
    pub(crate) walk: Walk<ChaCha8Rng>,
    pub(crate) rng: ChaCha8Rng,
    /// An order of an earlier visit, if there was one.
    pub(crate) earlier: Option<Acknowledgement>,
}

/// What a visit gathers on its way.
struct Basket {
    customer: CustomerId,
    caller: Caller,
    cart: Cart,
    wanted: Vec<Line>,
    seen: Vec<Sku>,
    orders: Vec<OrderId>,
    questions: u32,
    /// Whether they wait for what is out of stock.
    waits: bool,
}

/// A request that got no good answer.
enum Unserved {
    /// By the shop's rules.
    Refused,
    /// By a failure, with its reason.
    Failed(String),
}

impl Visit {
    /// Walks to the end of the visit.
    ///
    /// # Errors
    /// Only when the log of acknowledgements cannot be written.
    pub(crate) async fn run(mut self) -> Result<(), SimulationError> {
        let Some(mut basket) = self.enter() else {
            return Ok(());
        };
        if self.rng.random_range(0..100) < CONSENT_PERCENT {
            self.consent(&basket).await;
        }
        let mut had_cart = false;
        while let Some(step) = self.walk.next() {
            let think = Duration::from_millis(step.think_ms).mul_f64(self.stage.think_factor);
            tokio::time::sleep(think).await;
            self.act(step.action, &mut basket).await?;
            had_cart |= !basket.cart.lines().is_empty();
        }
        let mut observer = lock(&self.stage.observer);
        observer.visits += 1;
        observer.carts += u64::from(had_cart);
        observer.buyers += u64::from(!basket.orders.is_empty());
        Ok(())
    }

    fn enter(&mut self) -> Option<Basket> {
        let customer = CustomerId::new(format!("c{}", self.shopper.index)).ok()?;
        // A cart has the name of the order that it becomes.
        let cart = CartId::new(format!("o{}-{}", self.stage.run, self.number)).ok()?;
        Some(Basket {
            caller: Caller::new(Principal::user(customer.as_str())).within(PATIENCE),
            cart: Cart::new(cart, customer.clone()),
            customer,
            wanted: self.stage.sampler.basket(&mut self.rng),
            seen: Vec::new(),
            orders: Vec::new(),
            questions: 0,
            waits: self.rng.random_range(0..100) < BACKORDER_PERCENT && self.stage.backorders,
        })
    }

    async fn act(&mut self, action: Action, basket: &mut Basket) -> Result<(), SimulationError> {
        let request = match action {
            Action::Browse | Action::Search => Request::Recommend,
            Action::ViewProduct | Action::AddToCart => Request::Product,
            Action::ViewCart => Request::Cart,
            Action::Checkout => Request::Checkout,
            Action::AskSupport(_) => Request::Support,
            Action::Return => Request::Return,
        };
        let clock = self.stage.handle.clock();
        let began = clock.elapsed();
        let served = match action {
            Action::Browse | Action::Search => self.browse(basket).await,
            Action::ViewProduct => self.view_product(basket).await,
            Action::AddToCart => self.add_to_cart(basket).await,
            Action::ViewCart => self.view_cart(basket).await,
            Action::Checkout => self.check_out(basket).await?,
            Action::AskSupport(topic) => self.ask_support(topic, basket).await,
            Action::Return => match self.earlier.take() {
                Some(earlier) => self.send_back(earlier).await,
                None => return Ok(()),
            },
        };
        let latency = clock.elapsed().saturating_sub(began);
        self.note(request, latency, served);
        Ok(())
    }

    async fn consent(&self, basket: &Basket) {
        for purpose in [Purpose::FollowUp, Purpose::Offers] {
            let consent = RecordConsent {
                customer: basket.customer.clone(),
                channel: Channel::Email,
                purpose,
                granted: true,
                proof: "the box on the first page".into(),
            };
            // A shopper does not come back to a form that failed.
            let _ = self.stage.handle.ask(&basket.caller, consent).await;
        }
    }

    async fn browse(&self, basket: &mut Basket) -> Result<(), Unserved> {
        let request = BrowseRequest {
            shopper: Some(basket.customer.clone()),
            session: basket.seen.iter().rev().cloned().collect(),
            situation: Situation::default(),
            shelf: Showcase::ForYou,
            limit: 10,
        };
        let workflow = async |scope: &Scope| recommend(scope, request).await;
        let served = self.stage.handle.serve(&basket.caller, workflow).await;
        served.map(drop).map_err(|error| failed(&error))
    }

    async fn view_product(&mut self, basket: &mut Basket) -> Result<(), Unserved> {
        let product = self.stage.sampler.product(&mut self.rng);
        let Some(sku) = self.stage.range.sku(product).cloned() else {
            return Ok(());
        };
        self.price_of(&sku, basket).await?;
        let view = RecordView {
            shopper: basket.customer.clone(),
            sku: sku.clone(),
        };
        let viewed = self.stage.handle.ask(&basket.caller, view).await;
        basket.seen.push(sku);
        viewed.map(drop).map_err(|error| failed(&error))
    }

    /// Stock and price of a product, together.
    async fn price_of(&self, sku: &Sku, basket: &Basket) -> Result<(HeldPrice, u64), Unserved> {
        let (stock, quote) = (
            CheckStock { sku: sku.clone() },
            QuotePrice {
                sku: sku.clone(),
                segment: Segment::Standard,
                held: None,
            },
        );
        let answered = self
            .stage
            .handle
            .serve(&basket.caller, async |scope: &Scope| {
                let (stock, quote) =
                    futures::join!(scope.ask_shared(stock), scope.ask_shared(quote));
                let (stock, quote) = (stock?.into_value(), quote?.into_value());
                Ok::<_, FlowError>((quote.hold(), stock.available))
            })
            .await;
        answered.map_err(|error| failed(&error))
    }

    /// Fills the cart with what the shopper came for, and holds it. What is out of stock stays on the
    /// shelf, unless the shopper waits for it.
    async fn add_to_cart(&mut self, basket: &mut Basket) -> Result<(), Unserved> {
        for line in std::mem::take(&mut basket.wanted) {
            let Some(sku) = self.stage.range.sku(line.product).cloned() else {
                continue;
            };
            let (held, available) = self.price_of(&sku, basket).await?;
            let wanted = line.quantity.min(Quantity::MAX);
            let there = u32::try_from(available).unwrap_or(u32::MAX).min(wanted);
            if basket.waits && there < wanted {
                // What is not there cannot be held; the checkout sends what there is.
                let Ok(quantity) = Quantity::new(wanted) else {
                    continue;
                };
                let line = CartLine {
                    sku,
                    quantity,
                    held: Some(held),
                };
                basket.cart.add(line).map_err(|error| failed(&error))?;
            } else if let Ok(quantity) = Quantity::new(there) {
                self.hold_in_cart(sku, quantity, basket).await?;
            } else {
                self.wait_for(&sku, line.quantity).await?;
            }
        }
        Ok(())
    }

    async fn hold_in_cart(
        &self,
        sku: Sku,
        quantity: Quantity,
        basket: &mut Basket,
    ) -> Result<(), Unserved> {
        let cart = basket.cart.clone();
        let workflow =
            async |scope: &Scope| add_to_cart(scope, &cart, sku, quantity, Segment::Standard).await;
        match self.stage.handle.serve(&basket.caller, workflow).await {
            Ok((cart, _)) => basket.cart = cart,
            // Somebody else was quicker.
            Err(CartPricingError::Stock { .. }) => {}
            Err(error) => return Err(failed(&error)),
        }
        Ok(())
    }

    /// Some of those who find a shelf empty order ahead.
    async fn wait_for(&mut self, sku: &Sku, units: u32) -> Result<(), Unserved> {
        let (Ok(quantity), true) = (
            Quantity::new(units),
            self.rng.random_range(0..100) < WAITS_PERCENT,
        ) else {
            return Ok(());
        };
        let name = format!("w{}-{}", self.stage.run, self.number);
        let backorder = BackorderStock {
            sku: sku.clone(),
            reservation: ReservationId::new(name).map_err(|error| failed(&error))?,
            quantity,
        };
        // The shop puts them down on its list, in its own name.
        let shop = Caller::system().within(PATIENCE);
        match self.stage.handle.ask(&shop, backorder).await {
            // More than may be ordered ahead is an answer too.
            Ok(_) | Err(AskError::Rejected(_)) => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn view_cart(&self, basket: &Basket) -> Result<(), Unserved> {
        let workflow =
            async |scope: &Scope| calculate_total(scope, &basket.cart, Segment::Standard).await;
        let served = self.stage.handle.serve(&basket.caller, workflow).await;
        served.map(drop).map_err(|error| failed(&error))
    }

    async fn check_out(
        &mut self,
        basket: &mut Basket,
    ) -> Result<Result<(), Unserved>, SimulationError> {
        if basket.cart.lines().is_empty() {
            // Everything the shopper came for was sold out.
            return Ok(Err(Unserved::Refused));
        }
        if basket.orders.is_empty() {
            self.lock_with_coupon(basket).await;
        }
        let Some(request) = self.checkout_request(basket) else {
            return Ok(Err(Unserved::Failed("the order cannot be named".into())));
        };
        let caller = basket.caller.clone().within(CHECKOUT_PATIENCE);
        let id = FlowId::new(request.order.as_str());
        let receipt = match self.stage.handle.run(&caller, CHECKOUT, id, request).await {
            Ok(receipt) => receipt,
            Err(RunError::Failed(
                CheckoutError::Stock { .. }
                | CheckoutError::PaymentDeclined(_)
                | CheckoutError::PaymentUnresolved,
            )) => return Ok(Err(Unserved::Refused)),
            Err(error) => return Ok(Err(failed(&error))),
        };
        let again = basket.orders.contains(&receipt.order);
        basket.orders.push(receipt.order.clone());
        if again {
            // The same cart is the same order, and was acknowledged.
            return Ok(Ok(()));
        }
        let lines = basket.cart.lines().iter();
        let acknowledgement = Acknowledgement {
            order: receipt.order,
            shopper: self.shopper.index,
            total_minor: receipt.priced.total.minor(),
            lines: lines
                .map(|line| (line.sku.clone(), line.quantity))
                .collect(),
            revision: 1,
        };
        lock(&self.stage.observer).acknowledge(acknowledgement.clone())?;
        self.think_again(acknowledgement, basket).await?;
        Ok(Ok(()))
    }

    /// Some shoppers have a coupon: they type it in and are quoted the whole cart. One that cannot be
    /// used is taken out again.
    async fn lock_with_coupon(&mut self, basket: &mut Basket) {
        if self.rng.random_range(0..100) >= COUPON_PERCENT {
            return;
        }
        let quote = QuoteId::new(format!("q{}-{}", self.stage.run, self.number)).ok();
        let (Some(code), Some(quote)) = (coupon_of(self.stage.run), quote) else {
            return;
        };
        let mut cart = basket.cart.clone();
        if cart.add_coupon(code).is_err() {
            return;
        }
        let locking =
            async |scope: &Scope| lock_cart(scope, &cart, Segment::Standard, quote.clone()).await;
        match self.stage.handle.serve(&basket.caller, locking).await {
            Ok(_) => {
                cart.hold_quote(quote);
                basket.cart = cart;
            }
            Err(_) => lock(&self.stage.observer).coupons_refused += 1,
        }
    }

    /// Notes how a request came out.
    fn note(&self, request: Request, latency: Duration, served: Result<(), Unserved>) {
        let mut observer = lock(&self.stage.observer);
        match served {
            Ok(()) => observer.answered(request, latency, Outcome::Served),
            Err(Unserved::Refused) => observer.answered(request, latency, Outcome::Refused),
            Err(Unserved::Failed(reason)) => {
                observer.answered(request, latency, Outcome::Failed);
                observer.failed_because(request, &reason);
            }
        }
    }

    fn checkout_request(&mut self, basket: &Basket) -> Option<CheckoutRequest> {
        let declined = self.rng.random_range(0..100) < DECLINED_PERCENT;
        let token = if declined {
            InProcessPayments::DECLINED
        } else {
            "tok_good"
        };
        let country = Jurisdiction::new(country_code(self.shopper.jurisdiction)).ok()?;
        let email = EmailAddress::new(self.shopper.email.as_str()).ok()?;
        let name = format!("Shopper {}", self.shopper.index);
        let address = Address::new(&name, "1 Market Street", "London", "N1 1AA", country).ok()?;
        let (person, sealer) = (basket.customer.person().ok()?, self.stage.handle.sealer());
        Some(CheckoutRequest {
            order: OrderId::from(basket.cart.id()),
            cart: basket.cart.clone(),
            segment: Segment::Standard,
            email: sealer.seal(&person, &email).ok()?,
            address: Destination::seal(&sealer, &person, &address).ok()?,
            method: PaymentMethod::token(token),
            backorder: match basket.waits {
                true => BackorderChoice::Accepted,
                false => BackorderChoice::Refused,
            },
        })
    }

    async fn ask_support(
        &mut self,
        topic: SupportTopic,
        basket: &mut Basket,
    ) -> Result<(), Unserved> {
        basket.questions += 1;
        let product = self.stage.sampler.product(&mut self.rng);
        let earlier = self.earlier.as_ref().map(|earlier| earlier.order.clone());
        let name = format!("v{}-{}", self.stage.run, self.number);
        let query = CustomerQuery {
            conversation: ConversationId::new(name).map_err(|error| failed(&error))?,
            text: PrivateText::new(question(topic, self.stage.range.name(product))),
            order: basket.orders.last().cloned().or(earlier),
            product: self.stage.range.sku(product).cloned(),
            channel: SupportChannel::Chat,
        };
        let workflow = async |scope: &Scope| answer_query(scope, query).await;
        let served = self.stage.handle.serve(&basket.caller, workflow).await;
        served.map(drop).map_err(|error| failed(&error))
    }

    async fn send_back(&mut self, earlier: Acknowledgement) -> Result<(), Unserved> {
        let Some((sku, quantity)) = earlier.lines.into_iter().next() else {
            return Ok(());
        };
        let units = quantity.get();
        let damaged = match self.rng.random_range(0..10) {
            0 => self.rng.random_range(1..=units),
            _ => 0,
        };
        let found = ReturnFinding {
            sku: sku.clone(),
            resaleable: units - damaged,
            damaged,
        };
        let request = ReturnRequest {
            order: earlier.order.clone(),
            lines: vec![OrderLine { sku, quantity }],
            found: Inspection::Findings(vec![found]),
        };
        // The shopper sends the parcel, and the warehouse opens it.
        let caller = Caller::new(Principal::Operator("warehouse".into())).within(CHECKOUT_PATIENCE);
        let id = FlowId::new(format!("{}/{}", earlier.order, self.number));
        match self.stage.handle.run(&caller, RETURN, id, request).await {
            Ok(_) => Ok(()),
            Err(RunError::Failed(ReturnError::Order(_))) => Err(Unserved::Refused),
            Err(error) => Err(failed(&error)),
        }
    }
}

fn failed(error: &dyn std::fmt::Display) -> Unserved {
    Unserved::Failed(error.to_string())
}

/// The observer's lock is held for a few instructions and never across an await.
pub(crate) fn lock(observer: &Mutex<Observer>) -> std::sync::MutexGuard<'_, Observer> {
    observer.lock().unwrap_or_else(PoisonError::into_inner)
}

fn country_code(jurisdiction: crate::shopper::Jurisdiction) -> &'static str {
    use crate::shopper::Jurisdiction as J;
    match jurisdiction {
        J::Uk => "GB",
        J::Eea => "DE",
        J::Us => "US",
        J::Other => "AU",
    }
}

fn question(topic: SupportTopic, product: Option<&str>) -> String {
    let product = product.unwrap_or("this product");
    match topic {
        SupportTopic::OrderStatus => "Where is my order?".into(),
        SupportTopic::ChangeOrder => "Can I change my order?".into(),
        SupportTopic::ProductQuestion => format!("Tell me about the {product}, is it in stock?"),
        SupportTopic::TechnicalIssue => "The site shows an error when I log in".into(),
        SupportTopic::GeneralQuestion => "How long does delivery take?".into(),
    }
}
