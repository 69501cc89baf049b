//! What competitors ask, and what of it can be believed.

use std::collections::BTreeMap;
use std::time::Duration;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::PricingAgent;
use crate::domain::{BasisPoints, CompetitorId, Currency, Money};

/// A competitor's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompetitorPrice {
    /// The price of one unit, before tax.
    pub unit: Money,
    /// When it was seen.
    pub seen_at: Timestamp,
    /// How far its source is to be believed: from nothing to the whole.
    pub confidence: BasisPoints,
}

/// The latest price of each competitor.
pub type CompetitorPrices = BTreeMap<CompetitorId, CompetitorPrice>;

/// Why a competitor's price does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum IgnoredBecause {
    /// It is too old.
    #[error("it is older than a competitor's price may be")]
    Stale,
    /// It was seen in the future.
    #[error("it was seen in the future")]
    NotYet,
    /// A later one is known.
    #[error("a later one is known")]
    Superseded,
    /// It is in another currency.
    #[error("it is in another currency")]
    Currency,
    /// It is not above zero.
    #[error("it is not above zero")]
    Amount,
    /// Its source is not believed enough, or beyond the whole.
    #[error("its source is not believed enough")]
    Confidence,
    /// It lies too far from the others, or from the shop's own price where there are no others.
    #[error("it lies too far from the others")]
    Outlier,
    /// There is no room for another source.
    #[error("there are too many sources")]
    TooManySources,
}

/// What the market asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MarketConditions {
    /// The weighted median of the prices that count, and how many they are.
    pub(super) reference: Option<(Money, u32)>,
    pub(super) ignored: Vec<(CompetitorId, IgnoredBecause)>,
}

/// Beyond this modified z-score a price is an outlier (Iglewicz and Hoaglin, "How to Detect and
/// Handle Outliers", 1993, recommend 3.5), in ten-thousandths.
const Z_MAX: i128 = 35_000;
/// The share of the median absolute deviation in the standard deviation of a normal distribution,
/// in ten-thousandths.
const MAD_TO_SIGMA: i128 = 6_745;
/// From so many prices on they are held against each other.
const CROWD: usize = 3;
/// Fewer are held against the shop's own price: one that is more than so many times it, or less
/// than that part of it, is of another article.
const RATIO_MAX: i64 = 3;

/// Weighs the prices that are known against each other. `own` is what the shop itself would ask.
pub(super) fn market_conditions(
    agent: &PricingAgent,
    prices: &CompetitorPrices,
    own: Money,
    now: Timestamp,
) -> MarketConditions {
    let mut ignored = Vec::new();
    let mut believed = Vec::new();
    for (source, price) in prices {
        match weight_of(agent, price, own.currency(), now) {
            Ok(weight) => believed.push((source, price.unit.minor(), weight)),
            Err(because) => ignored.push((source.clone(), because)),
        }
    }
    let mut sorted: Vec<i64> = believed.iter().map(|(_, minor, _)| *minor).collect();
    sorted.sort_unstable();
    believed.retain(|(source, minor, _)| {
        let outlier = is_outlier(*minor, &sorted, own.minor());
        if outlier {
            ignored.push(((*source).clone(), IgnoredBecause::Outlier));
        }
        !outlier
    });
    believed.sort_by_key(|(source, minor, _)| (*minor, *source));
    let weights = believed.iter().map(|(_, minor, weight)| (*minor, *weight));
    let sources = u32::try_from(believed.len()).unwrap_or(u32::MAX);
    MarketConditions {
        reference: weighted_median(weights.collect())
            .map(|minor| (Money::new(minor, own.currency()), sources)),
        ignored,
    }
}

/// How much a price counts: its source's confidence, less with its age.
fn weight_of(
    agent: &PricingAgent,
    price: &CompetitorPrice,
    currency: Currency,
    now: Timestamp,
) -> Result<u64, IgnoredBecause> {
    if price.unit.currency() != currency {
        return Err(IgnoredBecause::Currency);
    }
    if price.confidence < agent.settings.competitor_confidence_min {
        return Err(IgnoredBecause::Confidence);
    }
    let max = agent.settings.competitor_age_max;
    let age = now.since(price.seen_at);
    if age > max || max.is_zero() {
        return Err(IgnoredBecause::Stale);
    }
    let confidence = u64::from(price.confidence.get().unsigned_abs());
    Ok((confidence * left(age, max)).max(1))
}

/// What is left of a price's life, in thousandths.
fn left(age: Duration, max: Duration) -> u64 {
    let (age, max) = (age.as_millis(), max.as_millis().max(1));
    u64::try_from(1_000 - (age * 1_000 / max).min(1_000)).unwrap_or(0)
}

fn is_outlier(minor: i64, sorted: &[i64], own: i64) -> bool {
    if sorted.len() < CROWD {
        return minor > own.saturating_mul(RATIO_MAX) || minor.saturating_mul(RATIO_MAX) < own;
    }
    let median = median(sorted);
    let mut off: Vec<i64> = sorted
        .iter()
        .map(|m| m.abs_diff(median))
        .map(clamped)
        .collect();
    off.sort_unstable();
    // Where most prices are the same, a hundredth of it is taken for their spread.
    let spread = self::median(&off).max(median / 100).max(1);
    i128::from(minor.abs_diff(median)) * MAD_TO_SIGMA > i128::from(spread) * Z_MAX
}

fn clamped(difference: u64) -> i64 {
    i64::try_from(difference).unwrap_or(i64::MAX)
}

/// The middle of sorted numbers, the lower of two; zero where there is none.
fn median(sorted: &[i64]) -> i64 {
    let middle = sorted.len().saturating_sub(1) / 2;
    sorted.get(middle).copied().unwrap_or(0)
}

/// The number at which half of the weight is reached, of numbers in their order.
fn weighted_median(weighted: Vec<(i64, u64)>) -> Option<i64> {
    let total: u128 = weighted.iter().map(|(_, weight)| u128::from(*weight)).sum();
    let mut reached = 0u128;
    for (number, weight) in weighted {
        reached += u128::from(weight);
        if reached * 2 >= total {
            return Some(number);
        }
    }
    None
}
