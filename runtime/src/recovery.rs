//! How soon a runtime is back: how often entities are snapshot, and what a start reads first.
//!
//! A start opens the journal, and is ready: an entity that is asked for is loaded on demand, from
//! its snapshot and the events after it. Behind that, the entities that were written to last are
//! loaded in the background, shard by shard and side by side, so that the next ask finds them in
//! memory. The stated recovery time bounds all of it together, and the cadence of snapshots follows
//! from it.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use mercato_persistence::RecoveryCosts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::core::Core;
use crate::entities::stream_of;
use crate::error::AskFailure;

/// More often than this a snapshot costs more than the events that it saves.
const EVENTS_MIN: u64 = 16;
/// Less often than this a single entity takes too long when somebody waits for it.
const EVENTS_MAX: u64 = 1_024;

/// How long a start may take, and what it brings back into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecoveryOptions {
    /// How long it may take until every entity that was in memory is there again. Snapshots are
    /// taken often enough for that. Default 2 seconds.
    #[schemars(extend("minimum" = "10ms", "maximum" = "1h"))]
    pub time_max: Duration,
    /// How many entities are loaded at the start without being asked for, those that were written
    /// to last first. 0 loads none. Default 10,000.
    #[schemars(range(min = 0, max = 10_000_000))]
    pub preload_max: usize,
}

impl Default for RecoveryOptions {
    fn default() -> Self {
        Self {
            time_max: Duration::from_secs(2),
            preload_max: 10_000,
        }
    }
}

/// After how many of its events an entity is snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SnapshotCadence {
    /// As its agent demands.
    Fixed(NonZeroU64),
    /// As the recovery time allows.
    Within {
        /// What loading all entities may take, in microseconds.
        budget_us: u64,
        /// Among how many shards the work is shared, this one included. They may all run on one
        /// core.
        shards: u64,
    },
}

impl SnapshotCadence {
    /// Half of the time is for the journal to be opened, the other half to load entities.
    pub(crate) fn within(time_max: Duration, shards: usize) -> Self {
        Self::Within {
            budget_us: u64::try_from(time_max.as_micros() / 2).unwrap_or(u64::MAX),
            shards: shards as u64,
        }
    }

    /// The number of events, for a shard that has so many entities in memory.
    ///
    /// An entity has half the cadence in events to replay on average, so `n` entities take
    /// `n * (stream_load + event * cadence / 2)`, which must fit the budget.
    pub(crate) fn events(self, entities: usize) -> u64 {
        let costs = RecoveryCosts::default();
        match self {
            Self::Fixed(events) => events.get(),
            Self::Within { budget_us, shards } => {
                let each_us = budget_us / (entities as u64 * shards).max(1);
                let for_events = each_us.saturating_sub(costs.stream_load_us);
                let events = for_events.saturating_mul(2) / costs.event_us.max(1);
                events.clamp(EVENTS_MIN, EVENTS_MAX)
            }
        }
    }
}

/// How far a runtime has come with bringing entities back into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryProgress {
    /// Entities loaded so far.
    pub loaded: u64,
    /// Entities to be loaded.
    pub of: u64,
    /// Whether it is over.
    pub finished: bool,
}

/// The preloading of one runtime.
#[derive(Debug, Default)]
pub(crate) struct Preload {
    loaded: AtomicU64,
    of: AtomicU64,
    finished: AtomicBool,
    done: Notify,
}

impl Preload {
    pub(crate) fn progress(&self) -> RecoveryProgress {
        RecoveryProgress {
            loaded: self.loaded.load(Ordering::Acquire),
            of: self.of.load(Ordering::Acquire),
            finished: self.finished.load(Ordering::Acquire),
        }
    }

    pub(crate) async fn until_finished(&self) {
        loop {
            let done = self.done.notified();
            if self.finished.load(Ordering::Acquire) {
                return;
            }
            done.await;
        }
    }

    pub(crate) fn loaded(&self, entities: usize) {
        self.loaded.fetch_add(entities as u64, Ordering::AcqRel);
    }

    /// Loads up to `most` entities, those that were written to last first.
    pub(crate) async fn run(self: Arc<Self>, core: Arc<Core>, most: usize) {
        if let Err(failure) = self.load(&core, most).await {
            // It only saves time: what is not loaded now is loaded when it is asked for.
            tracing::warn!(%failure, "entities could not be loaded ahead");
        }
        self.finish();
        let progress = self.progress();
        tracing::info!(loaded = progress.loaded, "entities are back in memory");
    }

    pub(crate) fn finish(&self) {
        self.finished.store(true, Ordering::Release);
        self.done.notify_waiters();
    }

    async fn load(&self, core: &Core, most: usize) -> Result<(), AskFailure> {
        let agents = core.services.each().count().max(1);
        let mut batches = Vec::new();
        for service in core.services.each() {
            let prefix = stream_of(service.name(), "");
            let streams = core
                .journal
                .recent_streams(&prefix, most / agents)
                .map_err(AskFailure::unreadable)?;
            self.of.fetch_add(streams.len() as u64, Ordering::AcqRel);
            let keys = streams.iter().filter_map(|it| it.strip_prefix(&*prefix));
            let keys = keys.map(Box::from).collect();
            batches.push(service.load(keys, self));
        }
        join_all(batches).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a cadence that does not follow from the stated time.
    #[test]
    fn snapshots_are_as_frequent_as_the_recovery_time_demands() {
        let two_seconds = SnapshotCadence::within(Duration::from_secs(2), 4);
        assert_eq!(
            two_seconds.events(0),
            EVENTS_MAX,
            "a few entities are soon read"
        );
        // 10,000 entities in a second: 100 us each, of which 40 are for events.
        assert_eq!(two_seconds.events(2_500), EVENTS_MIN);
        // 1,000 entities: 1,000 us each.
        assert_eq!(two_seconds.events(250), 156);
        let ten_seconds = SnapshotCadence::within(Duration::from_secs(10), 4);
        assert_eq!(ten_seconds.events(2_500), 73);
        let fixed = SnapshotCadence::Fixed(NonZeroU64::MIN);
        assert_eq!(fixed.events(1_000_000), 1);
    }
}
