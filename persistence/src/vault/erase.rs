//! Erasing persons.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Vault;
use super::error::EraseError;
use super::person::PersonId;
use super::store::{Store, Stored};

/// What an erasure did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Erased {
    /// Whose keys were destroyed by it.
    pub erased: Vec<PersonId>,
    /// Who had been erased before.
    pub before: Vec<PersonId>,
    /// Of whom there was nothing to erase. A misspelt id shows here.
    pub unknown: Vec<PersonId>,
}

impl Vault {
    /// The most persons that one erasure takes.
    pub const ERASED_AT_ONCE_MAX: usize = 100_000;

    /// Destroys the keys of these persons, durably: afterwards their bytes are in no file of the
    /// vault. What is already in the hands of who opened it is out of its reach, and so are copies
    /// of the file of keys: keep backups of it apart, and for a short time.
    ///
    /// It rewrites the file, so erase many persons at once, and call it where blocking is welcome.
    /// Seals and opens go on meanwhile. After an error, erase the same persons again.
    ///
    /// # Errors
    /// See [`EraseError`].
    pub fn erase(&self, persons: &[PersonId]) -> Result<Erased, EraseError> {
        self.erase_watched(persons, &|| {})
    }

    /// [`erase`](Self::erase), where `watch` is told whenever the folder is about to change.
    pub(super) fn erase_watched(
        &self,
        persons: &[PersonId],
        watch: &dyn Fn(),
    ) -> Result<Erased, EraseError> {
        if persons.len() > Self::ERASED_AT_ONCE_MAX {
            return Err(EraseError::Untouched(format!(
                "{} persons are more than {} at once",
                persons.len(),
                Self::ERASED_AT_ONCE_MAX
            )));
        }
        let _writing = self.writing.lock();
        let (report, doomed) = self.condemn(persons)?;
        let outcome = self.destroy(&doomed, watch);
        let mut keys = self.keys.lock();
        keys.erasing.clear();
        if let Err(EraseError::Torn(reason)) = &outcome {
            keys.failed = Some(reason.clone());
        }
        outcome.map(|()| report)
    }

    /// Sorts persons by what is known of them. From here on nothing is sealed or opened for those
    /// who have a key.
    fn condemn(&self, persons: &[PersonId]) -> Result<(Erased, BTreeSet<PersonId>), EraseError> {
        let mut report = Erased::default();
        let mut doomed = BTreeSet::new();
        let mut keys = self.keys.lock();
        if let Some(reason) = &keys.failed {
            return Err(EraseError::Torn(reason.clone()));
        }
        for person in persons.iter().collect::<BTreeSet<_>>() {
            let found = keys.find(person);
            match found.map_err(|error| EraseError::Untouched(error.to_string()))? {
                Stored::Key(_) => {
                    report.erased.push(person.clone());
                    doomed.insert(person.clone());
                }
                Stored::Erased => report.before.push(person.clone()),
                Stored::Nothing => report.unknown.push(person.clone()),
            }
        }
        keys.erasing.clone_from(&doomed);
        Ok((report, doomed))
    }

    fn destroy(&self, doomed: &BTreeSet<PersonId>, watch: &dyn Fn()) -> Result<(), EraseError> {
        let old = self.keys.lock().store.clone();
        let Some(files) = &self.files else {
            if !doomed.is_empty() {
                let buried = old.bury(doomed);
                buried.map_err(|error| EraseError::Untouched(error.to_string()))?;
                self.forget(doomed, old);
            }
            return Ok(());
        };
        if doomed.is_empty() {
            return files.finish_wiping();
        }
        let next = files.replace(&old, doomed, watch)?;
        self.forget(doomed, next);
        // The last one that has the old file open: writers wait, readers read under the lock.
        drop(old);
        files.finish_wiping()
    }

    /// From here on the store is `store`, which has tombstones for `erased`.
    fn forget(&self, erased: &BTreeSet<PersonId>, store: Arc<Store>) {
        let mut keys = self.keys.lock();
        keys.store = store;
        for person in erased {
            keys.forget(person);
        }
        self.dirty
            .store(!keys.unwritten.is_empty(), Ordering::Release);
    }
}
