//! Moving a price to where demand and market would have it, and taking in what competitors ask.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Timestamp};
use serde::{Deserialize, Serialize};

use super::calculate::ruled_price;
use super::competitors::{CompetitorPrice, CompetitorPrices, IgnoredBecause, market_conditions};
use super::dynamic::{LevelHeld, LevelReason, Situation, step, target};
use super::events::{CompetitorPricesRecorded, PriceLevelMoved, PricingEvent};
use super::rejection::staff;
use super::state::{PriceInputs, PriceState};
use super::terms::PricingTerms;
use super::{PricingAgent, PricingRejection, PricingState};
use crate::domain::{BasisPoints, CompetitorId, Sku};
use crate::ports::CompetitorObservation;

/// The timer for the next look at the level.
pub(super) const REPRICE_TIMER: &str = "reprice";

/// What a look at a price's level came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Repriced {
    /// It moved.
    Moved {
        /// The level before.
        from: BasisPoints,
        /// The level now.
        to: BasisPoints,
        /// What moved it.
        reason: LevelReason,
    },
    /// It stays.
    Held {
        /// The level.
        level: BasisPoints,
        /// Why.
        because: LevelHeld,
    },
}

/// Looks at where demand and market would have the price, and moves it there by a step. A timer
/// gives it while there is something to look at; asking more often changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reprice {
    /// The product.
    pub sku: Sku,
}

impl Command for Reprice {
    type Agent = PricingAgent;
    type Reply = Repriced;
    const NAME: &'static str = "Reprice";

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
        agent.reprice(&self.sku, state.price(), Vec::new(), context.now, |it| it)
    }
}

impl PricingAgent {
    /// Records what was seen, and what the level makes of it.
    fn reprice<R>(
        &self,
        sku: &Sku,
        state: &PriceState,
        mut seen: Vec<PricingEvent>,
        now: Timestamp,
        reply: impl FnOnce(Repriced) -> R,
    ) -> Result<Decision<PricingEvent, R>, PricingRejection> {
        let inputs = state.current().with(&seen);
        let (moved, repriced) = self.look_at_level(sku, state, &inputs, now)?;
        seen.extend(moved.map(PricingEvent::from));
        let after = inputs.with(&seen);
        let decision = self.record(sku, state, now, seen, reply(repriced))?;
        let fresh = (after.competitors.values())
            .any(|price| now.since(price.seen_at) <= self.settings.competitor_age_max);
        let resting = matches!(
            repriced,
            Repriced::Held {
                because: LevelHeld::WithinBand,
                ..
            }
        );
        if resting && !fresh {
            return Ok(decision.clear_timer(REPRICE_TIMER));
        }
        let due = now.plus(self.settings.level_interval_min);
        Ok(decision.set_timer(REPRICE_TIMER, due, &Reprice { sku: sku.clone() }))
    }

    fn look_at_level(
        &self,
        sku: &Sku,
        state: &PriceState,
        inputs: &PriceInputs,
        now: Timestamp,
    ) -> Result<(Option<PriceLevelMoved>, Repriced), PricingRejection> {
        let terms = PricingTerms::shelf(self.catalogue.currency());
        let (ruled, cost) = ruled_price(self, sku, inputs, &terms, now)?;
        let market = market_conditions(self, &inputs.competitors, ruled, now).reference;
        let situation = Situation {
            ruled,
            cost,
            lifecycle: inputs.lifecycle,
            market: market.map(|(reference, _)| reference),
            elasticity: state.demand.elasticity(&self.settings.elasticity),
        };
        let target = target(self, &situation);
        let level = inputs.level;
        Ok(match step(self, level, state.level_moved_at, target, now) {
            Err(because) => (None, Repriced::Held { level, because }),
            Ok(to) => {
                let (from, reason) = (level, target.reason);
                let moved = PriceLevelMoved {
                    from,
                    to,
                    reason,
                    market: situation.market,
                    elasticity: situation.elasticity,
                    at: now,
                };
                (Some(moved), Repriced::Moved { from, to, reason })
            }
        })
    }
}

