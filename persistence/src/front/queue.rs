//! The appends that wait to be written, as the blocks that they will be written as.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::block::{ClosedBlock, Hashed, Link, OpenBlock};
use crate::record::Position;

/// A group of so many whole blocks does not take the one that is still being filled: it would be
/// written half empty, and whoever comes back from this commit fills it for the next one. So the
/// disk and the appenders are busy at the same time.
const WHOLE_BLOCKS: usize = 2;

#[derive(Debug)]
pub(crate) struct Queue {
    closed: VecDeque<Arc<ClosedBlock>>,
    open: OpenBlock,
    next: Position,
    bytes: usize,
    block_bytes_max: usize,
}

impl Queue {
    /// An empty queue whose first record will stand at `next`, with blocks of at most
    /// `block_bytes_max` bytes, blocks of one record excepted.
    pub(crate) fn starting_at(next: Position, block_bytes_max: usize) -> Self {
        Self {
            closed: VecDeque::new(),
            open: OpenBlock::starting_at(next),
            next,
            bytes: 0,
            block_bytes_max,
        }
    }

    /// Where the next record will stand.
    pub(crate) fn next(&self) -> Position {
        self.next
    }

    /// The bytes of all records that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.open.is_empty()
    }

    /// Whether a record that waits stands at `position`, or one would.
    pub(crate) fn reaches(&self, position: Position) -> bool {
        position >= self.first()
    }

    /// The place of the first record that waits, or would.
    pub(crate) fn first(&self) -> Position {
        self.closed
            .front()
            .map_or(self.open.first(), |block| block.first)
    }

    /// Takes a record in. `replies_from` is for the block that it may close.
    pub(crate) fn push(&mut self, record: &Hashed, link: Link, replies_from: Position) -> Position {
        if self.open.is_full_for(record, self.block_bytes_max) {
            self.close(replies_from);
        }
        let position = self.next;
        self.open.push(record, link);
        self.bytes += record.len();
        self.next = position.next();
        position
    }

    /// The first blocks that wait, as many as `bytes_max` allows, and one at least; the one that is
    /// still being filled only where there are few others. They stay readable here until
    /// [`written`](Self::written).
    pub(crate) fn group(
        &mut self,
        bytes_max: usize,
        replies_from: Position,
    ) -> Vec<Arc<ClosedBlock>> {
        let mut bytes = 0;
        let mut group = Vec::new();
        for block in &self.closed {
            bytes += block.bytes.len();
            if bytes > bytes_max && !group.is_empty() {
                return group;
            }
            group.push(block.clone());
        }
        if group.len() >= WHOLE_BLOCKS {
            return group;
        }
        if !self.open.is_empty() && (group.is_empty() || bytes < bytes_max) {
            group.push(self.close(replies_from));
        }
        group
    }

    /// Lets go of the first `blocks` blocks, whose records are `bytes` long.
    pub(crate) fn written(&mut self, blocks: usize, bytes: usize) {
        self.closed.drain(..blocks);
        self.bytes -= bytes;
    }

    /// The record at `position`, where it waits.
    pub(crate) fn record(&self, position: Position) -> Option<(Link, Vec<u8>)> {
        if let Some((link, record)) = self.open.record(position) {
            return Some((link, record.to_vec()));
        }
        // The block was never out of this process's memory.
        let block = self.closed_block(position)?.read().ok()?;
        let (link, record) = block.record(position)?.ok()?;
        Some((link, record.to_vec()))
    }

    /// Shows every record that waits, in order.
    pub(crate) fn each(&self, mut visit: impl FnMut(Link, &[u8])) {
        // The blocks were never out of this process's memory.
        for block in self.closed.iter().filter_map(|block| block.read().ok()) {
            let records = block.records_from(block.first());
            for (link, record) in records.filter_map(|(_, record)| record.ok()) {
                visit(link, record);
            }
        }
        let mut at = self.open.first();
        while let Some((link, record)) = self.open.record(at) {
            visit(link, record);
            at = at.next();
        }
    }

    /// Lets go of everything; the next record stands at `next`.
    pub(crate) fn clear(&mut self, next: Position) {
        *self = Self::starting_at(next, self.block_bytes_max);
    }

    /// Follows the links of a stream back from its record at `from` to its last one that does not
    /// stand after `last`.
    pub(crate) fn last_link_up_to(&self, from: Position, last: Position) -> Position {
        let mut at = from;
        while at > last {
            let Some(link) = self.link(at) else { break };
            at = link.previous;
        }
        at
    }

    fn link(&self, position: Position) -> Option<Link> {
        if let Some((link, _)) = self.open.record(position) {
            return Some(link);
        }
        self.closed_block(position)?.link(position)
    }

    fn closed_block(&self, position: Position) -> Option<&ClosedBlock> {
        let after = self.closed.partition_point(|block| block.first <= position);
        let block = self.closed.get(after.checked_sub(1)?)?;
        (position <= block.last()).then_some(block)
    }

    fn close(&mut self, replies_from: Position) -> Arc<ClosedBlock> {
        let closed = Arc::new(self.open.close(replies_from));
        self.closed.push_back(closed.clone());
        closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BLOCK_BYTES;

    const LINK: Link = Link {
        previous: Position::START,
        open: false,
    };

    fn push(queue: &mut Queue, record: Vec<u8>) -> Position {
        queue.push(&Hashed::new(record), LINK, Position::START)
    }

    #[test]
    fn records_are_found_until_they_are_written() {
        let mut queue = Queue::starting_at(Position::new(5), BLOCK_BYTES);
        let records: Vec<Vec<u8>> = (0..500u16).map(|n| n.to_le_bytes().repeat(200)).collect();
        for (at, record) in (5..).zip(&records) {
            assert_eq!(push(&mut queue, record.clone()), Position::new(at));
        }
        let group = queue.group(usize::MAX, Position::START);
        assert!(group.len() > 1, "200 kB do not fit one block");
        assert!(group.iter().all(|block| block.bytes.len() <= BLOCK_BYTES));
        for (at, record) in (5..).zip(&records) {
            let found = queue.record(Position::new(at));
            assert_eq!(found, Some((LINK, record.clone())));
        }
        let written = group[0].last();
        let in_first = (5..=written.get()).zip(&records);
        queue.written(1, in_first.map(|(_, record)| record.len()).sum());
        assert_eq!(queue.first(), written.next());
        assert_eq!(queue.record(written), None);
        assert!(queue.record(written.next()).is_some());
    }

    /// Catches: commits that write blocks half empty while others come back to fill them, and a
    /// block that is left for good.
    #[test]
    fn the_block_being_filled_waits_where_whole_ones_are_written() {
        let mut queue = Queue::starting_at(Position::new(1), BLOCK_BYTES);
        let half_a_block = || vec![1; BLOCK_BYTES / 2 - 100];
        for _ in 0..5 {
            push(&mut queue, half_a_block());
        }
        let group = queue.group(usize::MAX, Position::START);
        let places = |group: &[Arc<ClosedBlock>]| -> Vec<u64> {
            group.iter().map(|block| block.last().get()).collect()
        };
        assert_eq!(places(&group), [2, 4], "the fifth waits for another");
        queue.written(2, 4 * half_a_block().len());
        let group = queue.group(usize::MAX, Position::START);
        assert_eq!(places(&group), [5], "nobody came, so it goes alone");
    }

    /// Catches: a record larger than a block that is never written, or drags others with it.
    #[test]
    fn a_large_record_has_a_block_of_its_own() {
        let mut queue = Queue::starting_at(Position::new(1), BLOCK_BYTES);
        push(&mut queue, vec![1; 10]);
        push(&mut queue, vec![2; 3 * BLOCK_BYTES]);
        push(&mut queue, vec![3; 10]);
        let sizes = queue.group(usize::MAX, Position::START);
        let sizes: Vec<_> = sizes
            .iter()
            .map(|block| (block.first, block.last()))
            .collect();
        let alone = |at| (Position::new(at), Position::new(at));
        assert_eq!(
            sizes,
            [alone(1), alone(2)],
            "the third is still being filled"
        );
        assert_eq!(queue.group(100, Position::START).len(), 1, "one at least");
    }
}
