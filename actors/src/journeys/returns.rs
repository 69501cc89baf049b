//! Goods that come back, and the money for them.

use futures::future::join_all;
use mercato_runtime::{AskError, Flow, FlowError, FlowType};
use serde::{Deserialize, Serialize};

use super::activities::REFUND;
use super::settle::move_money;
use crate::domain::{Money, OrderId};
use crate::inventory::{Condition, ReturnStock};
use crate::order::{
    OrderLine, OrderRejection, OrderStatus, RecordRefund, RefuseReturn, RequestReturn,
};
use crate::ports::{MovementRequest, PaymentRecord};

/// The flow of a return.
pub const RETURN: FlowType<ReturnRequest, ReturnOutcome, ReturnError> = FlowType::new("return", 1);

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

/// What the warehouse found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Inspection {
    /// The goods, in this condition.
    Goods(Condition),
    /// Something else.
    NotTheGoods,
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
/// When the order allows no such return, or a step cannot be taken.
pub async fn return_goods(
    flow: Flow,
    request: ReturnRequest,
) -> Result<ReturnOutcome, ReturnError> {
    let due = request_return(&flow, &request).await?;
    match request.found {
        Inspection::NotTheGoods => {
            let order = request.order;
            let refused = flow.ask("refuse", RefuseReturn { order }).await;
            refused.map_err(FlowError::from)?;
            Ok(ReturnOutcome::Refused)
        }
        Inspection::Goods(condition) => {
            take_back(&flow, &request, condition).await?;
            refund(&flow, &request.order, due).await?;
            Ok(ReturnOutcome::Refunded(due))
        }
    }
}

async fn request_return(flow: &Flow, request: &ReturnRequest) -> Result<Money, ReturnError> {
    let ask = RequestReturn {
        order: request.order.clone(),
        lines: request.lines.clone(),
    };
    let due = flow.ask("request", ask).await;
    due.map_err(|error| match error {
        AskError::Rejected(rejection) => ReturnError::Order(rejection),
        other => ReturnError::Flow(other.into()),
    })
}

async fn take_back(
    flow: &Flow,
    request: &ReturnRequest,
    condition: Condition,
) -> Result<(), FlowError> {
    let asked = request.lines.iter().map(|line| async move {
        let back = ReturnStock {
            sku: line.sku.clone(),
            quantity: line.quantity,
            condition,
        };
        flow.ask(&format!("stock/{}", line.sku), back).await
    });
    for answer in join_all(asked).await {
        answer?;
    }
    Ok(())
}

async fn refund(flow: &Flow, order: &OrderId, amount: Money) -> Result<(), FlowError> {
    let status = OrderStatus {
        order: order.clone(),
    };
    let before = flow.ask("status", status).await?.refunded;
    let expected = before.map_or(Ok(amount), |before| before.plus(amount)).ok();
    let request = MovementRequest {
        payment: order.into(),
        amount,
    };
    let given = |record: &PaymentRecord| record.refunded == expected;
    move_money(flow, "refund", REFUND, request, given).await?;
    let order = order.clone();
    flow.ask("record/refund", RecordRefund { order, amount })
        .await?;
    Ok(())
}
