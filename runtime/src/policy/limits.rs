//! What the rows of the error table share: waits, breakers, budgets and rates, as data.

use serde::{Deserialize, Serialize};

/// Waits that grow from one attempt to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backoff {
    /// The wait after the first attempt. 1 to 600,000; default 100.
    pub first_ms: u64,
    /// No wait is longer. 1 to 600,000, at least `first_ms`; default 5,000.
    pub max_ms: u64,
    /// Each wait in percent of the one before. 100 to 1,000; default 200.
    pub growth_percent: u32,
    /// Which part of a wait is left to chance. A wait of `d` is drawn evenly from `d` less this part
    /// to `d`, so that what failed together does not come again together. 0 to 100; default 50,
    /// which leaves enough of a wait for a dependency that restarts.
    pub jitter_percent: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first_ms: 100,
            max_ms: 5_000,
            growth_percent: 200,
            jitter_percent: 50,
        }
    }
}

/// When a circuit breaker opens, and how it closes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerSettings {
    /// What is looked at. Default: the last 20 calls.
    pub window: WindowSize,
    /// With fewer calls in the window it does not open. 1 to 100,000; default 5, so that the five
    /// attempts of one call can open it.
    pub calls_min: u32,
    /// It opens when so many of the calls failed. 1 to 100; default 50.
    pub failure_rate_percent: u32,
    /// A call that took so long counts as slow. 1 to 600,000, at most `attempt_timeout_ms`; default
    /// 5,000.
    pub slow_call_ms: u64,
    /// It opens when so many of the calls were slow. 1 to 100; default 100.
    pub slow_rate_percent: u32,
    /// How long it stays open the first time. Each time that the probes fail, it stays open twice as
    /// long. 1 to 3,600,000; default 5,000.
    pub open_first_ms: u64,
    /// It never stays open longer. At least `open_first_ms`, up to 3,600,000; default 60,000.
    pub open_max_ms: u64,
    /// How many calls are let through to see whether the dependency is back. 1 to 1,000; default 3.
    pub probes_max: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            window: WindowSize::Calls(20),
            calls_min: 5,
            failure_rate_percent: 50,
            slow_call_ms: 5_000,
            slow_rate_percent: 100,
            open_first_ms: 5_000,
            open_max_ms: 60_000,
            probes_max: 3,
        }
    }
}

/// What a circuit breaker looks at: `{ calls = 20 }` or `{ seconds = 60 }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowSize {
    /// The last so many calls. 1 to 100,000.
    Calls(u32),
    /// The calls of the last so many seconds. 1 to 3,600.
    Seconds(u32),
}

/// What all calls to a dependency together may spend on retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryBudgetSettings {
    /// How much of a retry each call earns. 0 to 1,000; default 20: one retry for five calls.
    pub earned_percent: u32,
    /// How many retries each second brings whether there are calls or not. 0 to 10,000; default 10.
    pub per_second: u32,
    /// How many retries may be saved up, and how many there are at first. 1 to 100,000; default
    /// 100.
    pub saved_max: u32,
}

impl Default for RetryBudgetSettings {
    fn default() -> Self {
        Self {
            earned_percent: 20,
            per_second: 10,
            saved_max: 100,
        }
    }
}

/// How many calls, in what time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRate {
    /// So many calls. 1 to 1,000,000.
    pub calls: u32,
    /// In so much time. 1 to 3,600,000.
    pub per_ms: u64,
    /// How many calls may come at once after a quiet time. 1 to 1,000,000.
    pub burst_calls: u32,
}
