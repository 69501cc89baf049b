//! One cache.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::RngCore;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::policy::Answer;

use super::entry::Entries;
use super::flight::{Flights, LoadError};
use super::load::{Found, Inner, Listener, State};
use super::settings::CacheSettings;
use super::stats::{CacheCounters, CacheStats};
use super::tag::Tag;

/// Answers by key, as long as they are true. Cheap to clone.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), mercato_runtime::LoadError<String>> {
/// use mercato_runtime::{Answer, Cache, CacheSettings, Clock, Entropy, Tag, Timestamp};
///
/// let clock = Clock::starting_at(Timestamp::from_millis(0));
/// let cache: Cache<&str, f64, String> =
///     Cache::new("rates", CacheSettings::default(), clock, &Entropy::seeded(7), |_, _| 8);
/// let load = || async { Ok(Answer::Fresh(1.17)) };
/// cache.get_or_load("EUR", &[Tag::named("rates")], load).await?;
/// let again = || async { Err("nobody asks".to_owned()) };
/// assert_eq!(cache.get_or_load("EUR", &[], again).await?, Answer::Fresh(1.17));
/// assert_eq!(cache.stats().hit_ratio(), Some(0.5));
/// # Ok(())
/// # }
/// ```
pub struct Cache<K, V, E> {
    inner: Arc<Inner<K, V, E>>,
}

impl<K, V, E> Cache<K, V, E>
where
    K: Hash + Eq + Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// An empty cache. `weigh` says how many bytes a key and a value take; it must say the same each
    /// time. The limits are taken as they are: see
    /// [`CachesSettings::check`](crate::CachesSettings::check).
    #[must_use]
    pub fn new(
        name: &'static str,
        settings: CacheSettings,
        clock: Clock,
        entropy: &Entropy,
        weigh: fn(&K, &V) -> u64,
    ) -> Self {
        let seed = entropy.fork(&format!("cache/{name}")).next_u64();
        let state = State {
            entries: Entries::new(settings.bytes_max, seed),
            flights: Flights::new(),
        };
        Self {
            inner: Arc::new(Inner {
                name,
                settings,
                clock,
                weigh,
                state: Mutex::new(state),
                counters: CacheCounters::default(),
            }),
        }
    }

    /// The fresh answer for a key; where there is none, `load` is run, once for all who ask in the
    /// meantime. A fresh answer is kept under `tags`: what it depends on, said before it is read, so
    /// that an event in between calls it off. Another service's and a stale one are only passed on.
    ///
    /// # Errors
    /// See [`LoadError`]. An error is not kept.
    pub async fn get_or_load<F, Fut>(
        &self,
        key: K,
        tags: &[Tag],
        load: F,
    ) -> Result<Answer<V>, LoadError<E>>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Answer<V>, E>> + Send + 'static,
    {
        self.get_or_load_aging(key, tags, true, load).await
    }

    /// As [`get_or_load`](Self::get_or_load). An answer that does not age by itself is fresh until an
    /// event says otherwise.
    pub(super) async fn get_or_load_aging<F, Fut>(
        &self,
        key: K,
        tags: &[Tag],
        ages: bool,
        load: F,
    ) -> Result<Answer<V>, LoadError<E>>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Answer<V>, E>> + Send + 'static,
    {
        match self.inner.look_up(key, tags, ages, load)? {
            Found::Here(value) => Ok(Answer::Fresh(value)),
            Found::OnItsWay(answer) => answer.await,
        }
    }

    /// The fresh answer for a key, where there is one: for those who load it where there is none, and
    /// whose miss is counted then.
    pub(super) fn kept(&self, key: &K, ages: bool) -> Option<V> {
        let now = self.inner.clock.now();
        let kept = self
            .inner
            .kept(&mut self.inner.state.lock(), key, ages, now)?;
        self.inner.count(true);
        Some(kept)
    }

    /// The fresh answer for a key, where there is one.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<V> {
        let now = self.inner.clock.now();
        let mut state = self.inner.state.lock();
        let fresh = self.inner.fresh(&mut state, key, true, now);
        self.inner.count(fresh.is_some());
        fresh
    }

    /// What was answered last, and how long ago, whether it is still true or not; for want of
    /// something better.
    #[must_use]
    pub fn stale(&self, key: &K) -> Option<(V, Duration)> {
        let inner = &self.inner;
        let now = inner.clock.now();
        let state = inner.state.lock();
        let entry = state.entries.get(key)?;
        let age = now.since(entry.answered_at);
        (age < inner.settings.useful()).then(|| {
            inner.counters.stale.add();
            (entry.value.clone(), age)
        })
    }

    /// Says that the answer for a key is no longer true.
    pub fn invalidate_key(&self, key: &K) {
        let mut state = self.inner.state.lock();
        let outdated = usize::from(state.entries.outdate(key));
        let called_off = state.flights.call_off(key);
        self.inner.count_invalidated(outdated, called_off);
    }

    /// Says that answers which depend on this are no longer true.
    pub fn invalidate(&self, tag: &Tag) {
        self.inner.invalidate(tag);
    }

    /// Forgets everything, for good.
    pub fn clear(&self) {
        self.inner.clear();
    }

    /// What it has done, and what it holds.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.inner.stats()
    }

    /// The cache that listens there, where it is one of these types.
    pub(super) fn behind(listener: Arc<dyn Listener>) -> Option<Self> {
        let inner = listener.typed().downcast().ok()?;
        Some(Self { inner })
    }

    pub(super) fn listener(&self) -> Arc<dyn Listener> {
        self.inner.clone()
    }
}

impl<K, V, E> Clone for Cache<K, V, E> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<K, V, E> fmt::Debug for Cache<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither keys nor values: they may be about a person.
        write!(f, "Cache({})", self.inner.name)
    }
}
