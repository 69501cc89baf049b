//! Giving an order up.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision};
use serde::{Deserialize, Serialize};

use super::OrderAgent;
use super::command::{OrderDecided, check_reason, for_the_shop};
use super::events::{CancelReason, OrderCancelled};
use super::machine::{OrderPhase, Transition};
use super::place::{FULFIL, UNPAID};
use super::state::{Order, OrderState};
use crate::domain::{CustomerId, OrderId};

/// Gives an order up, until it is packed. Idempotent, and harmless for an order that never was or is
/// somebody else's.
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
        give_up(&self.order, order, self.reason)
    }
}

/// Gives up what a checkout has received, and nothing else: a checkout that was refused because the order
/// is another customer's leaves that one alone. Idempotent, and harmless for an order that never was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbandonCheckout {
    /// The order.
    pub order: OrderId,
    /// Whose checkout it was.
    pub customer: CustomerId,
}

impl Command for AbandonCheckout {
    type Agent = OrderAgent;
    type Reply = Cancelled;
    const NAME: &'static str = "AbandonCheckout";

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        for_the_shop(context.principal)?;
        let order = state.seen_by(context.principal, &self.order).ok();
        match order.filter(|order| order.details.customer == self.customer) {
            Some(order) => give_up(&self.order, order, CancelReason::CheckoutFailed),
            None => Ok(Decision::reply(Cancelled::NothingToCancel)),
        }
    }
}

fn give_up(id: &OrderId, order: &Order, reason: CancelReason) -> OrderDecided<Cancelled> {
    if order.phase == OrderPhase::Cancelled {
        return Ok(Decision::reply(Cancelled::Cancelled));
    }
    order.check(Transition::Cancel)?;
    let cancelled = OrderCancelled {
        order: id.clone(),
        reason,
        lines: order.details.lines.clone(),
    };
    Ok(Decision::reply(Cancelled::Cancelled)
        .record(cancelled)
        .clear_timer(UNPAID)
        .clear_timer(FULFIL))
}
