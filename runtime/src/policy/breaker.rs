//! The circuit breaker: a pure state machine on time that is handed in.
//!
//! The pattern is Michael Nygard's ("Release It!", 2007); the sliding window with a failure rate, a
//! rate of slow calls and a least number of calls is that of resilience4j; that a breaker which
//! opens again stays open longer is Envoy's outlier detection. Every call carries the *generation*
//! of the state that it began in, so that an answer which comes late says nothing about a state that
//! has begun since.

use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;

use super::limits::BreakerSettings;
use super::window::{Tally, Window};

/// A circuit breaker.
///
/// ```
/// use std::time::Duration;
/// use mercato_runtime::{Breaker, BreakerSettings, BreakerState, CallOutcome, Timestamp};
///
/// let start = Timestamp::from_millis(0);
/// let mut breaker = Breaker::new(BreakerSettings::default(), start);
/// for _ in 0..5 {
///     let call = breaker.begin(start)?;
///     breaker.end(call, CallOutcome::Failed, Duration::from_millis(3), start);
/// }
/// let refused = breaker.begin(start).err();
/// assert_eq!(refused.map(|it| it.retry_after), Some(Duration::from_secs(5)));
/// // Later a few calls are let through, to see.
/// let later = start.plus(Duration::from_secs(5));
/// for _ in 0..3 {
///     let probe = breaker.begin(later)?;
///     breaker.end(probe, CallOutcome::Succeeded, Duration::from_millis(3), later);
/// }
/// assert_eq!(breaker.state(), BreakerState::Closed);
/// # Ok::<_, mercato_runtime::BreakerRefusal>(())
/// ```
#[derive(Debug, Clone)]
pub struct Breaker {
    settings: BreakerSettings,
    state: State,
    generation: u64,
    /// How often it opened without having been closed in between.
    openings: u32,
    change: Option<BreakerChange>,
}

#[derive(Debug, Clone)]
enum State {
    Closed(Window),
    Open { until: Timestamp },
    HalfOpen { probing: u32, probed: Tally },
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// Calls are refused, until this moment at least.
    Open {
        /// From when on a few are let through.
        until: Timestamp,
    },
    /// A few calls are let through, to see whether it can be closed.
    HalfOpen,
}

impl BreakerState {
    /// The name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A breaker went from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerChange {
    /// What it was.
    pub from: BreakerState,
    /// What it is.
    pub to: BreakerState,
}

/// How a call went, for the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallOutcome {
    /// The dependency answered, be it a refusal.
    Succeeded,
    /// The dependency did not do its work.
    Failed,
    /// The call says nothing about the dependency's health: it was called off, or pushed back.
    Ignored,
}

/// A call on its way; hand it back with [`Breaker::end`].
#[derive(Debug)]
#[must_use]
pub struct Permit {
    generation: u64,
}

/// The breaker is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the circuit breaker is open; try again in {} ms", retry_after.as_millis())]
pub struct BreakerRefusal {
    /// When a call may be let through.
    pub retry_after: Duration,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(settings: BreakerSettings, now: Timestamp) -> Self {
        Self {
            settings,
            state: State::Closed(Window::new(settings.window, now)),
            generation: 0,
            openings: 0,
            change: None,
        }
    }

    /// Goes on under other settings, in the state in which it is. What it has seen is kept, unless
    /// the window is another one.
    pub fn reconfigure(&mut self, settings: BreakerSettings, now: Timestamp) {
        self.settings = settings;
        match &mut self.state {
            State::Closed(window) if window.size() != settings.window => {
                *window = Window::new(settings.window, now);
            }
            State::Open { until } => {
                *until = (*until).min(now.plus(settings.open_max));
            }
            // It may have seen as much as it is to see now, and nobody else would be let through to say so.
            State::HalfOpen { .. } => self.decide(now),
            State::Closed(_) => {}
        }
    }

    /// Where it stands. An open one becomes half-open with the first call after its time.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        match self.state {
            State::Closed(_) => BreakerState::Closed,
            State::Open { until } => BreakerState::Open { until },
            State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// The last change that nobody has taken yet.
    pub fn take_change(&mut self) -> Option<BreakerChange> {
        self.change.take()
    }

    /// Whether a call would be refused now; nothing changes.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn would_refuse(&self, now: Timestamp) -> Result<(), BreakerRefusal> {
        match self.state {
            State::Open { until } if now < until => Err(BreakerRefusal {
                retry_after: until.since(now),
            }),
            State::HalfOpen { probing, probed }
                if probing.saturating_add(probed.calls) >= self.settings.probes_max =>
            {
                Err(BreakerRefusal {
                    retry_after: self.settings.open_first,
                })
            }
            _ => Ok(()),
        }
    }

    /// Lets a call through, or not. Each permit must come back.
    ///
    /// # Errors
    /// While it is open, or half-open with all its probes on their way.
    pub fn begin(&mut self, now: Timestamp) -> Result<Permit, BreakerRefusal> {
        self.would_refuse(now)?;
        if let State::Open { .. } = self.state {
            self.go(State::HalfOpen {
                probing: 0,
                probed: Tally::default(),
            });
        }
        if let State::HalfOpen { probing, .. } = &mut self.state {
            *probing += 1;
        }
        Ok(Permit {
            generation: self.generation,
        })
    }

    /// A call that was let through is over.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a permit that came back cannot come back again"
    )]
    pub fn end(&mut self, permit: Permit, outcome: CallOutcome, took: Duration, now: Timestamp) {
        if permit.generation != self.generation {
            return;
        }
        let slow = took >= self.settings.slow_call;
        let call = Tally::one(outcome == CallOutcome::Failed, slow);
        let settings = self.settings;
        match &mut self.state {
            State::HalfOpen { probing, probed } => {
                *probing = probing.saturating_sub(1);
                if outcome != CallOutcome::Ignored {
                    probed.add(call);
                }
                self.decide(now);
            }
            State::Closed(window) if outcome != CallOutcome::Ignored => {
                let sum = window.record(call, now);
                if sum.calls >= settings.calls_min && settings.too_much(sum, sum.calls) {
                    self.open(now);
                }
            }
            // No permit is given out while it is open.
            State::Closed(_) | State::Open { .. } => {}
        }
    }

    /// Closes or opens a half-open breaker that has seen enough. What is certain is not waited for.
    fn decide(&mut self, now: Timestamp) {
        let State::HalfOpen { probed, .. } = self.state else {
            return;
        };
        let settings = self.settings;
        if settings.too_much(probed, settings.probes_max) {
            self.open(now);
        } else if probed.calls >= settings.probes_max {
            self.openings = 0;
            self.go(State::Closed(Window::new(settings.window, now)));
        }
    }

    fn open(&mut self, now: Timestamp) {
        let doubled = 1u32.checked_shl(self.openings).unwrap_or(u32::MAX);
        let open = self.settings.open_first.saturating_mul(doubled);
        let open = open.min(self.settings.open_max);
        self.openings = self.openings.saturating_add(1).min(32);
        self.go(State::Open {
            until: now.plus(open),
        });
    }

    fn go(&mut self, state: State) {
        let from = self.state();
        self.state = state;
        self.generation += 1;
        let to = self.state();
        self.change = Some(BreakerChange { from, to });
    }
}

impl BreakerSettings {
    /// Whether so many of `of` calls are too many.
    fn too_much(&self, tally: Tally, of: u32) -> bool {
        let reaches =
            |count: u32, percent: u32| u64::from(count) * 100 >= u64::from(percent) * u64::from(of);
        reaches(tally.failed, self.failure_rate_percent)
            || reaches(tally.slow, self.slow_rate_percent)
    }
}
