//! Erasure: the keys of persons, kept apart from the journal.
//!
//! The journal never changes and never forgets. So what belongs to a person enters it sealed under
//! a key of that person, as [`Personal`], and the keys stand in a [`Vault`]: a database of its own.
//! Destroying a key erases the person from every event, snapshot, reply and note at once, and from
//! every backup of the journal. The rest still replays, since sealed bytes are only bytes.
//!
//! Nothing keeps opened text: a value is opened where it leaves, used, and dropped.

mod cipher;
#[cfg(test)]
mod cuts;
mod erase;
mod error;
mod file;
mod keys;
mod person;
mod personal;
mod replace;
mod store;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rand_core::TryCryptoRng;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

pub use erase::Erased;
pub use error::{EraseError, SealError, Unreadable, VaultError};
pub use person::{PersonId, PersonIdError};
pub use personal::Personal;

use self::cipher::{Key, PLAIN_BYTES_MAX};
use self::file::Files;
use self::keys::Keys;
use self::store::{Store, Stored};
use crate::codec;

/// What must be durable before the journal's next commit is.
pub trait WriteAhead: Send + Sync + fmt::Debug {
    /// Makes everything durable that was handed in before the call. Cheap where there is nothing.
    ///
    /// # Errors
    /// When it cannot be written. The journal must not commit then.
    fn flush(&self) -> io::Result<()>;
}

/// So many keys wait for the journal's next commit; one more writes them at once.
const UNWRITTEN_KEYS_MAX: usize = 65_536;

/// The keys of persons, in a database of their own.
///
/// A key is drawn when something is first sealed for a person. It is in memory at once, and
/// durable with the journal's next commit, before any event that holds what it sealed: see
/// [`WriteAhead`].
///
/// [`erase`](Self::erase) destroys keys. What they sealed cannot be opened by anybody from then
/// on, wherever it is stored.
///
/// ```
/// use mercato_persistence::{PersonId, Personal, Unreadable, Vault};
/// # use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
/// # let mut rng = ChaCha20Rng::seed_from_u64(1);
///
/// let vault = Vault::in_memory()?;
/// let ada = PersonId::new("customer-7")?;
/// let email: Personal<String> = vault.seal(&ada, &"ada@example.com".to_owned(), &mut rng)?;
/// assert_eq!(vault.unseal(&email)?, "ada@example.com");
///
/// vault.erase(&[ada])?;
/// assert!(matches!(vault.unseal(&email), Err(Unreadable::Erased { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Vault {
    keys: Mutex<Keys>,
    /// Whether keys wait to be written. Read before every commit of the journal.
    dirty: AtomicBool,
    /// One at a time writes or erases. Taken before `keys`.
    writing: Mutex<()>,
    files: Option<Files>,
}

