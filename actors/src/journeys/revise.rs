//! A change of what an order holds, accepted durably: stock and money first, then the order's next
//! version, and all of it undone where it cannot be finished.

use std::time::Duration;

use mercato_runtime::{AskError, Flow, FlowError, FlowType, Timestamp};
use serde::{Deserialize, Serialize};

use super::activities::VOID;
use super::hold::{further_hold, waiting_hold};
use super::quotes::quote_all;
use super::settle::authorise;
use crate::domain::{Money, OrderId, PaymentId, Quantity, Sku};
use crate::inventory::{ConfirmReservation, InventoryRejection, ReleaseReservation, ReserveStock};
use crate::order::{
    AbandonChange, BeginChange, CheckModificationEligibility, Eligibility, Fulfilment, MoneyPart,
    OrderChangePrice, OrderLine, OrderRejection, PaymentOutcome, PriceOrderChange, PricedOrder,
    ReviseOrder, Revised, ShowFulfilment, StockHold,
};
use crate::ports::{AuthoriseRequest, DeclineReason};
use crate::pricing::{LineQuote, PricingRejection, Segment};

/// The flow of a change. Its name is the idempotency key of the change.
pub const ORDER_CHANGE: FlowType<OrderChangeRequest, ChangeReceipt, ReviseError> =
    FlowType::new("order-change", ON_ITS_TERMS).within(Duration::from_secs(300));

/// The change as it was: what began as it ends as it. It goes when none is on its way any more.
pub(super) const ORDER_CHANGE_BEFORE: FlowType<OrderChangeRequest, ChangeReceipt, ReviseError> =
    FlowType::new("order-change", 2).within(Duration::from_secs(300));

/// The version from which on a shopper's change is priced on the terms of the order. Before, it was on those
/// that the request named.
const ON_ITS_TERMS: u16 = 3;

/// How long stock is held for a change; longer than a change may take.
const HOLD: Duration = Duration::from_secs(900);

/// What an order is to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderChangeRequest {
    /// The order.
    pub order: OrderId,
    /// The version that the customer looked at.
    pub revision: u32,
    /// Everything that it is to hold: each SKU once.
    pub lines: Vec<OrderLine>,
    /// The terms for what is new, where the shop's own people change it. A shopper's are the order's.
    pub segment: Segment,
}

/// An accepted change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeReceipt {
    /// The order's version.
    pub revision: u32,
    /// What it costs.
    pub priced: PricedOrder,
    /// What it costs more than before. Below zero, so much less is taken.
    pub difference: Money,
}

/// Why a change came to nothing. The order is as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum ReviseError {
    /// The order allows no such change.
    #[error(transparent)]
    Order(OrderRejection),
    /// A product has no price.
    #[error(transparent)]
    Pricing(PricingRejection),
    /// There is not enough of a product.
    #[error("sku {sku}: {rejection}")]
    Stock {
        /// The product.
        sku: Sku,
        /// What Inventory said.
        rejection: InventoryRejection,
    },
    /// The payment of the difference was declined.
    #[error("payment of the difference declined: {0}")]
    PaymentDeclined(DeclineReason),
    /// The gateway could not say what became of the payment of the difference.
    #[error("the outcome of the payment stayed unknown; it is being voided, change it again")]
    PaymentUnresolved,
    /// A step could not be taken.
    #[error("the change stopped: {0}")]
    Flow(#[from] FlowError),
}

/// Changes what an order holds.
///
/// # Errors
/// Why the order stays as it was.
pub async fn change_order(
    flow: Flow,
    request: OrderChangeRequest,
) -> Result<ChangeReceipt, ReviseError> {
    let segment = terms(&flow, &request).await?;
    let (change, number) = begin(&flow, &request).await?;
    let shown = ShowFulfilment {
        order: request.order.clone(),
    };
    let before = flow.ask("show", shown).await.map_err(FlowError::from)?;
    let quotes = quote_changed(&flow, segment, &request, &before).await?;
    let price = calculate_price_difference(&flow, &request, &quotes).await?;
    let stock = check_inventory_for_changes(&flow, &request, &before, number).await?;
    let (supplement, until) = pay_difference(&flow, &request, &before, number, &price).await?;
    let revise = ReviseOrder {
        order: request.order.clone(),
        change,
        lines: request.lines.clone(),
        quotes,
        holds: stock.holds,
        freed: stock.freed,
        supplement,
        until,
    };
    // That the order is the customer's was asked as the customer, when the change began.
    let revised = flow.ask_as_system("revise", revise).await;
    let Revised { revision, priced } = revised.map_err(of_order)?;
    Ok(ChangeReceipt {
        revision,
        priced,
        difference: price.difference,
    })
}

