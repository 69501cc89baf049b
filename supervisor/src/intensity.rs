//! How many restarts are too many.

use std::collections::VecDeque;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The restarts a supervisor may spend before it gives up and escalates: a group restart counts
/// once, and so does a restart that fails to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Intensity {
    /// How many restarts within `period` are tolerated; one more escalates. Default 10.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub restarts_max: u32,
    /// The sliding period, which is also how long a child must stay up for its next restart to be
    /// immediate again. Default 60 s.
    #[schemars(extend("minimum" = "1ms", "maximum" = "1d"))]
    pub period: Duration,
}

impl Default for Intensity {
    fn default() -> Self {
        Self {
            restarts_max: 10,
            period: Duration::from_secs(60),
        }
    }
}

/// The instants of recent restarts. Never longer than `restarts_max + 1`, because whoever exceeds
/// the intensity is gone.
#[derive(Debug, Default)]
pub(crate) struct Window(VecDeque<Duration>);

impl Window {
    /// Counts a restart at `now`; returns how many fall into the period that ends now, it included.
    pub(crate) fn count(&mut self, now: Duration, period: Duration) -> u32 {
        self.0.push_back(now);
        while self
            .0
            .front()
            .is_some_and(|&past| past.saturating_add(period) < now)
        {
            self.0.pop_front();
        }
        self.0.len().try_into().unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Catches: a period that forgets a restart at its very beginning, or never forgets one.
    #[test]
    fn a_restart_counts_for_one_period_both_ends_included() {
        let mut window = Window::default();
        let counts = [1, 5, 11, 12, 22].map(|at| window.count(SECOND * at, SECOND * 10));
        assert_eq!(counts, [1, 2, 3, 3, 2]);
    }
}