/// Takes in what competitors ask, and moves the price by it. What cannot count is left out and told,
/// and does not keep the rest out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCompetitorPrices {
    /// The product.
    pub sku: Sku,
    /// What was seen.
    pub observed: Vec<CompetitorObservation>,
}

/// What became of a look at the competitors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketSeen {
    /// How many prices were taken in.
    pub taken: u32,
    /// Those that were not, and why.
    pub ignored: Vec<(CompetitorId, IgnoredBecause)>,
    /// What it did to the price.
    pub repriced: Repriced,
}

impl Command for RecordCompetitorPrices {
    type Agent = PricingAgent;
    type Reply = MarketSeen;
    const NAME: &'static str = "RecordCompetitorPrices";

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
        let (state, now) = (state.price(), context.now);
        let Sifted {
            prices,
            forgotten,
            ignored,
        } = self.sift(agent, state.current(), now);
        let taken = u32::try_from(prices.len()).unwrap_or(u32::MAX);
        let seen = (taken > 0).then(|| CompetitorPricesRecorded { prices, forgotten }.into());
        let seen = seen.into_iter().collect();
        agent.reprice(&self.sku, state, seen, now, |repriced| MarketSeen {
            taken,
            ignored,
            repriced,
        })
    }
}

/// What of an observation can be taken in.
struct Sifted {
    prices: CompetitorPrices,
    forgotten: Vec<CompetitorId>,
    ignored: Vec<(CompetitorId, IgnoredBecause)>,
}

impl RecordCompetitorPrices {
    /// Parts what can be taken in from what cannot. Whether a price is an outlier is asked later,
    /// whenever the prices are weighed against each other.
    fn sift(&self, agent: &PricingAgent, inputs: &PriceInputs, now: Timestamp) -> Sifted {
        let settings = &agent.settings;
        let most = usize::try_from(settings.competitors_max).unwrap_or(usize::MAX);
        let mut known = inputs.competitors.clone();
        let mut sifted = Sifted {
            prices: CompetitorPrices::new(),
            forgotten: Vec::new(),
            ignored: Vec::new(),
        };
        for observation in &self.observed {
            let source = &observation.source;
            if known.len() >= most && !known.contains_key(source) {
                let stale = known.iter().find(|(source, price)| {
                    !sifted.prices.contains_key(*source)
                        && now.since(price.seen_at) > settings.competitor_age_max
                });
                let stale = stale.map(|(source, _)| source.clone());
                if let Some(stale) = stale {
                    known.remove(&stale);
                    sifted.forgotten.push(stale);
                }
            }
            match Self::check(agent, observation, &known, now) {
                Err(because) => sifted.ignored.push((source.clone(), because)),
                Ok(price) => {
                    known.insert(source.clone(), price);
                    sifted.prices.insert(source.clone(), price);
                }
            }
        }
        sifted
    }

    fn check(
        agent: &PricingAgent,
        observation: &CompetitorObservation,
        known: &CompetitorPrices,
        now: Timestamp,
    ) -> Result<CompetitorPrice, IgnoredBecause> {
        let settings = &agent.settings;
        let most = usize::try_from(settings.competitors_max).unwrap_or(usize::MAX);
        if observation.unit.currency() != agent.catalogue.currency() {
            return Err(IgnoredBecause::Currency);
        }
        if !observation.unit.is_positive() {
            return Err(IgnoredBecause::Amount);
        }
        if observation.seen_at > now {
            return Err(IgnoredBecause::NotYet);
        }
        if now.since(observation.seen_at) > settings.competitor_age_max {
            return Err(IgnoredBecause::Stale);
        }
        if !(BasisPoints::ZERO..=BasisPoints::WHOLE).contains(&observation.confidence) {
            return Err(IgnoredBecause::Confidence);
        }
        match known.get(&observation.source) {
            Some(latest) if latest.seen_at >= observation.seen_at => {
                Err(IgnoredBecause::Superseded)
            }
            None if known.len() >= most => Err(IgnoredBecause::TooManySources),
            _ => Ok(CompetitorPrice {
                unit: observation.unit,
                seen_at: observation.seen_at,
                confidence: observation.confidence,
            }),
        }
    }
}
