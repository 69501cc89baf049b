//! From a cart to a placed order: durable, and undone as a whole when it cannot be finished.

use std::time::Duration;

use futures::future::join_all;
use mercato_runtime::{
    ActivityErrorKind, AskError, Flow, FlowError, FlowType, Personal, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::activities::{AUTHORISE, VOID};
use super::hold::{Held, LineStock, hold_line};
use super::quote::quote_order;
use super::settle::{look_up, outcome_of};
use crate::domain::{Cart, Destination, EmailAddress, Money, OrderId, PaymentId, Quantity, Sku};
use crate::inventory::{ConfirmReservation, InventoryRejection};
use crate::order::{
    AbandonCheckout, AgreeTerms, CancelOrder, CancelReason, OrderDetails, OrderLine,
    OrderRejection, PaymentOutcome, PlaceOrder, PriceOrder, PricedOrder, ReceiveOrder,
    RecordAuthorisation, StockHold,
};
use crate::ports::{AuthoriseRequest, DeclineReason, PaymentMethod};
use crate::pricing::{PricingRejection, Segment};

/// How long a checkout may take; what is not placed by then is undone.
const BUDGET: Duration = Duration::from_secs(300);

/// The flow from a cart to a placed order. Name each instance after its order: the name is the
/// idempotency key of the placement. The same request under it gets the first answer, and another one
/// is refused ([`AskFailure::IdReused`](mercato_runtime::AskFailure::IdReused)).
pub const CHECKOUT: FlowType<CheckoutRequest, CheckoutReceipt, CheckoutError> =
    FlowType::new("checkout", OWN_ORDER).within(BUDGET);

/// The checkout as it was: what began as it ends as it. They go when none is on its way any more.
pub(super) const CHECKOUTS_BEFORE: [FlowType<CheckoutRequest, CheckoutReceipt, CheckoutError>; 2] = [
    FlowType::new("checkout", 4).within(BUDGET),
    FlowType::new("checkout", OWN_NAMES).within(BUDGET),
];

/// The version from which on an order has what its cart and its quote held under a name of its own.
/// Before, it kept it under theirs, so that two orders of one cart had one and the same.
pub(super) const OWN_NAMES: u16 = 5;

/// The version from which on a checkout is named after its order, and gives up no order but its
/// customer's. Before, one that named the order of another customer cancelled it as its undo.
const OWN_ORDER: u16 = 6;

/// What a shopper gives at the checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutRequest {
    /// The name of the order to be. Named after its cart (`OrderId::from(cart.id())`), a cart that is
    /// checked out twice is one order.
    pub order: OrderId,
    /// What is bought, by whom, with the prices to be honoured and what is held.
    pub cart: Cart,
    /// The terms that the customer has. No agent keeps them: whoever runs the shop knows the account, and
    /// says them.
    pub segment: Segment,
    /// Where mail about the order goes, sealed for the cart's customer.
    pub email: Personal<EmailAddress>,
    /// Where the parcel goes, sealed for the same.
    pub address: Destination,
    /// How it is paid.
    pub method: PaymentMethod,
    /// Whether the shopper waits for what is out of stock.
    pub backorder: BackorderChoice,
}

/// What is done about a line that is out of stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum BackorderChoice {
    /// Nothing is ordered.
    #[default]
    Refused,
    /// What there is is sent, and the rest when it comes.
    Accepted,
}

/// The shop's promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutReceipt {
    /// The order.
    pub order: OrderId,
    /// What each line costs, with shipping and tax.
    pub priced: PricedOrder,
    /// What is on backorder, and paid when it is sent.
    pub backordered: Vec<BackorderedLine>,
}

/// Units that were ordered before they are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackorderedLine {
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// When they are promised for.
    pub promised_at: Timestamp,
}

