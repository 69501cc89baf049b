//! The end of the log, as memory still has it: those who follow the log read what was just written,
//! and so many of them read the same; and so does whoever reads one stream, or an old reply.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use crate::block::{ClosedBlock, Link};
use crate::error::ReadError;
use crate::journal::READ_BYTES_MAX;
use crate::record::{Position, Recorded};
use crate::store::read_record;

/// No more stored bytes than these are kept, so that no read of them gives more than it may.
const BYTES_MAX: usize = READ_BYTES_MAX;

/// The last blocks that were written, in order and without a gap. Each is decoded when it is first
/// read, once for all who read it.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    blocks: VecDeque<Arc<TailBlock>>,
    bytes: usize,
    /// Whether anybody has read the log: a writer alone is spared what would only fill its caches.
    is_followed: bool,
}

/// One of them. Whoever has it reads it without a lock.
#[derive(Debug)]
pub(crate) struct TailBlock {
    block: Arc<ClosedBlock>,
    records: OnceLock<Vec<Arc<Recorded>>>,
}

impl TailBlock {
    /// Its record at `position`, and what that links to.
    pub(crate) fn record(&self, position: Position) -> Result<(Link, Arc<Recorded>), ReadError> {
        let records = self.records()?;
        let at = position.get().saturating_sub(self.block.first.get());
        let found = usize::try_from(at).ok().and_then(|at| records.get(at));
        let found = self.block.link(position).zip(found.cloned());
        found.ok_or(ReadError::Missing { position })
    }

    fn records(&self) -> Result<&[Arc<Recorded>], ReadError> {
        if let Some(records) = self.records.get() {
            return Ok(records);
        }
        let block = self.block.read()?;
        let records = block.records_from(block.first()).map(|(position, record)| {
            let (_, bytes) = record?;
            read_record(position, bytes).map(Arc::new)
        });
        let records = records.collect::<Result<_, ReadError>>()?;
        Ok(self.records.get_or_init(|| records))
    }
}

/// The piece of the tail that a reader asked for, which no lock is held for any more.
#[derive(Debug)]
pub(crate) struct Piece(Vec<Arc<TailBlock>>);

impl Tail {
    /// Takes in what was written, and lets go of what is furthest from the end.
    pub(crate) fn written(&mut self, blocks: &[Arc<ClosedBlock>]) {
        if !self.is_followed {
            return;
        }
        for block in blocks {
            self.bytes += block.bytes.len();
            self.blocks.push_back(Arc::new(TailBlock {
                block: block.clone(),
                records: OnceLock::new(),
            }));
        }
        while self.bytes > BYTES_MAX
            && let Some(oldest) = self.blocks.pop_front()
        {
            self.bytes -= oldest.block.bytes.len();
        }
    }

    /// Lets go of everything: another disk may hold something else.
    pub(crate) fn clear(&mut self) {
        self.blocks.clear();
        self.bytes = 0;
    }

    /// Which of the blocks is the last one that does not begin after `position`.
    fn at(&self, position: Position) -> Option<usize> {
        let last = self.blocks.len().checked_sub(1)?;
        // Most of those who follow the log are at its end.
        if self.blocks.get(last)?.block.first <= position {
            return Some(last);
        }
        let after = self.blocks.partition_point(|it| it.block.first <= position);
        after.checked_sub(1)
    }

    /// The block with the record at `position`, where it is here.
    pub(crate) fn block(&self, position: Position) -> Option<Arc<TailBlock>> {
        let found = self.blocks.get(self.at(position)?)?;
        (found.block.last() >= position).then(|| found.clone())
    }

