//! What follows when a customer or the shop cancels: the money and the stock are given back.

use std::time::Duration;

use futures::future::join_all;
use mercato_runtime::{ActivityErrorKind, Flow, FlowError, FlowType};
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

/// How often a void is asked for while its answers are lost.
const VOIDS_MAX: u32 = 6;
/// How long to wait before asking again; each wait is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Gives back what a cancelled order holds: the stock first, which needs nobody outside.
///
/// # Errors
/// When a step is refused or cannot be taken.
pub async fn release(flow: Flow, request: ReleaseRequest) -> Result<(), ReleaseError> {
    release_stock(&flow, &request).await?;
    void_payment(&flow, &PaymentId::from(&request.order)).await?;
    Ok(())
}

async fn release_stock(flow: &Flow, request: &ReleaseRequest) -> Result<(), FlowError> {
    let asked = request.lines.iter().map(|line| async move {
        let release = ReleaseReservation {
            sku: line.sku.clone(),
            reservation: (&request.order).into(),
        };
        flow.ask(&format!("release/{}", line.sku), release).await
    });
    for answer in join_all(asked).await {
        answer?;
    }
    Ok(())
}

/// Voids until the gateway says so: a void may be repeated, so a lost answer is asked for again.
async fn void_payment(flow: &Flow, payment: &PaymentId) -> Result<(), FlowError> {
    let mut attempt = 0;
    loop {
        let step = format!("void/{attempt}");
        match flow.perform(&step, VOID, payment.clone()).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind == ActivityErrorKind::Unknown && attempt + 1 < VOIDS_MAX => {
                let wait = FIRST_WAIT * 2u32.saturating_pow(attempt);
                flow.sleep(&format!("{step}/wait"), wait).await?;
                attempt += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
