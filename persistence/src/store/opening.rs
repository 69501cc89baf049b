//! How a journal's file comes to be, and what else is told apart from it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase};

use super::{
    BLOCKS, COMMANDS, CURSORS, HEADS, META, META_FORMAT, OPEN, SNAPSHOTS, TIMERS, rows, stored,
};
use crate::error::{OpenError, ReadError};
use crate::options::JournalOptions;

/// The layout of the journal's tables. A file with a higher number was written by newer code.
const FORMAT_VERSION: u64 = 2;

/// What every redb file begins with.
const MAGIC: [u8; 9] = *b"redb\x1a\n\xa9\r\n";

/// The journal's file, which is created where there is none.
pub(super) fn file(path: &Path, options: &JournalOptions) -> Result<FileBackend, OpenError> {
    let exists = path.try_exists().map_err(|source| io_error(path, source))?;
    if exists {
        turn_away_others(path)?;
    } else {
        create_atomically(path, options)?;
    }
    let file = File::options()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|source| io_error(path, source))?;
    FileBackend::new(file).map_err(|error| open_error(path, error))
}

/// Lets go of what the operating system remembers of the file. After a sync that failed it may
/// remember pages that never reached the disk, as if they had.
pub(super) fn forget_cached(path: &Path) -> Result<(), OpenError> {
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    #[cfg(target_os = "linux")]
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)
        .map_err(|error| io_error(path, error.into()))?;
    drop(file);
    Ok(())
}

/// Creates the file under a temporary name and moves it into place only when it is whole: a cut
/// in the middle leaves either no journal or an empty one, never a file that will not open.
pub(super) fn create_atomically(path: &Path, options: &JournalOptions) -> Result<(), OpenError> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".creating");
    let partial = PathBuf::from(partial);
    // What an earlier cut left under the temporary name was never a journal.
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(io_error(path, error));
        }
        _ => {}
    }
    let db = builder(options)
        .create(&partial)
        .map_err(|error| open_error(path, error))?;
    lay_out(&db).map_err(|error| open_error(path, error))?;
    drop(db);
    let settle = || -> io::Result<()> {
        File::open(&partial)?.sync_all()?;
        fs::rename(&partial, path)?;
        let folder = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    settle().map_err(|error| io_error(path, error))
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
    let row = stored(rows::write(META_FORMAT.as_bytes(), &FORMAT_VERSION))?;
    txn.open_table(META)?.insert(META_FORMAT, row.as_slice())?;
    txn.commit()?;
    Ok(())
}

/// Every page of an existing file is checked when it is opened: redb trusts what it reads later,
/// and a journal that begins on damaged pages would serve, or extend, what nobody wrote.
pub(super) fn builder(options: &JournalOptions) -> Builder {
    let mut builder = Database::builder();
    builder
        .set_cache_size(options.cache_bytes)
        .set_check_integrity_on_open(options.check_on_open);
    builder
}

/// Refuses what is not ours while the file is only read: opening it for writing leaves traces.
pub(super) fn turn_away_others(path: &Path) -> Result<(), OpenError> {
    let mut magic = [0; MAGIC.len()];
    match File::open(path).and_then(|mut file| file.read_exact(&mut magic)) {
        Ok(()) if magic == MAGIC => {}
        Ok(()) => return Err(not_a_journal(path, "it does not begin like one")),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(not_a_journal(path, "it is too short to be one"));
        }
        Err(source) => return Err(io_error(path, source)),
    }
    // Damage makes this first look fail or panic, and so does a crash of the last writer. Opening
    // with all checks tells the two apart.
    catch_unwind(|| match Database::builder().open_read_only(path) {
        Ok(db) => check_format(path, &db),
        Err(_) => Ok(()),
    })
    .unwrap_or(Ok(()))
}

pub(super) fn check_format(path: &Path, db: &impl ReadableDatabase) -> Result<(), OpenError> {
    let read = || -> Result<Option<Vec<u8>>, redb::Error> {
        let meta = db.begin_read()?.open_table(META)?;
        Ok(meta.get(META_FORMAT)?.map(|row| row.value().to_vec()))
    };
    match read() {
        Ok(Some(row)) => match rows::read("meta", META_FORMAT.as_bytes(), &row) {
            Ok(FORMAT_VERSION) => Ok(()),
            Ok(found) if found > FORMAT_VERSION => Err(OpenError::Newer {
                path: path.into(),
                found,
                supported: FORMAT_VERSION,
            }),
            Ok(_) => Err(not_a_journal(path, "its format was never released")),
            Err(source) => Err(OpenError::Damaged {
                path: path.into(),
                source,
            }),
        },
        Ok(None) => Err(not_a_journal(path, "it does not say its format")),
        Err(redb::Error::TableDoesNotExist(_) | redb::Error::TableTypeMismatch { .. }) => Err(
            not_a_journal(path, "it is a database of some other program"),
        ),
        Err(error) => Err(open_error(path, error)),
    }
}

fn not_a_journal(path: &Path, reason: &str) -> OpenError {
    OpenError::NotAJournal {
        path: path.into(),
        reason: reason.into(),
    }
}

pub(super) fn open_error(path: &Path, error: impl Into<redb::Error>) -> OpenError {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    match error.into() {
        redb::Error::DatabaseAlreadyOpen => OpenError::Locked { path: path.into() },
        redb::Error::Io(source) if !matches!(source.kind(), InvalidData | UnexpectedEof) => {
            io_error(path, source)
        }
        error @ (redb::Error::Io(_) | redb::Error::Corrupted(_)) => OpenError::Damaged {
            path: path.into(),
            source: ReadError::store(error),
        },
        error => OpenError::Store {
            path: path.into(),
            reason: error.to_string(),
        },
    }
}

pub(super) fn io_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io {
        path: path.into(),
        source,
    }
}
