//! Reading blocks: forwards in the total order, and backwards along one stream.

use redb::{ReadOnlyTable, ReadableDatabase, ReadableTable};

use super::load::checkpoint;
use super::{BLOCKS, HEADS, SNAPSHOTS, Store, rows};
use crate::block::{Block, Link};
use crate::error::ReadError;
use crate::front::Head;
use crate::record::{Position, Recorded, Snapshot};
use crate::stored::decode_append;

/// What a visitor of records wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Go,
    Stop,
}

impl Store {
    fn blocks(&self) -> Result<ReadOnlyTable<u64, &'static [u8]>, ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        txn.open_table(BLOCKS).map_err(ReadError::store)
    }

    fn open_block<'a>(&self, first: Position, bytes: &'a [u8]) -> Result<Block<'a>, ReadError> {
        #[cfg(feature = "planted-bugs")]
        if self.unchecked {
            return Ok(Block::open_unchecked(first, bytes)?);
        }
        Ok(Block::open(first, bytes)?)
    }

    /// Walks over every record from `from` on, in order, until `visit` says stop.
    pub(crate) fn scan(
        &self,
        from: Position,
        mut visit: impl FnMut(Position, Link, &[u8]) -> Result<Next, ReadError>,
    ) -> Result<(), ReadError> {
        let start = from.max(Position::START.next());
        let blocks = self.blocks()?;
        // The block that holds `start` may begin before it.
        let first = blocks
            .range(..=start.get())
            .map_err(ReadError::store)?
            .next_back()
            .transpose()
            .map_err(ReadError::store)?
            .map_or(0, |(first, _)| first.value());
        let mut expected = start;
        for entry in blocks.range(first..).map_err(ReadError::store)? {
            let (first, bytes) = entry.map_err(ReadError::store)?;
            let block = self.open_block(Position::new(first.value()), bytes.value())?;
            let begins_before = expected == start && block.first() < start;
            if block.first() != expected && !begins_before {
                return Err(ReadError::Missing { position: expected });
            }
            expected = block.last().next().max(start);
            for (position, record) in block.records_from(start) {
                let (link, bytes) = record?;
                if visit(position, link, bytes)? == Next::Stop {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Walks over a stream's records, from the one at `last` backwards, until `visit` says stop or
    /// the stream's first record was seen.
    pub(crate) fn walk_back(
        &self,
        last: Position,
        mut visit: impl FnMut(Recorded) -> Next,
    ) -> Result<(), ReadError> {
        let blocks = self.blocks()?;
        let mut at = last;
        while at > Position::START {
            let missing = move || ReadError::Missing { position: at };
            let (first, bytes) = blocks
                .range(..=at.get())
                .map_err(ReadError::store)?
                .next_back()
                .ok_or_else(missing)?
                .map_err(ReadError::store)?;
            let block = self.open_block(Position::new(first.value()), bytes.value())?;
            // Neighbours in one block are read through one look-up.
            loop {
                let missing = || ReadError::Missing { position: at };
                let (link, bytes) = block.record(at).ok_or_else(missing)??;
                if visit(read_record(at, bytes)?) == Next::Stop {
                    return Ok(());
                }
                if link.previous >= at {
                    return Err(ReadError::Missing {
                        position: link.previous,
                    });
                }
                at = link.previous;
                if at < block.first() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The record at `position`.
    pub(crate) fn record(&self, position: Position) -> Result<Recorded, ReadError> {
        let mut found = None;
        self.walk_back(position, |recorded| {
            found = Some(recorded);
            Next::Stop
        })?;
        found.ok_or(ReadError::Missing { position })
    }

    /// The stored head of a stream, right up to the checkpoint.
    pub(crate) fn head(&self, stream: &str) -> Result<Option<Head>, ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let table = txn.open_table(HEADS).map_err(ReadError::store)?;
        let row = table.get(stream).map_err(ReadError::store)?;
        row.map(|row| rows::read("heads", stream.as_bytes(), row.value()).map(rows::head_of))
            .transpose()
    }

    /// A stream's snapshot. One that is damaged is no loss: the events it sums up are still there.
    pub(crate) fn snapshot(&self, stream: &str) -> Result<Option<Snapshot>, ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let table = txn.open_table(SNAPSHOTS).map_err(ReadError::store)?;
        let row = table.get(stream).map_err(ReadError::store)?;
        Ok(row.and_then(|row| rows::read("snapshots", stream.as_bytes(), row.value()).ok()))
    }

    /// The stored heads are right up to here.
    pub(crate) fn checkpoint(&self) -> Result<Position, ReadError> {
        checkpoint(&self.db.begin_read().map_err(ReadError::store)?)
    }

    /// Every stored head under `prefix`, in the order of the streams' names.
    pub(crate) fn each_head(
        &self,
        prefix: &str,
        mut visit: impl FnMut(&str, Result<Head, ReadError>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let table = txn.open_table(HEADS).map_err(ReadError::store)?;
        for entry in table.range(prefix..).map_err(ReadError::store)? {
            let (stream, row) = entry.map_err(ReadError::store)?;
            let stream = stream.value();
            if !stream.starts_with(prefix) {
                break;
            }
            let head = rows::read("heads", stream.as_bytes(), row.value()).map(rows::head_of);
            visit(stream, head)?;
        }
        Ok(())
    }

    /// Each block's first position and bytes, for verification.
    pub(crate) fn each_block(
        &self,
        mut visit: impl FnMut(Position, &[u8]),
    ) -> Result<(), ReadError> {
        for entry in self.blocks()?.iter().map_err(ReadError::store)? {
            let (first, bytes) = entry.map_err(ReadError::store)?;
            visit(Position::new(first.value()), bytes.value());
        }
        Ok(())
    }
}

pub(crate) fn read_record(position: Position, bytes: &[u8]) -> Result<Recorded, ReadError> {
    decode_append(position, bytes).map_err(|source| ReadError::Record { position, source })
}
