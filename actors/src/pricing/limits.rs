//! Between which prices a price is valid, and how one that is not becomes so.
//!
//! # Why adjusting ends
//!
//! [`Limits::new`] never gives a floor above its ceiling. The *variant* of the loop in
//! [`within_limits`] is the distance of the price to the interval from floor to ceiling, in minor
//! units: a whole number, not below zero. While it is not zero, exactly one limit is broken, and
//! adjusting sets the price to that limit, which lies in the interval: the distance becomes zero. So
//! the loop turns at most once, whatever the price, and ends at a valid one.

use serde::{Deserialize, Serialize};

use super::terms::Segment;
use super::{PricingAgent, PricingRejection};
use crate::domain::{BasisPoints, Money, MoneyError};

/// A limit that a price may break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PriceLimit {
    /// Cost and the least margin.
    Floor,
    /// The lowest price that the maker lets the product be advertised at.
    MinimumAdvertised,
    /// The furthest above the base price.
    Ceiling,
}

/// Between these a price is valid. The floor is never above the ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    lowest: (Money, PriceLimit),
    ceiling: Money,
}

impl Limits {
    /// Cost and margin from below, or the minimum advertised price where that is higher; trade
    /// terms are agreed and not advertised. From above the base price's largest rise. Where the
    /// lower limit has outgrown the upper one it wins: the shop sells nothing at a loss.
    pub(super) fn new(
        agent: &PricingAgent,
        base: Money,
        cost: Money,
        advertised: Option<Money>,
        segment: Segment,
    ) -> Result<Self, MoneyError> {
        let floor = floor(agent, cost)?;
        let advertised = advertised.filter(|least| {
            segment != Segment::Trade
                && least.currency() == floor.currency()
                && least.minor() > floor.minor()
        });
        let lowest = match advertised {
            Some(least) => (least, PriceLimit::MinimumAdvertised),
            None => (floor, PriceLimit::Floor),
        };
        let ceiling = higher(base.adjusted(agent.settings.rise_max)?, lowest.0)?;
        Ok(Self { lowest, ceiling })
    }

    /// The lowest valid price.
    pub(super) fn lowest(&self) -> Money {
        self.lowest.0
    }
}

/// Cost and the least margin, with the tax on both where prices hold it, and never less than one minor
/// unit.
pub(super) fn floor(agent: &PricingAgent, cost: Money) -> Result<Money, MoneyError> {
    let one = Money::new(1, cost.currency());
    let floor = higher(cost.adjusted(agent.settings.margin_min)?, one)?;
    agent.with_tax(floor)
}

fn higher(one: Money, other: Money) -> Result<Money, MoneyError> {
    Ok(if one.compare(other)?.is_lt() {
        other
    } else {
        one
    })
}

/// Validates and adjusts until the price is valid; `adjusted` hears of each turn.
pub(super) fn within_limits(
    mut unit: Money,
    limits: Limits,
    mut adjusted: impl FnMut(PriceLimit, Money),
) -> Money {
    while let Some(broken) = validate_price_limits(unit, limits) {
        unit = adjust_price(broken, limits);
        adjusted(broken, unit);
    }
    unit
}

/// The limit that a price breaks, if it breaks one. All amounts are in one currency by now.
fn validate_price_limits(unit: Money, limits: Limits) -> Option<PriceLimit> {
    if unit.minor() < limits.lowest.0.minor() {
        Some(limits.lowest.1)
    } else if unit.minor() > limits.ceiling.minor() {
        Some(PriceLimit::Ceiling)
    } else {
        None
    }
}

/// The price that breaks it no more: the limit itself.
fn adjust_price(broken: PriceLimit, limits: Limits) -> Money {
    match broken {
        PriceLimit::Floor | PriceLimit::MinimumAdvertised => limits.lowest.0,
        PriceLimit::Ceiling => limits.ceiling,
    }
}

impl PricingAgent {
    /// What a price must be for this amount to be left of it wherever it is sold: the same where prices
    /// are before tax. Rounded up, since a floor that is rounded down is none.
    pub(super) fn with_tax(&self, amount: Money) -> Result<Money, MoneyError> {
        let gross = amount.adjusted(self.tax_in_prices)?;
        let whole = i128::from(BasisPoints::WHOLE.get());
        let exact = i128::from(amount.minor()) * (whole + i128::from(self.tax_in_prices.get()));
        match i128::from(gross.minor()) * whole < exact {
            true => gross.plus(Money::new(1, gross.currency())),
            false => Ok(gross),
        }
    }

    pub(super) fn check_currency(&self, amount: Money) -> Result<(), PricingRejection> {
        let expected = self.catalogue.currency();
        if amount.currency() == expected {
            Ok(())
        } else {
            Err(PricingRejection::Currency { expected })
        }
    }

    /// A price is above zero, and in the shop's currency.
    pub(super) fn check_price(&self, price: Money) -> Result<(), PricingRejection> {
        self.check_currency(price)?;
        if price.is_positive() {
            Ok(())
        } else {
            Err(PricingRejection::Amount)
        }
    }
}
