//! When an alarm is raised, and when it is over. Pure: time and values are arguments.

use std::time::Duration;

use super::settings::{Alarm, Comparison};
use crate::clock::Timestamp;

impl Comparison {
    /// Whether a value is on the wrong side.
    pub(super) fn is_wrong(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::Below => value < threshold,
        }
    }

    /// The word for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

/// Where an alarm stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing is wrong.
    #[default]
    Well,
    /// Something is wrong, and not yet for long enough.
    Wrong { since: Timestamp },
    /// Somebody was told.
    Raised {
        since: Timestamp,
        /// From when on it has been well again.
        well_since: Option<Timestamp>,
    },
}

/// What somebody is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is raised; it has been wrong since then.
    Raised(Timestamp),
    /// It is over; it had been wrong since then.
    Over(Timestamp),
}

impl State {
    /// Goes on with what was measured now. Where there is nothing to measure, nothing is wrong.
    pub(super) fn go_on(
        &mut self,
        alarm: &Alarm,
        now: Timestamp,
        value: Option<f64>,
    ) -> Option<Turn> {
        let wrong = |than: f64| value.is_some_and(|it| alarm.comparison.is_wrong(it, than));
        let lasted = |since: Timestamp, ms: u64| now.since(since) >= Duration::from_millis(ms);
        match *self {
            Self::Well | Self::Wrong { .. } if !wrong(alarm.threshold) => {
                *self = Self::Well;
                None
            }
            Self::Well | Self::Wrong { .. } => {
                let since = match *self {
                    Self::Wrong { since } => since,
                    _ => now,
                };
                if !lasted(since, alarm.for_ms) {
                    *self = Self::Wrong { since };
                    return None;
                }
                *self = Self::Raised {
                    since,
                    well_since: None,
                };
                Some(Turn::Raised(since))
            }
            Self::Raised { since, well_since } => {
                if wrong(alarm.clear_at.unwrap_or(alarm.threshold)) {
                    *self = Self::Raised {
                        since,
                        well_since: None,
                    };
                    return None;
                }
                let well_since = well_since.unwrap_or(now);
                if !lasted(well_since, alarm.clear_for_ms) {
                    *self = Self::Raised {
                        since,
                        well_since: Some(well_since),
                    };
                    return None;
                }
                *self = Self::Well;
                Some(Turn::Over(since))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::alarm::{Measure, Selector, Severity};
    use crate::telemetry::family::{MAILBOX_DEPTH, Unit};

    fn alarm() -> Alarm {
        let measure = Measure::Level {
            of: Selector::all(MAILBOX_DEPTH.name),
            across: Default::default(),
        };
        Alarm {
            clear_at: Some(5.0),
            for_ms: 3_000,
            clear_for_ms: 2_000,
            ..Alarm::above("deep", measure, 10.0, Unit::Count)
        }
    }

    /// One value a second, and what somebody is told.
    fn told(alarm: &Alarm, values: &[Option<f64>]) -> Vec<(u64, Turn)> {
        let mut state = State::default();
        let mut told = Vec::new();
        for (second, value) in (0..).zip(values) {
            let now = Timestamp::from_millis(second * 1_000);
            told.extend(state.go_on(alarm, now, *value).map(|turn| (second, turn)));
        }
        told
    }

    fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    /// Catches: a line of the log, or a message, with a word that the settings do not know.
    #[test]
    fn severities_and_sides_are_named_as_settings_name_them() {
        for severity in [Severity::Info, Severity::Warning, Severity::Critical] {
            let word = serde_json::to_value(severity).expect("a word");
            assert_eq!(word, severity.name());
        }
        for side in [Comparison::Above, Comparison::Below] {
            assert_eq!(serde_json::to_value(side).expect("a word"), side.name());
        }
    }

    /// Catches: a notice at every look, one that comes before the time or after it, one that counts
    /// a dip as nothing, and an alarm that ends between its two thresholds.
    #[test]
    fn one_notice_when_it_is_raised_and_one_when_it_is_over() {
        let values = [
            // Not for long enough.
            11.0, 11.0, 11.0, 10.0, //
            // Long enough: from second 4 on.
            11.0, 12.0, 99.0, 11.0, 11.0, 11.0, //
            // Between the thresholds, and well for too short a time.
            7.0, 7.0, 5.0, 5.0, 6.0, //
            // Well, from second 15 on.
            5.0, 0.0, 5.0, 5.0, //
            // And again.
            11.0, 11.0, 11.0, 11.0,
        ];
        let turns = told(&alarm(), &values.map(Some));
        let expected = [
            (7, Turn::Raised(at(4))),
            (17, Turn::Over(at(4))),
            (22, Turn::Raised(at(19))),
        ];
        assert_eq!(turns, expected);
    }

    /// Catches: an alarm that is raised by what nobody measured, or stays raised for want of it.
    #[test]
    fn nothing_to_measure_is_nothing_wrong() {
        let hasty = Alarm {
            for_ms: 0,
            clear_for_ms: 0,
            ..alarm()
        };
        let values = [None, Some(11.0), None, None, Some(11.0)];
        let expected = [
            (1, Turn::Raised(at(1))),
            (2, Turn::Over(at(1))),
            (4, Turn::Raised(at(4))),
        ];
        assert_eq!(told(&hasty, &values), expected);
    }

    /// Catches: a comparison that is the wrong way round, or takes the threshold for wrong.
    #[test]
    fn the_threshold_itself_is_well() {
        assert!(Comparison::Above.is_wrong(1.1, 1.0) && !Comparison::Above.is_wrong(1.0, 1.0));
        assert!(Comparison::Below.is_wrong(0.9, 1.0) && !Comparison::Below.is_wrong(1.0, 1.0));
    }
}
