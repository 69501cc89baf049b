//! Goods that come back, and the money for them.

use futures::future::join_all;
use mercato_runtime::{AskError, Flow, FlowError, FlowType};
use serde::{Deserialize, Serialize};

use super::activities::REFUND;
use super::settle::{Direction, move_money};
use crate::domain::{Money, OrderId, Quantity};
use crate::inventory::{Condition, ReturnStock};
use crate::order::{
    InspectReturn, MoneyPart, OrderLine, OrderRejection, PlannedMovement, RecordRefund,
    RefuseReturn, RequestReturn, ReturnAuthorisation, ReturnFinding, ShowRefund,
};

/// The flow of a return, from the request to the money. It holds what was found in the parcel, so the
/// shop's own people and programs start it, and nobody else; a shopper asks with [`RequestReturn`],
/// and the warehouse then starts [`RECEIVE_RETURN`].
pub const RETURN: FlowType<ReturnRequest, ReturnOutcome, ReturnError> =
    FlowType::new("return", BY_THE_SHOP);

/// The return as it was before [`BY_THE_SHOP`]: what began as it ends as it. It goes when none is on its
/// way any more.
pub(super) const RETURN_BEFORE: FlowType<ReturnRequest, ReturnOutcome, ReturnError> =
    FlowType::new("return", 2);

/// The version from which on a shopper cannot start it. Of what a shopper started before, what was
/// inspected is refunded, and the rest is not inspected any more.
const BY_THE_SHOP: u16 = 3;

/// The flow of a return that was agreed before ([`RequestReturn`]) and whose parcel has come. The shop's
/// own people and programs start it: whoever opened the parcel.
pub const RECEIVE_RETURN: FlowType<ReturnedParcel, ReturnOutcome, ReturnError> =
    FlowType::new("receive-return", 1);

/// What comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnRequest {
    /// The order.
    pub order: OrderId,
    /// What: each SKU once.
    pub lines: Vec<OrderLine>,
    /// What the warehouse found in the parcel.
    pub found: Inspection,
}

/// A parcel that came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnedParcel {
    /// The order.
    pub order: OrderId,
    /// What was in it.
    pub findings: Vec<ReturnFinding>,
}

/// What the warehouse found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Inspection {
    /// All of the goods, in this condition.
    Goods(Condition),
    /// Something else.
    NotTheGoods,
    /// This, product by product.
    Findings(Vec<ReturnFinding>),
}

/// How a return ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReturnOutcome {
    /// So much was given back.
    Refunded(Money),
    /// Inspection turned it down.
    Refused,
}

/// Why a return stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum ReturnError {
    /// The order allows no such return.
    #[error(transparent)]
    Order(OrderRejection),
    /// A step could not be taken.
    #[error("the return stopped: {0}")]
    Flow(#[from] FlowError),
}

/// Takes goods back and gives the money for them.
///
/// # Errors
/// When a shopper started it, the order allows no such return, or a step cannot be taken.
pub async fn return_goods(
    flow: Flow,
    request: ReturnRequest,
) -> Result<ReturnOutcome, ReturnError> {
    if flow.attempt() > 0 {
        return refund_again(&flow, &request.order).await;
    }
    // Nobody says for themselves what was in their parcel. Nothing is asked for before this is known.
    if flow.version() >= BY_THE_SHOP && flow.principal().as_user().is_some() {
        return Err(ReturnError::Order(OrderRejection::NotStaff));
    }
    request_return(&flow, &request).await?;
    let findings = match request.found {
        Inspection::Findings(findings) => findings,
        Inspection::NotTheGoods => Vec::new(),
        Inspection::Goods(condition) => {
            let lines = request.lines.into_iter();
            lines.map(|line| finding(line, condition)).collect()
        }
    };
    settle_return(&flow, &request.order, findings).await
}

/// Opens the parcel of a return that was agreed before, and gives the money for what is in it.
///
/// # Errors
/// When a shopper started it, nothing is to come back, or something else than was agreed, or a step
/// cannot be taken.
pub async fn receive_return(
    flow: Flow,
    parcel: ReturnedParcel,
) -> Result<ReturnOutcome, ReturnError> {
    if flow.attempt() > 0 {
        return refund_again(&flow, &parcel.order).await;
    }
    settle_return(&flow, &parcel.order, parcel.findings).await
}

