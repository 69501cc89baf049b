//! What the calls to one dependency counted, as values: "Update Metrics".

use super::breaker::BreakerState;
use super::dependency::Dependency;
use super::failure::FailureKind;
use super::rows::Fallback;
use crate::stats::Counter;

/// What one dependency counts.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) calls: Counter,
    pub(super) attempts: Counter,
    pub(super) succeeded: Counter,
    pub(super) failures: [Counter; FailureKind::ALL.len()],
    pub(super) errors: [Counter; FailureKind::ALL.len()],
    pub(super) retries: Counter,
    pub(super) retries_denied: Counter,
    pub(super) breaker_opened: Counter,
    pub(super) breaker_refused: Counter,
    pub(super) queued: Counter,
    pub(super) queue_refused: Counter,
    pub(super) tokens_refreshed: Counter,
    pub(super) re_authenticated: Counter,
    pub(super) alternatives: Counter,
    pub(super) stale: Counter,
    pub(super) queue_turns: Counter,
}

impl Counters {
    pub(super) fn fallback(&self, fallback: Fallback) {
        match fallback {
            Fallback::AlternativeService => self.alternatives.add(),
            Fallback::CachedResponse => self.stale.add(),
            Fallback::QueueRequest => self.queue_turns.add(),
            Fallback::ReAuthenticate => self.re_authenticated.add(),
            // That is none.
            Fallback::ErrorMessage => {}
        }
    }
}

/// What has become of the calls to one dependency since the runtime started, and how it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyStats {
    /// What was called.
    pub dependency: Dependency,
    /// Calls begun.
    pub calls: u64,
    /// Attempts of them at the dependency.
    pub attempts: u64,
    /// Calls that the dependency answered, at the first attempt or a later one.
    pub succeeded: u64,
    /// Attempts that failed, by what went wrong.
    pub failures: [(FailureKind, u64); FailureKind::ALL.len()],
    /// Calls that gave nothing, neither an answer nor a fallback, by what went wrong last.
    pub errors: [(FailureKind, u64); FailureKind::ALL.len()],
    /// Attempts after the first, for transient failures and rate limits.
    pub retries: u64,
    /// Retries that the budget did not allow.
    pub retries_denied: u64,
    /// Times that the breaker opened.
    pub breaker_opened: u64,
    /// Calls that the breaker refused.
    pub breaker_refused: u64,
    /// Calls that waited for the rate limit.
    pub queued: u64,
    /// Calls that found no place in the queue, or whose turn did not come in time.
    pub queue_refused: u64,
    /// Tokens refreshed.
    pub tokens_refreshed: u64,
    /// Calls that succeeded after the credentials had been shown anew.
    pub re_authenticated: u64,
    /// Calls that another service answered.
    pub alternatives: u64,
    /// Calls that were given what had been answered before.
    pub stale: u64,
    /// Calls that succeeded at the turn that they had after their last attempt.
    pub queue_turns: u64,
    /// Where the breaker stands.
    pub breaker: BreakerState,
    /// How many whole retries are left in the budget.
    pub retries_left: u64,
    /// How many calls wait for their turn.
    pub waiting: u32,
}

impl PolicyStats {
    pub(super) fn of(
        dependency: Dependency,
        counters: &Counters,
        breaker: BreakerState,
        retries_left: u64,
        waiting: u32,
    ) -> Self {
        let by_kind = |counted: &[Counter; FailureKind::ALL.len()]| {
            FailureKind::ALL.map(|kind| (kind, counted[kind.index()].get()))
        };
        Self {
            dependency,
            calls: counters.calls.get(),
            attempts: counters.attempts.get(),
            succeeded: counters.succeeded.get(),
            failures: by_kind(&counters.failures),
            errors: by_kind(&counters.errors),
            retries: counters.retries.get(),
            retries_denied: counters.retries_denied.get(),
            breaker_opened: counters.breaker_opened.get(),
            breaker_refused: counters.breaker_refused.get(),
            queued: counters.queued.get(),
            queue_refused: counters.queue_refused.get(),
            tokens_refreshed: counters.tokens_refreshed.get(),
            re_authenticated: counters.re_authenticated.get(),
            alternatives: counters.alternatives.get(),
            stale: counters.stale.get(),
            queue_turns: counters.queue_turns.get(),
            breaker,
            retries_left,
            waiting,
        }
    }

    /// How many attempts failed in this way.
    #[must_use]
    pub fn failures_of(&self, kind: FailureKind) -> u64 {
        self.failures[kind.index()].1
    }

    /// How many calls gave nothing for this reason.
    #[must_use]
    pub fn errors_of(&self, kind: FailureKind) -> u64 {
        self.errors[kind.index()].1
    }
}
