//! Sending goods back and getting money for them.

use std::collections::BTreeSet;

use mercato_runtime::{Context, Decision, Timestamp};
use serde::{Deserialize, Serialize};

use super::command::{OrderDecided, write_by_the_shop, write_to_order};
use super::events::{
    MoneyPart, OrderLine, RefundRecorded, ReturnFinding, ReturnInspected, ReturnLapsed,
    ReturnRefused, ReturnRequested,
};
use super::machine::{OrderPhase, Transition};
use super::state::{OpenReturn, Order};
use super::{OrderAgent, OrderRejection};
use crate::domain::{Money, OrderId, Sku};

/// The timer that ends the wait for goods that are coming back.
const RETURN: &str = "return";

/// Asks to send some of an order back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestReturn {
    /// The order.
    pub order: OrderId,
    /// What is coming back: each SKU once.
    pub lines: Vec<OrderLine>,
}

/// The shop's agreement that something comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnAuthorisation {
    /// Its number, to be written on the parcel.
    pub rma: Box<str>,
    /// What is due once it is there: the share of price, discount and tax, and the shipping where
    /// with it everything has come back.
    pub refund: Money,
    /// When it must be there.
    pub until: Timestamp,
}

write_to_order!(RequestReturn -> ReturnAuthorisation);

impl RequestReturn {
    fn decide_for(
        &self,
        agent: &OrderAgent,
        order: &Order,
        context: &Context<'_>,
    ) -> OrderDecided<ReturnAuthorisation> {
        order.check(Transition::RequestReturn)?;
        if let Some(dispatched_at) = order.dispatched_at {
            let until = dispatched_at.plus(agent.settings.return_for);
            if context.now > until {
                return Err(OrderRejection::ReturnTooLate { until });
            }
        }
        if self.lines.is_empty() {
            return Err(OrderRejection::EmptyReturn);
        }
        let units = self
            .lines
            .iter()
            .map(|line| (&line.sku, line.quantity.get()));
        check_units(units, |sku| order.returnable(sku))?;
        let units = self
            .lines
            .iter()
            .map(|line| (&line.sku, line.quantity.get()));
        let refund = order.refund_for(units)?;
        let until = context.now.plus(agent.settings.return_within);
        let order_id = self.order.clone();
        let decision = Decision::reply(ReturnAuthorisation {
            rma: format!("{}-R{}", self.order, order.returns.saturating_add(1)).into(),
            refund,
            until,
        });
        Ok(decision
            .record(ReturnRequested {
                lines: self.lines.clone(),
                refund,
            })
            .set_timer(RETURN, until, &LapseReturn { order: order_id }))
    }
}

/// Each SKU once, and no more of it than `most`.
fn check_units<'a>(
    units: impl IntoIterator<Item = (&'a Sku, u32)>,
    most: impl Fn(&Sku) -> u32,
) -> Result<(), OrderRejection> {
    let mut seen = BTreeSet::new();
    for (sku, units) in units {
        let returnable = most(sku);
        if units > returnable || !seen.insert(sku) {
            return Err(OrderRejection::NotReturnable {
                sku: sku.clone(),
                returnable,
            });
        }
    }
    Ok(())
}

impl Order {
    fn returned(&self, sku: &Sku) -> u32 {
        self.returned.get(sku).copied().unwrap_or(0)
    }

    /// Units that left and have not come back.
    fn returnable(&self, sku: &Sku) -> u32 {
        self.units.sent(sku).saturating_sub(self.returned(sku))
    }

    fn refund_for<'a>(
        &self,
        units: impl IntoIterator<Item = (&'a Sku, u32)>,
    ) -> Result<Money, OrderRejection> {
        let priced = self.frozen()?;
        let mut due = Money::zero(priced.total.currency());
        let left = priced.lines.iter();
        let mut left: u64 = left.map(|line| u64::from(self.returnable(&line.sku))).sum();
        for (sku, units) in units {
            if let Some(bought) = priced.line(sku) {
                due = due.plus(bought.share(self.returned(sku), units)?)?;
                left = left.saturating_sub(u64::from(units));
            }
        }
        if left == 0 {
            due = due.plus(priced.shipping_gross()?)?;
        }
        Ok(due)
    }

