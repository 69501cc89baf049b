//! The journal's file: redb tables, and how it comes to be.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};

use crate::block::{self, Block};
use crate::codec;
use crate::error::{OpenError, ReadError};
use crate::front::Group;
use crate::options::JournalOptions;
use crate::record::{Position, Recorded, Snapshot, decode_append};

/// The layout of the tables below. A file with a higher number was written by newer code.
const FORMAT_VERSION: u64 = 1;

/// One value for each commit, under the position of its first record.
const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
/// The latest snapshot of each stream.
const SNAPSHOTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("snapshots");
/// How far each subscriber has come.
const CURSORS: TableDefinition<'_, &str, u64> = TableDefinition::new("cursors");
/// Facts of the file itself.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const META_FORMAT: &str = "format";

/// The redb file behind a journal.
#[derive(Debug)]
pub(crate) struct Store {
    db: Database,
}

impl Store {
    /// Opens the journal at `path`, or creates it where there is none.
    pub(crate) fn at(path: &Path, options: &JournalOptions) -> Result<Self, OpenError> {
        let exists = path.try_exists().map_err(|source| io_error(path, source))?;
        if !exists {
            create_atomically(path, options)?;
        }
        let db = Database::builder()
            .set_cache_size(options.cache_bytes)
            .open(path)
            .map_err(|error| open_error(path, error))?;
        let store = Self { db };
        store.check_format(path)?;
        Ok(store)
    }

    /// A journal that lives in memory and dies with the process: for tests and simulation.
    pub(crate) fn in_memory(options: &JournalOptions) -> Result<Self, OpenError> {
        let path = Path::new("(memory)");
        let db = Database::builder()
            .set_cache_size(options.cache_bytes)
            .create_with_backend(redb::backends::InMemoryBackend::new())
            .map_err(|error| open_error(path, error))?;
        let store = Self { db };
        store.lay_out().map_err(|error| store_error(path, &error))?;
        Ok(store)
    }

    fn lay_out(&self) -> Result<(), redb::Error> {
        let txn = self.db.begin_write()?;
        txn.open_table(BLOCKS)?;
        txn.open_table(SNAPSHOTS)?;
        txn.open_table(CURSORS)?;
        txn.open_table(META)?.insert(META_FORMAT, FORMAT_VERSION)?;
        txn.commit()?;
        Ok(())
    }

    fn check_format(&self, path: &Path) -> Result<(), OpenError> {
        let not_ours = |reason: &str| OpenError::NotAJournal {
            path: path.into(),
            reason: reason.into(),
        };
        let read = || -> Result<Option<u64>, redb::Error> {
            let meta = self.db.begin_read()?.open_table(META)?;
            Ok(meta.get(META_FORMAT)?.map(|format| format.value()))
        };
        match read() {
            Ok(Some(FORMAT_VERSION)) => Ok(()),
            Ok(Some(found)) if found > FORMAT_VERSION => Err(OpenError::Newer {
                path: path.into(),
                found,
                supported: FORMAT_VERSION,
            }),
            Ok(_) => Err(not_ours("it does not say its format")),
            Err(redb::Error::TableDoesNotExist(_) | redb::Error::TableTypeMismatch { .. }) => {
                Err(not_ours("it is a database of some other program"))
            }
            Err(error) => Err(store_error(path, &error)),
        }
    }

    /// Writes a group and syncs it.
    pub(crate) fn commit(&self, group: &Group) -> Result<(), redb::Error> {
        let mut txn = self.db.begin_write()?;
        txn.set_durability(Durability::Immediate)?;
        if !group.records.is_empty() {
            let block = block::encode(&group.records);
            txn.open_table(BLOCKS)?
                .insert(group.first.get(), block.as_slice())?;
        }
        if !group.snapshots.is_empty() {
            let mut table = txn.open_table(SNAPSHOTS)?;
            for snapshot in &group.snapshots {
                match codec::encode(snapshot) {
                    Ok(bytes) => table.insert(&*snapshot.stream, bytes.as_slice())?,
                    // A snapshot only saves time: without it the events are read instead.
                    Err(_) => None,
                };
            }
        }
        if !group.cursors.is_empty() {
            let mut table = txn.open_table(CURSORS)?;
            for (name, position) in &group.cursors {
                table.insert(&**name, position.get())?;
            }
        }
        txn.commit()?;
        Ok(())
    }

