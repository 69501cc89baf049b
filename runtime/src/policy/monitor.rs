//! "Notify Monitoring": who is told when a call fails or a breaker changes.

use super::breaker::BreakerState;
use super::dependency::Dependency;
use super::failure::FailureKind;
use super::rows::Fallback;
use crate::telemetry::AlarmNotice;

/// Is told what goes wrong: the seam to alarms. It is called in the middle of calls, so it must not
/// block; it holds no lock of the policy's.
pub trait Monitor: Send + Sync + 'static {
    /// Something went wrong, or came right again.
    fn notify(&self, notice: &Notice);

    /// An alarm was raised, or is over: see [`RuntimeBuilder::alarms`](crate::RuntimeBuilder::alarms).
    fn alarm(&self, _notice: &AlarmNotice) {}
}

/// What monitoring is told. No text of an error is in it: that may name a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A call did not succeed, after all that its policy does about it.
    CallFailed {
        /// What was called.
        dependency: Dependency,
        /// What went wrong last.
        kind: FailureKind,
        /// How often it was tried.
        attempts: u32,
        /// What the caller got instead; `None` where it got the error.
        fallback: Option<Fallback>,
    },
    /// A circuit breaker changed.
    BreakerChanged {
        /// Of which dependency.
        dependency: Dependency,
        /// What it was.
        from: BreakerState,
        /// What it is.
        to: BreakerState,
    },
}

/// Nobody is told.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Nobody;

impl Monitor for Nobody {
    fn notify(&self, _: &Notice) {}
}
