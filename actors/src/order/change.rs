//! Changing a placed order: where it goes, and what it holds.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Timestamp};
use serde::{Deserialize, Serialize};

use super::command::{OrderDecided, read_of_order, write_by_the_shop, write_to_order};
use super::events::{
    ChangeAbandoned, ChangeBegun, MoneyPart, OrderChanged, OrderLine, OrderRevised, StockHold,
};
use super::machine::{OrderPhase, Transition};
use super::payment::set_expiry;
use super::place::wait_for_changes;
use super::price::check_valid;
use super::receive::{OrderProblem, validate_products};
use super::state::{Order, OrderState};
use super::totals::{PricedOrder, PricedUnits, price_lines};
use super::units::units_of;
use super::{OrderAgent, OrderRejection};
use crate::domain::{Destination, Money, OrderId};
use crate::pricing::LineQuote;

/// Sends a placed order to another address in the same country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeOrder {
    /// The order.
    pub order: OrderId,
    /// Where it is to go, sealed for the order's customer.
    pub address: Destination,
}

write_to_order!(ChangeOrder -> ());

impl ChangeOrder {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<()> {
        order.check(Transition::Change)?;
        if !order.details.customer.is(self.address.address().person()) {
            return Err(OrderRejection::Invalid {
                problems: vec![OrderProblem::SealedForAnother],
            });
        }
        // Tax was frozen with the price, so the order stays where it is taxed.
        if order.details.address.jurisdiction() != self.address.jurisdiction() {
            return Err(OrderRejection::OtherJurisdiction);
        }
        Ok(Decision::reply(()).record(OrderChanged {
            address: self.address.clone(),
        }))
    }
}

/// Begins to change what a placed order holds: until the change ends nothing else moves the order.
/// Replies with the change's number among all that were begun, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginChange {
    /// The order.
    pub order: OrderId,
    /// The version that the change starts from.
    pub revision: u32,
    /// The change's own name.
    pub change: Box<str>,
}

write_to_order!(BeginChange -> u32);

impl BeginChange {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<u32> {
        if order.change.as_ref() == Some(&self.change) {
            return Ok(Decision::reply(order.changes));
        }
        order.check(Transition::BeginChange)?;
        check_revision(order, self.revision)?;
        let number = order.changes.saturating_add(1);
        Ok(Decision::reply(number).record(ChangeBegun {
            change: self.change.clone(),
        }))
    }
}

fn check_revision(order: &Order, revision: u32) -> Result<(), OrderRejection> {
    if order.revision == revision {
        return Ok(());
    }
    Err(OrderRejection::RevisionDiffers {
        revision: order.revision,
    })
}

/// Ends a change that came to nothing. Harmless where it never began or has ended: a safe undo of
/// [`BeginChange`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbandonChange {
    /// The order.
    pub order: OrderId,
    /// The change's own name.
    pub change: Box<str>,
}

impl Command for AbandonChange {
    type Agent = OrderAgent;
    type Reply = ();
    const NAME: &'static str = "AbandonChange";

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(
        &self,
        agent: &OrderAgent,
        state: &OrderState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let nothing = Decision::reply(());
        let Ok(order) = state.seen_by(context.principal, &self.order) else {
            return Ok(nothing);
        };
        if order.change.as_ref() != Some(&self.change) {
            return Ok(nothing);
        }
        let decision = nothing.record(ChangeAbandoned);
        Ok(wait_for_changes(agent, &self.order, context, decision))
    }
}

/// Asks what an order would cost if it held these lines. Kept and fewer units keep their frozen price,
/// and give no more to the basket discount than they did; what is new, and a line that is raised, has
/// today's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceOrderChange {
    /// The order.
    pub order: OrderId,
    /// What it is to hold.
    pub lines: Vec<OrderLine>,
    /// A valid quote for each line that is new or raised, for as many units as it is to have.
    pub quotes: Vec<LineQuote>,
}

/// What a change costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderChangePrice {
    /// What the order would cost.
    pub priced: PricedOrder,
    /// What it would cost more than now; below zero where it would cost less, and that is never
    /// taken.
    pub difference: Money,
    /// What must be set aside beside what is.
    pub supplement: Money,
}

read_of_order!(PriceOrderChange -> OrderChangePrice);

impl PriceOrderChange {
    fn decide_for(
        &self,
        agent: &OrderAgent,
        order: &Order,
        context: &Context<'_>,
    ) -> OrderDecided<OrderChangePrice> {
        let price = price_change(agent, order, &self.lines, &self.quotes, context)?;
        Ok(Decision::reply(price))
    }
}