impl Vault {
    /// Opens the keys at `path`, or creates an empty vault there. An erasure that was cut off is
    /// finished first.
    ///
    /// # Errors
    /// See [`VaultError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, VaultError> {
        let files = Files::at(path.as_ref());
        let store = files.open()?;
        Ok(Self::over(store, Some(files)))
    }

    /// Opens the keys at `path`, which must be there. An erasure that was cut off is finished first.
    ///
    /// # Errors
    /// See [`VaultError`].
    pub fn existing(path: impl AsRef<Path>) -> Result<Self, VaultError> {
        let files = Files::at(path.as_ref());
        let store = files.open_existing()?;
        Ok(Self::over(store, Some(files)))
    }

    /// Where the keys of the journal at `journal` are: in `<journal>.keys`.
    #[must_use]
    pub fn path_beside(journal: impl AsRef<Path>) -> PathBuf {
        let mut keys = journal.as_ref().as_os_str().to_owned();
        keys.push(".keys");
        keys.into()
    }

    /// A vault that is gone with the process, and everything sealed with it.
    ///
    /// # Errors
    /// When the memory for it cannot be had.
    pub fn in_memory() -> Result<Self, VaultError> {
        Self::with_backend(InMemoryBackend::new())
    }

    /// Opens the keys on a disk of the caller's making, or creates an empty vault where that is
    /// empty.
    ///
    /// On such a disk an erasure ends what the vault can open, but cannot overwrite: destroyed
    /// keys may lie in free pages of it. Only [`open`](Self::open) keeps the whole promise.
    ///
    /// # Errors
    /// See [`VaultError`].
    pub fn with_backend(backend: impl StorageBackend) -> Result<Self, VaultError> {
        Ok(Self::over(
            Store::on(Path::new("(backend)"), backend)?,
            None,
        ))
    }

    fn over(store: Store, files: Option<Files>) -> Self {
        Self {
            keys: Mutex::new(Keys::over(store)),
            dirty: AtomicBool::new(false),
            writing: Mutex::new(()),
            files,
        }
    }

    /// Seals a value for a person. The same value gives the same bytes each time. `rng` is drawn
    /// from where the person has no key yet.
    ///
    /// # Errors
    /// When the person was erased, the value is larger than 1 MiB, or the keys cannot be reached.
    pub fn seal<T, R>(
        &self,
        person: &PersonId,
        value: &T,
        rng: &mut R,
    ) -> Result<Personal<T>, SealError>
    where
        T: Serialize,
        R: TryCryptoRng + ?Sized,
    {
        let plain = codec::encode(value).map_err(|_| SealError::Unstorable)?;
        let plain = Zeroizing::new(plain);
        if plain.len() > PLAIN_BYTES_MAX {
            let bytes = plain.len();
            return Err(SealError::TooLarge { bytes });
        }
        let key = self.key_to_seal(person, rng)?;
        let sealed = key.seal(person, &plain).ok_or(SealError::Unstorable)?;
        Ok(Personal::new(person.clone(), sealed))
    }

    /// Opens a sealed value, for the one place that needs it.
    ///
    /// # Errors
    /// When the person was erased, or the value is not what was sealed for them.
    pub fn unseal<T: DeserializeOwned>(&self, personal: &Personal<T>) -> Result<T, Unreadable> {
        let person = personal.person();
        let key = match self.find(person).map_err(Unreadable::Store)? {
            Stored::Key(key) => key,
            Stored::Erased => {
                let person = person.clone();
                return Err(Unreadable::Erased { person });
            }
            Stored::Nothing => {
                let person = person.clone();
                return Err(Unreadable::NoKey { person });
            }
        };
        let plain = key.open(person, personal.sealed());
        // What the codec says may quote the value.
        plain
            .and_then(|plain| codec::decode(&plain).ok())
            .ok_or_else(|| Unreadable::Damaged {
                person: person.clone(),
            })
    }

    /// Of how many persons there is a key.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub fn persons(&self) -> Result<u64, Unreadable> {
        // No write may come between the two counts.
        let _writing = self.writing.lock();
        let keys = self.keys.lock();
        if !keys.is_open {
            return Err(Unreadable::Store("the file of keys is away".into()));
        }
        let stored = keys.store.persons();
        let stored = stored.map_err(|error| Unreadable::Store(error.to_string()))?;
        Ok(stored + keys.unwritten.len() as u64)
    }

    /// Whether there is a key of this person.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub fn has_key(&self, person: &PersonId) -> Result<bool, Unreadable> {
        let found = self.find(person).map_err(Unreadable::Store)?;
        Ok(matches!(found, Stored::Key(_)))
    }

    /// What is known of a person. Where the file of keys could not be read it is opened anew, once:
    /// redb answers nothing more after a read that failed, also when the disk is back.
    fn find(&self, person: &PersonId) -> Result<Stored, String> {
        let (error, asked) = {
            let mut keys = self.keys.lock();
            match keys.find(person) {
                Ok(found) => return Ok(found),
                Err(error) => (error, keys.store.clone()),
            }
        };
        let failed = matches!(error, redb::Error::Io(_) | redb::Error::PreviousIo);
        if !failed || self.files.is_none() {
            return Err(error.to_string());
        }
        let mut keys = self.keys.lock();
        // Unless somebody has opened it anew meanwhile.
        if Arc::ptr_eq(&keys.store, &asked) {
            keys.failed.get_or_insert_with(|| error.to_string());
        }
        drop((keys, asked));
        self.reopen().map_err(|error| error.to_string())?;
        let found = self.keys.lock().find(person);
        found.map_err(|error| error.to_string())
    }

    /// Opens the keys' file anew where its disk failed, and goes on with the keys that wait to be
    /// written. Nothing is drawn until that has succeeded: a person must not get a second key.
    ///
    /// # Errors
    /// When it cannot be opened, or is on a disk that only its maker can open anew.
    pub(crate) fn reopen(&self) -> Result<(), VaultError> {
        let _writing = self.writing.lock();
        let mut keys = self.keys.lock();
        if let Some(failure) = keys.store.failure() {
            keys.failed = Some(failure.to_string());
        }
        let Some(reason) = &keys.failed else {
            return Ok(());
        };
        let Some(files) = &self.files else {
            return Err(VaultError::Io {
                path: "(backend)".into(),
                source: io::Error::other(reason.clone()),
            });
        };
        // Also sees that the file is there: without it an empty one would take its place.
        file::forget_cached(&files.keys)?;
        // The file is locked for as long as it is open. What stands in for it knows nobody, and
        // while `failed` says so it is not asked for a key to seal with.
        let closed = Store::on(Path::new("(closed)"), InMemoryBackend::new())?;
        keys.is_open = false;
        drop(std::mem::replace(&mut keys.store, Arc::new(closed)));
        keys.store = Arc::new(files.open()?);
        keys.is_open = true;
        keys.failed = None;
        Ok(())
    }

    fn key_to_seal<R: TryCryptoRng + ?Sized>(
        &self,
        person: &PersonId,
        rng: &mut R,
    ) -> Result<Key, SealError> {
        let store = |error: &dyn fmt::Display| SealError::Store(error.to_string());
        if self.keys.lock().unwritten.len() >= UNWRITTEN_KEYS_MAX {
            self.flush().map_err(|error| store(&error))?;
        }
        // Nearly everybody has a key already.
        let erased = || SealError::Erased {
            person: person.clone(),
        };
        match self.find(person).map_err(SealError::Store)? {
            Stored::Key(key) => return Ok(key),
            Stored::Erased => return Err(erased()),
            Stored::Nothing => {}
        }
        // Found missing and drawn under one lock: a person never gets two keys.
        let mut keys = self.keys.lock();
        match keys.find(person).map_err(|error| store(&error))? {
            Stored::Key(key) => Ok(key),
            Stored::Erased => Err(erased()),
            Stored::Nothing => {
                if let Some(reason) = &keys.failed {
                    return Err(SealError::Store(reason.clone()));
                }
                let drawn = Key::draw(rng);
                let key = drawn.map_err(|error| SealError::Randomness(error.to_string()))?;
                keys.unwritten.insert(person.clone(), key.clone());
                self.dirty.store(true, Ordering::Release);
                Ok(key)
            }
        }
    }
}