/// Why a checkout came to nothing. Everything it did is undone, or stands on the work list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum CheckoutError {
    /// The order was refused; on validation, with everything that is wrong at once.
    #[error(transparent)]
    Order(OrderRejection),
    /// A product has no price, a coupon cannot be used, or the cart's quote cannot be taken.
    #[error(transparent)]
    Pricing(PricingRejection),
    /// The stock of a product could not be held.
    #[error("sku {sku}: {rejection}")]
    Stock {
        /// The product.
        sku: Sku,
        /// What Inventory said.
        rejection: InventoryRejection,
    },
    /// The payment was declined.
    #[error("payment declined: {0}")]
    PaymentDeclined(DeclineReason),
    /// The gateway could not say what became of the payment; it is voided with everything else, or
    /// the void stands on the work list.
    #[error("the outcome of the payment stayed unknown; it is being voided, order again")]
    PaymentUnresolved,
    /// A step could not be taken.
    #[error("the checkout stopped: {0}")]
    Flow(#[from] FlowError),
    /// The flow has another name than its order, so that the order might have two checkouts.
    #[error("a checkout has the name of its order; start it as `{0}`")]
    Name(OrderId),
}

/// Checks a cart out. That the order may be the shopper's is asked as the shopper; what the shop then
/// finds out (prices, the payment, what is held) no shopper could say of their own.
///
/// # Errors
/// Why the order was not placed.
pub async fn checkout(
    flow: Flow,
    request: CheckoutRequest,
) -> Result<CheckoutReceipt, CheckoutError> {
    validate_order_details(&flow, &request).await?;
    let (held, backordered) = check_inventory(&flow, &request).await?;
    let priced = calculate_pricing(&flow, &request).await?;
    process_payment(&flow, &request, priced.total).await?;
    confirm_inventory(&flow, &held).await?;
    create_order(&flow, &request.order, held).await?;
    Ok(CheckoutReceipt {
        order: request.order,
        priced,
        backordered,
    })
}

async fn validate_order_details(
    flow: &Flow,
    request: &CheckoutRequest,
) -> Result<(), CheckoutError> {
    let order = request.order.clone();
    let customer = request.cart.customer().clone();
    let is_own = |asking: &str| asking == customer.as_str();
    if flow.version() < OWN_ORDER {
        let reason = CancelReason::CheckoutFailed;
        let cancel = CancelOrder { order, reason };
        flow.undo_command("receive", cancel).await?;
    } else if flow.id().as_str() != order.as_str() {
        return Err(CheckoutError::Name(order));
    } else if flow.principal().as_user().is_none_or(is_own) {
        // Whoever orders as somebody else is refused, and leaves nothing to give up.
        let abandon = AbandonCheckout { order, customer };
        flow.undo_command("receive", abandon).await?;
    }
    let lines = request.cart.lines().iter().map(|line| OrderLine {
        sku: line.sku.clone(),
        quantity: line.quantity,
    });
    let receive = ReceiveOrder {
        order: request.order.clone(),
        details: OrderDetails {
            customer: request.cart.customer().clone(),
            email: request.email.clone(),
            lines: lines.collect(),
            address: request.address.clone(),
            method: request.method.clone(),
        },
    };
    flow.ask("receive", receive).await.map_err(of_order)
}

/// Takes over what is held for the cart and holds what is not: whatever lapsed, or was never held.
/// Gives what is held, and what is waited for.
async fn check_inventory(
    flow: &Flow,
    request: &CheckoutRequest,
) -> Result<(Vec<Held>, Vec<BackorderedLine>), CheckoutError> {
    let asked = request.cart.lines().iter();
    let asked = asked.map(|line| hold_line(flow, request, line));
    // Not a try-join: a branch that fails must not leave others behind half asked.
    let answers = join_all(asked).await.into_iter();
    let stock: Vec<LineStock> = answers.collect::<Result<_, _>>()?;
    let (held, waits): (Vec<_>, Vec<_>) = stock
        .into_iter()
        .map(|line| (line.held, line.waits))
        .unzip();
    let held = held.into_iter().flatten().collect();
    Ok((held, waits.into_iter().flatten().collect()))
}

