//! What follows when a customer or the shop cancels: the money and the stock are given back.

use futures::future::join_all;
use mercato_runtime::{Flow, FlowError, FlowType};
use serde::{Deserialize, Serialize};

use super::activities::VOID;
use crate::domain::{OrderId, PaymentId};
use crate::inventory::ReleaseReservation;
use crate::order::OrderLine;

/// The flow that gives back what a cancelled order holds. It is started by
/// [`OrderCancelled`](crate::OrderCancelled), except by a checkout, which undoes its own steps.
pub const RELEASE: FlowType<ReleaseRequest, (), ReleaseError> = FlowType::new("release", 1);

/// Which order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRequest {
    /// The order.
    pub order: OrderId,
    /// What had been ordered.
    pub lines: Vec<OrderLine>,
}

/// Why something is still held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("release of a cancelled order stopped: {0}")]
pub struct ReleaseError(#[from] FlowError);

/// Gives back what a cancelled order holds.
///
/// # Errors
/// When a step is refused or cannot be taken.
pub async fn release(flow: Flow, request: ReleaseRequest) -> Result<(), ReleaseError> {
    let payment = PaymentId::from(&request.order);
    let voided = flow.perform("void", VOID, payment).await;
    voided.map_err(FlowError::from)?;
    let (flow, order) = (&flow, &request.order);
    let asked = request.lines.iter().map(|line| async move {
        let release = ReleaseReservation {
            sku: line.sku.clone(),
            reservation: order.into(),
        };
        flow.ask(&format!("release/{}", line.sku), release).await
    });
    for answer in join_all(asked).await {
        answer.map_err(FlowError::from)?;
    }
    Ok(())
}
