//! A person's time zone.
//!
//! The zones' rules are compiled in, so that every machine, and every run of one seed, holds the same
//! quiet hours.

use std::fmt;
use std::sync::LazyLock;

use jiff::Zoned;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use mercato_runtime::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The longest name of a zone, in bytes.
const BYTES_MAX: usize = 64;

/// The name of a time zone: one of the IANA database, such as `Europe/London`, or a fixed distance
/// from UTC, such as `+05:30`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct TimeZoneName(Box<str>);

/// A text that names no zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("names no time zone; use one such as Europe/London, UTC or +05:30")]
pub struct TimeZoneNameError;

impl TimeZoneName {
    /// Checks and wraps a name.
    ///
    /// # Errors
    /// When no zone has it.
    pub fn new(name: impl Into<Box<str>>) -> Result<Self, TimeZoneNameError> {
        let name = name.into();
        match find(&name) {
            Some(_) if name.len() <= BYTES_MAX => Ok(Self(name)),
            _ => Err(TimeZoneNameError),
        }
    }

    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self("UTC".into())
    }

    /// A clock that is so far ahead of UTC all year.
    pub(super) fn fixed(offset_minutes: i16) -> Self {
        let sign = if offset_minutes < 0 { '-' } else { '+' };
        let minutes = offset_minutes.unsigned_abs();
        Self(format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60).into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a clock on the wall shows there.
    pub(super) fn local(&self, at: Timestamp) -> Zoned {
        let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
        let at = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        at.to_zoned(find(&self.0).unwrap_or(TimeZone::UTC))
    }

    /// The next moment after `at` at which it becomes this full hour there. An hour that a change of
    /// the clock leaves out comes at the change.
    pub(super) fn next_hour(&self, hour: u8, at: Timestamp) -> Timestamp {
        let local = self.local(at);
        let hour = i8::try_from(hour).unwrap_or_default();
        let mut day = local.date();
        // Two days are enough but where a whole day was left out, as in Samoa in 2011.
        for _ in 0..4 {
            let there = day.at(hour, 0, 0, 0).to_zoned(local.time_zone().clone());
            let found = there.map(|there| there.timestamp().as_millisecond());
            let found = found.ok().and_then(|millis| u64::try_from(millis).ok());
            if let Some(found) = found
                .map(Timestamp::from_millis)
                .filter(|found| *found > at)
            {
                return found;
            }
            day = day.tomorrow().unwrap_or(day);
        }
        at
    }

    /// Which hour it is there, 0 to 23.
    pub(super) fn hour(&self, at: Timestamp) -> u8 {
        u8::try_from(self.local(at).hour()).unwrap_or_default()
    }
}

fn find(name: &str) -> Option<TimeZone> {
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    if name.starts_with(['+', '-']) {
        let (hours, minutes) = name.get(1..)?.split_once(':')?;
        let digits = |text: &str| {
            (text.len() == 2)
                .then(|| text.parse::<i32>().ok())
                .flatten()
        };
        let (hours, minutes) = (digits(hours)?, digits(minutes)?);
        let seconds = hours * 3_600 + minutes * 60;
        let seconds = if name.starts_with('-') {
            -seconds
        } else {
            seconds
        };
        let exists = minutes < 60 && (-12 * 3_600..=14 * 3_600).contains(&seconds);
        let offset = jiff::tz::Offset::from_seconds(seconds).ok()?;
        return exists.then(|| TimeZone::fixed(offset));
    }
    ZONES.get(name).ok()
}

impl TryFrom<Box<str>> for TimeZoneName {
    type Error = TimeZoneNameError;

    fn try_from(name: Box<str>) -> Result<Self, TimeZoneNameError> {
        Self::new(name)
    }
}

impl From<TimeZoneName> for Box<str> {
    fn from(zone: TimeZoneName) -> Self {
        zone.0
    }
}

impl fmt::Display for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_distances_are_zones_and_nothing_else_is() {
        for name in [
            "UTC",
            "Europe/London",
            "America/New_York",
            "+05:30",
            "-03:00",
            "+14:00",
        ] {
            assert!(TimeZoneName::new(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "Mars/Olympus",
            "+5",
            "+15:00",
            "-12:30",
            "+05:60",
            "now",
        ] {
            assert_eq!(TimeZoneName::new(name), Err(TimeZoneNameError), "{name}");
        }
        assert_eq!(TimeZoneName::fixed(-210).as_str(), "-03:30");
        assert_eq!(
            TimeZoneName::new(TimeZoneName::fixed(840).as_str()),
            Ok(TimeZoneName::fixed(840))
        );
    }
}
