//! How prices may move.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::RuleBook;
use crate::domain::BasisPoints;

/// The shop's pricing terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PricingSettings {
    /// The rules by segment, channel, life, shelf, quantity and time. They are a document of their
    /// own, and no part of the settings' file.
    #[serde(skip)]
    pub rules: RuleBook,
    /// The least that a price must lie above cost, its tax not counted where it holds any; enforced
    /// last, above all else. Default: 5 %.
    #[schemars(extend("minimum" = 0, "maximum" = 100_000))]
    pub margin_min: BasisPoints,
    /// The furthest that a price may rise above its base price. Default: 30 %.
    #[schemars(extend("minimum" = 0, "maximum" = 100_000))]
    pub rise_max: BasisPoints,
    /// The furthest that a strategy may move a price, up or down. Default: 25 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub strategy_max: BasisPoints,
    /// The most that promotions may take off together. Default: 70 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub promotion_max: BasisPoints,
    /// The most promotions that a SKU may have at a time. Default: 8.
    #[schemars(range(min = 0, max = 1_000))]
    pub promotions_max: u32,
    /// A competitor's price that is older than this is ignored. Default: 1 day.
    #[schemars(extend("minimum" = "0s", "maximum" = "365d"))]
    pub competitor_age_max: Duration,
    /// A competitor's price that is believed less is ignored. Default: 30 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub competitor_confidence_min: BasisPoints,
    /// The most competitors that a SKU may have. Default: 16.
    #[schemars(range(min = 0, max = 1_000))]
    pub competitors_max: u32,
    /// How far a price is pulled towards the market's, as a share of the gap: below the whole, or
    /// two shops would follow each other for good. Default: 20 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub competitor_pull: BasisPoints,
    /// The furthest that demand and market may move a price, up or down. Default: 15 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub level_max: BasisPoints,
    /// The most that they may move it at a time. Default: 5 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub level_step_max: BasisPoints,
    /// A price that is nearer to where it should be stays as it is. Default: 1 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub level_band: BasisPoints,
    /// They do not move it again sooner than this. Default: 6 hours.
    #[schemars(extend("minimum" = "1s", "maximum" = "30d"))]
    pub level_interval_min: Duration,
    /// The period whose sales are one point of what is known of demand. Default: 1 day.
    #[schemars(extend("minimum" = "1s", "maximum" = "30d"))]
    pub demand_period: Duration,
    /// The most units that one sale counts for in it: a crate for a reseller says nothing of how
    /// shoppers answer to the price. Default: 12.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub sale_units_max: u32,
    /// What is believed of elasticities before a SKU has shown its own.
    pub elasticity: ElasticityPrior,
    /// A change of a base price, or of the floor that its cost sets, by more than this needs somebody
    /// else's approval; a price list may not make it at all. Default: 20 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub approval_from: BasisPoints,
    /// The most changes of a SKU that may wait at a time. Default: 16.
    #[schemars(range(min = 0, max = 1_000))]
    pub changes_max: u32,
    /// The most uses that a coupon may have. Default: 100 000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub coupon_uses_max: u32,
    /// How long a quote is honoured. Default: 15 minutes.
    #[schemars(extend("minimum" = "1s", "maximum" = "30d"))]
    pub quote_lifetime: Duration,
}

/// What is believed of price elasticities: a normal distribution, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ElasticityPrior {
    /// Its mean. Default: -2620, the mean of 1,851 elasticities in Bijmolt et al. (2005).
    #[schemars(range(min = -100_000, max = 100_000))]
    pub mean_milli: i32,
    /// Its standard deviation. Default: 1000.
    #[schemars(range(min = 1, max = 100_000))]
    pub deviation_milli: u32,
    /// How far the logarithm of a period's sales strays about its line. Default: 500.
    #[schemars(range(min = 1, max = 100_000))]
    pub noise_milli: u32,
}

impl ElasticityPrior {
    /// Mean, deviation and noise; the latter two are above zero.
    pub(super) fn as_floats(&self) -> (f64, f64, f64) {
        let positive = |milli: u32| f64::from(milli.max(1)) / 1_000.0;
        (
            f64::from(self.mean_milli) / 1_000.0,
            positive(self.deviation_milli),
            positive(self.noise_milli),
        )
    }
}

impl Default for ElasticityPrior {
    fn default() -> Self {
        Self {
            mean_milli: -2_620,
            deviation_milli: 1_000,
            noise_milli: 500,
        }
    }
}

impl Default for PricingSettings {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3_600);
        Self {
            rules: RuleBook::default(),
            margin_min: BasisPoints::new(500),
            rise_max: BasisPoints::new(3_000),
            strategy_max: BasisPoints::new(2_500),
            promotion_max: BasisPoints::new(7_000),
            promotions_max: 8,
            competitor_age_max: HOUR * 24,
            competitor_confidence_min: BasisPoints::new(3_000),
            competitors_max: 16,
            competitor_pull: BasisPoints::new(2_000),
            level_max: BasisPoints::new(1_500),
            level_step_max: BasisPoints::new(500),
            level_band: BasisPoints::new(100),
            level_interval_min: HOUR * 6,
            demand_period: HOUR * 24,
            sale_units_max: 12,
            elasticity: ElasticityPrior::default(),
            approval_from: BasisPoints::new(2_000),
            changes_max: 16,
            coupon_uses_max: 100_000,
            quote_lifetime: HOUR / 4,
        }
    }
}