/// Locks what the cart costs, honouring the prices that the shopper holds, with its coupons; and freezes
/// what the order costs with tax and shipping.
async fn calculate_pricing(
    flow: &Flow,
    request: &CheckoutRequest,
) -> Result<PricedOrder, CheckoutError> {
    let order = &request.order;
    let quote = quote_order(flow, order, &request.cart, request.segment).await?;
    let price = PriceOrder {
        order: order.clone(),
        discounts: quote.discounts(),
        quotes: quote.into_quotes(),
    };
    let priced = flow.ask_as_system("price", price).await;
    let priced = priced.map_err(of_order)?;
    let segment = request.segment;
    if segment != Segment::Standard {
        let order = order.clone();
        let terms = AgreeTerms { order, segment };
        let agreed = flow.ask_as_system("terms", terms).await;
        agreed.map_err(of_order)?;
    }
    Ok(priced)
}

/// Sets the money aside. A payment whose outcome is unknown is looked up, never asked for again.
async fn process_payment(
    flow: &Flow,
    request: &CheckoutRequest,
    amount: Money,
) -> Result<(), CheckoutError> {
    let payment = PaymentId::from(&request.order);
    flow.undo_activity("authorise", VOID, payment.clone())
        .await?;
    let authorise = AuthoriseRequest {
        payment: payment.clone(),
        order: request.order.clone(),
        amount,
        method: request.method.clone(),
        supplements: None,
    };
    let outcome = match flow.perform("authorise", AUTHORISE, authorise).await {
        Ok(outcome) => outcome,
        Err(error) if error.kind == ActivityErrorKind::Unknown => {
            record_outcome(flow, &request.order, "unknown", PaymentOutcome::Unknown).await?;
            look_up(flow, "authorise", &payment, outcome_of)
                .await?
                .ok_or(CheckoutError::PaymentUnresolved)?
        }
        Err(error) => return Err(FlowError::from(error).into()),
    };
    record_outcome(flow, &request.order, "outcome", outcome).await?;
    match outcome {
        PaymentOutcome::Authorised { .. } => Ok(()),
        PaymentOutcome::Declined(reason) => Err(CheckoutError::PaymentDeclined(reason)),
        PaymentOutcome::Unknown => Err(CheckoutError::PaymentUnresolved),
    }
}

async fn record_outcome(
    flow: &Flow,
    order: &OrderId,
    step: &str,
    outcome: PaymentOutcome,
) -> Result<(), CheckoutError> {
    let record = RecordAuthorisation {
        order: order.clone(),
        payment: order.into(),
        outcome,
    };
    let step = format!("record/{step}");
    let recorded = flow.ask_as_system(&step, record).await;
    recorded.map_err(of_order)
}

/// Makes sure that every hold still stands, and that none lapses from here on.
async fn confirm_inventory(flow: &Flow, held: &[Held]) -> Result<(), CheckoutError> {
    let lapsing = held.iter().filter(|held| !held.confirmed);
    let asked = lapsing.map(|Held { hold, .. }| async move {
        let confirm = ConfirmReservation {
            sku: hold.sku.clone(),
            reservation: hold.reservation.clone(),
        };
        let step = format!("confirm/{}/{}", hold.sku, hold.reservation);
        let confirmed = flow.ask_as_system(&step, confirm).await;
        confirmed.map_err(|error| of_stock(&hold.sku, error))
    });
    let mut answers = join_all(asked).await.into_iter();
    answers.try_for_each(|answer| answer.map(drop))
}

async fn create_order(flow: &Flow, order: &OrderId, held: Vec<Held>) -> Result<(), CheckoutError> {
    let holds: Vec<StockHold> = held.into_iter().map(|held| held.hold).collect();
    let order = order.clone();
    let place = PlaceOrder { order, holds };
    let placed = flow.ask_as_system("place", place).await;
    placed.map(drop).map_err(of_order)
}

fn of_order(error: AskError<OrderRejection>) -> CheckoutError {
    match error {
        AskError::Rejected(rejection) => CheckoutError::Order(rejection),
        other => CheckoutError::Flow(other.into()),
    }
}

pub(super) fn of_stock(sku: &Sku, error: AskError<InventoryRejection>) -> CheckoutError {
    match error {
        AskError::Rejected(rejection) => CheckoutError::Stock {
            sku: sku.clone(),
            rejection,
        },
        other => CheckoutError::Flow(other.into()),
    }
}
