//! The steps from a base price to a final one, each under the name that the workflow gives it.
//!
//! All amounts are whole minor units; shares of them are rounded half to even at each step.

use mercato_runtime::Timestamp;

use super::competitors::{MarketConditions, market_conditions};
use super::events::Lifecycle;
use super::limits::{Limits, within_limits};
use super::promotions::apply_promotions;
use super::rules::{RuleCase, RuleEffect};
use super::state::PriceInputs;
use super::terms::{PricingTerms, Segment};
use super::trace::{PriceStep, TraceEntry, TraceNote, Walk};
use super::{PricingAgent, PricingRejection};
use crate::domain::{BasisPoints, Money, MoneyError, Sku};

/// A price and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PriceDecision {
    pub(super) unit: Money,
    /// The price without promotions.
    pub(super) regular: Money,
    /// The lowest price that it could be.
    pub(super) lowest: Money,
    /// What promotions would have made of it, had there been no limit.
    pub(super) promoted: Money,
    pub(super) trace: Vec<TraceEntry>,
    pub(super) notes: Vec<(PriceStep, TraceNote)>,
}

/// What everything starts from.
pub(super) struct BasePrice {
    pub(super) unit: Money,
    pub(super) cost: Money,
    /// The price was made for the segment that asks.
    segment_priced: bool,
    from: TraceNote,
}

/// What rules may look at beside the product: what it costs, who asks on what agreement, and where
/// it stands in its life. What the market asks comes later, with the competitors.
struct PricingFactors {
    cost_analysis: Money,
    customer_segment: Segment,
    product_lifecycle: Lifecycle,
}

/// Walks from the base price to the final one.
pub(super) fn calculate(
    agent: &PricingAgent,
    sku: &Sku,
    inputs: &PriceInputs,
    terms: &PricingTerms,
    now: Timestamp,
) -> Result<PriceDecision, PricingRejection> {
    let base = get_base_price(agent, sku, inputs, terms, now)?;
    let mut walk = Walk::from_base(base.unit);
    walk.note(PriceStep::BasePrice, base.from.clone());
    apply_business_rules(agent, sku, inputs, &base, terms, now, &mut walk)?;
    check_competitor_prices(agent, inputs, now, &mut walk);
    calculate_dynamic_price(inputs, &mut walk)?;
    let limits = Limits::new(
        agent,
        base.unit,
        base.cost,
        inputs.advertised_min,
        terms.segment,
    )?;
    let regular = within_limits(walk.unit, limits, |_, _| {});
    let most = agent.settings.promotion_max;
    apply_promotions(most, inputs, terms, now, &mut walk)?;
    let promoted = walk.unit;
    let unit = within_limits(promoted, limits, |limit, unit| {
        walk.log_price_decision(limit.into(), unit);
    });
    Ok(PriceDecision {
        unit,
        regular,
        lowest: limits.lowest(),
        promoted,
        trace: walk.trace,
        notes: walk.notes,
    })
}

/// The price in the list for these terms, or else the one that was set, or else the catalogue's.
pub(super) fn get_base_price(
    agent: &PricingAgent,
    sku: &Sku,
    inputs: &PriceInputs,
    terms: &PricingTerms,
    now: Timestamp,
) -> Result<BasePrice, PricingRejection> {
    let home = agent.home_price(sku, inputs);
    let (unit, cost) = home.ok_or_else(|| PricingRejection::UnknownProduct(sku.clone()))?;
    if let Some(listed) = inputs.list.resolve(terms, now) {
        return Ok(BasePrice {
            unit: listed.unit,
            cost: listed.cost.unwrap_or(cost),
            segment_priced: listed.segment.is_some(),
            from: TraceNote::FromList,
        });
    }
    if unit.currency() != terms.currency {
        return Err(PricingRejection::NoPriceIn {
            sku: sku.clone(),
            currency: terms.currency,
        });
    }
    Ok(BasePrice {
        unit,
        cost,
        segment_priced: false,
        from: TraceNote::FromVersion(inputs.version),
    })
}

