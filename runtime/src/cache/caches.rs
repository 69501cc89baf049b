//! The caches of one runtime.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::{Arc, Weak};

use mercato_persistence::{Distribution, Journal, Position};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::builder::RuntimeBuilder;
use crate::clock::{Clock, Timestamp};
use crate::entropy::Entropy;
use crate::error::AskFailure;
use crate::runtime::RuntimeError;
use crate::telemetry::Outcome;

use super::ask::Responses;
use super::load::Listener;
use super::settings::CachesSettings;
use super::stats::CacheStats;
use super::store::Cache;
use super::tag::Tag;

/// The name of the cache of what agents answered.
pub const AGENT_RESPONSES: &str = "agent_responses";
/// The name of the cache of what was found in a knowledge base.
pub const KNOWLEDGE_BASE: &str = "knowledge_base";
/// The name of the cache of what was read from the store.
pub const STORE_READS: &str = "store_reads";

/// The caches of one runtime, which follow its events. Switched on by
/// [`RuntimeBuilder::caches`](crate::RuntimeBuilder::caches), and reached through
/// [`Handle::caches`](crate::Handle::caches).
pub struct Caches {
    journal: Arc<dyn Journal>,
    settings: CachesSettings,
    clock: Clock,
    entropy: Arc<Entropy>,
    opened: Mutex<Opened>,
    /// Where the journal ended when the caches were made.
    begun_at: Position,
    /// Every event up to here has been seen; `None` once events are no longer followed.
    seen: watch::Sender<Option<Position>>,
    pub(super) responses: Responses,
    #[cfg(feature = "planted-bugs")]
    planted: Option<crate::planted::PlantedBug>,
}

/// Everybody who is to hear what is no longer true.
struct Opened {
    named: BTreeMap<&'static str, Arc<dyn Listener>>,
    /// Those whose name another one took. Whoever holds one of them still reads what it keeps.
    displaced: Vec<Weak<dyn Listener>>,
}

impl Opened {
    fn put(&mut self, name: &'static str, listener: Arc<dyn Listener>) {
        self.displaced.retain(|it| it.strong_count() > 0);
        let before = self.named.insert(name, listener);
        self.displaced.extend(before.as_ref().map(Arc::downgrade));
    }

    fn each(&self, tell: impl Fn(&dyn Listener)) {
        let displaced = self.displaced.iter().filter_map(Weak::upgrade);
        for listener in self.named.values().cloned().chain(displaced) {
            tell(&*listener);
        }
    }
}

impl RuntimeBuilder {
    /// Switches caches on, with these limits: see [`Caches`]. Default: there are none, and nothing
    /// follows the events for them.
    #[must_use]
    pub fn caches(mut self, settings: CachesSettings) -> Self {
        if let Err(invalid) = settings.check() {
            self.problem.get_or_insert(RuntimeError::Caches(invalid));
        }
        self.caches = Some(settings);
        self
    }
}

impl Caches {
    pub(crate) fn new(
        journal: Arc<dyn Journal>,
        settings: CachesSettings,
        clock: Clock,
        entropy: Arc<Entropy>,
    ) -> Self {
        let weigh = |key: &Arc<[u8]>, value: &Arc<[u8]>| (key.len() + value.len()) as u64;
        let limits = settings.of(AGENT_RESPONSES);
        let responses = Cache::new(AGENT_RESPONSES, limits, clock, &entropy, weigh);
        let opened = Opened {
            named: BTreeMap::from([(AGENT_RESPONSES, responses.listener())]),
            displaced: Vec::new(),
        };
        let begun_at = journal.durable();
        Self {
            journal,
            settings,
            clock,
            entropy,
            opened: Mutex::new(opened),
            begun_at,
            seen: watch::Sender::new(Some(begun_at)),
            responses,
            #[cfg(feature = "planted-bugs")]
            planted: None,
        }
    }

    /// The same, with this mistake.
    #[cfg(feature = "planted-bugs")]
    pub(crate) fn planted(mut self, bug: Option<crate::planted::PlantedBug>) -> Self {
        self.planted = bug;
        self
    }

    #[cfg(feature = "planted-bugs")]
    pub(super) fn is_stale(&self) -> bool {
        self.planted == Some(crate::planted::PlantedBug::StaleCache)
    }

