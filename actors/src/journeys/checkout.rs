//! From a cart to a placed order: durable, and undone as a whole when it cannot be finished.

use std::time::Duration;

use futures::future::join_all;
use mercato_runtime::{ActivityErrorKind, AskError, Flow, FlowError, FlowType, Personal};
use serde::{Deserialize, Serialize};

use super::activities::{AUTHORISE, VOID};
use super::quote::quote_order;
use super::settle::look_up;
use crate::domain::{Cart, Destination, EmailAddress, Money, OrderId, PaymentId, Sku};
use crate::inventory::{ConfirmReservation, InventoryRejection, ReleaseReservation, ReserveStock};
use crate::order::{
    CancelOrder, CancelReason, OrderDetails, OrderLine, OrderRejection, PaymentOutcome, PlaceOrder,
    PriceOrder, PricedOrder, ReceiveOrder, RecordAuthorisation,
};
use crate::ports::{AuthoriseRequest, DeclineReason, PaymentMethod, PaymentRecord};
use crate::pricing::{CartQuote, PricingRejection, Segment};

/// How long a checkout may take; what is not placed by then is undone.
const BUDGET: Duration = Duration::from_secs(300);
/// How long stock is held for a checkout: longer than the checkout may take.
const HOLD: Duration = Duration::from_secs(900);

/// The flow from a cart to a placed order. Name each instance after its order.
pub const CHECKOUT: FlowType<CheckoutRequest, CheckoutReceipt, CheckoutError> =
    FlowType::new("checkout", 2).within(BUDGET);

/// What a shopper gives at the checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutRequest {
    /// The name of the order to be.
    pub order: OrderId,
    /// What is bought, by whom, with the prices to be honoured.
    pub cart: Cart,
    /// The terms that the customer has.
    pub segment: Segment,
    /// Where mail about the order goes, sealed for the cart's customer.
    pub email: Personal<EmailAddress>,
    /// Where the parcel goes, sealed for the same.
    pub address: Destination,
    /// How it is paid.
    pub method: PaymentMethod,
}

/// The shop's promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutReceipt {
    /// The order.
    pub order: OrderId,
    /// What each line costs, with shipping and tax.
    pub priced: PricedOrder,
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
}

/// Checks a cart out.
///
/// # Errors
/// Why the order was not placed.
pub async fn checkout(
    flow: Flow,
    request: CheckoutRequest,
) -> Result<CheckoutReceipt, CheckoutError> {
    validate_order_details(&flow, &request).await?;
    let quote = calculate_pricing(&flow, &request).await?;
    reserve_inventory(&flow, &request).await?;
    let priced = freeze_pricing(&flow, &request.order, quote).await?;
    process_payment(&flow, &request, priced.total).await?;
    confirm_inventory(&flow, &request).await?;
    create_order(&flow, &request.order).await?;
    Ok(CheckoutReceipt {
        order: request.order,
        priced,
    })
}

async fn validate_order_details(
    flow: &Flow,
    request: &CheckoutRequest,
) -> Result<(), CheckoutError> {
    let cancel = CancelOrder {
        order: request.order.clone(),
        reason: CancelReason::CheckoutFailed,
    };
    flow.undo_command("receive", cancel).await?;
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

/// Locks what the cart costs, honouring the prices that the shopper holds, with its coupons.
async fn calculate_pricing(
    flow: &Flow,
    request: &CheckoutRequest,
) -> Result<CartQuote, CheckoutError> {
    quote_order(flow, &request.order, &request.cart, request.segment).await
}

/// Holds the stock of every line. All undos are put down before the first hold, so that no branch
/// of the join can leave one without.
async fn reserve_inventory(flow: &Flow, request: &CheckoutRequest) -> Result<(), CheckoutError> {
    for line in request.cart.lines() {
        let release = ReleaseReservation {
            sku: line.sku.clone(),
            reservation: (&request.order).into(),
        };
        flow.undo_command(&format!("reserve/{}", line.sku), release)
            .await?;
    }
    let asked = request.cart.lines().iter().map(|line| async move {
        let reserve = ReserveStock {
            sku: line.sku.clone(),
            reservation: (&request.order).into(),
            quantity: line.quantity,
            ttl: HOLD,
        };
        let held = flow.ask(&format!("reserve/{}", line.sku), reserve).await;
        held.map_err(|error| of_stock(&line.sku, error))
    });
    // Not a try-join: a branch that fails must not leave others behind half asked.
    let mut answers = join_all(asked).await.into_iter();
    answers.try_for_each(|answer| answer.map(drop))
}

async fn freeze_pricing(
    flow: &Flow,
    order: &OrderId,
    quote: CartQuote,
) -> Result<PricedOrder, CheckoutError> {
    let price = PriceOrder {
        order: order.clone(),
        discounts: quote.discounts(),
        quotes: quote.into_quotes(),
    };
    flow.ask("price", price).await.map_err(of_order)
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
        PaymentOutcome::Authorised(_) => Ok(()),
        PaymentOutcome::Declined(reason) => Err(CheckoutError::PaymentDeclined(reason)),
        PaymentOutcome::Unknown => Err(CheckoutError::PaymentUnresolved),
    }
}

fn outcome_of(record: &PaymentRecord) -> Option<PaymentOutcome> {
    match (record.declined, record.authorised) {
        (Some(reason), _) => Some(PaymentOutcome::Declined(reason)),
        (None, Some(amount)) if !record.voided => Some(PaymentOutcome::Authorised(amount)),
        (None, _) => None,
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
    flow.ask(&step, record).await.map_err(of_order)
}

/// Makes sure that every hold still stands, and that none lapses from here on.
async fn confirm_inventory(flow: &Flow, request: &CheckoutRequest) -> Result<(), CheckoutError> {
    let asked = request.cart.lines().iter().map(|line| async move {
        let confirm = ConfirmReservation {
            sku: line.sku.clone(),
            reservation: (&request.order).into(),
        };
        let confirmed = flow.ask(&format!("confirm/{}", line.sku), confirm).await;
        confirmed.map_err(|error| of_stock(&line.sku, error))
    });
    let mut answers = join_all(asked).await.into_iter();
    answers.try_for_each(|answer| answer.map(drop))
}

async fn create_order(flow: &Flow, order: &OrderId) -> Result<(), CheckoutError> {
    let order = order.clone();
    let placed = flow.ask("place", PlaceOrder { order }).await;
    placed.map(drop).map_err(of_order)
}

fn of_order(error: AskError<OrderRejection>) -> CheckoutError {
    match error {
        AskError::Rejected(rejection) => CheckoutError::Order(rejection),
        other => CheckoutError::Flow(other.into()),
    }
}

fn of_stock(sku: &Sku, error: AskError<InventoryRejection>) -> CheckoutError {
    match error {
        AskError::Rejected(rejection) => CheckoutError::Stock {
            sku: sku.clone(),
            rejection,
        },
        other => CheckoutError::Flow(other.into()),
    }
}