/// A shopper changes an order on the terms that it was placed on, whatever they say; the shop's own people
/// may give others.
async fn terms(flow: &Flow, request: &OrderChangeRequest) -> Result<Segment, ReviseError> {
    if flow.version() < ON_ITS_TERMS || flow.principal().as_user().is_none() {
        return Ok(request.segment);
    }
    let order = request.order.clone();
    let agreed = flow
        .ask("terms", CheckModificationEligibility { order })
        .await;
    match agreed.map_err(of_order)? {
        Eligibility::Eligible { segment, .. } => Ok(segment),
        // That it cannot be changed is said where the change begins; should it begin all the same, nobody
        // has looked at its terms.
        Eligibility::NotEligible { .. } => Ok(Segment::Standard),
    }
}

/// From here until its end nothing but this change moves the order. Gives its name and its number, of
/// which the names of its holds and of its payment are made.
async fn begin(flow: &Flow, request: &OrderChangeRequest) -> Result<(Box<str>, u32), ReviseError> {
    let change: Box<str> = flow.id().as_str().into();
    let abandon = AbandonChange {
        order: request.order.clone(),
        change: change.clone(),
    };
    flow.undo_command("begin", abandon).await?;
    let begin = BeginChange {
        order: request.order.clone(),
        revision: request.revision,
        change: change.clone(),
    };
    let number = flow.ask("begin", begin).await.map_err(of_order)?;
    Ok((change, number))
}

/// Units of a line that the order holds as it is.
fn ordered(before: &Fulfilment, sku: &Sku) -> u32 {
    let held = before.holds.iter().filter(|hold| hold.sku == *sku);
    let held: u32 = held.map(|hold| hold.quantity.get()).sum();
    let waiting = before.backordered.iter().filter(|line| line.sku == *sku);
    held + waiting.map(|line| line.quantity.get()).sum::<u32>()
}

/// Quotes what is new and what is raised.
async fn quote_changed(
    flow: &Flow,
    segment: Segment,
    request: &OrderChangeRequest,
    before: &Fulfilment,
) -> Result<Vec<LineQuote>, ReviseError> {
    let raised = request.lines.iter();
    let raised = raised.filter(|line| line.quantity.get() > ordered(before, &line.sku));
    let quotes = quote_all(flow, segment, raised).await;
    quotes.map_err(|error| match error {
        AskError::Rejected(rejection) => ReviseError::Pricing(rejection),
        other => ReviseError::Flow(other.into()),
    })
}

async fn calculate_price_difference(
    flow: &Flow,
    request: &OrderChangeRequest,
    quotes: &[LineQuote],
) -> Result<OrderChangePrice, ReviseError> {
    let price = PriceOrderChange {
        order: request.order.clone(),
        lines: request.lines.clone(),
        quotes: quotes.to_vec(),
    };
    flow.ask("price", price).await.map_err(of_order)
}

/// What is held for the changed order, and what no longer is needed.
struct Stock {
    holds: Vec<StockHold>,
    freed: Vec<StockHold>,
}

