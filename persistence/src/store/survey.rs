//! What the journal's tools read of a store. Each call is one read transaction that ends with it:
//! a tool that works through a large journal never pins the pages that the writer wants back.

use std::collections::BTreeSet;
use std::fs::File;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use redb::backends::FileBackend;
use redb::{
    Key, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    Value,
};

use super::load::{open_streams, stored_chunk, stored_cursors, stored_timers};
use super::opening::{builder, io_error, is_a_journal, open_error, refused};
use super::{
    BLOCKS, COMMANDS, CURSORS, HEADS, META, OPEN, SNAPSHOTS, Store, TIMERS, guarded, rows,
};
use crate::block::Block;
use crate::disk::fuse::{Fuse, Fused};
use crate::disk::superblock::Superblock;
use crate::error::{OpenError, ReadError};
use crate::front::Chunk;
use crate::options::JournalOptions;
use crate::record::{Position, Snapshot, Timer};

/// Where the journal stood after one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The last record.
    pub(crate) last: Position,
    /// First replies recorded before this are forgotten.
    pub(crate) replies_from: Position,
    /// How far each subscriber had come. A cursor is committed with or after what its subscriber
    /// made of what it read, so none of these lacks its effects.
    pub(crate) cursors: Vec<(Box<str>, Position)>,
}

/// The row of a stream in the table of snapshots.
pub(crate) type StoredSnapshot = (Box<str>, Result<Snapshot, ReadError>);

/// What one table of the store takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableUse {
    pub(crate) name: &'static str,
    pub(crate) rows: u64,
    pub(crate) stored_bytes: u64,
    pub(crate) overhead_bytes: u64,
}

impl Store {
    /// Lays out a journal in a file that is new and empty.
    pub(crate) fn in_new_file(
        path: &Path,
        file: File,
        options: &JournalOptions,
    ) -> Result<Self, OpenError> {
        let backend = FileBackend::new(file).map_err(|error| open_error(path, error))?;
        Self::on(path, backend, options)
    }

    /// Opens the journal at `path`, which must be there.
    pub(crate) fn existing(path: &Path) -> Result<Self, OpenError> {
        Self::there(path, &JournalOptions::default())
    }

    /// Opens the journal at `path` to see what can be read of it, however damaged its pages are. They are
    /// not checked, and nothing of the file changes.
    pub(crate) fn salvaged(path: &Path) -> Result<Self, OpenError> {
        guarded(|| Ok(Self::opened_to_read(path))).map_err(|error| open_error(path, error))?
    }

    fn opened_to_read(path: &Path) -> Result<Self, OpenError> {
        let options = JournalOptions {
            check_on_open: false,
            ..JournalOptions::default()
        };
        let failed = |source| io_error(path, source);
        let file = File::options().read(true).write(true).open(path);
        let file = FileBackend::new(file.map_err(failed)?);
        let disk = Superblock::open(file.map_err(|error| open_error(path, error))?);
        let fuse = Fuse::default();
        let disk = disk.map_err(|error| refused(path, error))?;
        let disk = Fused::untouched(disk, fuse.clone()).map_err(failed)?;
        let opened = builder(&options).create_with_backend(disk);
        let db = opened.map_err(|error| open_error(path, error))?;
        is_a_journal(path, &db)?;
        Ok(Self {
            db,
            fuse,
            #[cfg(feature = "planted-bugs")]
            unchecked: false,
        })
    }

