//! The daily reconciliation: the gateway's books, the orders and the stock are held against each
//! other. It mends nothing; what differs is a list for people.

use futures::future::join_all;
use mercato_runtime::{ActivityErrorKind, AskError, Flow, FlowError, FlowType};
use serde::{Deserialize, Serialize};

use super::activities::{STATEMENT, StatementRequest};
use crate::domain::{Money, OrderId, PaymentId, Sku};
use crate::inventory::{ShippingState, ShippingStatus};
use crate::order::{
    Fulfilment, OrderMoney, OrderPayment, OrderPhase, OrderRejection, ShowFulfilment, ShowPayments,
    StockHold,
};
use crate::ports::{PaymentRecord, StatementLine};

/// The flow that holds one page of the gateway's books against the orders. Name each instance after
/// its day and page.
pub const RECONCILE: FlowType<ReconcileRequest, Reconciliation, ReconcileError> =
    FlowType::new("reconcile", 1).by_the_service();

/// The most payments on a page.
const PAGE_MAX: u16 = 200;

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReconcileRequest {
    /// Where the page before ended; `None` for the first one.
    pub after: Option<PaymentId>,
}

/// What a page came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// How many payments were looked at.
    pub payments: u32,
    /// What differs.
    pub differences: Vec<Difference>,
    /// Where this page ended; `None` when it was the last one.
    pub next: Option<PaymentId>,
}

/// Something on which the books do not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Which payment.
    pub payment: PaymentId,
    /// The order that it pays, where the gateway knows it.
    pub order: Option<OrderId>,
    /// What differs.
    pub kind: DifferenceKind,
}

/// In what way books differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// Money is set aside or taken for an order that is not there.
    #[error("the gateway has money for an order that the shop does not have; void or refund it")]
    NoOrder,
    /// The order has no such payment, and money is set aside or taken.
    #[error("the order does not know this payment; void or refund it")]
    NotOfThisOrder,
    /// The sums differ.
    #[error("{what}: the gateway says {gateway:?}, the order {order:?}; find the missing movement")]
    Amount {
        /// Which sum.
        what: Box<str>,
        /// By the gateway.
        gateway: Option<Money>,
        /// By the order.
        order: Option<Money>,
    },
    /// Money is set aside for an order that was given up or has all its money.
    #[error("money is still set aside for an order that needs none; void it")]
    StillOpen,
    /// A product is held for an order that was given up.
    #[error("sku {0} is still held for an order that was given up; release it")]
    StillHeld(Sku),
    /// An order that is complete has goods that never left.
    #[error("sku {0} of an order that is complete has not left; look for it")]
    NotSent(Sku),
}

