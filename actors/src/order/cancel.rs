//! Giving an order up.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision};
use serde::{Deserialize, Serialize};

use super::OrderAgent;
use super::command::check_reason;
use super::events::{CancelReason, OrderCancelled};
use super::machine::{OrderPhase, Transition};
use super::place::{FULFIL, UNPAID};
use super::state::OrderState;
use crate::domain::OrderId;

/// Gives an order up, until it is packed. Idempotent, and harmless for an order that
/// never was or is somebody else's: a safe undo of [`ReceiveOrder`](super::ReceiveOrder).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelOrder {
    /// The order.
    pub order: OrderId,
    /// Why; of a shopper, [`CancelReason::Customer`].
    pub reason: CancelReason,
}

/// What a cancellation found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cancelled {
    /// The order is cancelled, now or before.
    Cancelled,
    /// There is no such order that the asker may see.
    NothingToCancel,
}

impl Command for CancelOrder {
    type Agent = OrderAgent;
    type Reply = Cancelled;
    const NAME: &'static str = "CancelOrder";

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        let Ok(order) = state.seen_by(context.principal, &self.order) else {
            return Ok(Decision::reply(Cancelled::NothingToCancel));
        };
        check_reason(context.principal, self.reason)?;
        if order.phase == OrderPhase::Cancelled {
            return Ok(Decision::reply(Cancelled::Cancelled));
        }
        order.check(Transition::Cancel)?;
        let cancelled = OrderCancelled {
            order: self.order.clone(),
            reason: self.reason,
            lines: order.details.lines.clone(),
        };
        Ok(Decision::reply(Cancelled::Cancelled)
            .record(cancelled)
            .clear_timer(UNPAID)
            .clear_timer(FULFIL))
    }
}
