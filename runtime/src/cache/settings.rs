//! How much a cache keeps, and for how long.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The limits of one cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheSettings {
    /// How many bytes it keeps, of keys, values and what stands around them. 4,096 to
    /// 1,099,511,627,776; default 16,777,216 (16 MiB).
    pub bytes_max: u64,
    /// How long an answer is fresh. 1 to 2,592,000,000 (thirty days); default 60,000.
    pub fresh_ms: u64,
    /// For how long after that, or after an event said otherwise, an answer may still stand in for a
    /// better one, labelled stale. 0 to 2,592,000,000; default 600,000.
    pub stale_ms: u64,
    /// How many answers may be loaded at once; the next one is refused. 1 to 100,000; default 1,024.
    pub loads_max: u32,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            bytes_max: 16 << 20,
            fresh_ms: 60_000,
            stale_ms: 600_000,
            loads_max: 1_024,
        }
    }
}

impl CacheSettings {
    pub(super) fn fresh(&self) -> Duration {
        Duration::from_millis(self.fresh_ms)
    }

    /// How long after it was answered something is of any use.
    pub(super) fn useful(&self) -> Duration {
        Duration::from_millis(self.fresh_ms.saturating_add(self.stale_ms))
    }

    fn problems(&self, path: &str, problems: &mut Vec<CacheProblem>) {
        const THIRTY_DAYS_MS: u64 = 2_592_000_000;
        let ranges = [
            ("bytes_max", self.bytes_max, 4_096, 1 << 40),
            ("fresh_ms", self.fresh_ms, 1, THIRTY_DAYS_MS),
            ("stale_ms", self.stale_ms, 0, THIRTY_DAYS_MS),
            ("loads_max", self.loads_max.into(), 1, 100_000),
        ];
        for (field, found, min, max) in ranges {
            if !(min..=max).contains(&found) {
                problems.push(CacheProblem {
                    path: format!("{path}.{field}"),
                    found,
                    min,
                    max,
                });
            }
        }
    }
}

/// The limits of a runtime's caches, by their names. What is not named has the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
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
    /// Where: `agent_responses.fresh_ms`.
    pub path: String,
    /// What stands there.
    pub found: u64,
    /// The least that it may be.
    pub min: u64,
    /// The most that it may be.
    pub max: u64,
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
            let CacheProblem {
                path,
                found,
                min,
                max,
            } = problem;
            write!(f, "\n  {path} is {found}: choose {min} to {max}")
        })
    }
}
