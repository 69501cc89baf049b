//! Replaces the file of keys with one that lacks some of them, and wipes the old one.
//!
//! Removing a key from the database would leave its bytes in free pages of the file: redb never
//! overwrites a page in place.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use super::error::EraseError;
use super::file::{Files, wipe};
use super::person::PersonId;
use super::store::Store;

impl Files {
    /// Puts a file without the keys of `persons` in the place of `old`, which then waits to be
    /// wiped. `watch` is told before each step that changes the folder: a crash may come there.
    pub(super) fn replace(
        &self,
        old: &Store,
        persons: &BTreeSet<PersonId>,
        watch: &dyn Fn(),
    ) -> Result<Arc<Store>, EraseError> {
        let untouched = |error: &dyn std::fmt::Display| EraseError::Untouched(error.to_string());
        // An erasure before this one may have been unable to wipe; two old files have no two names.
        wipe(&self.wipe).map_err(|error| untouched(&error))?;
        watch();
        let next = self.begin_next().map_err(|error| untouched(&error))?;
        watch();
        old.copy_without(persons, &next)
            .map_err(|error| untouched(&error))?;
        watch();
        self.rename(&self.keys, &self.wipe)
            .map_err(|error| self.put_back(&error))?;
        watch();
        self.promote().map_err(|error| self.put_back(&error))?;
        watch();
        Ok(Arc::new(next))
    }

    /// The old file back under its name. Where that fails too, only the next opening can tell what
    /// is where.
    fn put_back(&self, error: &io::Error) -> EraseError {
        if !self.wipe.exists() {
            return EraseError::Untouched(error.to_string());
        }
        match self.rename(&self.wipe, &self.keys) {
            Ok(()) => EraseError::Untouched(error.to_string()),
            Err(again) => EraseError::Torn(format!("{error}; {again}")),
        }
    }

    /// Wipes the old file, where one waits for it. Nobody may have it open any more.
    pub(super) fn finish_wiping(&self) -> Result<(), EraseError> {
        wipe(&self.wipe).map_err(|source| EraseError::Unwiped {
            leftover: self.wipe.clone(),
            source,
        })
    }
}
