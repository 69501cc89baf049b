//! Whether an incarnation makes progress, and who is told when it does not.
//!
//! The drainer stamps what it begins; a watchman sleeps until the stamp could be too old and looks
//! at it then. So watching costs a store a message and one timer a bound, and nothing while nothing
//! is to be done: then the watchman waits to be called.
//!
//! It is called by whoever wakes the drainer, and not by the drainer: a task that a thread wakes is
//! the next one which that thread runs, and no other thread takes it away. If the thread hung in the
//! very message, the watchman would hang behind it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::mailbox::Instant;

/// What an incarnation can be stuck in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// `Worker::handle`. It holds its thread, and no safe code takes that away from it.
    Handle,
    /// `Worker::ready`. It waits, and is dropped where it stands.
    Ready,
}

/// How long each may take; `None`: as long as it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Limits {
    pub(crate) handle: Option<Duration>,
    pub(crate) ready: Option<Duration>,
}

impl Limits {
    fn of(self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::Handle => self.handle,
            Phase::Ready => self.ready,
        }
    }

    pub(crate) fn are_none(self) -> bool {
        self == Self::default()
    }

    /// Nothing that begins now can hang before this is over.
    fn shortest(self) -> Duration {
        let limits = [self.handle, self.ready].into_iter().flatten();
        limits.min().unwrap_or(Duration::MAX)
    }
}

/// An incarnation that hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stall {
    pub(crate) phase: Phase,
    /// The bound that it has passed.
    pub(crate) limit: Duration,
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit;
        match self.phase {
            Phase::Handle => write!(f, "hung: it has been in one message for {limit:?}"),
            Phase::Ready => write!(f, "hung: it has not been ready for {limit:?}"),
        }
    }
}

/// The stamp of one incarnation.
pub(crate) struct Pulse {
    limits: Limits,
    /// 0: at rest, 1: between two things. Else twice the nanosecond at which it began, and one more in
    /// `Phase::Ready`.
    stamp: AtomicU64,
    call: Notify,
}

const AT_REST: u64 = 0;
const BETWEEN: u64 = 1;

/// What the drainer is at.
enum Begun {
    /// Nothing, until it is woken.
    Nothing,
    /// Nothing for now. It goes on by itself, and nobody calls the watchman then.
    Soon,
    This(Phase, Duration),
}

impl Pulse {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            stamp: AtomicU64::new(AT_REST),
            call: Notify::new(),
        }
    }

    pub(crate) fn watches(&self, phase: Phase) -> bool {
        self.limits.of(phase).is_some()
    }

    /// Stamps the beginning of something that is watched.
    pub(crate) fn begin(&self, phase: Phase, now: Duration) {
        let nanos = Instant::at(now).nanos().clamp(1, u64::MAX / 2);
        let stamp = nanos << 1 | u64::from(phase == Phase::Ready);
        self.stamp.store(stamp, Ordering::Relaxed);
    }

    /// Stamps the beginning of a wait to be ready. Where that has no bound it is a pause, since whoever
    /// looks at it would sleep for ever, and so through the messages behind it.
    pub(crate) fn begin_ready(&self, now: impl FnOnce() -> Duration) {
        if self.watches(Phase::Ready) {
            self.begin(Phase::Ready, now());
        } else {
            self.pause();
        }
    }

    /// Nothing is under way for the moment, in the midst of a run.
    pub(crate) fn pause(&self) {
        self.stamp.store(BETWEEN, Ordering::Relaxed);
    }

    /// Nothing is under way, and the run is over.
    pub(crate) fn rest(&self) {
        self.stamp.store(AT_REST, Ordering::Relaxed);
    }

    /// Something is about to begin.
    pub(crate) fn call(&self) {
        self.call.notify_one();
    }

    fn begun(&self) -> Begun {
        let stamp = self.stamp.load(Ordering::Relaxed);
        let phase = match stamp {
            AT_REST => return Begun::Nothing,
            BETWEEN => return Begun::Soon,
            _ if stamp & 1 == 1 => Phase::Ready,
            _ => Phase::Handle,
        };
        Begun::This(phase, Duration::from_nanos(stamp >> 1))
    }

    /// Returns when the incarnation hangs.
    async fn watch(&self, now: impl Fn() -> Duration) -> Stall {
        loop {
            self.call.notified().await;
            tokio::time::sleep(self.limits.shortest()).await;
            loop {
                let left = match self.begun() {
                    Begun::Nothing => break,
                    Begun::Soon => self.limits.shortest(),
                    Begun::This(phase, since) => {
                        let limit = self.limits.of(phase).unwrap_or(Duration::MAX);
                        let left = since.saturating_add(limit).saturating_sub(now());
                        if left.is_zero() {
                            return Stall { phase, limit };
                        }
                        left
                    }
                };
                tokio::time::sleep(left).await;
            }
        }
    }
}