    /// Log and cursors as one commit left them.
    pub(crate) fn cut(&self) -> Result<Cut, ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let blocks = txn.open_table(BLOCKS).map_err(ReadError::store)?;
        let (mut last, mut replies_from) = (Position::START, Position::START.next());
        if let Some((first, bytes)) = blocks.last().map_err(ReadError::store)? {
            let block = Block::open(Position::new(first.value()), bytes.value())?;
            (last, replies_from) = (block.last(), block.replies_from());
        }
        Ok(Cut {
            last,
            replies_from,
            cursors: stored_cursors(&txn)?,
        })
    }

    /// How far each subscriber has come, by name.
    pub(crate) fn cursors(&self) -> Result<Vec<(Box<str>, Position)>, ReadError> {
        stored_cursors(&self.db.begin_read().map_err(ReadError::store)?)
    }

    /// The stored blocks that begin after `after`, in order: about `bytes_max` bytes of them, and
    /// one at least where there is one.
    pub(crate) fn blocks_after(
        &self,
        after: Position,
        bytes_max: usize,
    ) -> Result<Vec<(Position, Vec<u8>)>, ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let table = txn.open_table(BLOCKS).map_err(ReadError::store)?;
        let mut blocks = Vec::new();
        let mut bytes = 0;
        for entry in table
            .range(after.next().get()..)
            .map_err(ReadError::store)?
        {
            let (first, block) = entry.map_err(ReadError::store)?;
            bytes += block.value().len();
            blocks.push((Position::new(first.value()), block.value().to_vec()));
            if bytes >= bytes_max {
                break;
            }
        }
        Ok(blocks)
    }

    /// The snapshots of the streams after `after`, in the order of their names: about `bytes_max`
    /// bytes of them, and one at least where there is one. A damaged one is an error of its own.
    pub(crate) fn snapshots_after(
        &self,
        after: Option<&str>,
        bytes_max: usize,
    ) -> Result<Vec<StoredSnapshot>, ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let table = txn.open_table(SNAPSHOTS).map_err(ReadError::store)?;
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = table.range::<&str>((start, Bound::Unbounded));
        let mut snapshots = Vec::new();
        let mut bytes = 0;
        for entry in range.map_err(ReadError::store)? {
            let (stream, row) = entry.map_err(ReadError::store)?;
            let stream = stream.value();
            bytes += row.value().len();
            let snapshot = rows::read("snapshots", stream.as_bytes(), row.value());
            snapshots.push((stream.into(), snapshot));
            if bytes >= bytes_max {
                break;
            }
        }
        Ok(snapshots)
    }

    /// Each stored chunk of commands with its key, in order.
    pub(crate) fn each_chunk(
        &self,
        mut visit: impl FnMut(Position, Result<Chunk, ReadError>),
    ) -> Result<(), ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let table = txn.open_table(COMMANDS).map_err(ReadError::store)?;
        for entry in table.iter().map_err(ReadError::store)? {
            let (first, row) = entry.map_err(ReadError::store)?;
            let chunk = stored_chunk(first.value(), row.value());
            visit(Position::new(first.value()), chunk);
        }
        Ok(())
    }

    /// Each stored timer.
    pub(crate) fn each_timer(
        &self,
        mut visit: impl FnMut(Result<Timer, ReadError>),
    ) -> Result<(), ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        stored_timers(&txn)?.into_iter().for_each(&mut visit);
        Ok(())
    }

    /// The streams that the index lists as unfinished, right up to the checkpoint.
    pub(crate) fn listed_open(&self) -> Result<BTreeSet<Arc<str>>, ReadError> {
        open_streams(&self.db.begin_read().map_err(ReadError::store)?)
    }

    /// What each table takes.
    pub(crate) fn tables(&self) -> Result<Vec<TableUse>, ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        Ok(vec![
            table_use(&txn, "blocks", BLOCKS)?,
            table_use(&txn, "heads", HEADS)?,
            table_use(&txn, "open", OPEN)?,
            table_use(&txn, "commands", COMMANDS)?,
            table_use(&txn, "timers", TIMERS)?,
            table_use(&txn, "snapshots", SNAPSHOTS)?,
            table_use(&txn, "cursors", CURSORS)?,
            table_use(&txn, "meta", META)?,
        ])
    }

    /// Moves what is stored to the front of the file and cuts the file off behind it. Each step is
    /// a commit of the store, so a crash in the middle leaves a sound file.
    pub(crate) fn compact(&mut self) -> Result<(), redb::Error> {
        let Self { db, fuse, .. } = self;
        guarded(|| Ok(db.compact()?))?;
        fuse.check()?;
        Ok(())
    }
}

fn table_use<K: Key + 'static, V: Value + 'static>(
    txn: &ReadTransaction,
    name: &'static str,
    definition: TableDefinition<'_, K, V>,
) -> Result<TableUse, ReadError> {
    let table = txn.open_table(definition).map_err(ReadError::store)?;
    let stats = table.stats().map_err(ReadError::store)?;
    Ok(TableUse {
        name,
        rows: table.len().map_err(ReadError::store)?,
        stored_bytes: stats.stored_bytes(),
        overhead_bytes: stats.metadata_bytes() + stats.fragmented_bytes(),
    })
}
