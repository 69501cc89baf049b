//! The hours in which a person is not disturbed.

use mercato_runtime::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::zone::TimeZoneName;

/// The hours in which a person is not disturbed, by the clock on their wall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RawQuietHours", into = "RawQuietHours")]
pub struct QuietHours(RawQuietHours);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawQuietHours {
    /// The full hour at which the quiet begins.
    #[schemars(range(min = 0, max = 23))]
    from_hour: u8,
    /// The full hour at which it ends, perhaps on the next day. The same hour: there is no quiet.
    #[schemars(range(min = 0, max = 23))]
    until_hour: u8,
    /// Whose clock: `Europe/London`, `UTC` or `+05:30`. Summer time is kept.
    zone: TimeZoneName,
}

/// Hours that are no quiet hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("quiet hours begin or end at an hour above 23; use 0 to 23")]
pub struct QuietHoursError;

impl QuietHours {
    /// Nine in the evening to eight in the morning, UTC.
    #[must_use]
    pub fn night_utc() -> Self {
        Self(RawQuietHours {
            from_hour: 21,
            until_hour: 8,
            zone: TimeZoneName::utc(),
        })
    }

    /// Quiet from one full hour to another, which may lie on the next day. Equal hours: never.
    ///
    /// # Errors
    /// When an hour is above 23.
    pub fn new(from_hour: u8, until_hour: u8, zone: TimeZoneName) -> Result<Self, QuietHoursError> {
        if from_hour > 23 || until_hour > 23 {
            return Err(QuietHoursError);
        }
        Ok(Self(RawQuietHours {
            from_hour,
            until_hour,
            zone,
        }))
    }

    /// Whose clock they go by.
    #[must_use]
    pub fn zone(&self) -> &TimeZoneName {
        &self.0.zone
    }

    /// The same hours by another clock.
    #[must_use]
    pub fn in_zone(&self, zone: &TimeZoneName) -> Self {
        Self(RawQuietHours {
            zone: zone.clone(),
            ..self.0.clone()
        })
    }

    /// When the quiet that reigns at `now` ends; `None` when the person may be disturbed.
    #[must_use]
    pub fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let RawQuietHours {
            from_hour,
            until_hour,
            zone,
        } = &self.0;
        let hour = zone.hour(now);
        let quiet = if from_hour <= until_hour {
            (*from_hour..*until_hour).contains(&hour)
        } else {
            hour >= *from_hour || hour < *until_hour
        };
        quiet.then(|| zone.next_hour(*until_hour, now))
    }

    /// When the person must be left alone again; `None` where they never must.
    #[must_use]
    pub fn begins(&self, now: Timestamp) -> Option<Timestamp> {
        let hours = &self.0;
        let ever = hours.from_hour != hours.until_hour;
        ever.then(|| hours.zone.next_hour(hours.from_hour, now))
    }
}

impl TryFrom<RawQuietHours> for QuietHours {
    type Error = QuietHoursError;

    fn try_from(raw: RawQuietHours) -> Result<Self, QuietHoursError> {
        Self::new(raw.from_hour, raw.until_hour, raw.zone)
    }
}

impl From<QuietHours> for RawQuietHours {
    fn from(hours: QuietHours) -> Self {
        hours.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const HOUR: u64 = 60 * 60_000;

    fn hours(from: u8, until: u8, zone: &str) -> QuietHours {
        QuietHours::new(from, until, TimeZoneName::new(zone).unwrap()).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        let at: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_millis(u64::try_from(at.as_millisecond()).unwrap())
    }

    #[test]
    fn the_night_spans_midnight() {
        let night = QuietHours::night_utc();
        assert_eq!(night.end(Timestamp::from_millis(12 * HOUR)), None);
        let eight = Some(Timestamp::from_millis(32 * HOUR));
        assert_eq!(night.end(Timestamp::from_millis(21 * HOUR)), eight);
        assert_eq!(night.end(Timestamp::from_millis(32 * HOUR - 1)), eight);
        assert_eq!(night.end(Timestamp::from_millis(32 * HOUR)), None);
        let nine = Some(Timestamp::from_millis(21 * HOUR));
        assert_eq!(night.begins(Timestamp::from_millis(12 * HOUR)), nine);
    }

    /// Catches: the shop's clock in place of the recipient's, and a zone without its summer time.
    #[test]
    fn the_recipients_clock_counts_and_changes_with_the_season() {
        let london = hours(21, 8, "Europe/London");
        assert_eq!(london.end(at("2026-01-15T20:30:00Z")), None);
        // The same hour in UTC is half past nine there in July.
        assert_eq!(
            london.end(at("2026-07-15T20:30:00Z")),
            Some(at("2026-07-16T07:00:00Z"))
        );
        // The clock goes forward in the night: the night is an hour shorter.
        assert_eq!(
            london.end(at("2026-03-28T21:00:00Z")),
            Some(at("2026-03-29T07:00:00Z"))
        );
        // It goes back: an hour longer.
        assert_eq!(
            london.end(at("2026-10-24T20:00:00Z")),
            Some(at("2026-10-25T08:00:00Z"))
        );
        let kolkata = hours(22, 9, "Asia/Kolkata");
        assert_eq!(
            kolkata.end(at("2026-05-01T16:30:00Z")),
            Some(at("2026-05-02T03:30:00Z"))
        );
    }

    /// Catches: an end that the clock never shows.
    #[test]
    fn an_hour_that_is_left_out_comes_at_the_change() {
        let new_york = hours(23, 2, "America/New_York");
        assert_eq!(
            new_york.end(at("2026-03-08T06:30:00Z")),
            Some(at("2026-03-08T07:00:00Z"))
        );
        assert_eq!(new_york.end(at("2026-03-08T07:00:00Z")), None);
    }

    #[test]
    fn hours_off_the_clock_are_refused() {
        assert_eq!(
            QuietHours::new(24, 8, TimeZoneName::utc()),
            Err(QuietHoursError)
        );
        assert_eq!(
            hours(5, 5, "UTC").end(Timestamp::from_millis(5 * HOUR)),
            None
        );
    }

    proptest! {
        #[test]
        fn quiet_ends_within_a_day_and_is_over_then(
            from in 0u8..24,
            until in 0u8..24,
            zone in prop::sample::select(vec![
                "UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "-11:00",
                "Pacific/Apia", "Asia/Kathmandu",
            ]),
            now in 0u64..4_000_000_000_000,
        ) {
            let hours = hours(from, until, zone);
            let now = Timestamp::from_millis(now);
            if let Some(end) = hours.end(now) {
                prop_assert!(end > now);
                prop_assert!(end.since(now) <= Duration::from_secs(49 * 60 * 60));
                prop_assert_eq!(hours.end(end), None);
            } else if let Some(begins) = hours.begins(now) {
                prop_assert!(begins > now);
                // Nobody is disturbed in a night that begins before it is said to.
                let just_before = Timestamp::from_millis(begins.as_millis() - 1);
                prop_assert!(hours.end(just_before).is_none());
            }
        }
    }
}