/// Watches until the returned guard is dropped; tells `alarm` once, at the first stall.
pub(crate) fn watchman(
    pulse: Arc<Pulse>,
    now: impl Fn() -> Duration + Send + Sync + 'static,
    alarm: impl FnOnce(Stall) + Send + 'static,
) -> JoinSet<()> {
    let mut guard = JoinSet::new();
    guard.spawn(async move {
        let stall = pulse.watch(now).await;
        alarm(stall);
    });
    guard
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The timer's own clock: a sleep that is over already ends now.
    fn clock() -> impl Fn() -> Duration + Clone + Send + Sync {
        let start = tokio::time::sleep(Duration::ZERO).deadline();
        move || start.elapsed()
    }

    fn watched(
        handle: u32,
        ready: u32,
        now: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> (Arc<Pulse>, mpsc::Receiver<Stall>, JoinSet<()>) {
        let limit = |seconds: u32| (seconds > 0).then(|| SECOND * seconds);
        let pulse = Arc::new(Pulse::new(Limits {
            handle: limit(handle),
            ready: limit(ready),
        }));
        let (alarm, alarms) = mpsc::channel();
        let guard = watchman(pulse.clone(), now, move |stall| {
            alarm.send(stall).unwrap();
        });
        (pulse, alarms, guard)
    }

    async fn seconds(count: u32) {
        tokio::time::sleep(SECOND * count).await;
    }

    /// Catches: a bound of one phase that is held against the other, and an alarm at another time.
    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_own_bound() {
        let now = clock();
        for (phase, limit, text) in [
            (Phase::Handle, 7, "hung: it has been in one message for 7s"),
            (Phase::Ready, 3, "hung: it has not been ready for 3s"),
        ] {
            let (pulse, alarms, _guard) = watched(7, 3, now.clone());
            assert!(pulse.watches(Phase::Handle) && pulse.watches(Phase::Ready));
            pulse.call();
            seconds(1).await;
            pulse.begin(phase, now());
            tokio::time::sleep(SECOND * limit - Duration::from_millis(10)).await;
            assert!(alarms.try_recv().is_err(), "{phase:?} came early");
            tokio::time::sleep(Duration::from_millis(20)).await;
            let stall = alarms.try_recv().unwrap();
            assert_eq!((stall.phase, stall.limit), (phase, SECOND * limit));
            assert_eq!(stall.to_string(), text);
            seconds(60).await;
            assert!(alarms.try_recv().is_err(), "once");
        }
    }

    /// Catches: a stamp that is not taken back, progress that is not seen, and a call that is lost.
    #[tokio::test(start_paused = true)]
    async fn progress_and_rest_are_no_stall() {
        let now = clock();
        let (pulse, alarms, _guard) = watched(3, 0, now.clone());
        assert!(!pulse.watches(Phase::Ready));
        for _ in 0..20 {
            pulse.call();
            pulse.begin(Phase::Handle, now());
            seconds(2).await;
        }
        assert!(alarms.try_recv().is_err(), "each began anew");
        pulse.rest();
        seconds(60).await;
        assert!(alarms.try_recv().is_err());
        pulse.call();
        pulse.begin(Phase::Handle, now());
        seconds(4).await;
        assert!(alarms.try_recv().is_ok(), "and it still looks");
    }

    /// Catches: a run that goes on after a pause which fell on the watchman's look, and in which nobody
    /// calls him again.
    #[tokio::test(start_paused = true)]
    async fn a_pause_is_no_rest() {
        let now = clock();
        let (pulse, alarms, _guard) = watched(3, 0, now.clone());
        pulse.call();
        pulse.begin(Phase::Handle, now());
        seconds(2).await;
        pulse.pause();
        seconds(20).await;
        assert!(alarms.try_recv().is_err(), "a pause may last");
        pulse.begin(Phase::Handle, now());
        seconds(7).await;
        assert!(alarms.try_recv().is_ok(), "and he still looks");
    }

    /// Catches: a wait to be ready that has no bound, falls on the watchman's look, and makes him blind
    /// for a hang behind it.
    #[tokio::test(start_paused = true)]
    async fn waiting_to_be_ready_without_a_bound_is_a_pause() {
        let now = clock();
        let (pulse, alarms, _guard) = watched(3, 0, now.clone());
        pulse.call();
        pulse.begin_ready(&now);
        seconds(20).await;
        assert!(alarms.try_recv().is_err(), "it may take long");
        pulse.begin(Phase::Handle, now());
        seconds(7).await;
        assert!(alarms.try_recv().is_ok(), "and he still looks");

        let (pulse, alarms, _guard) = watched(3, 5, now.clone());
        pulse.call();
        pulse.begin_ready(&now);
        seconds(6).await;
        assert_eq!(alarms.try_recv().map(|stall| stall.phase), Ok(Phase::Ready));
    }

    /// Catches: a watchman that outlives whom it watches.
    #[tokio::test(start_paused = true)]
    async fn nobody_is_watched_after_the_end() {
        let now = clock();
        let (pulse, alarms, guard) = watched(1, 0, now.clone());
        pulse.call();
        pulse.begin(Phase::Handle, now());
        drop(guard);
        seconds(5).await;
        assert!(alarms.try_recv().is_err());
    }

    /// Catches: a watchman where there is nothing to watch.
    #[test]
    fn no_limits_are_no_limits() {
        assert!(Limits::default().are_none());
        let one = Limits {
            ready: Some(SECOND),
            handle: None,
        };
        assert!(!one.are_none());
        assert_eq!(one.shortest(), SECOND);
        assert_eq!(Limits::default().shortest(), Duration::MAX);
    }
}
