//! How a journal's file comes to be, and what else is told apart from it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase};

use super::{BLOCKS, COMMANDS, CURSORS, HEADS, META, OPEN, SNAPSHOTS, Store, TIMERS};
use crate::disk::{Refusal, place_new};
use crate::error::{OpenError, ReadError};
use crate::options::JournalOptions;

/// The journal's file, which is created where there is none.
pub(super) fn file(path: &Path, options: &JournalOptions) -> Result<FileBackend, OpenError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() && found.len() == 0 => {
            return Err(not_a_journal(path, "it is empty"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => create_atomically(path, options)?,
        Err(source) => return Err(io_error(path, source)),
    }
    open_file(path, File::options().read(true).write(true))
}

fn open_file(path: &Path, how: &OpenOptions) -> Result<FileBackend, OpenError> {
    let file = how.open(path).map_err(|source| io_error(path, source))?;
    FileBackend::new(file).map_err(|error| open_error(path, error))
}

/// Creates the file under a temporary name and moves it into place only when it is whole: a cut
/// in the middle leaves either no journal or an empty one, never a file that will not open.
fn create_atomically(path: &Path, options: &JournalOptions) -> Result<(), OpenError> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".creating");
    let partial = PathBuf::from(partial);
    clear_away(path, &partial)?;
    let mut whole_new = File::options();
    whole_new.read(true).write(true).create_new(true);
    let file = open_file(&partial, &whole_new)?;
    drop(Store::on(path, file, options)?);
    match place_new(&partial, path) {
        // Somebody else was faster: theirs is opened, or refused, as any that was there before.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(&partial),
        placed => placed,
    }
    .map_err(|error| io_error(path, error))
}

/// Removes what an earlier cut left under the temporary name, which was never a journal. Whoever is
/// creating it right now has it locked.
fn clear_away(path: &Path, partial: &Path) -> Result<(), OpenError> {
    let failed = |error| io_error(path, error);
    let left = match File::options().read(true).write(true).open(partial) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        left => left.map_err(failed)?,
    };
    match left.try_lock() {
        Ok(()) => fs::remove_file(partial).map_err(failed),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: path.into() }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Makes an empty journal of an empty database.
pub(super) fn lay_out(db: &Database) -> Result<(), redb::Error> {
    let txn = db.begin_write()?;
    txn.open_table(BLOCKS)?;
    txn.open_table(HEADS)?;
    txn.open_table(OPEN)?;
    txn.open_table(COMMANDS)?;
    txn.open_table(TIMERS)?;
    txn.open_table(SNAPSHOTS)?;
    txn.open_table(CURSORS)?;
    txn.open_table(META)?;
    txn.commit()?;
    Ok(())
}

/// Whether nothing was ever laid out: the database is new, or its creation was cut short.
pub(super) fn is_bare(db: &Database) -> Result<bool, redb::Error> {
    Ok(db.begin_read()?.list_tables()?.next().is_none())
}

/// Refuses a database that holds something else.
pub(super) fn is_a_journal(path: &Path, db: &Database) -> Result<(), OpenError> {
    let opened = db.begin_read().map_err(redb::Error::from);
    match opened.and_then(|txn| Ok(txn.open_table(BLOCKS).map(drop)?)) {
        Ok(()) => Ok(()),
        Err(redb::Error::TableDoesNotExist(_)) => {
            Err(not_a_journal(path, "it is a database of something else"))
        }
        Err(error) => Err(open_error(path, error)),
    }
}

/// Every page of an existing file is checked when it is opened: redb trusts what it reads later,
/// and a journal that begins on damaged pages would serve, or extend, what nobody wrote.
pub(super) fn builder(options: &JournalOptions) -> Builder {
    let mut builder = Database::builder();
    builder
        .set_cache_size(options.cache_bytes)
        .set_check_integrity_on_open(options.check_on_open);
    #[cfg(feature = "planted-bugs")]
    if options.unchecked {
        builder.set_check_integrity_on_open(false);
    }
    builder
}

/// What a file that is not opened means to whoever wants a journal.
pub(super) fn refused(path: &Path, refusal: impl Into<Refusal>) -> OpenError {
    let damaged = |source| OpenError::Damaged {
        path: path.into(),
        source,
    };
    match refusal.into() {
        Refusal::Foreign(reason) => not_a_journal(path, &reason),
        Refusal::Locked => OpenError::Locked { path: path.into() },
        Refusal::Newer { found, supported } => OpenError::Newer {
            path: path.into(),
            found,
            supported,
        },
        Refusal::Header(_) => damaged(ReadError::Header),
        Refusal::Pages(error) => damaged(ReadError::store(error)),
        Refusal::Io(source) => io_error(path, source),
        Refusal::Store(error) => OpenError::Store {
            path: path.into(),
            reason: error.to_string(),
        },
    }
}

pub(super) fn open_error(path: &Path, error: impl Into<redb::Error>) -> OpenError {
    refused(path, Refusal::by_store(error))
}

/// Refuses a path at which there is nothing, before something new is made there.
pub(super) fn is_there(path: &Path) -> Result<(), OpenError> {
    if path.exists() {
        return Ok(());
    }
    Err(OpenError::Missing { path: path.into() })
}

fn not_a_journal(path: &Path, reason: &str) -> OpenError {
    OpenError::NotAJournal {
        path: path.into(),
        reason: reason.into(),
    }
}

/// What a store that opened, and cannot be read, means to whoever wants to open it.
pub(crate) fn load_error(path: &Path, error: ReadError) -> OpenError {
    match error {
        ReadError::Store(error) => open_error(path, *error),
        source => OpenError::Damaged {
            path: path.into(),
            source,
        },
    }
}

pub(super) fn io_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io {
        path: path.into(),
        source,
    }
}
