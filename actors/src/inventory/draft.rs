//! A decision in the making.

use mercato_runtime::{Context, Decision};

use super::demand::forecast_demand;
use super::events::{InventoryEvent, LowStockDetected, ReservationExpired, StockRecovered};
use super::state::{Balances, Stock};
use super::{InventoryAgent, InventoryRejection};
use crate::domain::Sku;

/// Collects the events of one write. It begins with the sweep of lapsed holds and ends with a look
/// at the reorder point, so that no command can forget either.
pub(super) struct Draft<'a> {
    agent: &'a InventoryAgent,
    stock: &'a Stock,
    sku: &'a Sku,
    context: &'a Context<'a>,
    balances: Balances,
    events: Vec<InventoryEvent>,
}

impl<'a> Draft<'a> {
    pub(super) fn open(
        agent: &'a InventoryAgent,
        stock: &'a Stock,
        sku: &'a Sku,
        context: &'a Context<'a>,
    ) -> Self {
        let mut draft = Self {
            agent,
            stock,
            sku,
            context,
            balances: stock.balances,
            events: Vec::new(),
        };
        for (reservation, quantity) in stock.lapsed(context.now) {
            draft.record(ReservationExpired {
                reservation: reservation.clone(),
                quantity,
            });
        }
        draft
    }

    /// The balances after everything recorded so far.
    pub(super) fn balances(&self) -> Balances {
        self.balances
    }

    pub(super) fn record(&mut self, event: impl Into<InventoryEvent>) {
        let event = event.into();
        self.balances.apply(&event);
        self.events.push(event);
    }

    /// The decision. A crossing of the reorder point is recorded once, in either direction; stock
    /// that is still low after a delivery is detected anew, since more must be bought.
    pub(super) fn reply<R>(
        mut self,
        reply: R,
    ) -> Result<Decision<InventoryEvent, R>, InventoryRejection> {
        // What moved nothing crosses nothing.
        if !self.events.is_empty() {
            let available = u64::try_from(self.balances.available()).unwrap_or(0);
            let forecast = forecast_demand(&self.agent.settings, self.stock, self.context.now);
            let low = available <= forecast.reorder_point;
            let sku = self.sku.clone();
            let was_low = self.stock.low;
            let delivered = self.balances.received > self.stock.balances.received;
            if low && (!was_low || delivered) {
                self.record(LowStockDetected {
                    sku,
                    available,
                    reorder_point: forecast.reorder_point,
                });
            } else if was_low && !low {
                self.record(StockRecovered { sku, available });
            }
        }
        Ok(Decision::reply(reply).record_all(self.events))
    }
}
