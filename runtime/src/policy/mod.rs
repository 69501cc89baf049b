//! Failure policy: how calls to agents and to the outside treat failure, as data.
//!
//! A [`Policy`] says what is done about each kind of failure, a [`Guard`] does it for one
//! [`Dependency`], and a [`PolicyBook`] holds the policies in force, which may be exchanged while
//! the runtime works. The defaults are this table:
//!
//! | [`FailureKind`] | what is done | how often | in the end |
//! |---|---|---|---|
//! | `NetworkTimeout` | exponential backoff | 3 attempts | cached response |
//! | `ServiceUnavailable` | backoff under a circuit breaker | 5 attempts | alternative service |
//! | `InvalidInput` | nothing | no retry | error message |
//! | `RateLimiting` | wait as told, and retry | 3 attempts | queue request |
//! | `Authentication` | token refresh | 1 attempt | re-authenticate |
//!
//! *Attempts* count the first one, as they do in the AWS SDKs and in resilience4j; the "1 attempt"
//! of the last row is the refresh of the token, after which the call is made once more. Where kinds
//! follow on each other in one call, all its attempts are held against the row of the last one.
//!
//! A call goes the way of the error flow, whose boxes are functions in `call.rs`, `recover.rs` and
//! `fallback.rs`: process the request; classify the error ([`FailureKind::class`]); retry with backoff what is transient,
//! attempt recovery of what is recoverable, return what is permanent; and log the error, notify
//! monitoring and update metrics where it did not succeed. Around it stand
//!
//! - a deadline: no wait goes beyond it, and no attempt;
//! - a retry budget (`budget.rs`), so that retries do not multiply the load of a dependency that is
//!   down;
//! - a circuit breaker ([`Breaker`]), under which such a dependency is left alone;
//! - a rate limit with a bounded queue (`throttle.rs`);
//! - a token that calls share, refreshed by one of them for all ([`TokenKeeper`]).
//!
//! An answer carries where it comes from ([`Answer`]). A call whose outcome nobody knows is not
//! repeated and has no fallback: its caller asks the dependency what became of it.
//!
//! Time and chance come from the runtime's clock and entropy, so that a run of one seed waits the
//! same. What goes to logs and to the [`Monitor`] are names and numbers, never an error's text.

mod answer;
mod backoff;
mod book;
mod breaker;
mod budget;
mod call;
mod check;
mod dependency;
mod error;
mod failure;
mod fallback;
mod guard;
mod guards;
mod handle;
mod limits;
mod monitor;
mod recover;
mod request;
mod rows;
mod settings;
mod stats;
mod throttle;
mod token;
mod window;

pub use answer::Answer;
pub use book::PolicyBook;
pub use breaker::{Breaker, BreakerChange, BreakerRefusal, BreakerState, CallOutcome, Permit};
pub use check::{InvalidPolicies, Problem};
pub use dependency::Dependency;
pub use error::CallError;
pub use failure::{Class, Failure, FailureKind};
pub use guard::Guard;
pub use guards::Guards;
pub use handle::Guarded;
pub use limits::{Backoff, BreakerSettings, CallRate, RetryBudgetSettings, WindowSize};
pub use monitor::{Monitor, Notice};
pub use request::{Attempt, Repeat, Request};
pub use rows::{Authentication, Fallback, NetworkTimeout, RateLimiting, Row, ServiceUnavailable};
pub use settings::{Policies, Policy};
pub use stats::PolicyStats;
pub use token::{Credentials, CredentialsError, Token, TokenKeeper};

pub(crate) use monitor::Nobody;
