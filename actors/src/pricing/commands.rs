//! Changing what a price is made of. Each change is recorded with its reason.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Timestamp};
use serde::{Deserialize, Serialize};

use super::calculate::{Segment, calculate, get_base_price};
use super::events::{
    BasePriceSet, CompetitorPriceRecorded, Lifecycle, PriceReason, PricingEvent, PromotionPaused,
    PromotionStarted, StrategyAdjusted,
};
use super::state::PriceState;
use super::{PricingAgent, PricingRejection};
use crate::domain::{BasisPoints, Money, PromotionId, Sku};

fn check_currency(agent: &PricingAgent, amount: Money) -> Result<(), PricingRejection> {
    let expected = agent.catalogue.currency();
    if amount.currency() == expected {
        Ok(())
    } else {
        Err(PricingRejection::Currency { expected })
    }
}

/// Sets base price, cost and lifecycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetBasePrice {
    /// The product.
    pub sku: Sku,
    /// The price of one unit, before tax: above zero, in the catalogue's currency.
    pub base: Money,
    /// What one unit costs the shop: not below zero.
    pub cost: Money,
    /// Where the product stands in its life.
    pub lifecycle: Lifecycle,
    /// Why.
    pub reason: PriceReason,
}

impl Command for SetBasePrice {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "SetBasePrice";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PriceState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        check_currency(agent, self.base)?;
        check_currency(agent, self.cost)?;
        if !self.base.is_positive() || self.cost.minor() < 0 {
            return Err(PricingRejection::Amount);
        }
        let event = PricingEvent::from(BasePriceSet {
            base: self.base,
            cost: self.cost,
            lifecycle: self.lifecycle,
            reason: self.reason,
        });
        check_computable(agent, &self.sku, state, &event, context.now)?;
        Ok(Decision::reply(()).record(event))
    }
}

/// An input after which no price could be calculated must not be recorded.
fn check_computable(
    agent: &PricingAgent,
    sku: &Sku,
    state: &PriceState,
    event: &PricingEvent,
    now: Timestamp,
) -> Result<Money, PricingRejection> {
    let inputs = state.current().with(event);
    Ok(calculate(agent, sku, &inputs, Segment::Standard, now)?.unit)
}

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
        state: &PriceState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let max = agent.settings.strategy_max;
        if self.adjustment.get().unsigned_abs() > max.get().unsigned_abs() {
            return Err(PricingRejection::AdjustmentTooLarge { max });
        }
        let now = context.now;
        let before = calculate(agent, &self.sku, state.current(), Segment::Standard, now)?.unit;
        let event = PricingEvent::from(StrategyAdjusted {
            adjustment: self.adjustment,
            reason: self.reason,
        });
        let after = check_computable(agent, &self.sku, state, &event, now)?;
        let decision = Decision::reply(PriceRecommendation { before, after });
        if state.current().adjustment == self.adjustment {
            return Ok(decision);
        }
        Ok(decision.record(event))
    }
}

/// Sets up a promotion. Repeating it with the same terms changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartPromotion {
    /// The product.
    pub sku: Sku,
    /// Its name.
    pub promotion: PromotionId,
    /// What it takes off the price.
    pub off: BasisPoints,
    /// From when.
    pub starts: Timestamp,
    /// Until when; that moment is no part of it.
    pub ends: Timestamp,
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
        state: &PriceState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        get_base_price(agent, &self.sku, state.current())?;
        let promotions = &state.current().promotions;
        if let Some(present) = promotions.get(&self.promotion) {
            let same =
                (present.off, present.starts, present.ends) == (self.off, self.starts, self.ends);
            return if same {
                Ok(Decision::reply(()))
            } else {
                Err(PricingRejection::PromotionDiffers(self.promotion.clone()))
            };
        }
        let max = agent.settings.promotion_max;
        if self.off <= BasisPoints::ZERO || self.off > max {
            return Err(PricingRejection::PromotionShare { max });
        }
        if self.ends <= self.starts || self.ends <= context.now {
            return Err(PricingRejection::PromotionTimes);
        }
        let max = agent.settings.promotions_max;
        let open = promotions
            .values()
            .filter(|promotion| promotion.ends > context.now)
            .count();
        if open >= usize::try_from(max).unwrap_or(usize::MAX) {
            return Err(PricingRejection::TooManyPromotions { max });
        }
        Ok(Decision::reply(()).record(PromotionStarted {
            promotion: self.promotion.clone(),
            off: self.off,
            starts: self.starts,
            ends: self.ends,
            at: context.now,
        }))
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

    fn decide(&self, _: &PricingAgent, state: &PriceState, _: &Context<'_>) -> Decided<Self> {
        let promotion = state
            .current()
            .promotions
            .get(&self.promotion)
            .ok_or_else(|| PricingRejection::UnknownPromotion(self.promotion.clone()))?;
        if promotion.paused {
            return Ok(Decision::reply(()));
        }
        Ok(Decision::reply(()).record(PromotionPaused {
            promotion: self.promotion.clone(),
            reason: self.reason,
        }))
    }
}

/// Records a competitor's price. Only the latest one counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCompetitorPrice {
    /// The product.
    pub sku: Sku,
    /// The price of one unit, before tax.
    pub unit: Money,
    /// When it was seen.
    pub seen_at: Timestamp,
}

impl Command for RecordCompetitorPrice {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "RecordCompetitorPrice";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PriceState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        check_currency(agent, self.unit)?;
        if !self.unit.is_positive() {
            return Err(PricingRejection::Amount);
        }
        let known = state.current().competitor;
        if self.seen_at > context.now || known.is_some_and(|known| known.seen_at > self.seen_at) {
            return Err(PricingRejection::CompetitorTime);
        }
        let event = PricingEvent::from(CompetitorPriceRecorded {
            unit: self.unit,
            seen_at: self.seen_at,
        });
        check_computable(agent, &self.sku, state, &event, context.now)?;
        Ok(Decision::reply(()).record(event))
    }
}
