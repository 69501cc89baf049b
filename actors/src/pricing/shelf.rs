//! Keeping the history of what the shelf asks: with each change, and when something that was planned
//! begins or ends.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, Timestamp};
use serde::{Deserialize, Serialize};

use super::calculate::calculate;
use super::events::{PricingEvent, ShelfPriceShown};
use super::history::{PriceHistory, PriorPrice};
use super::quote::{Quote, quote_at};
use super::rejection::staff;
use super::state::{PriceInputs, PriceState};
use super::terms::PricingTerms;
use super::{PricingAgent, PricingRejection, PricingState};
use crate::domain::{Money, Sku};

/// The timer for the next moment at which the shelf's price may change by itself.
const SHELF_TIMER: &str = "shelf";

impl PricingAgent {
    /// A decision that records these events, with what the shelf asked up to now before them and
    /// what it asks after them; and a look at the shelf when that may change next.
    ///
    /// # Errors
    /// When no price could be calculated after them: they must not be recorded then.
    pub(super) fn record<R>(
        &self,
        sku: &Sku,
        state: &PriceState,
        now: Timestamp,
        events: Vec<PricingEvent>,
        reply: R,
    ) -> Result<Decision<PricingEvent, R>, PricingRejection> {
        let after = state.current().with(&events);
        let shown = self.shelf_at(sku, &after, now)?;
        let mut history = state.history.clone();
        let mut catching_up = self.shown_until(sku, state.current(), &history, now);
        catching_up.iter().for_each(|event| history.apply(event));
        let same = (history.latest())
            .is_some_and(|latest| (latest.unit, latest.regular) == (shown.unit, shown.regular));
        let decision = Decision::reply(reply)
            .record_all(catching_up.drain(..))
            .record_all(events)
            .record_all((!same).then_some(shown));
        let next = self.moments(&after).filter(|moment| *moment > now).min();
        Ok(match next {
            Some(due) => decision.set_timer(SHELF_TIMER, due, &LookAtShelf { sku: sku.clone() }),
            None => decision.clear_timer(SHELF_TIMER),
        })
    }

    /// What the shelf has asked since it was last looked at, with inputs that have not changed
    /// since. What was asked before the history begins, the catalogue says.
    pub(super) fn shown_until(
        &self,
        sku: &Sku,
        inputs: &PriceInputs,
        history: &PriceHistory,
        now: Timestamp,
    ) -> Vec<ShelfPriceShown> {
        let mut latest = history.latest().map(|shown| (shown.unit, shown.regular));
        let since = history
            .latest()
            .map_or(Timestamp::default(), |shown| shown.from);
        let mut moments: Vec<Timestamp> = self
            .moments(inputs)
            .filter(|moment| since < *moment && *moment <= now)
            .collect();
        if latest.is_none() {
            moments.push(Timestamp::default());
        }
        moments.sort_unstable();
        moments.dedup();
        let mut shown = Vec::new();
        for moment in moments {
            let Ok(price) = self.shelf_at(sku, inputs, moment) else {
                continue;
            };
            if latest != Some((price.unit, price.regular)) {
                latest = Some((price.unit, price.regular));
                shown.push(price);
            }
        }
        shown
    }

    fn shelf_at(
        &self,
        sku: &Sku,
        inputs: &PriceInputs,
        from: Timestamp,
    ) -> Result<ShelfPriceShown, PricingRejection> {
        let terms = PricingTerms::shelf(self.catalogue.currency());
        let price = calculate(self, sku, inputs, &terms, from)?;
        Ok(ShelfPriceShown {
            unit: price.unit,
            regular: price.regular,
            from,
        })
    }

    /// The moments at which a price may change by itself.
    fn moments(&self, inputs: &PriceInputs) -> impl Iterator<Item = Timestamp> {
        let promotions = inputs.promotions.values();
        let promotions = promotions.flat_map(|it| [it.terms.starts, it.terms.ends]);
        (promotions.chain(inputs.list.moments())).chain(self.settings.rules.moments())
    }
}

/// Looks at what the shelf asks, and puts it down if it is another price. A timer gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookAtShelf {
    /// The product.
    pub sku: Sku,
}

impl Command for LookAtShelf {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "LookAtShelf";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        agent.record(&self.sku, state.price(), context.now, Vec::new(), ())
    }
}

/// A price on the shelf, with what may stand beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShelfPrice {
    /// The price of one unit for everybody.
    pub quote: Quote,
    /// The price before a reduction, where one may be announced.
    pub before: Option<PriorPrice>,
    /// The lowest price of the last thirty days.
    pub lowest_30_days: Money,
}

/// Asks for the price on the shelf and for what may stand beside it. There is no other source of a
/// "was" price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowShelfPrice {
    /// The product.
    pub sku: Sku,
}

impl Command for ShowShelfPrice {
    type Agent = PricingAgent;
    type Reply = ShelfPrice;
    const NAME: &'static str = "ShowShelfPrice";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let (state, now) = (state.price(), context.now);
        let terms = PricingTerms::shelf(agent.catalogue.currency());
        let (quote, _) = quote_at(agent, &self.sku, state, &terms, now)?;
        let mut history = state.history.clone();
        let shown = agent.shown_until(&self.sku, state.current(), &history, now);
        shown.iter().for_each(|event| history.apply(event));
        let lowest = history.lowest_before(now.plus(std::time::Duration::from_millis(1)));
        Ok(Decision::reply(ShelfPrice {
            lowest_30_days: lowest.unwrap_or(quote.unit),
            before: history.announceable(),
            quote,
        }))
    }
}
