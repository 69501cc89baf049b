//! What a merchant sets for Marketing.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cap::FrequencyCap;
use super::quiet::QuietHours;
use super::segment::RfmThresholds;
use super::way_out::WaysOut;

/// The settings of the Marketing agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MarketingSettings {
    /// How many promotional messages a person gets. Default 3 in 7 days.
    pub cap: FrequencyCap,
    /// When a person who said nothing of it is not disturbed; by their own clock, where they said
    /// where they live. Default 21 to 8 hours UTC.
    pub quiet_hours: QuietHours,
    /// Where the lines between customer segments run.
    pub segments: RfmThresholds,
    /// The share of a campaign's messages that is spread evenly over its variants, whatever they
    /// brought so far. Default 0.1.
    #[schemars(extend("minimum" = 0.0, "maximum" = 1.0))]
    pub exploration_floor: ExplorationFloor,
    /// The share of customers who are left alone by all campaigns, drawn by lot once, so that it can
    /// be known what campaigns change. Default 0.05.
    #[schemars(extend("minimum" = 0.0, "maximum" = 0.5))]
    pub holdout: HoldoutShare,
    /// How long nothing is promoted to a customer that they have bought. Default 30 days.
    #[schemars(extend("minimum" = "0s", "maximum" = "3650d"))]
    pub just_bought: Duration,
    /// After so many messages in a row that came back for the time being, nothing more is sent to
    /// that address. Default 3.
    #[schemars(range(min = 1, max = 100))]
    pub soft_bounces_max: NonZeroU32,
    /// How long after their last order a customer counts as lapsed, which may begin a campaign.
    /// Default: never.
    #[schemars(extend("minimum" = "1h", "maximum" = "3650d"))]
    pub win_back_after: Option<Duration>,
    /// Where the links in promotional mail lead with which a customer unsubscribes: an `https`
    /// address, to which a `/` and the link's own part are added. Default
    /// `https://shop.example/unsubscribe`, which is nobody's: set it to the shop's.
    pub unsubscribe_url: UnsubscribeUrl,
    /// The last line of promotional texts, which says how their reader unsubscribes: one short line
    /// for each channel. Say what your gateways and your app really offer.
    pub ways_out: WaysOut,
}

impl Default for MarketingSettings {
    fn default() -> Self {
        Self {
            cap: FrequencyCap::THREE_A_WEEK,
            quiet_hours: QuietHours::night_utc(),
            segments: RfmThresholds::default(),
            exploration_floor: ExplorationFloor(0.1),
            holdout: HoldoutShare(0.05),
            just_bought: Duration::from_secs(30 * 24 * 60 * 60),
            soft_bounces_max: NonZeroU32::MIN.saturating_add(2),
            win_back_after: None,
            unsubscribe_url: UnsubscribeUrl::default(),
            ways_out: WaysOut::default(),
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

/// A share from 0 to 0.5.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
pub struct HoldoutShare(f64);

/// A number that is no share of customers to leave alone.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the holdout is {0}; use a share from 0 to 0.5")]
pub struct HoldoutShareError(f64);

impl HoldoutShare {
    /// Checks and wraps a share.
    ///
    /// # Errors
    /// When it is not between 0 and 0.5: a campaign that leaves most people alone is none.
    pub fn new(share: f64) -> Result<Self, HoldoutShareError> {
        if (0.0..=0.5).contains(&share) {
            Ok(Self(share))
        } else {
            Err(HoldoutShareError(share))
        }
    }

    pub(super) fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for HoldoutShare {
    type Error = HoldoutShareError;

    fn try_from(share: f64) -> Result<Self, HoldoutShareError> {
        Self::new(share)
    }
}

impl From<HoldoutShare> for f64 {
    fn from(share: HoldoutShare) -> Self {
        share.0
    }
}

/// The longest address, in bytes.
const URL_BYTES_MAX: usize = 200;

/// Where links to unsubscribe lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct UnsubscribeUrl(Box<str>);

/// An address that mail must not carry as a link to unsubscribe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no https address of at most {URL_BYTES_MAX} bytes without spaces, angle brackets and a slash \
     at its end; use one such as https://shop.example/unsubscribe"
)]
pub struct UnsubscribeUrlError;

impl UnsubscribeUrl {
    /// Checks and wraps an address. RFC 8058 asks for `https`.
    ///
    /// # Errors
    /// When it is none, or would break the header that it stands in.
    pub fn new(url: impl Into<Box<str>>) -> Result<Self, UnsubscribeUrlError> {
        let url = url.into();
        let allowed = |b: u8| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b',' | b'"');
        let host = url.strip_prefix("https://").unwrap_or_default();
        let well_formed = !host.is_empty() && !url.ends_with('/') && url.bytes().all(allowed);
        if well_formed && url.len() <= URL_BYTES_MAX {
            Ok(Self(url))
        } else {
            Err(UnsubscribeUrlError)
        }
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for UnsubscribeUrl {
    fn default() -> Self {
        Self("https://shop.example/unsubscribe".into())
    }
}

impl TryFrom<Box<str>> for UnsubscribeUrl {
    type Error = UnsubscribeUrlError;

    fn try_from(url: Box<str>) -> Result<Self, UnsubscribeUrlError> {
        Self::new(url)
    }
}

impl From<UnsubscribeUrl> for Box<str> {
    fn from(url: UnsubscribeUrl) -> Self {
        url.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a setting that breaks out of a header, and a link that RFC 8058 forbids.
    #[test]
    fn a_link_is_https_and_fits_into_a_header() {
        assert!(UnsubscribeUrl::new("https://shop.test/u").is_ok());
        for wrong in [
            "",
            "http://shop.test/u",
            "https://",
            "https://a b",
            "https://a>b",
            "https://a/",
        ] {
            assert_eq!(
                UnsubscribeUrl::new(wrong),
                Err(UnsubscribeUrlError),
                "{wrong}"
            );
        }
    }

    #[test]
    fn shares_are_shares() {
        assert!(HoldoutShare::new(0.5).is_ok() && HoldoutShare::new(0.0).is_ok());
        for wrong in [-0.1, 0.51, f64::NAN] {
            assert!(HoldoutShare::new(wrong).is_err(), "{wrong}");
        }
        assert!(ExplorationFloor::new(1.1).is_err());
    }
}
