//! Second thoughts: some shoppers change what they have just ordered.

use std::time::Duration;

use mercato_actors::runtime::{FlowId, RunError};
use mercato_actors::{
    CancelLine, CancelReason, ORDER_CHANGE, OrderChangeRequest, OrderLine, Quantity, ReviseError,
    Segment,
};
use rand::Rng;

use super::{Basket, CHECKOUT_PATIENCE, Unserved, Visit, failed, lock};
use crate::error::SimulationError;
use crate::observer::{Acknowledgement, Request};

/// Of a hundred orders so many are changed, and of so many a line is cancelled.
const CHANGED_PERCENT: u32 = 8;
const LINE_CANCELLED_PERCENT: u32 = 4;

impl Visit {
    /// Some shoppers change what they have just ordered.
    pub(super) async fn think_again(
        &mut self,
        placed: Acknowledgement,
        basket: &Basket,
    ) -> Result<(), SimulationError> {
        let drawn = self.rng.random_range(0..100);
        if drawn < CHANGED_PERCENT {
            self.change_order(placed, basket).await?;
        } else if drawn < CHANGED_PERCENT + LINE_CANCELLED_PERCENT
            && let [.., _, (sku, _)] = placed.lines.as_slice()
        {
            let cancel = CancelLine {
                order: placed.order.clone(),
                sku: sku.clone(),
                reason: CancelReason::Customer,
            };
            let cancelled = self.stage.handle.ask(&basket.caller, cancel).await;
            let cancelled = cancelled.map(drop).map_err(|error| failed(&error));
            self.note(Request::Change, Duration::ZERO, cancelled);
        }
        Ok(())
    }

    /// One more, or one fewer, of the first product.
    async fn change_order(
        &mut self,
        placed: Acknowledgement,
        basket: &Basket,
    ) -> Result<(), SimulationError> {
        let mut lines = placed.lines.clone();
        let Some((_, quantity)) = lines.first_mut() else {
            return Ok(());
        };
        let units = match self.rng.random_bool(0.5) && quantity.get() > 1 {
            true => quantity.get() - 1,
            false => quantity.get() + 1,
        };
        let Ok(units) = Quantity::new(units) else {
            return Ok(());
        };
        *quantity = units;
        let wished = lines.iter().map(|(sku, quantity)| OrderLine {
            sku: sku.clone(),
            quantity: *quantity,
        });
        let request = OrderChangeRequest {
            order: placed.order.clone(),
            revision: 1,
            lines: wished.collect(),
            segment: Segment::Standard,
        };
        let caller = basket.caller.clone().within(CHECKOUT_PATIENCE);
        let id = FlowId::new(format!("{}/1", placed.order));
        let handle = &self.stage.handle;
        let began = handle.clock().elapsed();
        let changed = handle.run(&caller, ORDER_CHANGE, id, request).await;
        let latency = handle.clock().elapsed().saturating_sub(began);
        let served = match changed {
            Ok(receipt) => {
                let acknowledgement = Acknowledgement {
                    total_minor: receipt.priced.total.minor(),
                    lines,
                    revision: receipt.revision,
                    ..placed
                };
                lock(&self.stage.observer).acknowledge(acknowledgement)?;
                Ok(())
            }
            Err(RunError::Failed(
                ReviseError::Stock { .. }
                | ReviseError::Order(_)
                | ReviseError::PaymentDeclined(_)
                | ReviseError::PaymentUnresolved,
            )) => Err(Unserved::Refused),
            Err(error) => Err(failed(&error)),
        };
        self.note(Request::Change, latency, served);
        Ok(())
    }
}
