//! What becomes of single lines: stock for what was on backorder, and cancellation.

use mercato_runtime::{Context, Decision};
use serde::{Deserialize, Serialize};

use super::command::{OrderDecided, check_reason, write_by_the_shop, write_to_order};
use super::events::{CancelReason, LineCancelled, OrderCancelled, StockAllocated, StockHold};
use super::machine::{OrderPhase, Transition};
use super::place::{FULFIL, check_holds};
use super::state::Order;
use super::{OrderAgent, OrderRejection};
use crate::domain::{OrderId, Quantity, Sku};

/// Gives an order stock for what was on backorder. Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocateStock {
    /// The order.
    pub order: OrderId,
    /// What is held for it now.
    pub holds: Vec<StockHold>,
}

write_by_the_shop!(AllocateStock -> ());

impl AllocateStock {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<()> {
        if !self.holds.is_empty() && self.holds.iter().all(|hold| order.units.has(hold)) {
            return Ok(Decision::reply(()));
        }
        order.check(Transition::Allocate)?;
        check_holds(order, &self.holds)?;
        Ok(Decision::reply(()).record(StockAllocated {
            holds: self.holds.clone(),
        }))
    }
}

/// Gives up what has not been sent of a line: all of it while the order is placed, and what is on
/// backorder while it is packed. What was held for it is given back by a flow, and its money is
/// never taken. The last line takes the order with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelLine {
    /// The order.
    pub order: OrderId,
    /// The product.
    pub sku: Sku,
    /// Why; of a shopper, [`CancelReason::Customer`].
    pub reason: CancelReason,
}

write_to_order!(CancelLine -> u32);

impl CancelLine {
    fn decide_for(
        &self,
        _: &OrderAgent,
        order: &Order,
        context: &Context<'_>,
    ) -> OrderDecided<u32> {
        check_reason(context.principal, self.reason)?;
        order.check(Transition::CancelLine)?;
        let lines = &order.details.lines;
        let line = lines
            .iter()
            .find(|line| line.sku == self.sku)
            .ok_or_else(|| OrderRejection::NotOrdered(self.sku.clone()))?;
        let packing = order.phase == OrderPhase::Fulfilling;
        let units = match packing {
            true => order.units.backordered(line),
            false => order.units.waiting(line),
        };
        // Cancelled twice is cancelled.
        let Ok(quantity) = Quantity::new(units) else {
            return Ok(Decision::reply(0));
        };
        let freed = match packing {
            true => Vec::new(),
            false => order.units.holds_of(&self.sku).cloned().collect(),
        };
        let decision = Decision::reply(units).record(LineCancelled {
            order: self.order.clone(),
            sku: self.sku.clone(),
            quantity,
            reason: self.reason,
            freed,
        });
        let others = lines.iter().filter(|other| other.sku != self.sku);
        let kept = order.units.sent(&self.sku) > 0
            || order.units.waiting(line) > units
            || others
                .map(|other| order.units.sent(&other.sku) + order.units.waiting(other))
                .any(|units| units > 0);
        if kept {
            return Ok(decision);
        }
        order.check(match packing {
            true => Transition::CancelLast,
            false => Transition::Cancel,
        })?;
        let cancelled = OrderCancelled {
            order: self.order.clone(),
            reason: self.reason,
            lines: lines.clone(),
        };
        Ok(decision.record(cancelled).clear_timer(FULFIL))
    }
}

/// The units of a line, of which some may be on backorder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineUnits {
    /// The product.
    pub sku: Sku,
    /// Units ordered.
    pub ordered: u32,
    /// Units that were sent.
    pub sent: u32,
    /// Units that no stock is held for.
    pub backordered: u32,
    /// Units that were given up.
    pub cancelled: u32,
}

impl Order {
    pub(super) fn line_units(&self) -> Vec<LineUnits> {
        let lines = self.details.lines.iter();
        lines
            .map(|line| LineUnits {
                sku: line.sku.clone(),
                ordered: line.quantity.get(),
                sent: self.units.sent(&line.sku),
                backordered: match self.phase.is_before_placing() {
                    true => 0,
                    false => self.units.backordered(line),
                },
                cancelled: self.units.cancelled(&line.sku),
            })
            .collect()
    }
}