impl WriteAhead for Vault {
    fn flush(&self) -> io::Result<()> {
        if !self.dirty.load(Ordering::Acquire) {
            return Ok(());
        }
        let _writing = self.writing.lock();
        let (store, unwritten) = {
            let keys = self.keys.lock();
            if let Some(reason) = &keys.failed {
                return Err(io::Error::other(reason.clone()));
            }
            (keys.store.clone(), keys.unwritten.clone())
        };
        // Seals go on during the sync; what they draw meanwhile waits for the next one.
        if !unwritten.is_empty() {
            let added = store.add(&unwritten);
            added.map_err(|error| {
                let mut keys = self.keys.lock();
                keys.failed.get_or_insert_with(|| error.to_string());
                io::Error::other(error)
            })?;
        }
        let mut keys = self.keys.lock();
        keys.wrote(unwritten);
        self.dirty
            .store(!keys.unwritten.is_empty(), Ordering::Release);
        Ok(())
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.files.as_ref().map(|files| &files.keys);
        f.debug_struct("Vault").field("path", &path).finish()
    }
}

#[cfg(test)]
mod reopening {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::disk::simulated::{CutMode, Fault, SimulatedDisk};

    /// A vault on a disk that fails at its next write, whose file is at `path`.
    fn failing(path: &Path) -> Vault {
        let disk = SimulatedDisk::new(1);
        let store = Store::on(path, disk.clone()).expect("a sound disk");
        disk.inject(Fault::WriteErrorAt {
            operation: disk.operations() + 1,
        });
        Vault::over(store, Some(Files::at(path)))
    }

