//! The journal's tables in redb, and how a group is written to them.

mod load;
mod opening;
mod read;
pub(crate) mod rows;
mod survey;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{
    Database, Durability, ReadableDatabase, StorageBackend, TableDefinition, WriteTransaction,
};

use crate::disk::forget_cached;
use crate::disk::fuse::{Fuse, Fused, Unwell};
use crate::disk::superblock::Superblock;
use crate::error::OpenError;
use crate::front::{Group, HeadsToWrite};
use crate::options::JournalOptions;
use crate::record::Snapshot;
use opening::{builder, io_error, is_a_journal, is_bare, is_there, lay_out, open_error, refused};

pub(crate) use opening::load_error;
pub(crate) use read::{Next, read_record};
pub(crate) use survey::Cut;

/// Blocks of records, each under the position of its first record. They are the journal; whatever
/// lies in the other tables but cursors, timers and marks could be made of them again.
pub(crate) const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
/// Where each stream stands, right up to the checkpoint.
pub(crate) const HEADS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("heads");
/// The streams with work left to do, right up to the checkpoint.
pub(crate) const OPEN: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("open");
/// Chunks of recorded commands, each under the position of its first one.
pub(crate) const COMMANDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("commands");
/// The timers that are set.
pub(crate) const TIMERS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("timers");
/// The latest snapshot of each stream.
pub(crate) const SNAPSHOTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("snapshots");
/// How far each subscriber has come.
pub(crate) const CURSORS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("cursors");
/// Facts of the file itself.
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// The stored heads and commands are right up to here.
pub(crate) const META_CHECKPOINT: &str = "checkpoint";

/// Written to see whether the disk takes writes.
const META_PROOF: &str = "proof";

/// The redb file behind a journal.
#[derive(Debug)]
pub(crate) struct Store {
    db: Database,
    fuse: Fuse,
    #[cfg(feature = "planted-bugs")]
    unchecked: bool,
}

impl Store {
    /// Opens the journal at `path`, or creates it where there is none.
    pub(crate) fn at(path: &Path, options: &JournalOptions) -> Result<Self, OpenError> {
        let file = opening::file(path, options)?;
        Self::on(path, file, options)
    }

    /// Opens the journal at `path`, where there must be one.
    pub(crate) fn there(path: &Path, options: &JournalOptions) -> Result<Self, OpenError> {
        is_there(path)?;
        Self::at(path, options)
    }

    /// Opens the journal on `backend`, or creates it where that is empty. `name` stands for the
    /// path in errors.
    pub(crate) fn on(
        name: &Path,
        backend: impl StorageBackend,
        options: &JournalOptions,
    ) -> Result<Self, OpenError> {
        let fuse = Fuse::default();
        let disk = Superblock::open(backend).map_err(|error| refused(name, error))?;
        let db = guarded(|| {
            let db = builder(options)
                .create_with_backend(Fused::new(disk, fuse.clone()))
                .map_err(redb::Error::from)?;
            if is_bare(&db)? {
                lay_out(&db)?;
            }
            Ok(db)
        })
        .map_err(|error| open_error(name, error))?;
        // The keys of persons lie on the same kind of disk, and are no journal.
        is_a_journal(name, &db)?;
        fuse.check().map_err(|source| io_error(name, source))?;
        Ok(Self {
            db,
            fuse,
            #[cfg(feature = "planted-bugs")]
            unchecked: options.unchecked,
        })
    }

    /// Opens the journal at `path` once more after its disk failed.
    pub(crate) fn again(path: &Path, options: &JournalOptions) -> Result<Self, OpenError> {
        is_there(path)?;
        forget_cached(path).map_err(|source| io_error(path, source))?;
        Self::at(path, options)
    }

    /// Whether the disk took everything that the tables show. Where it did not they show a commit
    /// that never was.
    pub(crate) fn is_whole(&self) -> bool {
        self.fuse.check().is_ok()
    }

    /// Whether the disk below takes writes again.
    pub(crate) fn probe(&self) -> Result<(), Unwell> {
        self.fuse.probe()
    }

    /// Commits nothing, durably: a disk that takes this is back.
    pub(crate) fn prove(&self) -> Result<(), redb::Error> {
        let mut txn = self.db.begin_write()?;
        txn.set_durability(Durability::Immediate)?;
        let row = stored(rows::write(META_PROOF.as_bytes(), &()))?;
        txn.open_table(META)?.insert(META_PROOF, row.as_slice())?;
        txn.commit()?;
        self.fuse.check()?;
        Ok(())
    }

