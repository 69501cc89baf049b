//! The promise, and how long an order waits for it.

use mercato_runtime::{Context, Decision};
use serde::{Deserialize, Serialize};

use super::command::{OrderDecided, write_by_the_shop};
use super::events::{CancelReason, OrderCancelled, OrderPlaced, StockAllocated, StockHold};
use super::machine::Transition;
use super::parcels::BeginFulfilment;
use super::state::Order;
use super::units::units_of;
use super::{OrderAgent, OrderRejection};
use crate::domain::{Money, OrderId};

/// The timer that ends the wait for a payment.
pub(super) const UNPAID: &str = "unpaid";
/// The timer that begins the fulfilment.
pub(super) const FULFIL: &str = "fulfil";

/// Creates the order for good: from here on the shop has made a promise. Replies with what is to
/// be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOrder {
    /// The order.
    pub order: OrderId,
    /// What is held for it. What is ordered and not held is on backorder.
    pub holds: Vec<StockHold>,
}

write_by_the_shop!(PlaceOrder -> Money);

impl PlaceOrder {
    fn decide_for(
        &self,
        agent: &OrderAgent,
        order: &Order,
        context: &Context<'_>,
    ) -> OrderDecided<Money> {
        order.check(Transition::Place)?;
        check_holds(order, &self.holds)?;
        let total = order.frozen()?.total;
        let decision = Decision::reply(total)
            .record(StockAllocated {
                holds: self.holds.clone(),
            })
            .record(OrderPlaced {
                order: self.order.clone(),
                customer: order.details.customer.clone(),
                email: order.details.email.clone(),
                lines: order.details.lines.clone(),
                total,
            });
        Ok(wait_for_changes(agent, &self.order, context, decision).clear_timer(UNPAID))
    }
}

/// Leaves the order alone for a while, and then begins to pack it.
pub(super) fn wait_for_changes<E, R>(
    agent: &OrderAgent,
    order: &OrderId,
    context: &Context<'_>,
    decision: Decision<E, R>,
) -> Decision<E, R> {
    let due = context.now.plus(agent.settings.change_for);
    let order = order.clone();
    decision.set_timer(FULFIL, due, &BeginFulfilment { order })
}

/// Nothing is held twice, nothing that was not ordered, and never more than was.
pub(super) fn check_holds(order: &Order, holds: &[StockHold]) -> Result<(), OrderRejection> {
    for (place, hold) in holds.iter().enumerate() {
        let earlier = holds.iter().take(place);
        let twice = earlier
            .chain(order.units.holds())
            .any(|known| known.sku == hold.sku && known.reservation == hold.reservation);
        let mut lines = order.details.lines.iter();
        let room = lines
            .find(|line| line.sku == hold.sku)
            .map_or(0, |line| order.units.backordered(line));
        if twice || units_of(holds, &hold.sku) > room {
            return Err(OrderRejection::HoldsDiffer {
                sku: hold.sku.clone(),
                waiting: room,
            });
        }
    }
    Ok(())
}

/// Gives an order up that was not placed in time. An order sets itself a timer for it; its checkout
/// gives back what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpireUnpaid {
    /// The order.
    pub order: OrderId,
}

write_by_the_shop!(ExpireUnpaid -> ());

impl ExpireUnpaid {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<()> {
        if !order.phase.is_before_placing() {
            return Ok(Decision::reply(()));
        }
        Ok(Decision::reply(()).record(OrderCancelled {
            order: self.order.clone(),
            reason: CancelReason::Unpaid,
            lines: order.details.lines.clone(),
        }))
    }
}
