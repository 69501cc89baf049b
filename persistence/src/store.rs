//! The journal's tables in redb.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
};

use crate::block::{self, Block};
use crate::codec;
use crate::disk::fuse::{Fuse, Fused};
use crate::error::{OpenError, ReadError};
use crate::front::Group;

use crate::opening::{
    builder, check_format, create_atomically, io_error, lay_out, open_error, turn_away_others,
};
use crate::options::JournalOptions;
use crate::record::{Position, Recorded, Snapshot, decode_append};

/// One value for each commit, under the position of its first record.
pub(crate) const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
/// The latest snapshot of each stream.
pub(crate) const SNAPSHOTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("snapshots");
/// How far each subscriber has come.
pub(crate) const CURSORS: TableDefinition<'_, &str, u64> = TableDefinition::new("cursors");

/// The redb file behind a journal.
#[derive(Debug)]
pub(crate) struct Store {
    db: Database,
    fuse: Fuse,
}

impl Store {
    /// Opens the journal at `path`, or creates it where there is none.
    pub(crate) fn at(path: &Path, options: &JournalOptions) -> Result<Self, OpenError> {
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
        let file = FileBackend::new(file).map_err(|error| open_error(path, error))?;
        Self::on(path, file, options)
    }

    /// Opens the journal on `backend`, or creates it where that is empty. `name` stands for the
    /// path in errors.
    pub(crate) fn on(
        name: &Path,
        backend: impl StorageBackend,
        options: &JournalOptions,
    ) -> Result<Self, OpenError> {
        let bytes = backend.len().map_err(|source| io_error(name, source))?;
        let fuse = Fuse::default();
        let db = builder(options)
            .create_with_backend(Fused::new(backend, fuse.clone()))
            .map_err(|error| open_error(name, error))?;
        if bytes == 0 {
            lay_out(&db).map_err(|error| open_error(name, error))?;
        }
        check_format(name, &db)?;
        fuse.check().map_err(|source| io_error(name, source))?;
        Ok(Self { db, fuse })
    }

    /// Writes a group and syncs it.
    pub(crate) fn commit(&self, group: &Group) -> Result<(), redb::Error> {
        let mut txn = self.db.begin_write()?;
        txn.set_durability(Durability::Immediate)?;
        if !group.records.is_empty() {
            let block = block::encode(group.first, &group.records);
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
        self.fuse.check()?;
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
        let start = from.max(Position::START.next());
        let mut expected = start;
        for entry in blocks.range(first..).map_err(ReadError::store)? {
            let (first, bytes) = entry.map_err(ReadError::store)?;
            let block = Block::open(Position::new(first.value()), bytes.value())?;
            let begins_before = expected == start && block.first() < start;
            if block.first() != expected && !begins_before {
                return Err(ReadError::Missing { position: expected });
            }
            expected = block.last().next();
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
