//! "Wait for the rate limit and queue": our own limit on calls, and the pause that a dependency
//! asks for.
//!
//! The limit is the generic cell rate algorithm (ITU-T I.371) of the crate `governor`, on our clock;
//! of `governor` only `check` is used, which draws no randomness and starts no thread. The queue is
//! ours: bounded, first come, first served, and nobody is let into it whose turn would come after
//! its deadline.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock::{Clock, Timestamp};

use super::limits::CallRate;
use super::rows::RateLimiting;

/// The runtime's clock, as the library wants it.
#[derive(Debug, Clone)]
struct Ticks(Clock);

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>;

/// Lets calls to one dependency through at their rate.
#[derive(Debug)]
pub(super) struct Throttle {
    clock: Clock,
    ticks: Ticks,
    gate: Mutex<Gate>,
    /// Held by the first in the queue. Tokio's mutex is fair, so it is the queue as well.
    turn: tokio::sync::Mutex<()>,
    /// Rung when the rate is another one.
    changed: Notify,
}

#[derive(Debug)]
struct Gate {
    rate: Option<CallRate>,
    limiter: Option<Limiter>,
    paused_until: Timestamp,
    waiting: u32,
}

/// Nobody is let through, or into the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crowded {
    pub(super) retry_after: Duration,
}

impl Throttle {
    pub(super) fn new(clock: Clock, settings: &RateLimiting) -> Self {
        let ticks = Ticks(clock);
        let gate = Gate {
            rate: settings.limit,
            limiter: settings.limit.and_then(|rate| limiter(rate, &ticks)),
            paused_until: Timestamp::default(),
            waiting: 0,
        };
        Self {
            clock,
            ticks,
            gate: Mutex::new(gate),
            turn: tokio::sync::Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Goes on at another rate. A limit that is changed begins without its burst: else each change
    /// would let one through.
    pub(super) fn reconfigure(&self, settings: &RateLimiting) {
        let mut gate = self.gate.lock();
        if gate.rate == settings.limit {
            return;
        }
        let changed = settings.limit.and_then(|rate| limiter(rate, &self.ticks));
        if let (Some(limiter), Some(rate), true) = (&changed, settings.limit, gate.rate.is_some())
            && let Some(burst) = NonZeroU32::new(rate.burst_calls)
        {
            // The burst is never more than the limiter holds, so this takes all of it.
            let _ = limiter.check_n(burst);
        }
        gate.rate = settings.limit;
        gate.limiter = changed;
        drop(gate);
        // Whoever is first in the queue sleeps for as long as the rate before would have it.
        self.changed.notify_one();
    }

    /// Lets nobody through before `until`.
    pub(super) fn pause_until(&self, until: Timestamp) {
        let mut gate = self.gate.lock();
        gate.paused_until = gate.paused_until.max(until);
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> u32 {
        self.gate.lock().waiting
    }

    /// Lets a call through, at once or in its turn; whether it had to wait.
    pub(super) async fn admit(
        &self,
        settings: &RateLimiting,
        deadline: Timestamp,
    ) -> Result<bool, Crowded> {
        let place = {
            let mut gate = self.gate.lock();
            let now = self.clock.now();
            // Whoever comes now does not overtake those who wait.
            let wait = match gate.waiting {
                0 => gate.try_pass(now, &self.ticks),
                _ => gate.wait(now, &self.ticks),
            };
            if wait == Duration::ZERO {
                return Ok(false);
            }
            let expected = wait.saturating_add(gate.ahead());
            if gate.waiting >= settings.queue_calls_max || now.plus(expected) > deadline {
                return Err(Crowded {
                    retry_after: expected,
                });
            }
            gate.waiting += 1;
            Place(self)
        };
        let turn = self.until_turn();
        let in_time = tokio::time::timeout_at(self.clock.instant_of(deadline), turn).await;
        drop(place);
        match in_time {
            Ok(()) => Ok(true),
            Err(_) => {
                let gate = self.gate.lock();
                let wait = gate.wait(self.clock.now(), &self.ticks);
                Err(Crowded {
                    retry_after: wait.saturating_add(gate.ahead()).max(TICK),
                })
            }
        }
    }

    async fn until_turn(&self) {
        let _turn = self.turn.lock().await;
        loop {
            let changed = self.changed.notified();
            let wait = self.gate.lock().try_pass(self.clock.now(), &self.ticks);
            if wait == Duration::ZERO {
                return;
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

/// The step of the timers: a shorter wait would be none.
const TICK: Duration = Duration::from_millis(1);

impl Gate {
    /// Passes, or says how long it takes until somebody may.
    fn try_pass(&self, now: Timestamp, ticks: &Ticks) -> Duration {
        let pause = self.paused_until.since(now);
        if pause > Duration::ZERO {
            return pause;
        }
        match &self.limiter {
            Some(limiter) => match limiter.check() {
                Ok(()) => Duration::ZERO,
                Err(not_until) => not_until.wait_time_from(ticks.now()).max(TICK),
            },
            None => Duration::ZERO,
        }
    }

    /// About how long the next in the queue waits, without taking its turn.
    fn wait(&self, now: Timestamp, _: &Ticks) -> Duration {
        let pause = self.paused_until.since(now);
        pause.max(self.period()).max(TICK)
    }

    /// About how long those who wait take.
    fn ahead(&self) -> Duration {
        self.period().saturating_mul(self.waiting)
    }

    fn period(&self) -> Duration {
        self.rate.map_or(Duration::ZERO, period)
    }
}

/// A place in the queue, given up when its holder goes on or goes away.
struct Place<'a>(&'a Throttle);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut gate = self.0.gate.lock();
        gate.waiting = gate.waiting.saturating_sub(1);
    }
}

fn period(rate: CallRate) -> Duration {
    rate.per / rate.calls.max(1)
}

/// `None` only for a rate that the check of the settings refuses.
fn limiter(rate: CallRate, ticks: &Ticks) -> Option<Limiter> {
    let burst = NonZeroU32::new(rate.burst_calls)?;
    let quota = Quota::with_period(period(rate))?.allow_burst(burst);
    Some(RateLimiter::direct_with_clock(quota, ticks.clone()))
}
