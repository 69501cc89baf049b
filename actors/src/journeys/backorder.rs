//! Waiting for what is on backorder.

use std::time::Duration;

use mercato_runtime::{AskError, Flow, FlowError};

use super::hold::further_hold;
use crate::domain::OrderId;
use crate::inventory::{ConfirmReservation, InventoryRejection, ReleaseReservation, ReserveStock};
use crate::order::{AllocateStock, CancelLine, CancelReason, Fulfilment, OrderLine, StockHold};

/// How often is looked for stock.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 60 * 60);
/// How often, before a line is given up: for thirty days.
const LOOKS_MAX: u32 = 120;
/// How long stock is held until the order has it.
const HOLD: Duration = Duration::from_secs(900);

/// Waits until there is stock for some of what is on backorder and gives it to the order, or gives up
/// what has waited for too long. `round` is how often that was done before.
pub(super) async fn await_stock(
    flow: &Flow,
    order: &OrderId,
    round: u32,
    plan: &Fulfilment,
) -> Result<(), FlowError> {
    flow.sleep(&format!("backorder/{round}"), LOOK_EVERY)
        .await?;
    for line in &plan.backordered {
        if round >= LOOKS_MAX {
            give_up(flow, order, line).await?;
        } else {
            allocate(flow, order, round, line).await?;
        }
    }
    Ok(())
}

/// All of a line or nothing: a parcel for each few units would cost more than the wait.
async fn allocate(
    flow: &Flow,
    order: &OrderId,
    round: u32,
    line: &OrderLine,
) -> Result<(), FlowError> {
    let sku = &line.sku;
    let reservation = further_hold(order, 'b', round)?;
    let reserve = ReserveStock {
        sku: sku.clone(),
        reservation: reservation.clone(),
        quantity: line.quantity,
        ttl: HOLD,
    };
    match flow.ask(&format!("reserve/{round}/{sku}"), reserve).await {
        Ok(_) => {}
        Err(AskError::Rejected(InventoryRejection::OutOfStock { .. })) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let confirm = ConfirmReservation {
        sku: sku.clone(),
        reservation: reservation.clone(),
    };
    match flow.ask(&format!("confirm/{round}/{sku}"), confirm).await {
        Ok(_) => {}
        // It lapsed while the shop was down; the next look holds it anew.
        Err(AskError::Rejected(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let hold = StockHold {
        sku: sku.clone(),
        reservation: reservation.clone(),
        quantity: line.quantity,
    };
    let allocate = AllocateStock {
        order: order.clone(),
        holds: vec![hold],
    };
    match flow.ask(&format!("allocate/{round}/{sku}"), allocate).await {
        Ok(()) => Ok(()),
        // The line was cancelled meanwhile.
        Err(AskError::Rejected(_)) => {
            let release = ReleaseReservation {
                sku: sku.clone(),
                reservation,
            };
            flow.ask(&format!("release/{round}/{sku}"), release).await?;
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

async fn give_up(flow: &Flow, order: &OrderId, line: &OrderLine) -> Result<(), FlowError> {
    let cancel = CancelLine {
        order: order.clone(),
        sku: line.sku.clone(),
        reason: CancelReason::BackorderExpired,
    };
    match flow.ask(&format!("give-up/{}", line.sku), cancel).await {
        // Whoever cancelled it before, it is cancelled.
        Ok(_) | Err(AskError::Rejected(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