/// From the work list: only a return past its pivot gets there, so the goods are back and the money
/// is owed.
async fn refund_again(flow: &Flow, order: &OrderId) -> Result<ReturnOutcome, ReturnError> {
    flow.pivot()?;
    Ok(ReturnOutcome::Refunded(refund(flow, order).await?))
}

fn finding(line: OrderLine, condition: Condition) -> ReturnFinding {
    let units = line.quantity.get();
    let (resaleable, damaged) = match condition {
        Condition::Resaleable => (units, 0),
        Condition::Damaged => (0, units),
    };
    ReturnFinding {
        sku: line.sku,
        resaleable,
        damaged,
    }
}

async fn settle_return(
    flow: &Flow,
    order: &OrderId,
    findings: Vec<ReturnFinding>,
) -> Result<ReturnOutcome, ReturnError> {
    let due = inspect(flow, order, &findings).await?;
    if !due.is_positive() {
        let order = order.clone();
        let refused = flow.ask_as_system("refuse", RefuseReturn { order }).await;
        refused.map_err(FlowError::from)?;
        return Ok(ReturnOutcome::Refused);
    }
    take_back(flow, &findings).await?;
    flow.pivot()?;
    refund(flow, order).await?;
    Ok(ReturnOutcome::Refunded(due))
}

async fn request_return(
    flow: &Flow,
    request: &ReturnRequest,
) -> Result<ReturnAuthorisation, ReturnError> {
    let ask = RequestReturn {
        order: request.order.clone(),
        lines: request.lines.clone(),
    };
    flow.ask("request", ask).await.map_err(of_order)
}

async fn inspect(
    flow: &Flow,
    order: &OrderId,
    findings: &[ReturnFinding],
) -> Result<Money, ReturnError> {
    let inspect = InspectReturn {
        order: order.clone(),
        findings: findings.to_vec(),
    };
    flow.ask("inspect", inspect).await.map_err(of_order)
}

/// Puts back on the shelf what can be sold again, and sets aside what cannot.
async fn take_back(flow: &Flow, findings: &[ReturnFinding]) -> Result<(), FlowError> {
    let parts = findings.iter().flat_map(|found| {
        [
            ("resaleable", Condition::Resaleable, found.resaleable),
            ("damaged", Condition::Damaged, found.damaged),
        ]
        .map(|(name, condition, units)| (found, name, condition, units))
    });
    let asked = parts.filter_map(|(found, name, condition, units)| {
        let back = ReturnStock {
            sku: found.sku.clone(),
            quantity: Quantity::new(units).ok()?,
            condition,
        };
        let step = format!("stock/{}/{name}", found.sku);
        Some(async move { flow.ask_as_system(&step, back).await })
    });
    for answer in join_all(asked).await {
        answer?;
    }
    Ok(())
}

/// Gives what is owed, and tells how much that was.
async fn refund(flow: &Flow, order: &OrderId) -> Result<Money, FlowError> {
    const GIVE: Direction = Direction {
        activity: REFUND,
        moved: |record| record.refunded,
    };
    let show = ShowRefund {
        order: order.clone(),
    };
    let movements = flow.ask("due", show).await?;
    for movement in &movements {
        let step = format!("refund/{}", movement.payment);
        move_money(flow, &step, GIVE, movement).await?;
    }
    let parts: Vec<_> = movements.iter().map(PlannedMovement::part).collect();
    let given = total(&parts)?;
    let record = RecordRefund {
        order: order.clone(),
        parts,
    };
    // The warehouse has said what was found; that the money was given the flow says.
    flow.ask_as_system("record/refund", record).await?;
    Ok(given)
}

fn total(parts: &[MoneyPart]) -> Result<Money, FlowError> {
    let first = parts
        .first()
        .ok_or_else(|| FlowError::Broken("no money is owed for this return".to_owned()))?;
    let amounts = parts.iter().map(|part| part.amount);
    Money::sum(first.amount.currency(), amounts)
        .map_err(|error| FlowError::Broken(error.to_string()))
}

fn of_order(error: AskError<OrderRejection>) -> ReturnError {
    match error {
        AskError::Rejected(rejection) => ReturnError::Order(rejection),
        other => ReturnError::Flow(other.into()),
    }
}