    /// Writes a group and syncs it.
    pub(crate) fn commit(&self, group: &Group) -> Result<(), redb::Error> {
        // While somebody reads the state before, redb leaves the pages that this commit frees for the
        // next one to take back, in its own transaction. Otherwise it takes them back in a second,
        // unsynced commit after each: a quarter of all that a small commit costs.
        let _before = self.db.begin_read()?;
        let mut txn = self.db.begin_write()?;
        txn.set_durability(Durability::Immediate)?;
        write_blocks(&txn, group)?;
        write_heads(&txn, &group.heads)?;
        write_commands(&txn, group)?;
        write_timers(&txn, group)?;
        write_snapshots(&txn, &group.snapshots)?;
        if !group.cursors.is_empty() {
            let mut table = txn.open_table(CURSORS)?;
            for (name, position) in &group.cursors {
                let row = stored(rows::write(name.as_bytes(), position))?;
                table.insert(&**name, row.as_slice())?;
            }
        }
        if let Some(checkpoint) = group.checkpoint {
            let row = stored(rows::write(META_CHECKPOINT.as_bytes(), &checkpoint.get()))?;
            txn.open_table(META)?
                .insert(META_CHECKPOINT, row.as_slice())?;
        }
        txn.commit()?;
        self.fuse.check()?;
        Ok(())
    }
}

fn write_blocks(txn: &WriteTransaction, group: &Group) -> Result<(), redb::Error> {
    if group.blocks.is_empty() {
        return Ok(());
    }
    let mut table = txn.open_table(BLOCKS)?;
    for block in &group.blocks {
        table.insert(block.first.get(), block.bytes.as_slice())?;
    }
    Ok(())
}

fn write_heads(txn: &WriteTransaction, heads: &HeadsToWrite) -> Result<(), redb::Error> {
    if heads.rows.is_empty() {
        return Ok(());
    }
    let mut sorted: Vec<_> = heads.rows.iter().collect();
    // Neighbours in the tree are then changed one after the other.
    sorted.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let mut table = txn.open_table(HEADS)?;
    let mut open = txn.open_table(OPEN)?;
    for (stream, head) in sorted {
        let row = stored(rows::write(stream.as_bytes(), &rows::head_row(head)))?;
        let before = table.insert(&**stream, row.as_slice())?;
        let was_open = match before {
            None => false,
            Some(before) => rows::read::<rows::HeadRow>("heads", stream.as_bytes(), before.value())
                .map_or(true, |(.., open)| open),
        };
        if head.open && !was_open {
            let row = stored(rows::write(stream.as_bytes(), &()))?;
            open.insert(&**stream, row.as_slice())?;
        } else if was_open && !head.open {
            open.remove(&**stream)?;
        }
    }
    Ok(())
}

fn write_commands(txn: &WriteTransaction, group: &Group) -> Result<(), redb::Error> {
    if group.commands.is_none() && group.forget.is_none() {
        return Ok(());
    }
    let mut table = txn.open_table(COMMANDS)?;
    if let Some(chunk) = &group.commands {
        let key = chunk.first().get();
        let row = stored(rows::write(&key.to_le_bytes(), &rows::chunk_row(chunk)))?;
        table.insert(key, row.as_slice())?;
    }
    if let Some(chunk) = group.forget {
        table.remove(chunk.get())?;
    }
    Ok(())
}

fn write_timers(txn: &WriteTransaction, group: &Group) -> Result<(), redb::Error> {
    if group.timers.is_empty() {
        return Ok(());
    }
    let mut table = txn.open_table(TIMERS)?;
    for ((stream, name), timer) in &group.timers {
        let key = rows::timer_key(stream, name);
        match timer {
            Some(timer) => {
                let row = stored(rows::write(&key, timer))?;
                table.insert(key.as_slice(), row.as_slice())?;
            }
            None => drop(table.remove(key.as_slice())?),
        }
    }
    Ok(())
}

fn write_snapshots(txn: &WriteTransaction, snapshots: &[Snapshot]) -> Result<(), redb::Error> {
    if snapshots.is_empty() {
        return Ok(());
    }
    let mut table = txn.open_table(SNAPSHOTS)?;
    for snapshot in snapshots {
        let row = stored(rows::write(snapshot.stream.as_bytes(), snapshot))?;
        table.insert(&*snapshot.stream, row.as_slice())?;
    }
    Ok(())
}

/// redb panics on some kinds of damage. Here they are errors like the others.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(redb::Error::Corrupted("the store panicked".into())))
}

/// What the journal itself makes always has a stored form; where not, the commit fails in words.
fn stored(row: Result<Vec<u8>, crate::CodecError>) -> Result<Vec<u8>, redb::Error> {
    row.map_err(|error| redb::Error::Corrupted(error.to_string()))
}
