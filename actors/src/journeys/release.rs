//! What follows when an order, or a part of it, is given up: the stock and the money are given back.

use futures::future::join_all;
use mercato_runtime::{Flow, FlowError, FlowType};
use serde::{Deserialize, Serialize};

use super::hold::waiting_hold;
use super::settle::void_payment;
use crate::domain::{OrderId, PaymentId};
use crate::inventory::ReleaseReservation;
use crate::order::{OrderLine, ShowFulfilment, ShowPayments, StockHold};

/// The flow that gives back what a cancelled order holds. It is started by
/// [`OrderCancelled`](crate::OrderCancelled), except by a checkout, which undoes its own steps.
pub const RELEASE: FlowType<ReleaseRequest, (), ReleaseError> =
    FlowType::new("release", 3).by_the_service();

/// The flow that gives stock back that an order no longer needs. It is started by
/// [`LineCancelled`](crate::LineCancelled) and [`OrderRevised`](crate::OrderRevised).
pub const RELEASE_STOCK: FlowType<Vec<StockHold>, (), ReleaseError> =
    FlowType::new("release-stock", 1).by_the_service();

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

/// Gives back what a cancelled order holds: the stock first, which needs nobody outside.
///
/// # Errors
/// When a step is refused or cannot be taken.
pub async fn release(flow: Flow, request: ReleaseRequest) -> Result<(), ReleaseError> {
    let order = request.order.clone();
    let shown = flow.ask("show", ShowFulfilment { order }).await;
    let mut holds = shown.map_err(FlowError::from)?.holds;
    let waits = waiting_hold(&request.order)?;
    // An order that was never placed may hold stock under its own name all the same, and wait for more.
    for line in request.lines {
        if !holds.iter().any(|hold| hold.sku == line.sku) {
            holds.push(StockHold {
                sku: line.sku.clone(),
                reservation: (&request.order).into(),
                quantity: line.quantity,
            });
        }
        holds.push(StockHold {
            sku: line.sku,
            reservation: waits.clone(),
            quantity: line.quantity,
        });
    }
    give_back(&flow, &holds).await?;
    let order = request.order.clone();
    let money = flow.ask("payments", ShowPayments { order }).await;
    let payments = money.map_err(FlowError::from)?.payments.into_iter();
    let mut payments: Vec<_> = payments.map(|known| known.payment).collect();
    if payments.is_empty() {
        // What was asked for and never answered is closed, so that it is refused if it comes late.
        payments.push(PaymentId::from(&request.order));
    }
    for payment in payments {
        void_payment(&flow, &format!("void/{payment}"), &payment).await?;
    }
    Ok(())
}

/// Gives back stock that an order no longer needs.
///
/// # Errors
/// When a step is refused or cannot be taken.
pub async fn release_stock(flow: Flow, holds: Vec<StockHold>) -> Result<(), ReleaseError> {
    Ok(give_back(&flow, &holds).await?)
}

async fn give_back(flow: &Flow, holds: &[StockHold]) -> Result<(), FlowError> {
    let asked = holds.iter().map(|hold| async move {
        let release = ReleaseReservation {
            sku: hold.sku.clone(),
            reservation: hold.reservation.clone(),
        };
        let step = format!("release/{}/{}", hold.sku, hold.reservation);
        flow.ask(&step, release).await
    });
    for answer in join_all(asked).await {
        answer?;
    }
    Ok(())
}
