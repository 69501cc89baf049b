//! What a cache holds: answers, and by which tags they are found.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::sync::Arc;

use quick_cache::unsync::Cache as Evicting;
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};
use xxhash_rust::xxh3::Xxh3Builder;

use crate::clock::Timestamp;

use super::tag::Tag;

/// About what a key, an entry and its place in the tables take beside the value, in bytes.
const ENTRY_BYTES: u64 = 128;
/// About what a tag takes on each entry that has it, in bytes.
const TAG_BYTES: u64 = 96;

/// An answer that was given.
#[derive(Debug, Clone)]
pub(super) struct Entry<V> {
    pub(super) value: V,
    pub(super) answered_at: Timestamp,
    /// Something has happened since that may make it wrong.
    pub(super) outdated: bool,
    pub(super) tags: Arc<[Tag]>,
    /// It does not change while the entry is held.
    weight: u64,
}

#[derive(Debug, Clone, Copy)]
struct ByWeight;

impl<K, V> Weighter<K, Entry<V>> for ByWeight {
    fn weight(&self, _: &K, entry: &Entry<V>) -> u64 {
        entry.weight
    }
}

/// Hands out what was evicted, so that its tags can be forgotten.
struct Evictions;

impl<K, V> Lifecycle<K, Entry<V>> for Evictions {
    type RequestState = Vec<(K, Entry<V>)>;

    fn on_evict(&self, evicted: &mut Self::RequestState, key: K, entry: Entry<V>) {
        evicted.push((key, entry));
    }
}

impl<K, V> std::fmt::Debug for Entries<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entries").finish_non_exhaustive()
    }
}

/// The answers of one cache.
pub(super) struct Entries<K, V> {
    kept: Evicting<K, Entry<V>, ByWeight, Xxh3Builder, Evictions>,
    tagged: BTreeMap<Tag, BTreeSet<K>>,
}

impl<K: Hash + Eq + Ord + Clone, V> Entries<K, V> {
    /// `seed` keys the hash, so that nobody outside chooses keys that collide.
    pub(super) fn new(bytes_max: u64, seed: u64) -> Self {
        let hasher = Xxh3Builder::new().with_seed(seed);
        let items = usize::try_from(bytes_max / 1_024).unwrap_or(usize::MAX);
        let items = items.clamp(16, 1 << 20);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(items)
            .weight_capacity(bytes_max)
            .build();
        let kept = match options {
            Ok(options) => Evicting::with_options(options, ByWeight, hasher, Evictions),
            // It only fails where one of the two is not given.
            Err(_) => Evicting::with(items, bytes_max, ByWeight, hasher, Evictions),
        };
        Self {
            kept,
            tagged: BTreeMap::new(),
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&Entry<V>> {
        self.kept.get(key)
    }

    /// Keeps an answer, and says what had to go for it. One that is larger than the whole cache goes
    /// at once.
    pub(super) fn keep(
        &mut self,
        key: K,
        value: V,
        value_bytes: u64,
        tags: Arc<[Tag]>,
        now: Timestamp,
    ) -> Vec<(K, Entry<V>)> {
        self.remove(&key);
        for tag in tags.iter() {
            let keys = self.tagged.entry(tag.clone()).or_default();
            keys.insert(key.clone());
        }
        let of_tags = TAG_BYTES.saturating_mul(tags.len() as u64);
        let entry = Entry {
            value,
            answered_at: now,
            outdated: false,
            weight: ENTRY_BYTES
                .saturating_add(of_tags)
                .saturating_add(value_bytes),
            tags,
        };
        let mut evicted = Vec::new();
        self.kept.insert_with_lifecycle(key, entry, &mut evicted);
        for (key, entry) in &evicted {
            self.forget_tags(key, &entry.tags);
        }
        evicted
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<Entry<V>> {
        let (key, entry) = self.kept.remove(key)?;
        self.forget_tags(&key, &entry.tags);
        Some(entry)
    }

    /// Takes an answer that nothing has outdated for one of now.
    pub(super) fn renew(&mut self, key: &K, now: Timestamp) {
        if let Some(mut entry) = self.kept.peek_mut(key)
            && !entry.outdated
        {
            entry.answered_at = now;
        }
    }

    /// Marks an answer as outdated; whether it was not before.
    pub(super) fn outdate(&mut self, key: &K) -> bool {
        let Some(mut entry) = self.kept.peek_mut(key) else {
            return false;
        };
        !std::mem::replace(&mut entry.outdated, true)
    }

    /// Marks everything with this tag as outdated, and says how much that was.
    pub(super) fn outdate_tagged(&mut self, tag: &Tag) -> usize {
        let keys = self.tagged.get(tag).cloned().unwrap_or_default();
        keys.iter().filter(|key| self.outdate(key)).count()
    }

    /// Drops everything, and says how much that was.
    pub(super) fn clear(&mut self) -> usize {
        let dropped = self.kept.len();
        self.kept.clear();
        self.tagged.clear();
        dropped
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.kept.weight()
    }

    #[cfg(test)]
    pub(super) fn tags(&self) -> usize {
        self.tagged.len()
    }

    fn forget_tags(&mut self, key: &K, tags: &[Tag]) {
        for tag in tags {
            if let Some(keys) = self.tagged.get_mut(tag) {
                keys.remove(key);
                if keys.is_empty() {
                    self.tagged.remove(tag);
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn entries() -> Entries<u64, u64> {
        Entries::new(64 << 10, 7)
    }

    fn fill(entries: &mut Entries<u64, u64>) -> Vec<u64> {
        let mut gone = Vec::new();
        for key in 0..10_000 {
            let tags = [Tag::named("all"), Tag::named(format!("{}", key % 97))];
            let evicted = entries.keep(key, key, 100, tags.into(), Timestamp::default());
            gone.extend(evicted.into_iter().map(|(key, _)| key));
        }
        gone
    }

    /// Catches: a bound that does not hold, tags that stay behind when their entry goes, and a
    /// victim chosen by chance.
    #[test]
    fn what_is_evicted_is_bounded_repeatable_and_forgotten() {
        let mut one = entries();
        let gone = fill(&mut one);
        assert!(one.bytes() <= 64 << 10, "{} bytes", one.bytes());
        let each = ENTRY_BYTES + 2 * TAG_BYTES + 100;
        assert_eq!(one.bytes(), one.len() as u64 * each);
        assert_eq!(one.len() + gone.len(), 10_000);
        let tagged: usize = one.tagged.get(&Tag::named("all")).unwrap().len();
        assert_eq!(tagged, one.len());
        assert_eq!(fill(&mut entries()), gone, "the same seed evicts the same");
        for key in 0..10_000 {
            one.remove(&key);
        }
        assert_eq!((one.len(), one.bytes(), one.tags()), (0, 0, 0));
    }

    /// Catches: an answer larger than the cache that throws out everything else, or stays.
    #[test]
    fn what_does_not_fit_is_not_kept() {
        let mut entries = entries();
        let now = Timestamp::default();
        entries.keep(1, 1, 10, [].into(), now);
        let evicted = entries.keep(2, 2, 1 << 20, [Tag::named("large")].into(), now);
        assert_eq!(evicted.len(), 1);
        assert!(entries.get(&1).is_some() && entries.get(&2).is_none());
        assert_eq!(entries.tags(), 0);
    }
}