impl PricingAgent {
    /// Base price and cost as they were set, or else the catalogue's.
    pub(super) fn home_price(&self, sku: &Sku, inputs: &PriceInputs) -> Option<(Money, Money)> {
        inputs.base.or_else(|| {
            let product = self.catalogue.get(sku)?;
            Some((product.base_price, product.cost))
        })
    }
}

/// All adjustments that apply, added up and applied at once; then the highest margin asked for.
fn apply_business_rules(
    agent: &PricingAgent,
    sku: &Sku,
    inputs: &PriceInputs,
    base: &BasePrice,
    terms: &PricingTerms,
    now: Timestamp,
    walk: &mut Walk,
) -> Result<(), MoneyError> {
    let factors = PricingFactors {
        cost_analysis: base.cost,
        customer_segment: terms.segment,
        product_lifecycle: inputs.lifecycle,
    };
    let case = RuleCase {
        sku,
        category: agent.catalogue.get(sku).map(|product| &*product.category),
        lifecycle: factors.product_lifecycle,
        terms: terms.of(factors.customer_segment),
        segment_priced: base.segment_priced,
        now,
    };
    let (mut adjustment, mut margin) = (0i32, None);
    for rule in agent.settings.rules.applying(case) {
        match rule.then {
            // A book holds no more rules, and no larger ones, than fit.
            RuleEffect::Adjust(by) => adjustment = adjustment.saturating_add(by.get()),
            RuleEffect::MarginAtLeast(least) => margin = margin.max(Some(least)),
        }
        let (rule, effect) = (rule.id.clone(), rule.then);
        walk.note(PriceStep::BusinessRules, TraceNote::Rule { rule, effect });
    }
    let mut ruled = walk.unit.adjusted(BasisPoints::new(adjustment))?;
    if let Some(margin) = margin {
        let least = agent.with_tax(factors.cost_analysis.adjusted(margin)?)?;
        if ruled.compare(least)?.is_lt() {
            ruled = least;
        }
    }
    walk.log_price_decision(PriceStep::BusinessRules, ruled);
    Ok(())
}

/// Notes what the market asks and which prices do not count. The price follows the market by its
/// level alone, so that it moves when a move is decided and not when somebody looks.
fn check_competitor_prices(
    agent: &PricingAgent,
    inputs: &PriceInputs,
    now: Timestamp,
    walk: &mut Walk,
) {
    let MarketConditions { reference, ignored } =
        market_conditions(agent, &inputs.competitors, walk.unit, now);
    for (source, because) in ignored {
        let ignored = TraceNote::CompetitorIgnored { source, because };
        walk.note(PriceStep::Competitor, ignored);
    }
    if let Some((reference, sources)) = reference {
        let market = TraceNote::Market { reference, sources };
        walk.note(PriceStep::Competitor, market);
    }
}

/// The level that demand and market have moved the price to, and the strategy of the moment.
fn calculate_dynamic_price(inputs: &PriceInputs, walk: &mut Walk) -> Result<(), MoneyError> {
    if inputs.level != BasisPoints::ZERO {
        walk.note(PriceStep::Dynamic, TraceNote::Level(inputs.level));
    }
    let levelled = walk.unit.adjusted(inputs.level)?;
    walk.log_price_decision(PriceStep::Dynamic, levelled);
    let moved = walk.unit.adjusted(inputs.adjustment)?;
    walk.log_price_decision(PriceStep::Strategy, moved);
    Ok(())
}

/// The price by base and rules alone, and the cost: what a level is a share of.
pub(super) fn ruled_price(
    agent: &PricingAgent,
    sku: &Sku,
    inputs: &PriceInputs,
    terms: &PricingTerms,
    now: Timestamp,
) -> Result<(Money, Money), PricingRejection> {
    let base = get_base_price(agent, sku, inputs, terms, now)?;
    let mut walk = Walk::from_base(base.unit);
    apply_business_rules(agent, sku, inputs, &base, terms, now, &mut walk)?;
    Ok((walk.unit, base.cost))
}
