//! The vault's file: how it comes to be, and how an erasure that was cut off is finished.
//!
//! Three names tell how far an erasure came:
//!
//! | `keys` | `keys.next` | `keys.wipe` | then |
//! |---|---|---|---|
//! | there | | | nothing was going on |
//! | there | there | | the new file was not finished: nothing is erased, it is thrown away |
//! | | there | there | the new file is whole, for only then the old one is renamed: it takes over |
//! | there | | there | the old file is not wiped yet |
//! | | there | | the first file ever was not finished |
//!
//! Each renaming is synced before the next, so that no other row can be met.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;

use super::error::VaultError;
use super::store::{Store, io_error, not_a_vault, open_error};
use crate::disk;

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// The names that the vault's file has in its life.
#[derive(Debug)]
pub(super) struct Files {
    /// The keys.
    pub(super) keys: PathBuf,
    /// A new file of keys, until it takes the old one's place.
    pub(super) next: PathBuf,
    /// The old file of keys, until it is wiped.
    pub(super) wipe: PathBuf,
}

impl Files {
    pub(super) fn at(keys: &Path) -> Self {
        let beside = |suffix: &str| {
            let mut name = keys.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        Self {
            keys: keys.into(),
            next: beside(".next"),
            wipe: beside(".wipe"),
        }
    }

    /// Finishes what was cut off, and opens the keys; creates an empty vault where there is none.
    pub(super) fn open(&self) -> Result<Store, VaultError> {
        self.open_or(Self::create)
    }

    /// As [`open`](Self::open), where there must be keys.
    pub(super) fn open_existing(&self) -> Result<Store, VaultError> {
        self.open_or(|files| {
            Err(VaultError::Missing {
                path: files.keys.clone(),
            })
        })
    }

    fn open_or(
        &self,
        where_none: impl FnOnce(&Self) -> Result<(), VaultError>,
    ) -> Result<Store, VaultError> {
        let there = |path: &Path| path.try_exists().map_err(|source| io_error(path, source));
        match (there(&self.keys)?, there(&self.next)?, there(&self.wipe)?) {
            (false, false, true) => {
                return Err(VaultError::Torn {
                    path: self.keys.clone(),
                    leftover: self.wipe.clone(),
                });
            }
            (false, true, true) => self
                .promote()
                .map_err(|error| io_error(&self.keys, error))?,
            (false, _, false) => where_none(self)?,
            (true, _, _) => {}
        }
        // One that was finished is never empty, and new keys would take the place of what was there.
        let found = fs::metadata(&self.keys).map_err(|source| io_error(&self.keys, source))?;
        if found.is_file() && found.len() == 0 {
            return Err(not_a_vault(&self.keys, "it is empty"));
        }
        // Locked first: what lies beside a file that another process works on is not ours.
        let store = self.store_at(&self.keys)?;
        for leftover in [&self.next, &self.wipe] {
            wipe(leftover).map_err(|error| io_error(leftover, error))?;
        }
        Ok(store)
    }

    fn create(&self) -> Result<(), VaultError> {
        drop(self.begin_next()?);
        self.promote().map_err(|error| io_error(&self.keys, error))
    }

    /// An empty vault under the name of the next one. What an earlier try left there is wiped.
    pub(super) fn begin_next(&self) -> Result<Store, VaultError> {
        wipe(&self.next).map_err(|error| io_error(&self.next, error))?;
        self.store_at(&self.next)
    }

    /// Gives the keys' name to the next file.
    pub(super) fn promote(&self) -> io::Result<()> {
        File::open(&self.next)?.sync_all()?;
        self.rename(&self.next, &self.keys)
    }

    /// Gives one file another name, durably.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)?;
        sync_folder(to)
    }

    fn store_at(&self, path: &Path) -> Result<Store, VaultError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(path)
            .map_err(|source| io_error(path, source))?;
        let backend = FileBackend::new(file).map_err(|error| open_error(path, error))?;
        Store::on(path, backend)
    }
}

/// See [`disk::forget_cached`].
pub(super) fn forget_cached(keys: &Path) -> Result<(), VaultError> {
    disk::forget_cached(keys).map_err(|source| io_error(keys, source))
}

/// Overwrites a file with zeros and removes it; no file is no work.
///
/// This is as far as a file system lets a program go: a disk that writes in other places than it
/// is told, or a snapshot of the file system, may keep the old bytes.
pub(super) fn wipe(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        // Somebody's keys, whatever its name.
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    let mut left = file.metadata()?.len();
    while left > 0 {
        let bytes = usize::try_from(left).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
        file.write_all(&ZEROS[..bytes])?;
        left -= bytes as u64;
    }
    file.sync_all()?;
    drop(file);
    fs::remove_file(path)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
