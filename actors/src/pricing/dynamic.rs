//! Where demand and market would have the price, and how far it moves there at a time.
//!
//! The *level* is a share that the ruled price is moved by. It is recorded when it changes and holds
//! until the next change, so that a price does not flicker with each sale.
//!
//! - **Demand.** At a constant elasticity `e` below -1 profit is largest at `cost · e / (1 + e)`
//!   (Lerner, "The Concept of Monopoly and the Measurement of Monopoly Power", 1934). Both ends of
//!   the elasticity's interval give such a price. The target is the ruled price, moved into the
//!   stretch between the two: while the interval says nothing, nothing moves.
//! - **Market.** The target is pulled by a share of the gap towards what the market asks. The gap is
//!   held against the *ruled* price and not against the last one, so two shops that follow each
//!   other meet between their ruled prices, and do not drive each other down: with a pull of `k`
//!   below one each round brings them nearer by the factor `k`.
//! - **Damping.** A level within the dead band of its target stays (hysteresis); one that moves does
//!   so by at most a step, and no sooner than an interval after its last move. Amounts are rounded, and
//!   where `k` is near one, or the price a few pence, a round brings two shops nearer by less than it
//!   rounds: they would change places for good. So towards the market the band is never narrower than
//!   `2 · rounding / (1 - k)`, at which such a change begins to die out.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::PricingAgent;
use super::elasticity::Elasticity;
use super::events::Lifecycle;
use crate::domain::{BasisPoints, Money};

/// What moved a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LevelReason {
    /// The market asks something else.
    Market,
    /// The best price by what is sold.
    Demand,
    /// Both.
    MarketAndDemand,
    /// Neither says anything any more.
    BackToNormal,
}

/// Why a level stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LevelHeld {
    /// It is near enough to where it should be.
    WithinBand,
    /// It has moved a moment ago.
    TooSoon,
}

/// Where the level should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) level: BasisPoints,
    pub(super) reason: LevelReason,
    /// A level nearer than this stays.
    pub(super) band: i64,
}

/// What the target is made of: the price by the rules, cost, life, market and demand.
pub(super) struct Situation {
    pub(super) ruled: Money,
    pub(super) cost: Money,
    pub(super) lifecycle: Lifecycle,
    pub(super) market: Option<Money>,
    pub(super) elasticity: Option<Elasticity>,
}

/// The level that the price should have.
pub(super) fn target(agent: &PricingAgent, situation: &Situation) -> Target {
    let max = agent.settings.level_max.get().abs();
    let demanded = situation
        .elasticity
        .map_or(0, |elasticity| demanded_level(situation, elasticity, max));
    let gap = situation
        .market
        .and_then(|market| level_of(market.minor(), situation.ruled.minor()));
    let pulled = gap.map_or(demanded, |gap| {
        let pull = i64::from(agent.settings.competitor_pull.get());
        let way = i64::from(gap - demanded) * pull / i64::from(BasisPoints::WHOLE.get());
        demanded.saturating_add(i32::try_from(way).unwrap_or(if way < 0 { -max } else { max }))
    });
    let level = match situation.lifecycle {
        Lifecycle::Regular => pulled,
        // Nobody knows yet what it is worth to people.
        Lifecycle::Introduction => 0,
        // What is to go does not become dearer.
        Lifecycle::Clearance => pulled.min(0),
    };
    Target {
        level: BasisPoints::new(level.clamp(-max, max)),
        band: band(agent, situation),
        reason: match (pulled != demanded, demanded != 0) {
            _ if level == 0 => LevelReason::BackToNormal,
            (true, false) => LevelReason::Market,
            (false, _) => LevelReason::Demand,
            (true, true) => LevelReason::MarketAndDemand,
        },
    }
}

/// One move towards the target.
///
/// # Errors
/// Why the level stays.
pub(super) fn step(
    agent: &PricingAgent,
    level: BasisPoints,
    moved_at: Option<Timestamp>,
    target: Target,
    now: Timestamp,
) -> Result<BasisPoints, LevelHeld> {
    let settings = &agent.settings;
    let way = target.level.get() - level.get();
    if i64::from(way.unsigned_abs()) < target.band {
        return Err(LevelHeld::WithinBand);
    }
    if moved_at.is_some_and(|moved_at| now.since(moved_at) < settings.level_interval_min) {
        return Err(LevelHeld::TooSoon);
    }
    let most = settings.level_step_max.get().max(1);
    Ok(BasisPoints::new(level.get() + way.clamp(-most, most)))
}

/// How near to its target a level stays, in basis points.
fn band(agent: &PricingAgent, situation: &Situation) -> i64 {
    let settings = &agent.settings;
    let said = i64::from(settings.level_band.get().unsigned_abs()).max(1);
    if situation.market.is_none() {
        return said;
    }
    let whole = i64::from(BasisPoints::WHOLE.get());
    // Two levels are cut to whole basis points, and two prices rounded to whole minor units.
    let rounding = 2 + whole / situation.ruled.minor().max(1);
    match whole - i64::from(settings.competitor_pull.get()) {
        apart if apart > 0 => said.max(2 * rounding * whole / apart),
        _ => i64::MAX,
    }
}

/// The level nearest to the ruled price between the best prices at both ends of the interval.
fn demanded_level(situation: &Situation, elasticity: Elasticity, max: i32) -> i32 {
    let best = |milli| best_level(situation, milli, max);
    let (one, other) = (best(elasticity.low_milli), best(elasticity.high_milli));
    0i32.clamp(one.min(other), one.max(other))
}

/// The level of the price that earns most; the highest where people would buy at any price.
fn best_level(situation: &Situation, elasticity_milli: i32, max: i32) -> i32 {
    if elasticity_milli >= -1_000 {
        return max;
    }
    let (cost, e) = (
        i128::from(situation.cost.minor()),
        i128::from(elasticity_milli),
    );
    let best = cost * e / (1_000 + e);
    let best = i64::try_from(best).unwrap_or(i64::MAX);
    level_of(best, situation.ruled.minor()).map_or(0, |level| level.clamp(-max, max))
}

/// By how many hundredths of a percent of `ruled` the price lies above it.
fn level_of(price: i64, ruled: i64) -> Option<i32> {
    let off = i128::from(price) - i128::from(ruled);
    let share = off.checked_mul(10_000)?.checked_div(i128::from(ruled))?;
    // No level is further out than a hundredfold.
    i32::try_from(share.clamp(-1_000_000, 1_000_000)).ok()
}
