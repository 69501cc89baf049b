//! How prices may move.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calculate::Segment;
use super::events::Lifecycle;
use crate::domain::BasisPoints;

/// The shop's pricing rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PricingSettings {
    /// The least that a price must lie above cost; enforced last, above all else. Default: 5 %.
    #[schemars(extend("minimum" = 0, "maximum" = 100_000))]
    pub margin_min: BasisPoints,
    /// The furthest that a price may rise above its base price. Default: 30 %.
    #[schemars(extend("minimum" = 0, "maximum" = 100_000))]
    pub rise_max: BasisPoints,
    /// The furthest that a strategy may move a price, up or down. Default: 25 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub strategy_max: BasisPoints,
    /// The most that one promotion may take off. Default: 70 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub promotion_max: BasisPoints,
    /// The most promotions that a SKU may have at a time. Default: 8.
    #[schemars(range(min = 0, max = 1_000))]
    pub promotions_max: u32,
    /// A competitor's price that is older than this is ignored. Default: 1 day.
    #[schemars(extend("minimum" = "0s", "maximum" = "365d"))]
    pub competitor_age_max: Duration,
    /// How far a price moves towards a competitor's, as a share of the gap. Default: 20 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub competitor_pull: BasisPoints,
    /// What a trade customer pays less. Default: 5 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub trade_discount: BasisPoints,
    /// What a loyal customer pays less. Default: 2 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub loyal_discount: BasisPoints,
    /// What a product that is cleared costs less. Default: 15 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub clearance_discount: BasisPoints,
    /// How long a quote is honoured. Default: 15 minutes.
    #[schemars(extend("minimum" = "1s", "maximum" = "30d"))]
    pub quote_lifetime: Duration,
}

impl Default for PricingSettings {
    fn default() -> Self {
        Self {
            margin_min: BasisPoints::new(500),
            rise_max: BasisPoints::new(3_000),
            strategy_max: BasisPoints::new(2_500),
            promotion_max: BasisPoints::new(7_000),
            promotions_max: 8,
            competitor_age_max: Duration::from_secs(86_400),
            competitor_pull: BasisPoints::new(2_000),
            trade_discount: BasisPoints::new(500),
            loyal_discount: BasisPoints::new(200),
            clearance_discount: BasisPoints::new(1_500),
            quote_lifetime: Duration::from_secs(900),
        }
    }
}

impl PricingSettings {
    pub(super) fn discount_of_segment(&self, segment: Segment) -> BasisPoints {
        match segment {
            Segment::Standard => BasisPoints::ZERO,
            Segment::Loyal => self.loyal_discount,
            Segment::Trade => self.trade_discount,
        }
    }

    pub(super) fn discount_of_lifecycle(&self, lifecycle: Lifecycle) -> BasisPoints {
        match lifecycle {
            Lifecycle::Regular => BasisPoints::ZERO,
            Lifecycle::Clearance => self.clearance_discount,
        }
    }
}
