//! What the rows of the error table share: waits, breakers, budgets and rates, as data.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Waits that grow from one attempt to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Backoff {
    /// The wait after the first attempt, at most `max`. Default 100 ms.
    #[schemars(extend("minimum" = "1ms", "maximum" = "10m"))]
    pub first: Duration,
    /// No wait is longer. Default 5 seconds.
    #[schemars(extend("minimum" = "1ms", "maximum" = "10m"))]
    pub max: Duration,
    /// Each wait in percent of the one before. 100 to 1,000; default 200.
    #[schemars(range(min = 100, max = 1_000))]
    pub growth_percent: u32,
    /// Which part of a wait is left to chance. A wait of `d` is drawn evenly from `d` less this part
    /// to `d`, so that what failed together does not come again together; half leaves enough of a
    /// wait for a dependency that restarts. 0 to 100; default 50.
    #[schemars(range(min = 0, max = 100))]
    pub jitter_percent: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            max: Duration::from_secs(5),
            growth_percent: 200,
            jitter_percent: 50,
        }
    }
}

/// When a circuit breaker opens, and how it closes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerSettings {
    /// What is looked at. Default: the last 20 calls.
    pub window: WindowSize,
    /// With fewer calls in the window it does not open; so few that the attempts of one call can open
    /// it. 1 to 100,000; default 5.
    #[schemars(range(min = 1, max = 100_000))]
    pub calls_min: u32,
    /// It opens when so many of the calls failed. 1 to 100; default 50.
    #[schemars(range(min = 1, max = 100))]
    pub failure_rate_percent: u32,
    /// A call that took so long counts as slow; at most `attempt_timeout`. Default 5 seconds.
    #[schemars(extend("minimum" = "1ms", "maximum" = "10m"))]
    pub slow_call: Duration,
    /// It opens when so many of the calls were slow. 1 to 100; default 100.
    #[schemars(range(min = 1, max = 100))]
    pub slow_rate_percent: u32,
    /// How long it stays open the first time. Each time that the probes fail, it stays open twice as
    /// long. Default 5 seconds.
    #[schemars(extend("minimum" = "1ms", "maximum" = "1h"))]
    pub open_first: Duration,
    /// It never stays open longer; at least `open_first`. Default 60 seconds.
    #[schemars(extend("minimum" = "1ms", "maximum" = "1h"))]
    pub open_max: Duration,
    /// How many calls are let through to see whether the dependency is back. 1 to 1,000; default 3.
    #[schemars(range(min = 1, max = 1_000))]
    pub probes_max: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            window: WindowSize::Calls(20),
            calls_min: 5,
            failure_rate_percent: 50,
            slow_call: Duration::from_secs(5),
            slow_rate_percent: 100,
            open_first: Duration::from_secs(5),
            open_max: Duration::from_secs(60),
            probes_max: 3,
        }
    }
}

/// What a circuit breaker looks at: `{ calls = 20 }` or `{ seconds = 60 }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WindowSize {
    /// The last so many calls. 1 to 100,000.
    Calls(#[schemars(range(min = 1, max = 100_000))] u32),
    /// The calls of the last so many seconds. 1 to 3,600.
    Seconds(#[schemars(range(min = 1, max = 3_600))] u32),
}

/// What all calls to a dependency together may spend on retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetryBudgetSettings {
    /// How much of a retry each call earns. 0 to 1,000; default 20: one retry for five calls.
    #[schemars(range(min = 0, max = 1_000))]
    pub earned_percent: u32,
    /// How many retries each second brings whether there are calls or not. 0 to 10,000; default 10.
    #[schemars(range(min = 0, max = 10_000))]
    pub per_second: u32,
    /// How many retries may be saved up, and how many there are at first. 1 to 100,000; default
    /// 100.
    #[schemars(range(min = 1, max = 100_000))]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallRate {
    /// So many calls. 1 to 1,000,000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub calls: u32,
    /// In so much time, up to an hour.
    #[schemars(extend("minimum" = "1ms", "maximum" = "1h"))]
    pub per: Duration,
    /// How many calls may come at once after a quiet time. 1 to 1,000,000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst_calls: u32,
}
