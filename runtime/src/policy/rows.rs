//! The rows of the error table, as data.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limits::{Backoff, BreakerSettings, CallRate};

/// Exponential backoff, three attempts, then what was answered before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkTimeout {
    /// How often a call is tried in all, the first time included. 1 to 20; default 3.
    #[schemars(range(min = 1, max = 20))]
    pub attempts_max: u32,
    /// How long it waits in between.
    pub backoff: Backoff,
    /// What is done in the end. Default: [`Fallback::CachedResponse`].
    pub fallbacks: Vec<Fallback>,
}

impl Default for NetworkTimeout {
    fn default() -> Self {
        Self {
            attempts_max: 3,
            backoff: Backoff::default(),
            fallbacks: vec![Fallback::CachedResponse],
        }
    }
}

/// Five attempts under a circuit breaker, then another service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceUnavailable {
    /// How often a call is tried in all, the first time included. 1 to 20; default 5.
    #[schemars(range(min = 1, max = 20))]
    pub attempts_max: u32,
    /// How long it waits in between.
    pub backoff: Backoff,
    /// When the dependency is left alone altogether.
    pub breaker: BreakerSettings,
    /// What is done in the end, and at once while the breaker is open. Default:
    /// [`Fallback::AlternativeService`].
    pub fallbacks: Vec<Fallback>,
}

impl Default for ServiceUnavailable {
    fn default() -> Self {
        Self {
            attempts_max: 5,
            backoff: Backoff::default(),
            breaker: BreakerSettings::default(),
            fallbacks: vec![Fallback::AlternativeService],
        }
    }
}

/// Wait and try again, three attempts; then stand in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimiting {
    /// How often a call is tried in all, the first time included. 1 to 20; default 3.
    #[schemars(range(min = 1, max = 20))]
    pub attempts_max: u32,
    /// How long it waits at least, whatever the dependency says.
    pub backoff: Backoff,
    /// A call that is told to wait for longer is over, and others wait for no longer than this
    /// before the dependency is asked again. Default 30 seconds.
    #[schemars(extend("minimum" = "0s", "maximum" = "1h"))]
    pub told_wait_max: Duration,
    /// Our own limit, which keeps the dependency's from being met. Default: none.
    pub limit: Option<CallRate>,
    /// How many calls may wait for their turn; the next one is refused. 1 to 1,000,000; default
    /// 1,000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub queue_calls_max: u32,
    /// What is done in the end. Default: [`Fallback::QueueRequest`].
    pub fallbacks: Vec<Fallback>,
}

impl Default for RateLimiting {
    fn default() -> Self {
        Self {
            attempts_max: 3,
            backoff: Backoff::default(),
            told_wait_max: Duration::from_secs(30),
            limit: None,
            queue_calls_max: 1_000,
            fallbacks: vec![Fallback::QueueRequest],
        }
    }
}

/// A new token, once; then the call is tried once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Authentication {
    /// How often one call may ask for a new token. 0 to 3; default 1.
    #[schemars(range(min = 0, max = 3))]
    pub refreshes_max: u32,
    /// What is done where no refreshed token is accepted. Default: [`Fallback::ReAuthenticate`].
    pub fallbacks: Vec<Fallback>,
}

impl Default for Authentication {
    fn default() -> Self {
        Self {
            refreshes_max: 1,
            fallbacks: vec![Fallback::ReAuthenticate],
        }
    }
}

/// What is done when a call did not succeed, in the column "Fallback". Several are tried in their
/// order. Where none helps, the caller gets the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// What was answered before, labelled stale.
    CachedResponse,
    /// Another service that does the same.
    AlternativeService,
    /// The error, and nothing else.
    ErrorMessage,
    /// The call stands in the queue and has one more turn.
    QueueRequest,
    /// Credentials are shown anew, where no refreshed token is accepted, and the call has one more turn.
    ReAuthenticate,
}

impl Fallback {
    /// The name in logs and settings: `cached_response`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CachedResponse => "cached_response",
            Self::AlternativeService => "alternative_service",
            Self::ErrorMessage => "error_message",
            Self::QueueRequest => "queue_request",
            Self::ReAuthenticate => "re_authenticate",
        }
    }
}

/// A row of the error table, as a policy has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// How often a call is tried in all; for [`Authentication`], how often the token is
    /// refreshed.
    pub attempts_max: u32,
    /// How long it waits in between, where it does.
    pub backoff: Option<&'a Backoff>,
    /// What is done in the end.
    pub fallbacks: &'a [Fallback],
}
