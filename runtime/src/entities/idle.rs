//! Who wakes a shard when one of its entities has been idle for long enough.
//!
//! The order of use says which entity is idle first, so a shard tells one moment, and one task of
//! the agent sleeps until the earliest of them. Nothing is looked through.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::clock::{Clock, Timestamp};
use crate::service::AnyService;

/// No entity of the shard is in memory, or the shard has been woken and will tell.
const NEVER: u64 = u64::MAX;
/// The shortest and the longest time after which an entity counts as idle.
const IDLE_AFTER: (Duration, Duration) = (
    Duration::from_secs(1),
    Duration::from_secs(30 * 24 * 60 * 60),
);

/// When the shards of one agent have something to passivate next.
#[derive(Debug)]
pub(crate) struct IdleWatch {
    idle_after: Duration,
    /// In milliseconds since the Unix epoch, by shard.
    due_ms: Box<[AtomicU64]>,
    changed: Notify,
}

impl IdleWatch {
    pub(crate) fn new(shards: usize, idle_after: Duration) -> Self {
        let due_ms = (0..shards).map(|_| AtomicU64::new(NEVER));
        Self {
            idle_after: idle_after.clamp(IDLE_AFTER.0, IDLE_AFTER.1),
            due_ms: due_ms.collect(),
            changed: Notify::new(),
        }
    }

    pub(super) fn idle_after(&self) -> Duration {
        self.idle_after
    }

    /// Entities are passivated in groups: no sooner than this after the group before.
    pub(super) fn pause(&self) -> Duration {
        self.idle_after / 8
    }

    /// A shard is to be woken at `at`.
    pub(super) fn wake_at(&self, shard: usize, at: Timestamp) {
        if let Some(due) = self.due_ms.get(shard) {
            due.store(at.as_millis(), Ordering::Release);
            self.changed.notify_one();
        }
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        let due = self.due_ms.iter().map(|due| due.load(Ordering::Acquire));
        due.min()
            .filter(|due| *due != NEVER)
            .map(Timestamp::from_millis)
    }

    /// Takes out the shards that are to be woken.
    fn take_due(&self, now: Timestamp) -> impl Iterator<Item = usize> {
        let due = self.due_ms.iter().enumerate();
        due.filter_map(move |(shard, due)| {
            let at = due.load(Ordering::Acquire);
            let is_due = at <= now.as_millis();
            let taken = is_due
                && due
                    .compare_exchange(at, NEVER, Ordering::AcqRel, Ordering::Acquire)
                    .is_ok();
            taken.then_some(shard)
        })
    }
}

/// Wakes the shards of one agent until the runtime stops.
pub(crate) async fn wake_idle(
    service: Arc<dyn AnyService>,
    idle: Arc<IdleWatch>,
    clock: Clock,
    mut stopping: watch::Receiver<bool>,
) {
    let wake = async {
        loop {
            let changed = idle.changed.notified();
            match idle.next() {
                None => changed.await,
                Some(at) => tokio::select! {
                    biased;
                    () = changed => {}
                    () = clock.sleep_until(at) => {
                        for shard in idle.take_due(clock.now()) {
                            service.passivate(shard);
                        }
                    }
                },
            }
        }
    };
    tokio::select! {
        biased;
        // The sender is dropped only with the runtime itself.
        _ = stopping.wait_for(|stopping| *stopping) => {}
        () = wake => {}
    }
}
