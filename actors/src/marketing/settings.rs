//! What a merchant sets for Marketing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::consent::QuietHours;
use super::customer::FrequencyCap;
use super::segment::RfmThresholds;

/// The settings of the Marketing agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MarketingSettings {
    /// How many promotional messages a person gets. Default 3 in 7 days.
    pub cap: FrequencyCap,
    /// When a person who said nothing of it is not disturbed. Default 21 to 8 hours UTC.
    pub quiet_hours: QuietHours,
    /// Where the lines between customer segments run.
    pub segments: RfmThresholds,
    /// The share of a campaign's messages that is spread evenly over its variants, whatever they
    /// brought so far. Default 0.1.
    #[schemars(extend("minimum" = 0.0, "maximum" = 1.0))]
    pub exploration_floor: ExplorationFloor,
}

impl Default for MarketingSettings {
    fn default() -> Self {
        Self {
            cap: FrequencyCap::THREE_A_WEEK,
            quiet_hours: QuietHours::NIGHT_UTC,
            segments: RfmThresholds::default(),
            exploration_floor: ExplorationFloor(0.1),
        }
    }
}

/// A share from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
pub struct ExplorationFloor(f64);

/// A number that is no share.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the exploration floor is {0}; use a share from 0 to 1")]
pub struct ExplorationFloorError(f64);

impl ExplorationFloor {
    /// Checks and wraps a share.
    ///
    /// # Errors
    /// When it is not between 0 and 1.
    pub fn new(share: f64) -> Result<Self, ExplorationFloorError> {
        if (0.0..=1.0).contains(&share) {
            Ok(Self(share))
        } else {
            Err(ExplorationFloorError(share))
        }
    }

    pub(super) fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for ExplorationFloor {
    type Error = ExplorationFloorError;

    fn try_from(share: f64) -> Result<Self, ExplorationFloorError> {
        Self::new(share)
    }
}

impl From<ExplorationFloor> for f64 {
    fn from(floor: ExplorationFloor) -> Self {
        floor.0
    }
}