    /// Opens a cache of one's own, which events invalidate by the tags of its answers. Its name is
    /// that of its limits and of its counts; where it is taken, the new one takes its place there, and
    /// the one before goes on, uncounted, for those who hold it.
    #[must_use]
    pub fn open<K, V, E>(&self, name: &'static str, weigh: fn(&K, &V) -> u64) -> Cache<K, V, E>
    where
        K: Hash + Eq + Ord + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
        E: Clone + Send + Sync + 'static,
    {
        let cache = self.empty(name, weigh);
        self.opened.lock().put(name, cache.listener());
        cache
    }

    /// The cache of this name, which the first call opens: for those who come and go, as requests do,
    /// and share it. One of that name with other types loses its place there, as in
    /// [`open`](Self::open).
    #[must_use]
    pub fn shared<K, V, E>(&self, name: &'static str, weigh: fn(&K, &V) -> u64) -> Cache<K, V, E>
    where
        K: Hash + Eq + Ord + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
        E: Clone + Send + Sync + 'static,
    {
        let mut opened = self.opened.lock();
        if let Some(cache) = opened.named.get(name).cloned().and_then(Cache::behind) {
            return cache;
        }
        let cache = self.empty(name, weigh);
        opened.put(name, cache.listener());
        cache
    }

    fn empty<K, V, E>(&self, name: &'static str, weigh: fn(&K, &V) -> u64) -> Cache<K, V, E>
    where
        K: Hash + Eq + Ord + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
        E: Clone + Send + Sync + 'static,
    {
        let limits = self.settings.of(name);
        Cache::new(name, limits, self.clock, &self.entropy, weigh)
    }

    /// Waits until every event that is durable now has invalidated what it concerns: what is read
    /// after it is no older than anything that the caller can know of.
    ///
    /// # Errors
    /// When that takes longer than the caller waits, or events are not followed any more; then ask
    /// without the cache.
    pub async fn caught_up(&self, deadline: Timestamp) -> Result<(), AskFailure> {
        if self.has_caught_up() {
            return Ok(());
        }
        let durable = self.journal.durable();
        let mut seen = self.seen.subscribe();
        let until = self.clock.instant_of(deadline);
        let caught_up = seen.wait_for(|seen| seen.is_none_or(|seen| seen >= durable));
        let seen = tokio::time::timeout_at(until, caught_up)
            .await
            .map_err(|_| AskFailure::DeadlineExceeded)?
            .map_err(|_| AskFailure::Stopped)?;
        seen.map(|_| ()).ok_or(AskFailure::Stopped)
    }

    /// Whether every event that is durable now has invalidated what it concerns: most reads of a quiet
    /// shop find it so.
    pub(super) fn has_caught_up(&self) -> bool {
        let durable = self.journal.durable();
        self.seen.borrow().is_some_and(|seen| seen >= durable)
    }

    /// Says that answers which depend on this are no longer true, in every cache.
    pub fn invalidate(&self, tag: &Tag) {
        self.opened.lock().each(|cache| cache.invalidate(tag));
    }

    /// What each cache has done, in the order of their names.
    #[must_use]
    pub fn stats(&self) -> Vec<CacheStats> {
        let opened = self.opened.lock();
        opened.named.values().map(|it| it.stats()).collect()
    }

    /// How long loads took, in the order of the caches' names.
    pub(crate) fn load_times(&self) -> Vec<(Box<str>, Outcome, Distribution)> {
        let opened = self.opened.lock();
        let named = opened.named.values();
        named.flat_map(|it| it.load_times()).collect()
    }

    /// Notes that every event up to here has been seen.
    pub(super) fn saw(&self, position: Position) {
        self.seen.send_replace(Some(position));
    }

    /// Forgets everything: it is not known what is true any more.
    pub(super) fn forget(&self) {
        self.opened.lock().each(|cache| cache.clear());
    }

    /// Events are not followed any more, so nothing may be kept.
    pub(super) fn give_up(&self) {
        self.seen.send_replace(None);
        self.forget();
    }

    pub(super) fn begun_at(&self) -> Position {
        self.begun_at
    }

    pub(super) fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }
}

impl std::fmt::Debug for Caches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let opened = self.opened.lock();
        f.debug_set().entries(opened.named.keys()).finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::time::Duration;

    use mercato_persistence::{
        Append, DiskPace, EventData, JournalOptions, RedbJournal, WriterPlace,
    };

    use super::*;

    struct EvenDisk;

    impl DiskPace for EvenDisk {
        fn commit_time(&mut self, _: usize) -> Duration {
            Duration::from_millis(2)
        }
    }

    /// Catches: a read that does not wait for the events that are durable already, one that waits
    /// for ever, and one that goes on when nobody follows the events any more.
    #[tokio::test(start_paused = true)]
    async fn a_read_waits_until_the_durable_events_have_been_seen() {
        let writer = WriterPlace::Task(Box::new(EvenDisk));
        let journal = RedbJournal::in_memory(JournalOptions::default(), writer).unwrap();
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let clock = Clock::starting_at(Timestamp::from_millis(0));
        let entropy = Arc::new(Entropy::seeded(7));
        let settings = CachesSettings::default();
        let caches = Caches::new(journal.clone(), settings, clock, entropy);
        let in_a_second = || clock.now().plus(Duration::from_secs(1));
        assert_eq!(caches.caught_up(in_a_second()).await, Ok(()));

        let mut append = Append::to("counters/a", 0, 0);
        append.events.push(EventData {
            name: "Added".into(),
            version: 1,
            payload: Vec::new(),
        });
        let position = journal.append(append).unwrap().position;
        journal.until_durable(position).await.unwrap();
        assert!(!caches.has_caught_up(), "what is kept may be wrong");
        let late = caches.caught_up(in_a_second()).await;
        assert_eq!(late, Err(AskFailure::DeadlineExceeded));
        let following = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            caches.saw(position);
        };
        let before = clock.now();
        let (seen, ()) = tokio::join!(caches.caught_up(in_a_second()), following);
        assert_eq!(seen, Ok(()));
        assert!(caches.has_caught_up());
        assert_eq!(clock.now().since(before), Duration::from_millis(300));
        caches.give_up();
        assert!(!caches.has_caught_up(), "nobody tells any more");
        let alone = caches.caught_up(in_a_second()).await;
        assert_eq!(alone, Err(AskFailure::Stopped));
        journal.close().await.unwrap();
    }
}
