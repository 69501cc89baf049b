//! The entities that a shard has in memory: a bounded cache over the journal.
//!
//! An entity is loaded when it is asked for ([`loading`]), and *passivated*, which is to leave
//! memory, when it was idle for long enough ([`idle`]) or others need the room: those first that were
//! used least recently. Nothing is lost with it, since the journal has all of it. Where loading it
//! again would take many events, a snapshot is handed in first.

mod entity;
mod idle;
mod loading;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use mercato_persistence::Journal;

use self::loading::Loading;
use crate::agent::Agent;
use crate::clock::Timestamp;
use crate::quarantine::Poison;
use crate::recovery::SnapshotCadence;
use crate::stats::AgentCounters;

pub(crate) use self::entity::Entity;
pub(crate) use self::idle::{IdleWatch, wake_idle};
pub(crate) use self::loading::{SLICE_EVENTS, Unloaded};

/// An entity with fewer events since its snapshot is loaded again as soon as one with none.
const PASSIVATE_EVENTS: u64 = 16;
/// How many entities of one shard are loaded in slices at the same time.
const LOADING_MAX: usize = 16;
/// A place among them is given to another where it was not touched for so many slices of the shard:
/// whoever asked for it has gone.
const UNTOUCHED_SLICES_MAX: u64 = 1_024;
/// How many idle entities leave at once, before the shard looks at its commands again.
const PASSIVATED_AT_ONCE: usize = 64;
/// How many entities are known to be poisoned without being read again. Others are read each time.
const POISONED_MAX: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();

/// How much of a shard may be in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntityLimits {
    pub(crate) entities_max: usize,
    pub(crate) bytes_max: usize,
}

/// Where one shard tells when it wants to be woken.
#[derive(Debug, Clone)]
pub(crate) struct Waking {
    pub(crate) idle: Arc<IdleWatch>,
    pub(crate) shard: usize,
}

/// How far an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It is in memory.
    Ready,
    /// It is in memory since this moment.
    Loaded,
    /// It takes more slices.
    Partly,
}

/// The most recently used entities of one shard. The others come back from the journal.
pub(crate) struct Entities<A: Agent> {
    active: LruCache<Box<str>, Entity<A>>,
    /// What the active ones take.
    bytes: usize,
    loading: BTreeMap<Box<str>, Loading<A>>,
    /// Slices so far.
    slices: u64,
    poisoned: LruCache<Box<str>, Poison>,
    cadence: SnapshotCadence,
    limits: EntityLimits,
    waking: Option<Waking>,
    /// The shard is going to be woken.
    is_watched: bool,
    counters: Arc<AgentCounters>,
}

impl<A: Agent> Entities<A> {
    pub(crate) fn bounded(
        limits: EntityLimits,
        cadence: SnapshotCadence,
        waking: Option<Waking>,
        counters: Arc<AgentCounters>,
    ) -> Self {
        Self {
            active: LruCache::unbounded(),
            bytes: 0,
            loading: BTreeMap::new(),
            slices: 0,
            poisoned: LruCache::new(POISONED_MAX),
            cadence,
            limits,
            waking,
            is_watched: false,
            counters,
        }
    }

    /// Brings the entity closer, by one slice at most, where it is not in memory. `replaying` is called
    /// in the midst of the slice, and ends all of it where it panics.
    pub(crate) fn load(
        &mut self,
        journal: &dyn Journal,
        epoch: u64,
        key: &str,
        now: Timestamp,
        replaying: &dyn Fn(),
    ) -> Result<Progress, Unloaded> {
        if self.active.contains(key) {
            return Ok(Progress::Ready);
        }
        if let Some(poison) = self.poisoned.get(key) {
            return Err(Unloaded::Poisoned(poison.clone()));
        }
        self.slices += 1;
        let mut loading = match self.loading.remove(key) {
            Some(loading) => loading,
            None if self.has_place() => Loading::begin(journal, key)?,
            None => return Ok(Progress::Partly),
        };
        if loading.step(journal, replaying).inspect_err(|unloaded| {
            if let Unloaded::Poisoned(poison) = unloaded {
                self.poisoned.put(key.into(), poison.clone());
            }
        })? {
            self.activate(journal, epoch, key, loading.finish(), now);
            return Ok(Progress::Loaded);
        }
        loading.touched = self.slices;
        self.loading.insert(key.into(), loading);
        Ok(Progress::Partly)
    }

    /// Whether one more can be loaded in slices. A place that nobody comes back for is given up.
    fn has_place(&mut self) -> bool {
        if self.loading.len() < LOADING_MAX {
            return true;
        }
        let slices = self.slices;
        let left = |loading: &Loading<A>| slices - loading.touched > UNTOUCHED_SLICES_MAX;
        self.loading.retain(|_, loading| !left(loading));
        self.loading.len() < LOADING_MAX
    }