    /// Catches: a journal that fails for ever because the keys beside it do, and a key that is
    /// drawn a second time.
    #[test]
    fn keys_that_a_failed_disk_did_not_take_are_written_when_it_is_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        drop(Vault::open(&path).expect("a new vault"));
        let vault = failing(&path);
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let ada = PersonId::new("ada").expect("an id");
        let sealed = vault.seal(&ada, &7u32, &mut rng).expect("a new person");
        vault.flush().expect_err("the disk failed");
        vault.flush().expect_err("and stays so");

        vault.reopen().expect("the file is there");
        vault.flush().expect("a good disk");
        assert_eq!(vault.unseal(&sealed).expect("the same key"), 7);
        drop(vault);
        let vault = Vault::open(&path).expect("a sound vault");
        assert_eq!(vault.unseal(&sealed).expect("it was written"), 7);
    }

    /// Catches: an empty vault in the place of one that is away, and new keys for known persons.
    #[test]
    fn a_vault_whose_file_is_away_draws_no_keys() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        let vault = failing(&path);
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let ada = PersonId::new("ada").expect("an id");
        let sealed = vault.seal(&ada, &7u32, &mut rng).expect("a new person");
        vault.flush().expect_err("the disk failed");
        for _ in 0..2 {
            vault.reopen().expect_err("there is no file");
            assert!(!path.exists(), "nothing was made in its place");
            let bob = PersonId::new("bob").expect("an id");
            vault.seal(&bob, &8u32, &mut rng).expect_err("no new keys");
        }
        assert_eq!(vault.unseal(&sealed).expect("it is in memory"), 7);
    }

    /// Catches: keys that nobody can read any more once a read has failed, for as long as the process
    /// runs; and persons without a key, since what stands in for their file knows nobody.
    #[test]
    fn keys_are_read_again_when_the_disk_that_could_not_be_read_is_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let ada = PersonId::new("ada").expect("an id");
        let vault = Vault::open(&path).expect("a new vault");
        let sealed = vault.seal(&ada, &7u32, &mut rng).expect("a new person");
        vault.flush().expect("a good disk");
        drop(vault);

        let disk = SimulatedDisk::new(1);
        let bytes = std::fs::read(&path).expect("the keys");
        disk.set_len(bytes.len() as u64).expect("a sound disk");
        disk.write(0, &bytes).expect("a sound disk");
        let nothing_cached = Store::with_cache(&path, disk.clone(), 0).expect("a sound copy");
        let vault = Vault::over(nothing_cached, Some(Files::at(&path)));
        let _ = disk.power_cycle(CutMode::KeepAll);
        let away = folder.path().join("away");
        std::fs::rename(&path, &away).expect("a file");
        for _ in 0..2 {
            let error = vault.unseal(&sealed).expect_err("it cannot be read");
            assert!(matches!(error, Unreadable::Store(_)), "{error}");
        }
        std::fs::rename(&away, &path).expect("a file");
        assert_eq!(vault.unseal(&sealed).expect("it is back"), 7);
        let bob = PersonId::new("bob").expect("an id");
        vault.seal(&bob, &8u32, &mut rng).expect("a new person");
        vault.flush().expect("a good disk");
    }
}
