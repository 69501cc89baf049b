//! Sending goods back and getting money for them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use mercato_runtime::{Command, Context, Decided, Decision};
use serde::{Deserialize, Serialize};

use super::events::{OrderLine, RefundRecorded, ReturnRefused, ReturnRequested};
use super::machine::Transition;
use super::state::{Order, OrderState};
use super::totals::{PricedOrder, refund_share};
use super::{OrderAgent, OrderRejection};
use crate::domain::{Money, OrderId, Sku};

/// Asks to send some of an order back. Replies with what is due for it: the share of price,
/// discount and tax, and the shipping once everything has come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestReturn {
    /// The order.
    pub order: OrderId,
    /// What is coming back: each SKU once.
    pub lines: Vec<OrderLine>,
}

impl Command for RequestReturn {
    type Agent = OrderAgent;
    type Reply = Money;
    const NAME: &'static str = "RequestReturn";

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        let order = state.seen_by(context.principal, &self.order)?;
        order.check(Transition::RequestReturn)?;
        let priced = order.priced.as_ref().ok_or(OrderRejection::QuotesDiffer)?;
        if self.lines.is_empty() {
            return Err(OrderRejection::EmptyReturn);
        }
        let mut seen = BTreeSet::new();
        for line in &self.lines {
            let returnable = returnable(order, priced, &line.sku);
            if line.quantity.get() > returnable || !seen.insert(&line.sku) {
                return Err(OrderRejection::NotReturnable {
                    sku: line.sku.clone(),
                    returnable,
                });
            }
        }
        let refund = refund_due(order, priced, &self.lines)?;
        Ok(Decision::reply(refund).record(ReturnRequested {
            lines: self.lines.clone(),
            refund,
        }))
    }
}

fn returned(order: &Order, sku: &Sku) -> u32 {
    order.returned.get(sku).copied().unwrap_or(0)
}

fn returnable(order: &Order, priced: &PricedOrder, sku: &Sku) -> u32 {
    priced.line(sku).map_or(0, |line| {
        line.quantity.get().saturating_sub(returned(order, sku))
    })
}

fn refund_due(
    order: &Order,
    priced: &PricedOrder,
    returning: &[OrderLine],
) -> Result<Money, OrderRejection> {
    let mut due = Money::zero(priced.total.currency());
    let mut left: u64 = priced
        .lines
        .iter()
        .map(|line| u64::from(returnable(order, priced, &line.quote.sku)))
        .sum();
    for line in returning {
        if let Some(bought) = priced.line(&line.sku) {
            due = due.plus(refund_share(
                bought,
                returned(order, &line.sku),
                line.quantity,
            )?)?;
            left = left.saturating_sub(u64::from(line.quantity.get()));
        }
    }
    if left == 0 {
        due = due.plus(priced.shipping)?.plus(priced.shipping_tax)?;
    }
    Ok(due)
}

/// Records that inspection turned the return down; the order is as it was before the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefuseReturn {
    /// The order.
    pub order: OrderId,
}

impl Command for RefuseReturn {
    type Agent = OrderAgent;
    type Reply = ();
    const NAME: &'static str = "RefuseReturn";

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        let order = state.seen_by(context.principal, &self.order)?;
        order.check(Transition::RefuseReturn)?;
        Ok(Decision::reply(()).record(ReturnRefused))
    }
}

/// Records that money was given back: never more than was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRefund {
    /// The order.
    pub order: OrderId,
    /// How much.
    pub amount: Money,
}

impl Command for RecordRefund {
    type Agent = OrderAgent;
    type Reply = ();
    const NAME: &'static str = "RecordRefund";

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        let order = state.seen_by(context.principal, &self.order)?;
        order.check(Transition::RefundPart)?;
        let refundable = order
            .refundable()
            .unwrap_or(Money::zero(self.amount.currency()));
        let left = refundable.minus(self.amount)?;
        if left.minor() < 0 || !self.amount.is_positive() {
            return Err(OrderRejection::RefundTooLarge { refundable });
        }
        Ok(Decision::reply(()).record(RefundRecorded {
            amount: self.amount,
        }))
    }
}
