//! From a placed order to a parcel on its way and the money taken.

use futures::future::join_all;
use mercato_runtime::{Flow, FlowError, FlowType};
use serde::{Deserialize, Serialize};

use super::activities::{CAPTURE, CREATE_LABEL, LabelRequest};
use super::settle::move_money;
use crate::domain::{Money, OrderId};
use crate::inventory::{CommitReservation, ShipStock};
use crate::order::{Fulfilment, OrderLine, OrderPhase, RecordCapture, RecordLabel, ShowFulfilment};
use crate::ports::{MovementRequest, TrackingNumber};

/// The flow that fulfils a placed order. It is started by
/// [`OrderPlaced`](crate::OrderPlaced).
pub const FULFIL: FlowType<FulfilRequest, Fulfilled, FulfilError> = FlowType::new("fulfil", 1);

/// Which order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FulfilRequest {
    /// The order.
    pub order: OrderId,
    /// What was bought.
    pub lines: Vec<OrderLine>,
    /// What is to be taken.
    pub total: Money,
}

/// How a fulfilment ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fulfilled {
    /// The parcel is on its way.
    Shipped {
        /// Its number.
        tracking: TrackingNumber,
    },
    /// The order was cancelled before its parcel had a label.
    NotPlaced,
}

/// Why a fulfilment stopped. The order stays where it is until people look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("fulfilment stopped: {0}")]
pub struct FulfilError(#[from] FlowError);

/// Fulfils a placed order.
///
/// # Errors
/// When a step is refused or cannot be taken.
pub async fn fulfil(flow: Flow, request: FulfilRequest) -> Result<Fulfilled, FulfilError> {
    let order = request.order.clone();
    let fulfilment = flow.ask("show", ShowFulfilment { order }).await;
    let fulfilment = fulfilment.map_err(FlowError::from)?;
    if fulfilment.phase != OrderPhase::Placed {
        return Ok(Fulfilled::NotPlaced);
    }
    update_inventory(&flow, &request).await?;
    let tracking = generate_shipping_label(&flow, &request, fulfilment).await?;
    dispatch(&flow, &request).await?;
    capture_payment(&flow, &request).await?;
    Ok(Fulfilled::Shipped { tracking })
}

async fn update_inventory(flow: &Flow, request: &FulfilRequest) -> Result<(), FlowError> {
    let asked = request.lines.iter().map(|line| async move {
        let commit = CommitReservation {
            sku: line.sku.clone(),
            reservation: (&request.order).into(),
        };
        flow.ask(&format!("commit/{}", line.sku), commit).await
    });
    for answer in join_all(asked).await {
        answer?;
    }
    Ok(())
}

async fn generate_shipping_label(
    flow: &Flow,
    request: &FulfilRequest,
    fulfilment: Fulfilment,
) -> Result<TrackingNumber, FlowError> {
    let label = LabelRequest {
        order: request.order.clone(),
        address: fulfilment.address,
    };
    let tracking = flow.perform("label", CREATE_LABEL, label).await?;
    let record = RecordLabel {
        order: request.order.clone(),
        tracking: tracking.clone(),
    };
    flow.ask("record/label", record).await?;
    Ok(tracking)
}

async fn dispatch(flow: &Flow, request: &FulfilRequest) -> Result<(), FlowError> {
    let asked = request.lines.iter().map(|line| async move {
        let ship = ShipStock {
            sku: line.sku.clone(),
            reservation: (&request.order).into(),
        };
        flow.ask(&format!("ship/{}", line.sku), ship).await
    });
    for answer in join_all(asked).await {
        answer?;
    }
    Ok(())
}

async fn capture_payment(flow: &Flow, request: &FulfilRequest) -> Result<(), FlowError> {
    let amount = request.total;
    let capture = MovementRequest {
        payment: (&request.order).into(),
        amount,
    };
    let taken = |record: &crate::ports::PaymentRecord| record.captured == Some(amount);
    move_money(flow, "capture", CAPTURE, capture, taken).await?;
    let order = request.order.clone();
    flow.ask("record/capture", RecordCapture { order, amount })
        .await?;
    Ok(())
}
