//! What a person agreed to, and when they are not to be disturbed.

use std::time::Duration;

use mercato_runtime::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A way to reach a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// E-mail campaign.
    Email,
    /// SMS campaign.
    Sms,
    /// Push notification.
    Push,
    /// Social media.
    Social,
}

/// What a promotional message is for. What a customer needs to know about their own order is not
/// promotional and asks for no consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// Offers and reductions.
    Offers,
    /// Following up on a purchase.
    FollowUp,
    /// News of the shop.
    News,
}

/// A decision of the customer about one channel and purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Whether they agreed.
    pub granted: bool,
    /// When.
    pub at: Timestamp,
    /// Where it can be looked up that they did: a form, a call.
    pub proof: Box<str>,
}

const DAY_MINUTES: i64 = 24 * 60;
const MINUTE_MS: u64 = 60_000;

/// The hours in which a person is not disturbed, by their own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RawQuietHours", into = "RawQuietHours")]
pub struct QuietHours(RawQuietHours);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
struct RawQuietHours {
    /// The full hour at which the quiet begins.
    #[schemars(range(min = 0, max = 23))]
    from_hour: u8,
    /// The full hour at which it ends, perhaps on the next day. The same hour: there is no quiet.
    #[schemars(range(min = 0, max = 23))]
    until_hour: u8,
    /// How far that clock is ahead of UTC, in minutes.
    #[schemars(range(min = -720, max = 840))]
    utc_offset_minutes: i16,
}

/// Hours that are no quiet hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum QuietHoursError {
    /// An hour is not on the clock.
    #[error("quiet hours begin or end at an hour above 23; use 0 to 23")]
    Hour,
    /// No zone is so far from UTC.
    #[error("the utc offset is not between -720 and 840 minutes; correct it")]
    Offset,
}

impl QuietHours {
    /// Nine in the evening to eight in the morning, UTC.
    pub const NIGHT_UTC: Self = Self(RawQuietHours {
        from_hour: 21,
        until_hour: 8,
        utc_offset_minutes: 0,
    });

    /// Quiet from one full hour to another, which may lie on the next day. Equal hours: never.
    ///
    /// # Errors
    /// When an hour is above 23, or no time zone has such an offset from UTC.
    pub fn new(
        from_hour: u8,
        until_hour: u8,
        utc_offset_minutes: i16,
    ) -> Result<Self, QuietHoursError> {
        if from_hour > 23 || until_hour > 23 {
            return Err(QuietHoursError::Hour);
        }
        if !(-720..=840).contains(&utc_offset_minutes) {
            return Err(QuietHoursError::Offset);
        }
        Ok(Self(RawQuietHours {
            from_hour,
            until_hour,
            utc_offset_minutes,
        }))
    }

    /// When the quiet that reigns at `now` ends; `None` when the person may be disturbed.
    #[must_use]
    pub fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let from = i64::from(self.0.from_hour) * 60;
        let until = i64::from(self.0.until_hour) * 60;
        let utc = i64::try_from(now.as_millis() / MINUTE_MS).unwrap_or(i64::MAX);
        let local = utc
            .saturating_add(i64::from(self.0.utc_offset_minutes))
            .rem_euclid(DAY_MINUTES);
        let since_from = (local - from).rem_euclid(DAY_MINUTES);
        let length = (until - from).rem_euclid(DAY_MINUTES);
        if since_from >= length {
            return None;
        }
        let minutes_left = u64::try_from(length - since_from).unwrap_or_default();
        let minute = Timestamp::from_millis(now.as_millis() / MINUTE_MS * MINUTE_MS);
        Some(minute.plus(Duration::from_millis(minutes_left * MINUTE_MS)))
    }
}

impl TryFrom<RawQuietHours> for QuietHours {
    type Error = QuietHoursError;

    fn try_from(raw: RawQuietHours) -> Result<Self, QuietHoursError> {
        Self::new(raw.from_hour, raw.until_hour, raw.utc_offset_minutes)
    }
}

impl From<QuietHours> for RawQuietHours {
    fn from(hours: QuietHours) -> Self {
        hours.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: u64 = 60 * MINUTE_MS;

    #[test]
    fn the_night_spans_midnight() {
        let night = QuietHours::NIGHT_UTC;
        assert_eq!(night.end(Timestamp::from_millis(12 * HOUR)), None);
        let eight = Some(Timestamp::from_millis(32 * HOUR));
        assert_eq!(night.end(Timestamp::from_millis(21 * HOUR)), eight);
        assert_eq!(night.end(Timestamp::from_millis(32 * HOUR - 1)), eight);
        assert_eq!(night.end(Timestamp::from_millis(32 * HOUR)), None);
    }

    #[test]
    fn the_recipients_clock_counts() {
        // 12:00 in London is 22:00 in Sydney.
        let sydney = QuietHours::new(21, 8, 600).unwrap();
        let end = sydney.end(Timestamp::from_millis(12 * HOUR));
        assert_eq!(end, Some(Timestamp::from_millis(22 * HOUR)));
    }

    #[test]
    fn hours_off_the_clock_are_refused() {
        assert_eq!(QuietHours::new(24, 8, 0), Err(QuietHoursError::Hour));
        assert_eq!(QuietHours::new(21, 8, 900), Err(QuietHoursError::Offset));
    }

    proptest! {
        #[test]
        fn quiet_ends_within_a_day_and_is_over_then(
            from in 0u8..24, until in 0u8..24, offset in -720i16..=840, now in 0u64..4_000_000_000_000,
        ) {
            let hours = QuietHours::new(from, until, offset).unwrap();
            let now = Timestamp::from_millis(now);
            if let Some(end) = hours.end(now) {
                prop_assert!(end > now);
                prop_assert!(end.since(now) <= Duration::from_secs(24 * 60 * 60));
                prop_assert_eq!(hours.end(end), None);
            }
        }
    }
}