    /// The blocks from the one with the record at `from` on that hold `records` records; `None`
    /// where that record is not here.
    pub(crate) fn piece(&mut self, from: Position, records: usize) -> Option<Piece> {
        self.is_followed = true;
        let at = self.at(from)?;
        let mut room = records;
        let wanted = self.blocks.range(at..).take_while(|it| {
            let wanted = room > 0;
            let first = it.block.first.max(from).get();
            let here = (it.block.last().get() + 1).saturating_sub(first);
            room = room.saturating_sub(usize::try_from(here).unwrap_or(usize::MAX));
            wanted
        });
        let blocks: Vec<_> = wanted.cloned().collect();
        (blocks.first()?.block.last() >= from).then_some(Piece(blocks))
    }
}

impl Piece {
    /// Its records from `from` up to `until`, no more than `records_max` of them.
    pub(crate) fn records(
        &self,
        from: Position,
        until: Position,
        records_max: usize,
    ) -> Result<Vec<Arc<Recorded>>, ReadError> {
        let mut found = Vec::new();
        for block in &self.0 {
            for recorded in block.records()? {
                if recorded.position > until || found.len() >= records_max {
                    return Ok(found);
                }
                if recorded.position >= from {
                    found.push(recorded.clone());
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{Hashed, Link, OpenBlock};
    use crate::record::Append;
    use crate::stored::encode_append;

    fn block(first: u64, records: u64, bytes: usize) -> Arc<ClosedBlock> {
        let mut block = OpenBlock::starting_at(Position::new(first));
        for nth in 0..records {
            let mut append = Append::to("counter/1", first + nth, 0);
            append.events.push(crate::record::EventData {
                name: "counted".into(),
                version: 1,
                payload: vec![7; bytes],
            });
            let record = Hashed::new(encode_append(&append).expect("it has a stored form"));
            let link = Link {
                previous: Position::START,
                open: false,
            };
            block.push(&record, link);
        }
        Arc::new(block.close(Position::START))
    }

    fn read(tail: &mut Tail, from: u64, until: u64, most: usize) -> Option<Vec<u64>> {
        let (from, until) = (Position::new(from), Position::new(until));
        let piece = tail.piece(from, most)?;
        let records = piece.records(from, until, most).expect("sound blocks");
        Some(records.iter().map(|it| it.position.get()).collect())
    }

    /// Catches: a record that is passed over or shown twice where one block ends, and one that is
    /// shown before it is durable.
    #[test]
    fn whoever_follows_reads_every_record_once_and_none_too_early() {
        let mut tail = Tail::default();
        tail.written(&[block(1, 4, 10)]);
        assert_eq!(read(&mut tail, 1, 4, 9), None, "nobody had asked");
        tail.written(&[block(5, 3, 10), block(8, 1, 10)]);
        tail.written(&[block(9, 4, 10)]);
        for most in 1..9 {
            let mut seen = Vec::new();
            let mut from = 5;
            while let Some(records) = read(&mut tail, from, 11, most)
                && let Some(last) = records.last()
            {
                from = last + 1;
                seen.extend(records);
            }
            assert_eq!(seen, (5..=11).collect::<Vec<_>>(), "{most} at a time");
        }
        assert_eq!(read(&mut tail, 4, 11, 9), None, "that is on the disk alone");
        assert_eq!(read(&mut tail, 13, 20, 9), None, "that is not written yet");
        let holds = |at| tail.block(Position::new(at)).is_some();
        assert_eq!(
            [4, 5, 7, 8, 12, 13].map(holds),
            [false, true, true, true, true, false]
        );
    }

    /// Catches: a tail that grows with the log.
    #[test]
    fn what_is_kept_has_a_bound_and_is_the_end() {
        let mut tail = Tail::default();
        assert_eq!(read(&mut tail, 1, 1, 9), None);
        for nth in 0..200 {
            tail.written(&[block(1 + nth, 1, 60_000)]);
            assert!(tail.bytes <= BYTES_MAX);
        }
        assert_eq!(read(&mut tail, 1, 200, 9), None, "the first has gone");
        assert_eq!(read(&mut tail, 200, 200, 9), Some(vec![200]));
        tail.clear();
        assert_eq!(read(&mut tail, 200, 200, 9), None);
    }
}
