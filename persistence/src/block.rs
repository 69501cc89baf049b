//! A block: all the records of one commit, in one value.
//!
//! One value per commit is what lets a thousand appends share one sync and one tree update. The
//! layout is a header, a table of record ends, and the records, each behind its checksum, so that
//! one record is read without decoding its neighbours and a flipped bit is found where it lies.
//! The checksum covers the record's position too: a sound record in a wrong place is damage.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::codec::FORMAT;
use crate::record::Position;

const CHECKSUM: usize = size_of::<u64>();
const END: usize = size_of::<u32>();
const HEADER: usize = 1 + END;

/// A stored block that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// The block's frame does not hold together.
    #[error("the block at position {first} is damaged: {what}")]
    Frame {
        /// The block's first position.
        first: Position,
        /// What does not fit.
        what: &'static str,
    },
    /// A record's bytes do not match their checksum.
    #[error("the record at position {position} does not match its checksum")]
    Checksum {
        /// The record's position.
        position: Position,
    },
}

/// Lays records out as one block, the first of them at `first`.
pub(crate) fn encode(first: Position, records: &[Arc<[u8]>]) -> Vec<u8> {
    let payload: usize = records
        .iter()
        .map(|record| record.len() + CHECKSUM + END)
        .sum();
    let mut block = Vec::with_capacity(HEADER + payload);
    block.push(FORMAT);
    block.extend_from_slice(&length(records.len()));
    let mut end = 0;
    for record in records {
        end += CHECKSUM + record.len();
        block.extend_from_slice(&length(end));
    }
    let mut position = first;
    for record in records {
        block.extend_from_slice(&checksum(position, record));
        block.extend_from_slice(record);
        position = position.next();
    }
    block
}

fn checksum(position: Position, record: &[u8]) -> [u8; CHECKSUM] {
    xxh3_64_with_seed(record, position.get()).to_le_bytes()
}

/// Group limits keep every length below 4 GiB (see `JournalOptions`), so this cannot saturate.
fn length(bytes: usize) -> [u8; END] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// A block as it lies in the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    first: Position,
    ends: &'a [u8],
    records: &'a [u8],
}

impl<'a> Block<'a> {
    /// Reads the frame of the block whose first record stands at `first`.
    pub(crate) fn open(first: Position, bytes: &'a [u8]) -> Result<Self, BlockError> {
        let damaged = |what| BlockError::Frame { first, what };
        let (header, rest) = bytes
            .split_at_checked(HEADER)
            .ok_or_else(|| damaged("it is shorter than its header"))?;
        if header.first() != Some(&FORMAT) {
            return Err(damaged("its format byte is unknown"));
        }
        let count = read_length(header, 1).ok_or_else(|| damaged("it has no count"))?;
        let (ends, records) = count
            .checked_mul(END)
            .and_then(|table| rest.split_at_checked(table))
            .ok_or_else(|| damaged("its table is cut short"))?;
        let block = Self {
            first,
            ends,
            records,
        };
        if count == 0 || block.end(count - 1) != Some(records.len()) {
            return Err(damaged("its table does not match its length"));
        }
        Ok(block)
    }

    /// The position of its first record.
    pub(crate) fn first(&self) -> Position {
        self.first
    }

    /// How many records it holds.
    pub(crate) fn len(&self) -> usize {
        self.ends.len() / END
    }

    /// The position of its last record.
    pub(crate) fn last(&self) -> Position {
        Position::new(self.first.get() + self.len() as u64 - 1)
    }

    /// The bytes of the record at `position`, checked; `None` where it stands in another block.
    pub(crate) fn record(&self, position: Position) -> Option<Result<&'a [u8], BlockError>> {
        let index = usize::try_from(position.get().checked_sub(self.first.get())?).ok()?;
        (index < self.len()).then(|| self.checked(position, index))
    }

    /// All records with their positions, from `from` on.
    pub(crate) fn records_from(
        self,
        from: Position,
    ) -> impl Iterator<Item = (Position, Result<&'a [u8], BlockError>)> {
        let skip = from.get().saturating_sub(self.first.get());
        (skip..self.len() as u64).filter_map(move |index| {
            let position = Position::new(self.first.get() + index);
            self.record(position).map(|record| (position, record))
        })
    }

    fn checked(&self, position: Position, index: usize) -> Result<&'a [u8], BlockError> {
        let damaged = || BlockError::Checksum { position };
        let start = match index.checked_sub(1) {
            None => 0,
            Some(previous) => self.end(previous).ok_or_else(damaged)?,
        };
        let end = self.end(index).ok_or_else(damaged)?;
        let framed = self.records.get(start..end).ok_or_else(damaged)?;
        let (stored, record) = framed.split_first_chunk::<CHECKSUM>().ok_or_else(damaged)?;
        if checksum(position, record) == *stored {
            Ok(record)
        } else {
            Err(damaged())
        }
    }

    fn end(&self, index: usize) -> Option<usize> {
        read_length(self.ends, index * END)
    }
}

fn read_length(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk::<END>()?;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Position = Position::new(7);

    fn sample() -> (Vec<Arc<[u8]>>, Vec<u8>) {
        let records: Vec<Arc<[u8]>> = vec![b"one"[..].into(), b""[..].into(), b"three"[..].into()];
        let block = encode(FIRST, &records);
        (records, block)
    }

    #[test]
    fn gives_back_what_was_written() {
        let (records, bytes) = sample();
        let block = Block::open(FIRST, &bytes).expect("a sound block");
        assert_eq!(block.last(), Position::new(9));
        for (index, record) in records.iter().enumerate() {
            let position = Position::new(7 + index as u64);
            assert_eq!(block.record(position), Some(Ok(&record[..])));
        }
        assert_eq!(block.record(Position::new(6)), None);
        assert_eq!(block.record(Position::new(10)), None);
    }

    #[test]
    fn no_record_is_served_in_a_wrong_place() {
        let (records, bytes) = sample();
        let block = Block::open(FIRST.next(), &bytes).expect("a sound frame");
        for index in 0..records.len() as u64 {
            let position = Position::new(FIRST.next().get() + index);
            let refused = Some(Err(BlockError::Checksum { position }));
            assert_eq!(block.record(position), refused);
        }
    }

    #[test]
    fn no_flipped_bit_is_ever_served() {
        let (records, bytes) = sample();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let Ok(block) = Block::open(FIRST, &damaged) else {
                continue;
            };
            // Whatever is still served must be what was written; at least one record is refused.
            let served: Vec<_> = (0..records.len())
                .map(|i| block.record(Position::new(FIRST.get() + i as u64)))
                .collect();
            let mut refused = 0;
            for (record, served) in records.iter().zip(served) {
                match served {
                    Some(Ok(bytes)) => assert_eq!(bytes, &record[..], "bit {bit}"),
                    _ => refused += 1,
                }
            }
            assert!(refused > 0, "bit {bit} went unnoticed");
        }
    }
}