fn price_change(
    agent: &OrderAgent,
    order: &Order,
    lines: &[OrderLine],
    quotes: &[LineQuote],
    context: &Context<'_>,
) -> Result<OrderChangePrice, OrderRejection> {
    if !matches!(order.phase, OrderPhase::Placed | OrderPhase::Changing) {
        return Err(order.illegal(Transition::BeginChange));
    }
    let mut problems = Vec::new();
    validate_products(agent, lines, &mut problems);
    if !problems.is_empty() {
        return Err(OrderRejection::Invalid { problems });
    }
    check_valid(agent, quotes, context)?;
    let frozen = order.frozen()?;
    let units = lines.iter().map(|line| {
        let kept = frozen.line(&line.sku).filter(|frozen| {
            let cancelled = order.units.cancelled(&line.sku);
            line.quantity.get() <= frozen.quantity.get().saturating_sub(cancelled)
        });
        let mut quotes = quotes.iter();
        match (kept, quotes.find(|it| it.is_for(line))) {
            (Some(frozen), _) => Ok(PricedUnits::frozen(frozen, line.quantity)?),
            (None, Some(quoted)) => {
                let none = Money::zero(quoted.quote.unit.currency());
                Ok(PricedUnits::quoted(quoted, line.quantity, none)?)
            }
            (None, None) => Err(OrderRejection::QuotesDiffer),
        }
    });
    let place = order.details.address.jurisdiction();
    let priced = price_lines(agent, place, units.collect::<Result<_, _>>()?)?;
    let nothing = Money::zero(priced.total.currency());
    let supplement = priced.total.minus(order.payments.open(nothing)?)?;
    Ok(OrderChangePrice {
        difference: priced.total.minus(order.payable()?)?,
        supplement: match supplement.is_positive() {
            true => supplement,
            false => nothing,
        },
        priced,
    })
}

/// Accepts a change: the order's next version. Replies with the version and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviseOrder {
    /// The order.
    pub order: OrderId,
    /// The change's own name.
    pub change: Box<str>,
    /// What the order is to hold.
    pub lines: Vec<OrderLine>,
    /// A valid quote for each line that is new or raised, for as many units as it is to have.
    pub quotes: Vec<LineQuote>,
    /// What is held for it: nothing is on backorder that was not before.
    pub holds: Vec<StockHold>,
    /// What was held and no longer is needed.
    pub freed: Vec<StockHold>,
    /// The payment of the difference, where one is due.
    pub supplement: Option<MoneyPart>,
    /// Until when that payment is set aside, where the gateway says so.
    pub until: Option<Timestamp>,
}

/// A version of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revised {
    /// Which; the first one is 1.
    pub revision: u32,
    /// What it costs.
    pub priced: PricedOrder,
}

write_by_the_shop!(ReviseOrder -> Revised);

impl ReviseOrder {
    fn decide_for(
        &self,
        agent: &OrderAgent,
        order: &Order,
        context: &Context<'_>,
    ) -> OrderDecided<Revised> {
        order.check(Transition::Revise)?;
        if order.change.as_ref() != Some(&self.change) {
            return Err(order.illegal(Transition::Revise));
        }
        let price = price_change(agent, order, &self.lines, &self.quotes, context)?;
        let nothing = Money::zero(price.supplement.currency());
        let brought = self.supplement.as_ref().map_or(nothing, |part| part.amount);
        if brought != price.supplement {
            return Err(OrderRejection::AmountDiffers {
                total: price.supplement,
            });
        }
        for line in &self.lines {
            if units_of(&self.holds, &line.sku) > line.quantity.get() {
                return Err(OrderRejection::HoldsDiffer {
                    sku: line.sku.clone(),
                    waiting: line.quantity.get(),
                });
            }
        }
        let revision = order.revision.saturating_add(1);
        let decision = Decision::reply(Revised {
            revision,
            priced: price.priced.clone(),
        });
        let decision = match &self.supplement {
            Some(part) => set_expiry(decision, &self.order, &part.payment, self.until),
            None => decision,
        };
        let decision = decision.record(OrderRevised {
            order: self.order.clone(),
            revision,
            lines: self.lines.clone(),
            priced: price.priced,
            holds: self.holds.clone(),
            freed: self.freed.clone(),
            supplement: self.supplement.clone(),
        });
        Ok(wait_for_changes(agent, &self.order, context, decision))
    }
}