    fn open_return(&self, attempted: Transition) -> Result<&OpenReturn, OrderRejection> {
        self.check(attempted)?;
        let open = self.returning.as_ref();
        open.ok_or_else(|| self.illegal(attempted))
    }
}

/// Records what was in the parcel of a return: at most what was asked for. Replies with what is due
/// for it; nothing, where nothing of it was the goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectReturn {
    /// The order.
    pub order: OrderId,
    /// What was found: each SKU once.
    pub findings: Vec<ReturnFinding>,
}

write_by_the_shop!(InspectReturn -> Money);

impl InspectReturn {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<Money> {
        let open = order.open_return(Transition::InspectReturn)?;
        if let Some(inspected) = &open.inspected {
            return match *inspected == self.findings {
                true => Ok(Decision::reply(open.refund)),
                false => Err(OrderRejection::AlreadyInspected),
            };
        }
        let found = || {
            self.findings.iter().map(|found| {
                let units = found.resaleable.saturating_add(found.damaged);
                (&found.sku, units)
            })
        };
        check_units(found(), |sku| {
            let mut lines = open.lines.iter();
            lines
                .find(|line| line.sku == *sku)
                .map_or(0, |line| line.quantity.get())
        })?;
        let refund = match found().any(|(_, units)| units > 0) {
            true => order.refund_for(found())?,
            false => Money::zero(open.refund.currency()),
        };
        let decision = Decision::reply(refund).clear_timer(RETURN);
        Ok(decision.record(ReturnInspected {
            findings: self.findings.clone(),
            refund,
        }))
    }
}

/// Records that inspection turned the return down; the order is as it was before the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefuseReturn {
    /// The order.
    pub order: OrderId,
}

write_by_the_shop!(RefuseReturn -> ());

impl RefuseReturn {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<()> {
        order.check(Transition::RefuseReturn)?;
        Ok(Decision::reply(())
            .record(ReturnRefused)
            .clear_timer(RETURN))
    }
}

/// Waits for a return no longer. An order sets itself a timer for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LapseReturn {
    /// The order.
    pub order: OrderId,
}

write_by_the_shop!(LapseReturn -> ());

impl LapseReturn {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<()> {
        let waits = order
            .returning
            .as_ref()
            .is_some_and(|open| open.inspected.is_none());
        let decision = Decision::reply(());
        Ok(match order.phase == OrderPhase::ReturnRequested && waits {
            true => decision.record(ReturnLapsed),
            false => decision,
        })
    }
}

/// Records that money was given back: never more than is due for what came back, and never more than
/// was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRefund {
    /// The order.
    pub order: OrderId,
    /// How much to which payment.
    pub parts: Vec<MoneyPart>,
}

write_by_the_shop!(RecordRefund -> ());

impl RecordRefund {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<()> {
        let open = order.open_return(Transition::RefundPart)?;
        let nothing = Money::zero(open.refund.currency());
        let taken = order.refundable().unwrap_or(nothing);
        let refundable = match open.refund.compare(taken)?.is_lt() {
            true => open.refund,
            false => taken,
        };
        let parts = self.parts.iter().map(|part| part.amount);
        let amount = Money::sum(nothing.currency(), parts)?;
        let fits = amount.compare(refundable)?.is_le() && amount.is_positive();
        if !fits || !order.payments.allow_refund(&self.parts, amount) {
            return Err(OrderRejection::RefundTooLarge { refundable });
        }
        Ok(Decision::reply(())
            .record(RefundRecorded {
                amount,
                parts: self.parts.clone(),
            })
            .clear_timer(RETURN))
    }
}