/// Why a page was not reconciled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the reconciliation stopped: {0}")]
pub struct ReconcileError(#[from] FlowError);

/// Holds a page of the gateway's books against orders and stock. Orders on their way may differ for a
/// moment; run it when the day's flows have ended.
///
/// # Errors
/// When the gateway or an agent cannot be asked.
pub async fn reconcile(
    flow: Flow,
    request: ReconcileRequest,
) -> Result<Reconciliation, ReconcileError> {
    let ask = StatementRequest {
        after: request.after,
        limit: PAGE_MAX,
    };
    let page = statement(&flow, ask).await?;
    let compared = page.iter().map(|line| compare(&flow, line));
    let mut differences = Vec::new();
    for found in join_all(compared).await {
        differences.extend(found?);
    }
    let next = page.last().map(|line| line.payment.clone());
    Ok(Reconciliation {
        payments: u32::try_from(page.len()).unwrap_or(u32::MAX),
        differences,
        next: next.filter(|_| page.len() == usize::from(PAGE_MAX)),
    })
}

/// How often a page is asked for.
const TRIES_MAX: u32 = 4;

/// A page changes nothing, so it is asked for again wherever it did not come.
async fn statement(flow: &Flow, ask: StatementRequest) -> Result<Vec<StatementLine>, FlowError> {
    let mut attempt = 1;
    loop {
        let step = format!("statement/{attempt}");
        match flow.perform(&step, STATEMENT, ask.clone()).await {
            Ok(page) => return Ok(page),
            Err(error) if error.kind != ActivityErrorKind::Permanent && attempt < TRIES_MAX => {
                attempt += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn compare(flow: &Flow, line: &StatementLine) -> Result<Vec<Difference>, FlowError> {
    let record = &line.record;
    let difference = |kind| Difference {
        payment: line.payment.clone(),
        order: record.order.clone(),
        kind,
    };
    let Some(order) = &record.order else {
        // It was closed before it was ever authorised: there is nothing to compare.
        return Ok(Vec::new());
    };
    let show = ShowPayments {
        order: order.clone(),
    };
    let step = format!("money/{}", line.payment);
    let money = match flow.ask(&step, show).await {
        Ok(money) => money,
        Err(AskError::Rejected(OrderRejection::NotFound(_))) => {
            let matters = open(record).is_some() || record.captured != record.refunded;
            return Ok(matters
                .then(|| difference(DifferenceKind::NoOrder))
                .into_iter()
                .collect());
        }
        Err(error) => return Err(error.into()),
    };
    let mut kinds = compare_money(line, &money);
    // The stock of an order is looked at once, with its first payment.
    if line.payment == PaymentId::from(order) {
        kinds.extend(compare_stock(flow, order, money.phase).await?);
    }
    Ok(kinds.into_iter().map(difference).collect())
}

/// What is set aside and not taken.
fn open(record: &PaymentRecord) -> Option<Money> {
    let authorised = record.authorised.filter(|_| !record.voided)?;
    let left = record
        .captured
        .map_or(Ok(authorised), |captured| authorised.minus(captured));
    left.ok().filter(|left| left.is_positive())
}

fn compare_money(line: &StatementLine, money: &OrderMoney) -> Vec<DifferenceKind> {
    let record = &line.record;
    let over = matches!(
        money.phase,
        OrderPhase::Captured
            | OrderPhase::ReturnRequested
            | OrderPhase::Refunded
            | OrderPhase::Cancelled
    );
    let mut kinds = Vec::new();
    let mut known = money.payments.iter();
    match known.find(|known| known.payment == line.payment) {
        None if open(record).is_some() || record.captured.is_some() => {
            kinds.push(DifferenceKind::NotOfThisOrder);
        }
        None => {}
        Some(known) => {
            kinds.extend(compare_payment(record, known));
            if over && !known.expired && open(record).is_some() {
                kinds.push(DifferenceKind::StillOpen);
            }
        }
    }
    kinds
}

fn compare_payment(record: &PaymentRecord, known: &OrderPayment) -> Vec<DifferenceKind> {
    let some = |amount: Money| amount.is_positive().then_some(amount);
    [
        ("authorised", record.authorised, some(known.authorised)),
        ("captured", record.captured, some(known.captured)),
        ("refunded", record.refunded, some(known.refunded)),
    ]
    .into_iter()
    .filter(|(_, gateway, order)| gateway != order)
    .map(|(what, gateway, order)| DifferenceKind::Amount {
        what: what.into(),
        gateway,
        order,
    })
    .collect()
}

/// What was given up is held no longer, and what is complete has left.
async fn compare_stock(
    flow: &Flow,
    order: &OrderId,
    phase: OrderPhase,
) -> Result<Vec<DifferenceKind>, FlowError> {
    if !matches!(phase, OrderPhase::Cancelled | OrderPhase::Captured) {
        return Ok(Vec::new());
    }
    let show = ShowFulfilment {
        order: order.clone(),
    };
    let shown = flow.ask(&format!("stock/{order}"), show).await?;
    let asked = everything_of(&shown).map(|hold| async move {
        let ask = ShippingStatus {
            sku: hold.sku.clone(),
            reservation: hold.reservation.clone(),
        };
        let step = format!("stock/{order}/{}/{}", hold.sku, hold.reservation);
        let state = flow.ask(&step, ask).await?;
        // Inventory forgets what ended long ago.
        Ok::<_, FlowError>(match (phase, state) {
            (OrderPhase::Cancelled, ShippingState::Held | ShippingState::AwaitingDispatch) => {
                Some(DifferenceKind::StillHeld(hold.sku.clone()))
            }
            (OrderPhase::Captured, ShippingState::Held | ShippingState::AwaitingDispatch) => {
                Some(DifferenceKind::NotSent(hold.sku.clone()))
            }
            _ => None,
        })
    });
    let mut kinds = Vec::new();
    for found in join_all(asked).await {
        kinds.extend(found?);
    }
    Ok(kinds)
}

fn everything_of(shown: &Fulfilment) -> impl Iterator<Item = &StockHold> {
    let packed = shown.parcels.iter().flat_map(|parcel| &parcel.contents);
    shown.holds.iter().chain(packed)
}
