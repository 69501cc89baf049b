//! The vault's tables in redb.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageBackend,
    TableDefinition,
};

use super::cipher::Key;
use super::error::VaultError;
use super::person::PersonId;
use crate::disk::Refusal;
use crate::disk::fuse::{Fuse, Fused};
use crate::disk::superblock::Superblock;

/// The layout of the vault's tables.
const FORMAT_VERSION: u64 = 1;
const CACHE_BYTES: usize = 8 << 20;

/// Facts of the file itself. A journal has no such table, so neither passes for the other.
const VAULT: TableDefinition<'_, &str, u64> = TableDefinition::new("vault");
const VAULT_FORMAT: &str = "format";
const KEYS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("keys");
/// Who was erased: an id is not used twice.
const ERASED: TableDefinition<'_, &str, ()> = TableDefinition::new("erased");

/// The redb database behind a vault.
#[derive(Debug)]
pub(super) struct Store {
    db: Database,
    // Keys can still be read on a disk that takes no more writes.
    fuse: Fuse,
}

/// What the store knows of a person.
#[derive(Debug)]
pub(super) enum Stored {
    Key(Key),
    Erased,
    Nothing,
}

impl Store {
    /// Opens the keys on `backend`, or lays out an empty vault where that is empty. `name` stands
    /// for the path in errors.
    pub(super) fn on(name: &Path, backend: impl StorageBackend) -> Result<Self, VaultError> {
        Self::with_cache(name, backend, CACHE_BYTES)
    }

    /// As [`on`](Self::on), with so much of it in memory.
    pub(super) fn with_cache(
        name: &Path,
        backend: impl StorageBackend,
        cache_bytes: usize,
    ) -> Result<Self, VaultError> {
        let bytes = backend.len().map_err(|source| io_error(name, source))?;
        let disk = Superblock::open(backend).map_err(|error| refused(name, error))?;
        let fuse = Fuse::default();
        let db = Database::builder()
            .set_cache_size(cache_bytes)
            .set_check_integrity_on_open(true)
            .create_with_backend(Fused::new(disk, fuse.clone()))
            .map_err(|error| open_error(name, error))?;
        let store = Self { db, fuse };
        if bytes == 0 {
            let laid_out = store.change(|txn| {
                txn.open_table(KEYS)?;
                txn.open_table(ERASED)?;
                txn.open_table(VAULT)?
                    .insert(VAULT_FORMAT, FORMAT_VERSION)?;
                Ok(())
            });
            laid_out.map_err(|error| open_error(name, error))?;
        }
        store.check_format(name)?;
        Ok(store)
    }

    /// Why the disk takes nothing more, where that is so.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.fuse.check().err()
    }

    fn check_format(&self, name: &Path) -> Result<(), VaultError> {
        let read = || -> Result<Option<u64>, redb::Error> {
            let vault = self.db.begin_read()?.open_table(VAULT)?;
            Ok(vault.get(VAULT_FORMAT)?.map(|format| format.value()))
        };
        match read() {
            Ok(Some(FORMAT_VERSION)) => Ok(()),
            Ok(Some(found)) if found > FORMAT_VERSION => Err(VaultError::Newer {
                path: name.into(),
                found,
                supported: FORMAT_VERSION,
            }),
            Ok(_) => Err(not_a_vault(name, "it does not say its format")),
            Err(redb::Error::TableDoesNotExist(_) | redb::Error::TableTypeMismatch { .. }) => {
                Err(not_a_vault(name, "it is a database of something else"))
            }
            Err(error) => Err(open_error(name, error)),
        }
    }

    pub(super) fn find(&self, person: &PersonId) -> Result<Stored, redb::Error> {
        let txn = self.db.begin_read()?;
        if let Some(bytes) = txn.open_table(KEYS)?.get(person.as_str())? {
            let key = Key::from_bytes(bytes.value());
            return key
                .map(Stored::Key)
                .ok_or_else(|| corrupted("a key of another length"));
        }
        let erased = txn.open_table(ERASED)?.get(person.as_str())?.is_some();
        Ok(if erased {
            Stored::Erased
        } else {
            Stored::Nothing
        })
    }

    pub(super) fn persons(&self) -> Result<u64, redb::Error> {
        Ok(self.db.begin_read()?.open_table(KEYS)?.len()?)
    }

    /// Writes keys and syncs them.
    pub(super) fn add(&self, keys: &BTreeMap<PersonId, Key>) -> Result<(), redb::Error> {
        self.change(|txn| {
            let mut table = txn.open_table(KEYS)?;
            for (person, key) in keys {
                table.insert(person.as_str(), key.bytes().as_slice())?;
            }
            Ok(())
        })
    }

    /// Puts tombstones in the place of keys. The keys' bytes stay in free pages of the disk.
    pub(super) fn bury(&self, persons: &BTreeSet<PersonId>) -> Result<(), redb::Error> {
        self.change(|txn| {
            let mut keys = txn.open_table(KEYS)?;
            let mut erased = txn.open_table(ERASED)?;
            for person in persons {
                keys.remove(person.as_str())?;
                erased.insert(person.as_str(), ())?;
            }
            Ok(())
        })
    }

    /// Writes everything into the empty vault `into`, with tombstones in the place of the keys of
    /// `persons`, and syncs it.
    pub(super) fn copy_without(
        &self,
        persons: &BTreeSet<PersonId>,
        into: &Self,
    ) -> Result<(), redb::Error> {
        let source = self.db.begin_read()?;
        into.change(|txn| {
            let mut keys = txn.open_table(KEYS)?;
            for entry in source.open_table(KEYS)?.iter()? {
                let (person, key) = entry?;
                let survives =
                    PersonId::new(person.value()).map_or(true, |person| !persons.contains(&person));
                if survives {
                    keys.insert(person.value(), key.value())?;
                }
            }
            let mut erased = txn.open_table(ERASED)?;
            for entry in source.open_table(ERASED)?.iter()? {
                erased.insert(entry?.0.value(), ())?;
            }
            for person in persons {
                erased.insert(person.as_str(), ())?;
            }
            Ok(())
        })
    }

    fn change(
        &self,
        change: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), redb::Error> {
        let mut txn = self.db.begin_write()?;
        txn.set_durability(Durability::Immediate)?;
        change(&txn)?;
        txn.commit()?;
        self.fuse.check()?;
        Ok(())
    }
}

fn corrupted(what: &str) -> redb::Error {
    redb::Error::Corrupted(what.into())
}

pub(super) fn not_a_vault(path: &Path, reason: &str) -> VaultError {
    VaultError::NotAVault {
        path: path.into(),
        reason: reason.into(),
    }
}

/// What a file that is not opened means to whoever wants the keys.
fn refused(path: &Path, refusal: impl Into<Refusal>) -> VaultError {
    let unreadable = |reason: String| VaultError::Store {
        path: path.into(),
        reason,
    };
    match refusal.into() {
        Refusal::Foreign(reason) => not_a_vault(path, &reason),
        Refusal::Locked => VaultError::Locked { path: path.into() },
        Refusal::Newer { found, supported } => VaultError::Newer {
            path: path.into(),
            found,
            supported,
        },
        Refusal::Header(reason) => unreadable(reason),
        Refusal::Pages(error) | Refusal::Store(error) => unreadable(error.to_string()),
        Refusal::Io(source) => io_error(path, source),
    }
}

pub(super) fn open_error(path: &Path, error: impl Into<redb::Error>) -> VaultError {
    refused(path, Refusal::by_store(error))
}

pub(super) fn io_error(path: &Path, source: io::Error) -> VaultError {
    VaultError::Io {
        path: path.into(),
        source,
    }
}
