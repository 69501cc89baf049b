//! The policies as data: by dependency, and for each of them the rows of the error table.
//!
//! A range is both a mark for whoever describes the settings and what [`Policies::problems`] checks; a
//! test holds one to the other.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dependency::Dependency;
use super::failure::FailureKind;
use super::limits::RetryBudgetSettings;
use super::rows::{
    Authentication, Fallback, NetworkTimeout, RateLimiting, Row, ServiceUnavailable,
};

/// The policies of a runtime. What is not named has the default, which is the error table.
///
/// ```
/// use mercato_runtime::{Dependency, Policies};
///
/// let text = r#"{ "ports": { "payments": { "service_unavailable": { "attempts_max": 4 } } } }"#;
/// let policies: Policies = serde_json::from_str(text)?;
/// let payments = policies.of(Dependency::Port("payments"));
/// assert_eq!(payments.service_unavailable.attempts_max, 4);
/// assert_eq!(payments.network_timeout.attempts_max, 3);
/// assert_eq!(policies.of(Dependency::Port("carrier")).service_unavailable.attempts_max, 5);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policies {
    /// For every dependency that is not named below.
    pub default: Policy,
    /// By the name of the agent: `inventory`. A key that is left out has the default of the error
    /// table, not that of [`default`](Self::default).
    pub agents: BTreeMap<String, Policy>,
    /// By the name of the port, which is what stands before the first dot in the names of its
    /// activities: `payments`.
    pub ports: BTreeMap<String, Policy>,
}

impl Policies {
    /// The policy for calls to a dependency.
    #[must_use]
    pub fn of(&self, dependency: Dependency) -> &Policy {
        let named = match dependency {
            Dependency::Agent(name) => self.agents.get(name),
            Dependency::Port(name) => self.ports.get(name),
        };
        named.unwrap_or(&self.default)
    }
}

/// How calls to one dependency treat failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// How long one attempt may take. Default 10 seconds.
    #[schemars(extend("minimum" = "1ms", "maximum" = "10m"))]
    pub attempt_timeout: Duration,
    /// How long a call may take with all its attempts and waits, where its caller gives it no less.
    /// Default 60 seconds.
    #[schemars(extend("minimum" = "1ms", "maximum" = "1h"))]
    pub call_budget: Duration,
    /// The row "Network Timeout".
    pub network_timeout: NetworkTimeout,
    /// The row "Service Unavailable".
    pub service_unavailable: ServiceUnavailable,
    /// The row "Rate Limiting".
    pub rate_limiting: RateLimiting,
    /// The row "Authentication".
    pub authentication: Authentication,
    /// What all calls together may spend on retries.
    pub retry_budget: RetryBudgetSettings,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(10),
            call_budget: Duration::from_secs(60),
            network_timeout: NetworkTimeout::default(),
            service_unavailable: ServiceUnavailable::default(),
            rate_limiting: RateLimiting::default(),
            authentication: Authentication::default(),
            retry_budget: RetryBudgetSettings::default(),
        }
    }
}

impl Policy {
    /// The row for a kind of failure. That of [`FailureKind::InvalidInput`] is no setting: what was
    /// refused for good is refused again.
    #[must_use]
    pub fn row(&self, kind: FailureKind) -> Row<'_> {
        let row = |attempts_max, backoff, fallbacks| Row {
            attempts_max,
            backoff,
            fallbacks,
        };
        match kind {
            FailureKind::NetworkTimeout => {
                let it = &self.network_timeout;
                row(it.attempts_max, Some(&it.backoff), &it.fallbacks)
            }
            FailureKind::ServiceUnavailable => {
                let it = &self.service_unavailable;
                row(it.attempts_max, Some(&it.backoff), &it.fallbacks)
            }
            FailureKind::RateLimiting => {
                let it = &self.rate_limiting;
                row(it.attempts_max, Some(&it.backoff), &it.fallbacks)
            }
            FailureKind::Authentication => {
                let it = &self.authentication;
                row(it.refreshes_max, None, &it.fallbacks)
            }
            FailureKind::InvalidInput | FailureKind::UnknownOutcome | FailureKind::Fault => {
                row(1, None, &[Fallback::ErrorMessage])
            }
        }
    }
}
