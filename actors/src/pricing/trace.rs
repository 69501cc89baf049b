//! Why a price is what it is.

use serde::{Deserialize, Serialize};

use super::competitors::IgnoredBecause;
use super::limits::PriceLimit;
use super::promotions::NotApplied;
use super::rules::RuleEffect;
use crate::domain::{BasisPoints, CompetitorId, Money, PromotionId, RuleId};

/// A step of the calculation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PriceStep {
    /// The price that everything starts from.
    BasePrice,
    /// The rules of the shop: costs, customer segment, product lifecycle.
    BusinessRules,
    /// The strategy of the moment.
    Strategy,
    /// A look at what competitors ask.
    Competitor,
    /// The promotions that run.
    Promotion,
    /// Raised to cost and margin.
    Floor,
    /// Lowered to the highest price allowed.
    Ceiling,
    /// The level that demand and market have moved the price to.
    Dynamic,
    /// Raised to the lowest price that may be advertised.
    MinimumAdvertised,
}

impl From<PriceLimit> for PriceStep {
    fn from(limit: PriceLimit) -> Self {
        match limit {
            PriceLimit::Floor => Self::Floor,
            PriceLimit::MinimumAdvertised => Self::MinimumAdvertised,
            PriceLimit::Ceiling => Self::Ceiling,
        }
    }
}

/// One step, and the price of one unit after it. Steps that change nothing leave no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceEntry {
    /// Which step.
    pub step: PriceStep,
    /// The price of one unit after it.
    pub unit: Money,
}

/// What a step looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TraceNote {
    /// The price comes from the list, for these terms.
    FromList,
    /// The price comes from this version; zero is the catalogue.
    FromVersion(u32),
    /// A rule applied.
    Rule {
        /// Which.
        rule: RuleId,
        /// What it does.
        effect: RuleEffect,
    },
    /// A competitor's price did not count.
    CompetitorIgnored {
        /// Whose.
        source: CompetitorId,
        /// Why.
        because: IgnoredBecause,
    },
    /// What the market asks, by the prices that count.
    Market {
        /// The weighted median.
        reference: Money,
        /// How many count.
        sources: u32,
    },
    /// Demand and market have moved the price by so much.
    Level(BasisPoints),
    /// A promotion takes so much off one unit.
    PromotionApplied {
        /// Which.
        promotion: PromotionId,
        /// How much.
        off: Money,
    },
    /// A promotion that could apply does not.
    PromotionNotApplied {
        /// Which.
        promotion: PromotionId,
        /// Why.
        because: NotApplied,
    },
}

/// The way from the base price to the final one, as it is walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walk {
    pub(super) unit: Money,
    pub(super) trace: Vec<TraceEntry>,
    pub(super) notes: Vec<(PriceStep, TraceNote)>,
}

impl Walk {
    pub(super) fn from_base(unit: Money) -> Self {
        let step = PriceStep::BasePrice;
        Self {
            unit,
            trace: vec![TraceEntry { step, unit }],
            notes: Vec::new(),
        }
    }

    /// Takes a step's price, and says so in the trace if it differs from the one before.
    pub(super) fn log_price_decision(&mut self, step: PriceStep, unit: Money) {
        if self.unit != unit {
            self.trace.push(TraceEntry { step, unit });
        }
        self.unit = unit;
    }

    pub(super) fn note(&mut self, step: PriceStep, note: TraceNote) {
        self.notes.push((step, note));
    }
}
