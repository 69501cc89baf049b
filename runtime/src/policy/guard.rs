//! What stands in front of one dependency: the policy in force, and what it has seen so far.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand_chacha::ChaCha8Rng;

use crate::clock::{Clock, Timestamp};
use crate::entropy::Entropy;

use super::book::PolicyBook;
use super::breaker::{Breaker, BreakerChange, BreakerRefusal, BreakerState, CallOutcome, Permit};
use super::budget::RetryBudget;
use super::dependency::Dependency;
use super::limits::Backoff;
use super::monitor::{Monitor, Notice};
use super::settings::Policy;
use super::stats::{Counters, PolicyStats};
use super::throttle::Throttle;

/// Stands in front of one dependency: every call to it goes through [`call`](Self::call).
///
/// One of them is shared by all callers of a dependency; see [`Handle::guard`](crate::Handle::guard).
pub struct Guard {
    pub(super) dependency: Dependency,
    pub(super) clock: Clock,
    pub(super) throttle: Throttle,
    pub(super) counters: Counters,
    pub(super) monitor: Arc<dyn Monitor>,
    book: Arc<PolicyBook>,
    seen: Mutex<Seen>,
}

/// What changes with each call. The lock is held for no longer than it takes to count.
struct Seen {
    version: u64,
    policy: Arc<Policy>,
    breaker: Breaker,
    budget: RetryBudget,
    draws: ChaCha8Rng,
}

impl Guard {
    pub(super) fn new(
        dependency: Dependency,
        book: Arc<PolicyBook>,
        clock: Clock,
        entropy: &Entropy,
        monitor: Arc<dyn Monitor>,
    ) -> Self {
        let (version, policy) = book.versioned(dependency);
        let now = clock.now();
        Self {
            dependency,
            clock,
            throttle: Throttle::new(clock, &policy.rate_limiting),
            counters: Counters::default(),
            monitor,
            book,
            seen: Mutex::new(Seen {
                version,
                breaker: Breaker::new(policy.service_unavailable.breaker, now),
                budget: RetryBudget::new(policy.retry_budget, now),
                policy: Arc::new(policy),
                draws: entropy.fork(&format!("policy/{dependency}")),
            }),
        }
    }

    /// What it stands in front of.
    #[must_use]
    pub fn dependency(&self) -> Dependency {
        self.dependency
    }

    /// The policy for a call that begins now.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        let mut seen = self.seen.lock();
        if seen.version != self.book.version() {
            let now = self.clock.now();
            let (version, policy) = self.book.versioned(self.dependency);
            seen.breaker
                .reconfigure(policy.service_unavailable.breaker, now);
            seen.budget.reconfigure(policy.retry_budget, now);
            self.throttle.reconfigure(&policy.rate_limiting);
            seen.version = version;
            seen.policy = Arc::new(policy);
        }
        seen.policy.clone()
    }

    /// Where the breaker stands.
    #[must_use]
    pub fn breaker(&self) -> BreakerState {
        self.seen.lock().breaker.state()
    }

    /// What became of the calls so far.
    #[must_use]
    pub fn stats(&self) -> PolicyStats {
        let seen = self.seen.lock();
        let (breaker, left) = (seen.breaker.state(), seen.budget.left());
        drop(seen);
        let waiting = self.throttle.waiting();
        PolicyStats::of(self.dependency, &self.counters, breaker, left, waiting)
    }

    pub(super) fn earn_retry(&self, now: Timestamp) {
        self.seen.lock().budget.earn(now);
    }

    pub(super) fn take_retry(&self, now: Timestamp) -> bool {
        self.seen.lock().budget.take(now)
    }

    pub(super) fn draw_wait(&self, backoff: &Backoff, attempt: u32) -> Duration {
        backoff.wait_after(attempt, &mut self.seen.lock().draws)
    }

    pub(super) fn would_refuse(&self) -> Result<(), BreakerRefusal> {
        self.seen.lock().breaker.would_refuse(self.clock.now())
    }

    /// Begins an attempt under the breaker. An attempt that is dropped on its way tells nothing, and
    /// gives its place back.
    pub(super) fn begin_attempt(&self) -> Result<OnItsWay<'_>, BreakerRefusal> {
        let mut seen = self.seen.lock();
        let begun = seen.breaker.begin(self.clock.now());
        let change = seen.breaker.take_change();
        drop(seen);
        self.tell(change);
        Ok(OnItsWay {
            guard: self,
            permit: Some(begun?),
            began: self.clock.elapsed(),
        })
    }

    fn tell(&self, change: Option<BreakerChange>) {
        let Some(BreakerChange { from, to }) = change else {
            return;
        };
        let dependency = self.dependency;
        if let BreakerState::Open { until } = to {
            self.counters.breaker_opened.add();
            tracing::warn!(%dependency, %from, %until, "a circuit breaker opened");
        } else {
            tracing::info!(%dependency, %from, %to, "a circuit breaker changed");
        }
        self.monitor.notify(&Notice::BreakerChanged {
            dependency,
            from,
            to,
        });
    }
}

/// An attempt that the breaker let through.
pub(super) struct OnItsWay<'a> {
    guard: &'a Guard,
    permit: Option<Permit>,
    began: Duration,
}

impl OnItsWay<'_> {
    pub(super) fn end(mut self, outcome: CallOutcome) {
        self.give_back(outcome);
    }

    fn give_back(&mut self, outcome: CallOutcome) {
        let Some(permit) = self.permit.take() else {
            return;
        };
        let clock = self.guard.clock;
        let took = clock.elapsed().saturating_sub(self.began);
        let mut seen = self.guard.seen.lock();
        seen.breaker.end(permit, outcome, took, clock.now());
        let change = seen.breaker.take_change();
        drop(seen);
        self.guard.tell(change);
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.give_back(CallOutcome::Ignored);
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard({})", self.dependency)
    }
}
