//! The keys in memory: those that the disk does not have yet, and the most recently used others.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use super::cipher::Key;
use super::person::PersonId;
use super::store::{Store, Stored};

/// The most keys that are kept in memory beside the unwritten ones: about 30 MB.
const CACHED_KEYS_MAX: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

/// What is known of persons. One lock covers all of it, so that no look-up can fall between an
/// erasure's steps.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) store: Arc<Store>,
    /// Where it is not open, what stands in for the store knows nobody, and is not asked.
    pub(super) is_open: bool,
    pub(super) unwritten: BTreeMap<PersonId, Key>,
    /// Who is being erased: nothing is sealed or opened for them any more.
    pub(super) erasing: BTreeSet<PersonId>,
    /// Why nothing more is written, where that is so.
    pub(super) failed: Option<String>,
    cached: LruCache<PersonId, Key>,
}

impl Keys {
    pub(super) fn over(store: Store) -> Self {
        Self {
            store: Arc::new(store),
            is_open: true,
            unwritten: BTreeMap::new(),
            erasing: BTreeSet::new(),
            failed: None,
            cached: LruCache::new(CACHED_KEYS_MAX),
        }
    }

    /// What is known of a person. A key that is read from the store stays in memory.
    pub(super) fn find(&mut self, person: &PersonId) -> Result<Stored, redb::Error> {
        if self.erasing.contains(person) {
            return Ok(Stored::Erased);
        }
        let in_memory = self
            .unwritten
            .get(person)
            .or_else(|| self.cached.get(person));
        if let Some(key) = in_memory {
            return Ok(Stored::Key(key.clone()));
        }
        if !self.is_open {
            return Err(io::Error::other("the file of keys is away").into());
        }
        let stored = self.store.find(person)?;
        if let Stored::Key(key) = &stored {
            self.cached.put(person.clone(), key.clone());
        }
        Ok(stored)
    }

    /// The keys of `written` are in the store now.
    pub(super) fn wrote(&mut self, written: BTreeMap<PersonId, Key>) {
        for (person, key) in written {
            // Not there any more: erased before this was told.
            if self.unwritten.remove(&person).is_some() {
                self.cached.put(person, key);
            }
        }
    }

    pub(super) fn forget(&mut self, person: &PersonId) {
        self.unwritten.remove(person);
        self.cached.pop(person);
    }
}
