//! The steps from a base price to a final one, each under the name that the workflow gives it.
//!
//! All amounts are whole minor units; shares of them are rounded half to even at each step.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::state::PriceInputs;
use super::{PricingAgent, PricingRejection};
use crate::domain::{BasisPoints, Money, MoneyError, Sku};

/// What kind of customer asks. It stands for terms that a customer agreed to, never for who they
/// are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Segment {
    /// Everybody.
    #[default]
    Standard,
    /// Members of the loyalty scheme.
    Loyal,
    /// Resellers.
    Trade,
}

/// A step of the calculation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PriceStep {
    /// The price that everything starts from.
    BasePrice,
    /// Customer segment and product lifecycle.
    BusinessRules,
    /// The strategy of the moment.
    Strategy,
    /// A step towards a competitor's price.
    Competitor,
    /// The best promotion that runs.
    Promotion,
    /// Raised to cost and margin.
    Floor,
    /// Lowered to the highest price allowed.
    Ceiling,
}

/// One step, and the price of one unit after it. Steps that change nothing leave no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceEntry {
    /// Which step.
    pub step: PriceStep,
    /// The price of one unit after it.
    pub unit: Money,
}

/// A price and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PriceDecision {
    pub(super) unit: Money,
    pub(super) trace: Vec<TraceEntry>,
}

/// Between these a price is valid. The floor is never above the ceiling.
#[derive(Debug, Clone, Copy)]
struct Limits {
    floor: Money,
    ceiling: Money,
}

enum Broken {
    Floor(Money),
    Ceiling(Money),
}

/// Walks from the base price to the final one.
pub(super) fn calculate(
    agent: &PricingAgent,
    sku: &Sku,
    inputs: &PriceInputs,
    segment: Segment,
    now: Timestamp,
) -> Result<PriceDecision, PricingRejection> {
    let (base, cost) = get_base_price(agent, sku, inputs)?;
    let mut decision = PriceDecision {
        unit: base,
        trace: Vec::new(),
    };
    log_price_decision(&mut decision, PriceStep::BasePrice, base);
    let ruled = apply_business_rules(agent, inputs, segment, base)?;
    log_price_decision(&mut decision, PriceStep::BusinessRules, ruled);
    let competitor = check_competitor_price(agent, inputs, now);
    calculate_dynamic_price(agent, inputs, competitor, &mut decision)?;
    let promoted = apply_promotions(inputs, now, decision.unit)?;
    log_price_decision(&mut decision, PriceStep::Promotion, promoted);
    let limits = limits(agent, base, cost)?;
    // An adjusted price *is* the limit that it broke, and both limits are valid prices, so this
    // loop turns at most once.
    while let Some(broken) = validate_price_limits(decision.unit, limits) {
        adjust_price(&mut decision, &broken);
    }
    Ok(decision)
}

/// The price that was set, or else the catalogue's; with the cost.
pub(super) fn get_base_price(
    agent: &PricingAgent,
    sku: &Sku,
    inputs: &PriceInputs,
) -> Result<(Money, Money), PricingRejection> {
    inputs
        .base
        .or_else(|| {
            let product = agent.catalogue.get(sku)?;
            Some((product.base_price, product.cost))
        })
        .ok_or_else(|| PricingRejection::UnknownProduct(sku.clone()))
}

fn apply_business_rules(
    agent: &PricingAgent,
    inputs: &PriceInputs,
    segment: Segment,
    unit: Money,
) -> Result<Money, MoneyError> {
    let discount = agent.settings.discount_of_segment(segment).get()
        + agent.settings.discount_of_lifecycle(inputs.lifecycle).get();
    unit.adjusted(BasisPoints::new(-discount))
}

/// A competitor's price, unless it is too old to mean anything.
fn check_competitor_price(
    agent: &PricingAgent,
    inputs: &PriceInputs,
    now: Timestamp,
) -> Option<Money> {
    inputs
        .competitor
        .filter(|seen| now.since(seen.seen_at) <= agent.settings.competitor_age_max)
        .map(|seen| seen.unit)
}

fn calculate_dynamic_price(
    agent: &PricingAgent,
    inputs: &PriceInputs,
    competitor: Option<Money>,
    decision: &mut PriceDecision,
) -> Result<(), MoneyError> {
    let moved = decision.unit.adjusted(inputs.adjustment)?;
    log_price_decision(decision, PriceStep::Strategy, moved);
    if let Some(competitor) = competitor {
        let gap = competitor.minus(moved)?;
        let pulled = moved.plus(gap.portion(agent.settings.competitor_pull)?)?;
        log_price_decision(decision, PriceStep::Competitor, pulled);
    }
    Ok(())
}

/// Promotions do not add up: the best one that runs applies, whatever their order.
fn apply_promotions(
    inputs: &PriceInputs,
    now: Timestamp,
    unit: Money,
) -> Result<Money, MoneyError> {
    let best = inputs
        .promotions
        .values()
        .filter(|promotion| !promotion.paused && promotion.starts <= now && now < promotion.ends)
        .map(|promotion| promotion.off)
        .max()
        .unwrap_or_default();
    unit.adjusted(BasisPoints::new(-best.get()))
}

/// Cost and margin from below, the base price's largest rise from above. Where cost has outgrown
/// the ceiling the floor wins: the shop sells nothing at a loss.
fn limits(agent: &PricingAgent, base: Money, cost: Money) -> Result<Limits, MoneyError> {
    let one_unit = Money::new(1, base.currency());
    let floor = higher(cost.adjusted(agent.settings.margin_min)?, one_unit)?;
    let ceiling = higher(base.adjusted(agent.settings.rise_max)?, floor)?;
    Ok(Limits { floor, ceiling })
}

fn higher(one: Money, other: Money) -> Result<Money, MoneyError> {
    Ok(if one.compare(other)?.is_lt() {
        other
    } else {
        one
    })
}

/// The limit that a price breaks, if it breaks one. All amounts are in one currency by now.
fn validate_price_limits(unit: Money, limits: Limits) -> Option<Broken> {
    if unit.minor() < limits.floor.minor() {
        Some(Broken::Floor(limits.floor))
    } else if unit.minor() > limits.ceiling.minor() {
        Some(Broken::Ceiling(limits.ceiling))
    } else {
        None
    }
}

fn adjust_price(decision: &mut PriceDecision, broken: &Broken) {
    match broken {
        Broken::Floor(floor) => log_price_decision(decision, PriceStep::Floor, *floor),
        Broken::Ceiling(ceiling) => log_price_decision(decision, PriceStep::Ceiling, *ceiling),
    }
}

/// Takes a step's price, and says so in the trace if it differs from the one before.
fn log_price_decision(decision: &mut PriceDecision, step: PriceStep, unit: Money) {
    if decision.trace.is_empty() || decision.unit != unit {
        decision.trace.push(TraceEntry { step, unit });
    }
    decision.unit = unit;
}
