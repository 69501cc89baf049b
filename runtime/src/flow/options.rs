//! Limits of the orchestrator.

use std::num::NonZeroUsize;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits of the orchestrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlowOptions {
    /// How many flows may be on their way at once; beyond it a start is answered
    /// `AskFailure::Overloaded`. Children run in the place of the flow that waits for them, and flows
    /// that are parked have none. Default 65,536.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub in_flight_max: NonZeroUsize,
    /// How often a flow's function may panic before the flow is failed. Default 3.
    #[schemars(range(min = 1, max = 100))]
    pub panics_max: u32,
    /// How many branches one parallel group may have. Default 256.
    #[schemars(range(min = 1, max = 10_000))]
    pub branches_max: NonZeroUsize,
    /// A flow that only sleeps for at least this long, and that nobody waits for, is parked: it
    /// keeps nothing in memory but its name, and a durable timer wakes it. Default one minute.
    #[schemars(extend("minimum" = "1s", "maximum" = "1h"))]
    pub park_after: Duration,
}

impl Default for FlowOptions {
    fn default() -> Self {
        const IN_FLIGHT_MAX: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();
        const BRANCHES_MAX: NonZeroUsize = NonZeroUsize::new(256).unwrap();
        Self {
            in_flight_max: IN_FLIGHT_MAX,
            panics_max: 3,
            branches_max: BRANCHES_MAX,
            park_after: Duration::from_secs(60),
        }
    }
}
