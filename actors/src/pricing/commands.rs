//! Strategy, promotions and price lists. Each change is recorded with its reason.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision};
use serde::{Deserialize, Serialize};

use super::calculate::{calculate, get_base_price};
use super::events::{
    PriceListSet, PriceReason, PricingEvent, PromotionPaused, PromotionPlanned, StrategyAdjusted,
};
use super::limits::floor;
use super::price_list::{ListPrice, PriceList};
use super::promotions::{PromotionTerms, Reduction};
use super::rejection::staff;
use super::state::PriceState;
use super::terms::PricingTerms;
use super::{PricingAgent, PricingRejection, PricingState};
use crate::domain::{BasisPoints, Money, PromotionId, Sku};

/// Moves the price up or down until the next adjustment. Zero takes the price back to normal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustStrategy {
    /// The product.
    pub sku: Sku,
    /// By how much; it replaces the adjustment before.
    pub adjustment: BasisPoints,
    /// Why.
    pub reason: PriceReason,
}

/// What an adjusted strategy means for a shopper on standard terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceRecommendation {
    /// The price of one unit before.
    pub before: Money,
    /// The price of one unit from now on.
    pub after: Money,
}

impl Command for AdjustStrategy {
    type Agent = PricingAgent;
    type Reply = PriceRecommendation;
    const NAME: &'static str = "AdjustStrategy";

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
        let max = agent.settings.strategy_max;
        if self.adjustment.get().unsigned_abs() > max.get().unsigned_abs() {
            return Err(PricingRejection::AdjustmentTooLarge { max });
        }
        let (state, now) = (state.price(), context.now);
        let event = PricingEvent::from(StrategyAdjusted {
            adjustment: self.adjustment,
            reason: self.reason,
        });
        let shelf = PricingTerms::shelf(agent.catalogue.currency());
        let price = |inputs| calculate(agent, &self.sku, inputs, &shelf, now);
        let recommendation = PriceRecommendation {
            before: price(state.current())?.unit,
            after: price(&state.current().with([&event]))?.unit,
        };
        if state.current().adjustment == self.adjustment {
            return Ok(Decision::reply(recommendation));
        }
        agent.record(&self.sku, state, now, vec![event], recommendation)
    }
}

/// Sets up a promotion. Repeating it with the same terms changes nothing.
///
/// One that by itself would take the price below its floor is refused: it would announce what the
/// shop does not give. Where several together, or a cost that has risen since, would do so, the
/// price stays at the floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartPromotion {
    /// The product.
    pub sku: Sku,
    /// Its name.
    pub promotion: PromotionId,
    /// Its terms.
    pub terms: PromotionTerms,
}

impl Command for StartPromotion {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "StartPromotion";

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
        let (state, now, terms) = (state.price(), context.now, &self.terms);
        let promotions = &state.current().promotions;
        if let Some(present) = promotions.get(&self.promotion) {
            return if present.terms == *terms {
                Ok(Decision::reply(()))
            } else {
                Err(PricingRejection::PromotionDiffers(self.promotion.clone()))
            };
        }
        match terms.off {
            Reduction::Share(off) => {
                let max = agent.settings.promotion_max;
                if off <= BasisPoints::ZERO || off > max {
                    return Err(PricingRejection::PromotionShare { max });
                }
            }
            Reduction::Amount(amount) => agent.check_price(amount)?,
        }
        if let Some(cap) = terms.cap {
            agent.check_price(cap)?;
        }
        if terms.ends <= terms.starts || terms.ends <= now {
            return Err(PricingRejection::PromotionTimes);
        }
        let max = agent.settings.promotions_max;
        let open = promotions.values().filter(|it| it.terms.ends > now).count();
        if open >= usize::try_from(max).unwrap_or(usize::MAX) {
            return Err(PricingRejection::TooManyPromotions { max });
        }
        self.check_floor(agent, state, context)?;
        let planned = PromotionPlanned {
            promotion: self.promotion.clone(),
            terms: terms.clone(),
            at: now,
        };
        agent.record(&self.sku, state, now, vec![planned.into()], ())
    }
}

impl StartPromotion {
    /// The price with this promotion alone, when it begins.
    fn check_floor(
        &self,
        agent: &PricingAgent,
        state: &PriceState,
        context: &Context<'_>,
    ) -> Result<(), PricingRejection> {
        let mut inputs = state.current().clone();
        inputs.promotions.clear();
        let begins = self.terms.starts.max(context.now);
        let mut terms = PricingTerms::shelf(agent.catalogue.currency());
        // The terms that it is for, where it is not for everybody.
        if let Some(segment) = self.terms.segments.first() {
            terms.segment = *segment;
        }
        if let Some(channel) = self.terms.channels.first() {
            terms.channel = *channel;
        }
        let planned = PricingEvent::from(PromotionPlanned {
            promotion: self.promotion.clone(),
            terms: self.terms.clone(),
            at: context.now,
        });
        let alone = inputs.with([&planned]);
        let price = calculate(agent, &self.sku, &alone, &terms, begins)?;
        if price.promoted.minor() < price.lowest.minor() {
            return Err(PricingRejection::BelowFloor {
                floor: price.lowest,
            });
        }
        Ok(())
    }
}

/// Stops a promotion. Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausePromotion {
    /// The product.
    pub sku: Sku,
    /// Its name.
    pub promotion: PromotionId,
    /// Why.
    pub reason: PriceReason,
}

impl Command for PausePromotion {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "PausePromotion";

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
        let state = state.price();
        let promotion = state
            .current()
            .promotions
            .get(&self.promotion)
            .ok_or_else(|| PricingRejection::UnknownPromotion(self.promotion.clone()))?;
        if promotion.paused {
            return Ok(Decision::reply(()));
        }
        let paused = PromotionPaused {
            promotion: self.promotion.clone(),
            reason: self.reason,
        };
        agent.record(&self.sku, state, context.now, vec![paused.into()], ())
    }
}

/// Replaces the list of prices for some terms only. Everything that is wrong with it is told at
/// once.
///
/// One person sets it alone, so it makes no change that would need a second one: on no terms, at no
/// moment, may a price or the floor under it move by more than
/// [`approval_from`](super::PricingSettings::approval_from), save back to the base price, whose
/// changes are approved. A first price in another currency changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPriceList {
    /// The product.
    pub sku: Sku,
    /// The entries; none takes all prices back to the base price.
    pub entries: Vec<ListPrice>,
    /// Why.
    pub reason: PriceReason,
}

impl Command for SetPriceList {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "SetPriceList";

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
        let home = agent.catalogue.currency();
        let unlisted = state.current().with([&PricingEvent::from(PriceListSet {
            entries: Vec::new(),
            reason: self.reason,
        })]);
        let base = get_base_price(agent, &self.sku, &unlisted, &PricingTerms::shelf(home), now)?;
        let list = PriceList::new(self.entries.clone(), (home, base.cost), |cost| {
            floor(agent, cost).ok()
        });
        let list = list.map_err(PricingRejection::PriceList)?;
        if list == state.current().list {
            return Ok(Decision::reply(()));
        }
        agent.check_list_change(&self.sku, state.current(), list, now)?;
        let set = PriceListSet {
            entries: self.entries.clone(),
            reason: self.reason,
        };
        agent.record(&self.sku, state, now, vec![set.into()], ())
    }
}