    fn activate(
        &mut self,
        journal: &dyn Journal,
        epoch: u64,
        key: &str,
        mut entity: Entity<A>,
        now: Timestamp,
    ) {
        if entity.version > 0 {
            self.counters.reactivated.add();
        }
        while self.active.len() >= self.limits.entities_max.max(1) {
            self.passivate_first(journal, epoch);
        }
        entity.used_at = now;
        self.active.put(key.into(), entity);
        self.counters.active.change(0, 1);
        self.weigh(key);
        self.make_room(journal, epoch);
        if let Some(waking) = self.waking.as_ref().filter(|_| !self.is_watched) {
            self.is_watched = true;
            let due = now.plus(waking.idle.idle_after());
            waking.idle.wake_at(waking.shard, due);
        }
    }

    /// The entity, where it is in memory. It is used now.
    pub(crate) fn get(&mut self, key: &str, now: Timestamp) -> Option<&mut Entity<A>> {
        let entity = self.active.get_mut(key)?;
        entity.used_at = now;
        Some(entity)
    }

    /// An entity that could not be loaded is read again the next time.
    pub(crate) fn forget_poison(&mut self, key: &str) {
        self.poisoned.pop(key);
    }

    /// Forgets everything: the journal took back what it had not written.
    pub(crate) fn clear(&mut self) {
        self.uncount_all();
        self.active.clear();
        self.loading.clear();
        self.poisoned.clear();
    }

    /// Forgets an entity whose state holds what was not recorded in the end.
    pub(crate) fn forget_if_ahead(&mut self, key: &str) {
        if self.active.peek(key).is_some_and(|entity| entity.is_ahead)
            && let Some(entity) = self.active.pop(key)
        {
            self.uncount(&entity);
        }
    }

    /// After a command to the entity, as it is known in `epoch`: offers a snapshot where it has had
    /// enough events since the last one, and makes room where it has grown.
    pub(crate) fn after_command(&mut self, journal: &dyn Journal, epoch: u64, key: &str) {
        let every = self.cadence.events(self.active.len());
        let Some(entity) = self.active.peek_mut(key) else {
            return;
        };
        if entity.since_snapshot() >= every
            && let Some(snapshot) = entity.snapshot()
        {
            journal.offer_snapshot_in(epoch, snapshot);
        }
        self.weigh(key);
        self.make_room(journal, epoch);
    }

    /// Passivates what has been idle for long enough, and tells when there will be more.
    pub(crate) fn passivate_idle(&mut self, journal: &dyn Journal, epoch: u64, now: Timestamp) {
        let Some(waking) = self.waking.clone() else {
            return;
        };
        self.is_watched = false;
        let idle_after = waking.idle.idle_after();
        for passivated in 0.. {
            let Some((_, first)) = self.active.peek_lru() else {
                return;
            };
            let due = first.used_at.plus(idle_after);
            if due > now || passivated == PASSIVATED_AT_ONCE {
                // At once, where more are due than leave at once.
                let soon = now.plus(waking.idle.pause());
                let next = if due > now { due.max(soon) } else { now };
                self.is_watched = true;
                return waking.idle.wake_at(waking.shard, next);
            }
            self.passivate_first(journal, epoch);
        }
    }

    /// Counts anew what an entity takes.
    fn weigh(&mut self, key: &str) {
        if let Some(entity) = self.active.peek_mut(key) {
            let (before, now) = (entity.counted_bytes, entity.bytes());
            if before != now {
                entity.counted_bytes = now;
                self.bytes = self.bytes - before + now;
                self.counters.active_bytes.change(before as u64, now as u64);
            }
        }
    }

    /// Passivates until the bound in bytes is kept, or only the entity that is in use is left.
    fn make_room(&mut self, journal: &dyn Journal, epoch: u64) {
        while self.bytes > self.limits.bytes_max && self.active.len() > 1 {
            self.passivate_first(journal, epoch);
        }
    }

    /// Passivates the entity that was used least recently.
    fn passivate_first(&mut self, journal: &dyn Journal, epoch: u64) {
        let Some((_, mut entity)) = self.active.pop_lru() else {
            return;
        };
        self.uncount(&entity);
        self.counters.passivated.add();
        if entity.since_snapshot() >= PASSIVATE_EVENTS
            && let Some(snapshot) = entity.snapshot()
        {
            journal.offer_snapshot_in(epoch, snapshot);
        }
    }

    fn uncount_all(&mut self) {
        let entities = self.active.len() as u64;
        self.counters.active.change(entities, 0);
        let bytes = std::mem::take(&mut self.bytes) as u64;
        self.counters.active_bytes.change(bytes, 0);
    }

    fn uncount(&mut self, entity: &Entity<A>) {
        self.bytes -= entity.counted_bytes;
        self.counters.active.change(1, 0);
        let bytes = entity.counted_bytes as u64;
        self.counters.active_bytes.change(bytes, 0);
    }
}

impl<A: Agent> Drop for Entities<A> {
    fn drop(&mut self) {
        // A shard that ends takes its entities with it.
        self.uncount_all();
    }
}

/// The stream of an agent's entity.
pub(crate) fn stream_of(agent: &str, key: &str) -> Arc<str> {
    format!("{agent}/{key}").into()
}
