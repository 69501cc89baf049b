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
    /// 0: at rest. Else twice the nanosecond at which it began, and one more in `Phase::Ready`.
    stamp: AtomicU64,
    call: Notify,
}

const AT_REST: u64 = 0;

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

    /// Nothing is under way.
    pub(crate) fn rest(&self) {
        self.stamp.store(AT_REST, Ordering::Relaxed);
    }

    /// Something is about to begin.
    pub(crate) fn call(&self) {
        self.call.notify_one();
    }

    fn begun(&self) -> Option<(Phase, Duration)> {
        let stamp = self.stamp.load(Ordering::Relaxed);
        let phase = if stamp & 1 == 1 {
            Phase::Ready
        } else {
            Phase::Handle
        };
        (stamp != AT_REST).then(|| (phase, Duration::from_nanos(stamp >> 1)))
    }

    /// Returns when the incarnation hangs.
    async fn watch(&self, now: impl Fn() -> Duration) -> Stall {
        loop {
            self.call.notified().await;
            tokio::time::sleep(self.limits.shortest()).await;
            while let Some((phase, since)) = self.begun() {
                let limit = self.limits.of(phase).unwrap_or(Duration::MAX);
                let left = since.saturating_add(limit).saturating_sub(now());
                if left.is_zero() {
                    return Stall { phase, limit };
                }
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