    /// Walks over every record from `from` on, in order, until `visit` says stop.
    pub(crate) fn scan(
        &self,
        from: Position,
        mut visit: impl FnMut(Recorded) -> bool,
    ) -> Result<(), ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let blocks = txn.open_table(BLOCKS).map_err(ReadError::store)?;
        // The block that holds `from` may begin before it.
        let first = blocks
            .range(..=from.get())
            .map_err(ReadError::store)?
            .next_back()
            .transpose()
            .map_err(ReadError::store)?
            .map_or(0, |(first, _)| first.value());
        for entry in blocks.range(first..).map_err(ReadError::store)? {
            let (first, bytes) = entry.map_err(ReadError::store)?;
            let block = Block::open(Position::new(first.value()), bytes.value())?;
            for (position, record) in block.records_from(from) {
                if !visit(read_record(position, record?)?) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The records at `positions`, which must ascend.
    pub(crate) fn records(&self, positions: &[Position]) -> Result<Vec<Recorded>, ReadError> {
        let mut records = Vec::with_capacity(positions.len());
        if positions.is_empty() {
            return Ok(records);
        }
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let blocks = txn.open_table(BLOCKS).map_err(ReadError::store)?;
        let mut rest = positions;
        while let Some(&position) = rest.first() {
            let missing = || ReadError::Missing { position };
            let (first, bytes) = blocks
                .range(..=position.get())
                .map_err(ReadError::store)?
                .next_back()
                .ok_or_else(missing)?
                .map_err(ReadError::store)?;
            let block = Block::open(Position::new(first.value()), bytes.value())?;
            // Neighbours in one block are read through one look-up.
            let here = rest.partition_point(|at| *at <= block.last());
            let (inside, beyond) = rest.split_at(here);
            if inside.is_empty() {
                return Err(missing());
            }
            for &at in inside {
                let bytes = block.record(at).ok_or_else(missing)??;
                records.push(read_record(at, bytes)?);
            }
            rest = beyond;
        }
        Ok(records)
    }

    pub(crate) fn snapshot(&self, stream: &str) -> Result<Option<Snapshot>, ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let table = txn.open_table(SNAPSHOTS).map_err(ReadError::store)?;
        let bytes = table.get(stream).map_err(ReadError::store)?;
        // A snapshot that cannot be read is no loss: the events it sums up are still there.
        Ok(bytes.and_then(|bytes| codec::decode(bytes.value()).ok()))
    }

    pub(crate) fn cursors(&self) -> Result<BTreeMap<Box<str>, Position>, ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let table = txn.open_table(CURSORS).map_err(ReadError::store)?;
        table
            .iter()
            .map_err(ReadError::store)?
            .map(|entry| {
                let (name, position) = entry.map_err(ReadError::store)?;
                Ok((name.value().into(), Position::new(position.value())))
            })
            .collect()
    }

    /// Each block's first position and bytes, for verification.
    pub(crate) fn each_block(
        &self,
        mut visit: impl FnMut(Position, &[u8]),
    ) -> Result<(), ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let blocks = txn.open_table(BLOCKS).map_err(ReadError::store)?;
        for entry in blocks.iter().map_err(ReadError::store)? {
            let (first, bytes) = entry.map_err(ReadError::store)?;
            visit(Position::new(first.value()), bytes.value());
        }
        Ok(())
    }
}

pub(crate) fn read_record(position: Position, bytes: &[u8]) -> Result<Recorded, ReadError> {
    decode_append(position, bytes).map_err(|source| ReadError::Record { position, source })
}

/// Creates the file under a temporary name and moves it into place only when it is whole: a cut
/// in the middle leaves either no journal or an empty one, never a file that will not open.
fn create_atomically(path: &Path, options: &JournalOptions) -> Result<(), OpenError> {
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
    let store = Store {
        db: Database::builder()
            .set_cache_size(options.cache_bytes)
            .create(&partial)
            .map_err(|error| open_error(path, error))?,
    };
    store.lay_out().map_err(|error| store_error(path, &error))?;
    drop(store);
    let settle = || -> io::Result<()> {
        File::open(&partial)?.sync_all()?;
        fs::rename(&partial, path)?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    settle().map_err(|error| io_error(path, error))
}

fn open_error(path: &Path, error: redb::DatabaseError) -> OpenError {
    use redb::{DatabaseError, StorageError};
    let path_buf = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::Locked { path: path_buf },
        DatabaseError::Storage(StorageError::Io(source))
            if source.kind() == io::ErrorKind::InvalidData
                || source.kind() == io::ErrorKind::UnexpectedEof =>
        {
            OpenError::NotAJournal {
                path: path_buf,
                reason: source.to_string(),
            }
        }
        DatabaseError::Storage(StorageError::Io(source)) => OpenError::Io {
            path: path_buf,
            source,
        },
        DatabaseError::Storage(StorageError::Corrupted(reason)) => OpenError::NotAJournal {
            path: path_buf,
            reason,
        },
        error => store_error(path, &error.into()),
    }
}

fn store_error(path: &Path, error: &redb::Error) -> OpenError {
    OpenError::Store {
        path: path.into(),
        reason: error.to_string(),
    }
}

fn io_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io {
        path: path.into(),
        source,
    }
}