/// Keeps the holds that fit, and holds what is missing under names of this change.
async fn check_inventory_for_changes(
    flow: &Flow,
    request: &OrderChangeRequest,
    before: &Fulfilment,
    number: u32,
) -> Result<Stock, ReviseError> {
    let mut stock = Stock {
        holds: Vec::new(),
        freed: Vec::new(),
    };
    let (mut missing, mut shorter) = (Vec::new(), Vec::new());
    for line in &request.lines {
        let mut left = line.quantity.get();
        for hold in before.holds.iter().filter(|hold| hold.sku == line.sku) {
            if hold.quantity.get() <= left {
                left -= hold.quantity.get();
                stock.holds.push(hold.clone());
            }
        }
        // What waited for stock goes on waiting.
        let waited = before
            .backordered
            .iter()
            .find(|known| known.sku == line.sku);
        let waited = waited.map_or(0, |known| known.quantity.get());
        if left < waited {
            shorter.push(line.sku.clone());
        }
        left = left.saturating_sub(waited);
        if let Ok(quantity) = Quantity::new(left) {
            missing.push((line.sku.clone(), quantity));
        }
    }
    let kept = |hold: &&StockHold| !stock.holds.contains(hold);
    stock.freed = before.holds.iter().filter(kept).cloned().collect();
    // Who waits for fewer units, or for none, lets go of the place; fulfilment takes a new one.
    let waits = waiting_hold(&request.order)?;
    let stays = |sku: &Sku| {
        let mut lines = request.lines.iter();
        lines.any(|line| line.sku == *sku) && !shorter.contains(sku)
    };
    let left = before.backordered.iter().filter(|line| !stays(&line.sku));
    stock.freed.extend(left.map(|line| StockHold {
        sku: line.sku.clone(),
        reservation: waits.clone(),
        quantity: line.quantity,
    }));
    for (sku, quantity) in missing {
        let hold = reserve(flow, &request.order, number, &sku, quantity).await?;
        stock.holds.push(hold);
    }
    Ok(stock)
}

/// Holds units of a product. A hold is never let go before the next one stands, so a line can be made
/// smaller only where so many units are on the shelf beside those that the order has.
async fn reserve(
    flow: &Flow,
    order: &OrderId,
    number: u32,
    sku: &Sku,
    quantity: Quantity,
) -> Result<StockHold, ReviseError> {
    let reservation = further_hold(order, 'c', number)?;
    let release = ReleaseReservation {
        sku: sku.clone(),
        reservation: reservation.clone(),
    };
    flow.undo_command(&format!("reserve/{sku}"), release)
        .await?;
    let of_stock = |error| match error {
        AskError::Rejected(rejection) => ReviseError::Stock {
            sku: sku.clone(),
            rejection,
        },
        other => ReviseError::Flow(other.into()),
    };
    let hold = ReserveStock {
        sku: sku.clone(),
        reservation: reservation.clone(),
        quantity,
        ttl: HOLD,
    };
    let held = flow.ask_as_system(&format!("reserve/{sku}"), hold).await;
    held.map_err(of_stock)?;
    let confirm = ConfirmReservation {
        sku: sku.clone(),
        reservation: reservation.clone(),
    };
    let confirmed = flow.ask_as_system(&format!("confirm/{sku}"), confirm).await;
    confirmed.map_err(of_stock)?;
    Ok(StockHold {
        sku: sku.clone(),
        reservation,
        quantity,
    })
}

/// Sets aside what is due beside what is. Where less is due nothing is asked for: less is taken.
async fn pay_difference(
    flow: &Flow,
    request: &OrderChangeRequest,
    before: &Fulfilment,
    number: u32,
    price: &OrderChangePrice,
) -> Result<(Option<MoneyPart>, Option<Timestamp>), ReviseError> {
    if !price.supplement.is_positive() {
        return Ok((None, None));
    }
    let payment = PaymentId::further(&request.order, format_args!("c{number}"))
        .map_err(|error| FlowError::Broken(error.to_string()))?;
    flow.undo_activity("authorise", VOID, payment.clone())
        .await?;
    let ask = AuthoriseRequest {
        payment: payment.clone(),
        order: request.order.clone(),
        amount: price.supplement,
        method: before.method.clone(),
        supplements: Some(PaymentId::from(&request.order)),
    };
    match authorise(flow, "authorise", ask).await? {
        Some(PaymentOutcome::Authorised { amount, until }) => {
            Ok((Some(MoneyPart { payment, amount }), until))
        }
        Some(PaymentOutcome::Declined(reason)) => Err(ReviseError::PaymentDeclined(reason)),
        Some(PaymentOutcome::Unknown) | None => Err(ReviseError::PaymentUnresolved),
    }
}

fn of_order(error: AskError<OrderRejection>) -> ReviseError {
    match error {
        AskError::Rejected(rejection) => ReviseError::Order(rejection),
        other => ReviseError::Flow(other.into()),
    }
}
