//! How a cache finds an answer, or sends for it, and is told that it is no longer true.

use std::any::Any;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use mercato_persistence::Distribution;
use parking_lot::Mutex;

use crate::clock::{Clock, Timestamp};
use crate::policy::Answer;

use super::entry::Entries;
use super::flight::{Flights, LoadError, Waiting};
use super::settings::CacheSettings;
use super::stats::{CacheCounters, CacheStats};
use super::tag::Tag;
use crate::telemetry::Outcome;

/// What the copies of a cache share.
pub(super) struct Inner<K, V, E> {
    pub(super) name: &'static str,
    pub(super) settings: CacheSettings,
    pub(super) clock: Clock,
    pub(super) weigh: fn(&K, &V) -> u64,
    pub(super) state: Mutex<State<K, V, E>>,
    pub(super) counters: CacheCounters,
}

pub(super) struct State<K, V, E> {
    pub(super) entries: Entries<K, V>,
    pub(super) flights: Flights<K, V, E>,
}

/// A cache with its types put away: it is told what is no longer true, and tells how it is.
pub(super) trait Listener: Send + Sync {
    fn invalidate(&self, tag: &Tag);
    fn clear(&self);
    fn stats(&self) -> CacheStats;
    /// The cache with its types, for whoever knows them.
    fn typed(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
    /// How long loads took.
    fn load_times(&self) -> Vec<(Box<str>, Outcome, Distribution)>;
}

impl<K, V, E> Listener for Inner<K, V, E>
where
    K: Hash + Eq + Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    fn invalidate(&self, tag: &Tag) {
        let mut state = self.state.lock();
        let outdated = state.entries.outdate_tagged(tag);
        let called_off = state.flights.call_off_tagged(tag);
        self.count_invalidated(outdated, called_off);
    }

    fn clear(&self) {
        let mut state = self.state.lock();
        let dropped = state.entries.clear();
        let called_off = state.flights.call_off_all();
        self.count_invalidated(dropped, called_off);
    }

    fn typed(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn load_times(&self) -> Vec<(Box<str>, Outcome, Distribution)> {
        self.counters.load_times.read()
    }

    fn stats(&self) -> CacheStats {
        let state = self.state.lock();
        let (entries, bytes) = (state.entries.len(), state.entries.bytes());
        drop(state);
        self.counters.stats(self.name, entries, bytes)
    }
}

/// Where an answer was found.
pub(super) enum Found<V, E> {
    Here(V),
    OnItsWay(Waiting<V, E>),
}

impl<K, V, E> Inner<K, V, E>
where
    K: Hash + Eq + Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Finds an answer here or on its way, or sends for it. One lock stands over all of it, so that
    /// no event comes in between.
    pub(super) fn look_up<F, Fut>(
        self: &Arc<Self>,
        key: K,
        tags: &[Tag],
        ages: bool,
        load: F,
    ) -> Result<Found<V, E>, LoadError<E>>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Answer<V>, E>> + Send + 'static,
    {
        let now = self.clock.now();
        let mut state = self.state.lock();
        let fresh = self.fresh(&mut state, &key, ages, now);
        self.count(fresh.is_some());
        if let Some(value) = fresh {
            return Ok(Found::Here(value));
        }
        if let Some(answer) = state.flights.join(&key) {
            self.counters.joined.add();
            return Ok(Found::OnItsWay(answer));
        }
        let loads_max = self.settings.loads_max;
        if state.flights.len() >= loads_max as usize {
            self.counters.refused.add();
            return Err(LoadError::TooMany { loads_max });
        }
        let number = state.flights.next_number();
        let tags: Arc<[Tag]> = tags.into();
        let landing = Landing {
            cache: self.clone(),
            key: key.clone(),
            number,
            tags: tags.clone(),
        };
        self.counters.loads.add();
        let answer = Waiting::new(self.name, fly(landing, load).boxed());
        state.flights.take_off(key, number, tags, &answer);
        Ok(Found::OnItsWay(answer))
    }

    /// The fresh answer, where there is one; an answer that does not age by itself is taken for one of
    /// now. Where there is none, nothing is done about that.
    pub(super) fn kept(
        &self,
        state: &mut State<K, V, E>,
        key: &K,
        ages: bool,
        now: Timestamp,
    ) -> Option<V> {
        if !ages {
            state.entries.renew(key, now);
        }
        let entry = state.entries.get(key)?;
        let is_fresh = !entry.outdated && now.since(entry.answered_at) < self.settings.fresh;
        is_fresh.then(|| entry.value.clone())
    }

    /// The same; one that is too old is counted, and forgotten where it is of no use any more.
    pub(super) fn fresh(
        &self,
        state: &mut State<K, V, E>,
        key: &K,
        ages: bool,
        now: Timestamp,
    ) -> Option<V> {
        if let Some(kept) = self.kept(state, key, ages, now) {
            return Some(kept);
        }
        let age = now.since(state.entries.get(key)?.answered_at);
        if age >= self.settings.fresh {
            self.counters.expired.add();
        }
        if age >= self.settings.useful() {
            state.entries.remove(key);
        }
        None
    }

    pub(super) fn count(&self, hit: bool) {
        if hit {
            self.counters.hits.add();
        } else {
            self.counters.misses.add();
        }
    }

    pub(super) fn count_invalidated(&self, outdated: usize, called_off: usize) {
        (0..outdated).for_each(|_| self.counters.invalidated.add());
        (0..called_off).for_each(|_| self.counters.called_off.add());
    }
}

/// Runs a load, and keeps what it brings.
async fn fly<K, V, E, F, Fut>(landing: Landing<K, V, E>, load: F) -> Result<Answer<V>, LoadError<E>>
where
    K: Hash + Eq + Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<Answer<V>, E>>,
{
    let cache = landing.cache.clone();
    let began = cache.clock.elapsed();
    let run = AssertUnwindSafe(async { load().await }).catch_unwind();
    let loaded = match run.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(LoadError::Failed(error)),
        Err(_) => Err(LoadError::Panicked),
    };
    let outcome = match &loaded {
        Ok(_) => Outcome::Answered,
        Err(_) => Outcome::Failed,
    };
    let took = cache.clock.elapsed().saturating_sub(began);
    let times = &cache.counters.load_times;
    times.record(cache.name, outcome, 0, took);
    match &loaded {
        Ok(Answer::Fresh(value)) => landing.keep(value),
        Ok(_) => {}
        Err(_) => landing.cache.counters.load_failures.add(),
    }
    loaded
}

/// A flight's way back to its cache. It lands once, also where nobody waits for it any more.
struct Landing<K, V, E>
where
    K: Hash + Eq + Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    cache: Arc<Inner<K, V, E>>,
    key: K,
    number: u64,
    tags: Arc<[Tag]>,
}

impl<K, V, E> Landing<K, V, E>
where
    K: Hash + Eq + Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Keeps the answer, unless something has happened to it on the way.
    fn keep(&self, value: &V) {
        let cache = &self.cache;
        let bytes = (cache.weigh)(&self.key, value);
        let mut state = cache.state.lock();
        if !state.flights.land(&self.key, self.number) {
            return;
        }
        let (key, value, tags) = (self.key.clone(), value.clone(), self.tags.clone());
        let now = cache.clock.now();
        let evicted = state.entries.keep(key, value, bytes, tags, now);
        drop(state);
        evicted.iter().for_each(|_| cache.counters.evicted.add());
    }
}

impl<K, V, E> Drop for Landing<K, V, E>
where
    K: Hash + Eq + Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        self.cache.state.lock().flights.land(&self.key, self.number);
    }
}
