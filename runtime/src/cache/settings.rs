//! How much a cache keeps, and for how long.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A smaller cache could keep nothing.
const BYTES_MIN: u64 = 4_096;
/// A tebibyte.
const BYTES_MAX: u64 = 1 << 40;
/// Thirty days.
const TIME_MAX: Duration = Duration::from_secs(30 * 86_400);
const LOADS_MAX: u32 = 100_000;

/// The limits of one cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheSettings {
    /// How many bytes it keeps, of keys, values and what stands around them. Default 16 MiB.
    #[schemars(range(min = BYTES_MIN, max = BYTES_MAX))]
    pub bytes_max: u64,
    /// How long an answer is fresh. Default 60 seconds.
    #[schemars(extend("minimum" = "1ms", "maximum" = "30d"))]
    pub fresh: Duration,
    /// For how long after that, or after an event said otherwise, an answer may still stand in for a
    /// better one, labelled stale. Default 10 minutes.
    #[schemars(extend("minimum" = "0s", "maximum" = "30d"))]
    pub stale: Duration,
    /// How many answers may be loaded at once; the next one is refused. 1 to 100,000; default 1,024.
    #[schemars(range(min = 1, max = LOADS_MAX))]
    pub loads_max: u32,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            bytes_max: 16 << 20,
            fresh: Duration::from_secs(60),
            stale: Duration::from_secs(600),
            loads_max: 1_024,
        }
    }
}

impl CacheSettings {
    /// How long after it was answered something is of any use.
    pub(super) fn useful(&self) -> Duration {
        self.fresh.saturating_add(self.stale)
    }

    fn problems(&self, path: &str, problems: &mut Vec<CacheProblem>) {
        let mut check = |field: &str, out: bool, found: String, range: String| {
            if out {
                problems.push(CacheProblem {
                    path: format!("{path}.{field}"),
                    found,
                    range,
                });
            }
        };
        let bytes = self.bytes_max;
        check(
            "bytes_max",
            !(BYTES_MIN..=BYTES_MAX).contains(&bytes),
            bytes.to_string(),
            format!("{BYTES_MIN} to {BYTES_MAX}"),
        );
        let times = [
            ("fresh", self.fresh, Duration::from_millis(1)),
            ("stale", self.stale, Duration::ZERO),
        ];
        for (field, time, min) in times {
            check(
                field,
                !(min..=TIME_MAX).contains(&time),
                format!("{time:?}"),
                format!("{min:?} to {TIME_MAX:?}"),
            );
        }
        let loads = self.loads_max;
        check(
            "loads_max",
            !(1..=LOADS_MAX).contains(&loads),
            loads.to_string(),
            format!("1 to {LOADS_MAX}"),
        );
    }
}

/// The limits of a runtime's caches, by their names. What is not named has the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CachesSettings {
    /// By name: `agent_responses`.
    pub by_name: BTreeMap<String, CacheSettings>,
}

impl CachesSettings {
    /// The same with these limits for one cache.
    #[must_use]
    pub fn with(mut self, name: &str, settings: CacheSettings) -> Self {
        self.by_name.insert(name.to_owned(), settings);
        self
    }

    /// The limits of one cache.
    #[must_use]
    pub fn of(&self, name: &str) -> CacheSettings {
        self.by_name.get(name).copied().unwrap_or_default()
    }

    /// Checks them as a whole.
    ///
    /// # Errors
    /// With everything that is wrong with them.
    pub fn check(&self) -> Result<(), InvalidCaches> {
        let mut problems = Vec::new();
        for (name, settings) in &self.by_name {
            settings.problems(name, &mut problems);
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(InvalidCaches { problems })
        }
    }
}

/// One mistake in the limits of a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheProblem {
    /// Where: `agent_responses.fresh`.
    pub path: String,
    /// What stands there.
    pub found: String,
    /// What it may be.
    pub range: String,
}

/// Limits of caches that cannot be used, with everything that is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidCaches {
    /// Never empty.
    pub problems: Vec<CacheProblem>,
}

impl fmt::Display for InvalidCaches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the caches have {} mistakes", self.problems.len())?;
        self.problems.iter().try_for_each(|problem| {
            let CacheProblem { path, found, range } = problem;
            write!(f, "\n  {path} is {found}: choose {range}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: mistakes of which one is not told, or not how it is mended.
    #[test]
    fn all_that_is_wrong_is_told_with_what_may_be() {
        let problem = |path: &str| CacheProblem {
            path: path.into(),
            found: "0".into(),
            range: "1 to 7".into(),
        };
        let problems = ["rates.fresh", "rates.loads_max"].map(problem).into();
        let told = InvalidCaches { problems }.to_string();
        let expected = "the caches have 2 mistakes\n  rates.fresh is 0: choose 1 to 7\n  \
                        rates.loads_max is 0: choose 1 to 7";
        assert_eq!(told, expected);
    }

    /// Catches: limits that one could not choose though they make sense, and such as make none.
    #[test]
    fn limits_reach_from_what_keeps_something_to_a_tebibyte_and_thirty_days() {
        let days = |days: u64| Duration::from_hours(24 * days);
        let of = |bytes_max, fresh, stale, loads_max| CacheSettings {
            bytes_max,
            fresh,
            stale,
            loads_max,
        };
        let wrong = |settings| {
            let caches = CachesSettings::default().with("rates", settings);
            caches
                .check()
                .map_or_else(|told| told.problems.len(), |()| 0)
        };
        let moment = Duration::from_nanos(1);
        let least = of(4_096, Duration::from_millis(1), Duration::ZERO, 1);
        let most = of(1_099_511_627_776, days(30), days(30), 100_000);
        assert_eq!((wrong(least), wrong(most)), (0, 0));
        let less = of(4_095, Duration::from_millis(1) - moment, Duration::ZERO, 0);
        let more = of(
            1_099_511_627_777,
            days(30) + moment,
            days(30) + moment,
            100_001,
        );
        assert_eq!((wrong(less), wrong(more)), (3, 4));
    }
}
