//! How often stock may run out.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::domain::BasisPoints;

/// The cycle service level: the share of the times between an order and its delivery in which stock
/// does not run out. From 50 % to 99.99 %.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "BasisPoints", into = "BasisPoints")]
pub struct ServiceLevel(BasisPoints);

/// A share that is no service level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("service level must be 50 % to 99.99 %; no stock is large enough for all that can happen")]
pub struct ServiceLevelError;

impl ServiceLevel {
    /// Stock runs out in one of twenty cycles.
    pub const P95: Self = Self(BasisPoints::new(9_500));

    /// A service level.
    ///
    /// # Errors
    /// When it is below 50 % or above 99.99 %.
    pub fn new(share: BasisPoints) -> Result<Self, ServiceLevelError> {
        match share.get() {
            5_000..=9_999 => Ok(Self(share)),
            _ => Err(ServiceLevelError),
        }
    }

    /// As a probability.
    #[must_use]
    pub fn probability(self) -> f64 {
        f64::from(self.0.get()) / 10_000.0
    }

    /// How many standard deviations above its mean a normal quantity lies with this probability at
    /// most.
    #[must_use]
    pub fn normal_factor(self) -> f64 {
        Normal::standard().inverse_cdf(self.probability())
    }
}

impl TryFrom<BasisPoints> for ServiceLevel {
    type Error = ServiceLevelError;

    fn try_from(share: BasisPoints) -> Result<Self, ServiceLevelError> {
        Self::new(share)
    }
}

impl From<ServiceLevel> for BasisPoints {
    fn from(level: ServiceLevel) -> Self {
        level.0
    }
}

impl fmt::Display for ServiceLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.probability() * 100.0)
    }
}
