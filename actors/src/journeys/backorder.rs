//! Waiting for what is on backorder.
//!
//! The checkout took a place among those who wait for each product. Inventory holds what comes for
//! who waited first; here is looked whether it has come.

use std::collections::BTreeMap;
use std::time::Duration;

use mercato_runtime::{AskError, Flow, FlowError};

use super::fulfil::TAKES_AT_ONCE;
use super::hold::{further_hold, waiting_hold};
use crate::domain::{OrderId, Quantity, ReservationId, Sku};
use crate::inventory::{
    BackorderStock, ConfirmReservation, InventoryRejection, ReleaseReservation,
};
use crate::order::{AllocateStock, CancelLine, CancelReason, Fulfilment, OrderLine, StockHold};

/// How often is looked for stock. What came is held for who waited, and not always for as long as this.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 60 * 60);
/// How often, before a line is given up: for thirty days.
pub(super) const LOOKS_MAX: u32 = 120;

/// What became of a place among those who wait.
enum Place {
    /// So much came, and lapses no longer.
    Filled(Quantity),
    Waits,
    /// What came lapsed, or the place was given up.
    Over,
}

/// The places of one order among those who wait.
pub(super) struct BackorderQueue<'a> {
    order: &'a OrderId,
    /// The name that the checkout waits under.
    first: ReservationId,
    /// Where that is over (the order was changed, what came was not taken in time) the later one.
    later: BTreeMap<Sku, ReservationId>,
}

impl<'a> BackorderQueue<'a> {
    pub(super) fn of(order: &'a OrderId) -> Result<Self, FlowError> {
        Ok(Self {
            order,
            first: waiting_hold(order)?,
            later: BTreeMap::new(),
        })
    }

    /// Waits for a while and gives the order what has come of what it waits for, or gives up what has
    /// waited for too long. `round` is how often that was done before.
    pub(super) async fn await_stock(
        &mut self,
        flow: &Flow,
        round: u32,
        plan: &Fulfilment,
    ) -> Result<(), FlowError> {
        flow.sleep(&format!("backorder/{round}"), LOOK_EVERY)
            .await?;
        for line in &plan.backordered {
            if round >= LOOKS_MAX {
                self.give_up(flow, line).await?;
            } else {
                self.look(flow, round, line).await?;
            }
        }
        Ok(())
    }

    /// All of a line or nothing: a parcel for each few units would cost more than the wait.
    async fn look(&mut self, flow: &Flow, round: u32, line: &OrderLine) -> Result<(), FlowError> {
        let sku = &line.sku;
        let reservation = self.later.get(sku).unwrap_or(&self.first).clone();
        let release = format!("release/{round}/{sku}");
        match confirm(flow, &format!("confirm/{round}/{sku}"), sku, &reservation).await? {
            Place::Filled(units) if units == line.quantity => {
                self.allocate(flow, round, line, reservation, &release)
                    .await
            }
            // A change made the line smaller while it waited.
            Place::Filled(_) => {
                let_go(flow, &release, sku, reservation).await?;
                self.wait_anew(flow, round, line).await
            }
            Place::Waits => Ok(()),
            Place::Over => self.wait_anew(flow, round, line).await,
        }
    }

    /// Takes a new place, at the end, and what there is for it by now. Where too many wait already, the
    /// next look tries again.
    async fn wait_anew(
        &mut self,
        flow: &Flow,
        round: u32,
        line: &OrderLine,
    ) -> Result<(), FlowError> {
        let reservation = further_hold(self.order, 'b', round)?;
        let ahead = BackorderStock {
            sku: line.sku.clone(),
            reservation: reservation.clone(),
            quantity: line.quantity,
        };
        let step = format!("order-ahead/{round}/{}", line.sku);
        match flow.ask(&step, ahead).await {
            Ok(_) => {}
            Err(AskError::Rejected(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        self.later.insert(line.sku.clone(), reservation.clone());
        if flow.version() < TAKES_AT_ONCE {
            return Ok(());
        }
        let step = format!("confirm-anew/{round}/{}", line.sku);
        match confirm(flow, &step, &line.sku, &reservation).await? {
            Place::Filled(_) => {
                // The place before may have been let go in this very round.
                let release = format!("release-anew/{round}/{}", line.sku);
                self.allocate(flow, round, line, reservation, &release)
                    .await
            }
            Place::Waits | Place::Over => Ok(()),
        }
    }

    /// Gives the order what came, or, by the step `release`, gives it back.
    async fn allocate(
        &self,
        flow: &Flow,
        round: u32,
        line: &OrderLine,
        reservation: ReservationId,
        release: &str,
    ) -> Result<(), FlowError> {
        let hold = StockHold {
            sku: line.sku.clone(),
            reservation: reservation.clone(),
            quantity: line.quantity,
        };
        let allocate = AllocateStock {
            order: self.order.clone(),
            holds: vec![hold],
        };
        let step = format!("allocate/{round}/{}", line.sku);
        match flow.ask(&step, allocate).await {
            Ok(()) => Ok(()),
            // The line was cancelled meanwhile.
            Err(AskError::Rejected(_)) => let_go(flow, release, &line.sku, reservation).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn give_up(&self, flow: &Flow, line: &OrderLine) -> Result<(), FlowError> {
        let cancel = CancelLine {
            order: self.order.clone(),
            sku: line.sku.clone(),
            reason: CancelReason::BackorderExpired,
        };
        match flow.ask(&format!("give-up/{}", line.sku), cancel).await {
            // Whoever cancelled it before, it is cancelled.
            Ok(_) | Err(AskError::Rejected(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives up the later places that nothing waits for any more: of lines that were cancelled.
    pub(super) async fn leave(&self, flow: &Flow) -> Result<(), FlowError> {
        for (sku, reservation) in &self.later {
            let release = ReleaseReservation {
                sku: sku.clone(),
                reservation: reservation.clone(),
            };
            match flow.ask(&format!("leave/{sku}"), release).await {
                // What it waited for was sent.
                Ok(_) | Err(AskError::Rejected(InventoryRejection::AlreadyShipped(_))) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Has what came for a place lapse no longer.
async fn confirm(
    flow: &Flow,
    step: &str,
    sku: &Sku,
    reservation: &ReservationId,
) -> Result<Place, FlowError> {
    let confirm = ConfirmReservation {
        sku: sku.clone(),
        reservation: reservation.clone(),
    };
    match flow.ask(step, confirm).await {
        Ok(confirmed) => Ok(Place::Filled(confirmed.quantity)),
        Err(AskError::Rejected(InventoryRejection::Backordered { .. })) => Ok(Place::Waits),
        Err(AskError::Rejected(_)) => Ok(Place::Over),
        Err(error) => Err(error.into()),
    }
}

async fn let_go(
    flow: &Flow,
    step: &str,
    sku: &Sku,
    reservation: ReservationId,
) -> Result<(), FlowError> {
    let release = ReleaseReservation {
        sku: sku.clone(),
        reservation,
    };
    flow.ask(step, release).await?;
    Ok(())
}
