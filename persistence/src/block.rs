//! A block: records in commit order, in one value of the store.
//!
//! A commit writes its records as a few blocks, not as rows of their own: that is what lets a
//! thousand appends share one tree update. A block holds the records one after the other, then a
//! table with an entry for each: where it ends, a link to the stream's record before it, and a
//! checksum. One record is read without decoding its neighbours, a stream is read backwards along
//! its links, and a flipped bit is found where it lies. The checksum covers the record's position
//! and its link too: a sound record in a wrong place is damage.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::codec::FORMAT;
use crate::record::Position;

/// Blocks are closed before they outgrow this, unless one record alone does. A store page of
/// 64 KiB holds such a block with no room wasted.
pub(crate) const BLOCK_BYTES: usize = 65_536 - 64;

const HEADER: usize = 1;
const ENTRY: usize = 4 + 8 + 8;
const TRAILER: usize = 4 + 8 + 8;
/// Room for the table of a block whose records are a usual 250 bytes each.
const TABLE_ROOM_BYTES: usize = BLOCK_BYTES / 250 * ENTRY;

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

/// What a block says of a record beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// The stream's record before this one; [`Position::START`] where it is the first.
    pub(crate) previous: Position,
    /// Whether the stream is unfinished after it.
    pub(crate) open: bool,
}

impl Link {
    fn to_bits(self) -> u64 {
        self.previous.get() << 1 | u64::from(self.open)
    }

    fn from_bits(bits: u64) -> Self {
        Self {
            previous: Position::new(bits >> 1),
            open: bits & 1 == 1,
        }
    }
}

/// A record's bytes with their hash, which is made before anybody knows where they will stand.
#[derive(Debug)]
pub(crate) struct Hashed {
    bytes: Vec<u8>,
    hash: u64,
}

impl Hashed {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let hash = xxh3_64(&bytes);
        Self { bytes, hash }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Binds a record's hash to its place.
fn bind(hash: u64, position: Position, link: u64) -> u64 {
    hash ^ xxh3_64_with_seed(&link.to_le_bytes(), position.get())
}

/// A block that still takes records.
#[derive(Debug)]
pub(crate) struct OpenBlock {
    first: Position,
    bytes: Vec<u8>,
    table: Vec<u8>,
}

impl OpenBlock {
    /// An empty block whose first record will stand at `first`.
    pub(crate) fn starting_at(first: Position) -> Self {
        let mut bytes = Vec::with_capacity(BLOCK_BYTES);
        bytes.push(FORMAT);
        Self {
            first,
            bytes,
            table: Vec::with_capacity(TABLE_ROOM_BYTES),
        }
    }

    /// The place of its first record.
    pub(crate) fn first(&self) -> Position {
        self.first
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Whether the record would make the block larger than `bytes_max`. An empty block takes any
    /// record.
    pub(crate) fn is_full_for(&self, record: &Hashed, bytes_max: usize) -> bool {
        !self.is_empty()
            && self.bytes.len() + record.len() + self.table.len() + ENTRY + TRAILER > bytes_max
    }

    pub(crate) fn push(&mut self, record: &Hashed, link: Link) {
        let position = Position::new(self.first.get() + (self.table.len() / ENTRY) as u64);
        let link = link.to_bits();
        self.bytes.extend_from_slice(&record.bytes);
        let end = length(self.bytes.len() - HEADER);
        self.table.extend_from_slice(&end);
        self.table.extend_from_slice(&link.to_le_bytes());
        let bound = bind(record.hash, position, link);
        self.table.extend_from_slice(&bound.to_le_bytes());
    }

    /// The record at `position`, where it stands here.
    pub(crate) fn record(&self, position: Position) -> Option<(Link, &[u8])> {
        let index = usize::try_from(position.get().checked_sub(self.first.get())?).ok()?;
        let entry = Entry::of(&self.table, index)?;
        let start = Entry::start(&self.table, index)?;
        let record = self.bytes.get(HEADER + start..HEADER + entry.end)?;
        Some((entry.link(), record))
    }

    /// Closes the block, and begins the next one in its place. First replies recorded before
    /// `replies_from` are forgotten by then.
    ///
    /// A quiet journal closes blocks that are nearly empty, and some are kept long after they were
    /// written: such a one is copied out, and the room for a full block is used again.
    pub(crate) fn close(&mut self, replies_from: Position) -> ClosedBlock {
        let first = self.first;
        let count = self.table.len() / ENTRY;
        let frame = self.bytes.len();
        self.bytes.extend_from_slice(&self.table);
        self.bytes.extend_from_slice(&length(count));
        self.bytes
            .extend_from_slice(&replies_from.get().to_le_bytes());
        let checksum = xxh3_64_with_seed(&self.bytes[frame..], first.get());
        self.bytes.extend_from_slice(&checksum.to_le_bytes());
        let bytes = if self.bytes.len() > BLOCK_BYTES / 2 {
            std::mem::replace(&mut self.bytes, Vec::with_capacity(BLOCK_BYTES))
        } else {
            self.bytes.clone()
        };
        self.bytes.clear();
        self.bytes.push(FORMAT);
        self.table.clear();
        self.first = Position::new(first.get() + count as u64);
        ClosedBlock {
            first,
            replies_from,
            count,
            bytes,
        }
    }
}

/// A block as it is written.
#[derive(Debug)]
pub(crate) struct ClosedBlock {
    pub(crate) first: Position,
    /// First replies recorded before this were forgotten when it was closed.
    pub(crate) replies_from: Position,
    count: usize,
    pub(crate) bytes: Vec<u8>,
}

impl ClosedBlock {
    /// The position of its last record.
    pub(crate) fn last(&self) -> Position {
        Position::new(self.first.get() + self.count as u64 - 1)
    }

    /// The bytes of its records, without the frame.
    pub(crate) fn record_bytes(&self) -> usize {
        self.bytes.len() - HEADER - self.count * ENTRY - TRAILER
    }

    /// The link of the record at `position`, which must stand here. Nothing is checked: the block
    /// has not left this process's memory.
    pub(crate) fn link(&self, position: Position) -> Option<Link> {
        let index = usize::try_from(position.get().checked_sub(self.first.get())?).ok()?;
        let table = HEADER + self.record_bytes();
        Entry::of(self.bytes.get(table..)?, index).map(|entry| entry.link())
    }

    pub(crate) fn read(&self) -> Result<Block<'_>, BlockError> {
        Block::open(self.first, &self.bytes)
    }
}

/// Group limits keep every length below 4 GiB (see `JournalOptions`), so this cannot saturate.
fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// One entry of a block's table.
struct Entry {
    end: usize,
    link: u64,
    checksum: u64,
}

impl Entry {
    fn of(table: &[u8], index: usize) -> Option<Self> {
        let entry = table.get(index * ENTRY..)?.first_chunk::<ENTRY>()?;
        let (end, rest) = entry.split_first_chunk::<4>()?;
        let (link, checksum) = rest.split_first_chunk::<8>()?;
        Some(Self {
            end: usize::try_from(u32::from_le_bytes(*end)).ok()?,
            link: u64::from_le_bytes(*link),
            checksum: u64::from_le_bytes(*checksum.first_chunk()?),
        })
    }

    /// Where the record at `index` begins.
    fn start(table: &[u8], index: usize) -> Option<usize> {
        match index.checked_sub(1) {
            None => Some(0),
            Some(before) => Self::of(table, before).map(|entry| entry.end),
        }
    }

    fn link(&self) -> Link {
        Link::from_bits(self.link)
    }
}

/// A block as it lies in the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    first: Position,
    records: &'a [u8],
    table: &'a [u8],
    replies_from: Position,
    #[cfg(feature = "planted-bugs")]
    unchecked: bool,
}

impl<'a> Block<'a> {
    /// Reads the frame of the block whose first record stands at `first`.
    pub(crate) fn open(first: Position, bytes: &'a [u8]) -> Result<Self, BlockError> {
        let damaged = |what| BlockError::Frame { first, what };
        let (format, rest) = bytes.split_first().ok_or_else(|| damaged("it is empty"))?;
        if *format != FORMAT {
            return Err(damaged("its format byte is unknown"));
        }
        let (rest, trailer) = rest
            .split_last_chunk::<TRAILER>()
            .ok_or_else(|| damaged("it is shorter than its frame"))?;
        let count = read_u32(trailer, 0).and_then(|count| usize::try_from(count).ok());
        let (Some(count), Some(replies_from), Some(checksum)) =
            (count, read_u64(trailer, 4), read_u64(trailer, 12))
        else {
            return Err(damaged("its frame is cut short"));
        };
        let (records, table) = count
            .checked_mul(ENTRY)
            .and_then(|table| rest.len().checked_sub(table))
            .and_then(|at| rest.split_at_checked(at))
            .ok_or_else(|| damaged("its table is cut short"))?;
        let frame = &bytes[HEADER + records.len()..bytes.len() - 8];
        if xxh3_64_with_seed(frame, first.get()) != checksum {
            return Err(damaged("its table does not match its checksum"));
        }
        let last_end = count.checked_sub(1).and_then(|last| Entry::of(table, last));
        if last_end.is_none_or(|entry| entry.end != records.len()) {
            return Err(damaged("its table does not match its length"));
        }
        Ok(Self {
            first,
            records,
            table,
            replies_from: Position::new(replies_from),
            #[cfg(feature = "planted-bugs")]
            unchecked: false,
        })
    }

    /// The same, whose records are served as they are found.
    #[cfg(feature = "planted-bugs")]
    pub(crate) fn open_unchecked(first: Position, bytes: &'a [u8]) -> Result<Self, BlockError> {
        let block = Self::open(first, bytes)?;
        Ok(Self {
            unchecked: true,
            ..block
        })
    }

    /// The position of its first record.
    pub(crate) fn first(&self) -> Position {
        self.first
    }

    /// The position of its last record.
    pub(crate) fn last(&self) -> Position {
        Position::new(self.first.get() + (self.table.len() / ENTRY) as u64 - 1)
    }

    /// First replies recorded before this were forgotten when the block was written.
    pub(crate) fn replies_from(&self) -> Position {
        self.replies_from
    }

    /// The record at `position`, checked; `None` where it stands in another block.
    pub(crate) fn record(
        &self,
        position: Position,
    ) -> Option<Result<(Link, &'a [u8]), BlockError>> {
        let index = usize::try_from(position.get().checked_sub(self.first.get())?).ok()?;
        (position <= self.last()).then(|| self.checked(position, index))
    }

    /// All records with their positions, from `from` on.
    pub(crate) fn records_from(
        self,
        from: Position,
    ) -> impl Iterator<Item = (Position, Result<(Link, &'a [u8]), BlockError>)> {
        (self.first.max(from).get()..=self.last().get()).filter_map(move |at| {
            let position = Position::new(at);
            self.record(position).map(|record| (position, record))
        })
    }

    fn checked(&self, position: Position, index: usize) -> Result<(Link, &'a [u8]), BlockError> {
        let read = || {
            let entry = Entry::of(self.table, index)?;
            let start = Entry::start(self.table, index)?;
            let record = self.records.get(start..entry.end)?;
            let sound = bind(xxh3_64(record), position, entry.link) == entry.checksum;
            #[cfg(feature = "planted-bugs")]
            let sound = sound || self.unchecked;
            sound.then(|| (entry.link(), record))
        };
        read().ok_or(BlockError::Checksum { position })
    }
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .copied()
        .map(u32::from_le_bytes)
}

fn read_u64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes
        .get(at..)?
        .first_chunk()
        .copied()
        .map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Position = Position::new(7);
    const RECORDS: [&[u8]; 3] = [b"one", b"", b"three"];

    fn link(nth: u64) -> Link {
        Link {
            previous: Position::new(nth),
            open: nth % 2 == 1,
        }
    }

    fn sample() -> ClosedBlock {
        let mut block = OpenBlock::starting_at(FIRST);
        for (nth, record) in (0..).zip(RECORDS) {
            block.push(&Hashed::new(record.to_vec()), link(nth));
        }
        block.close(Position::new(3))
    }

    #[test]
    fn gives_back_what_was_written() {
        let closed = sample();
        let block = closed.read().expect("a sound block");
        assert_eq!(
            (block.last(), closed.last()),
            (Position::new(9), Position::new(9))
        );
        assert_eq!(block.replies_from(), Position::new(3));
        for (nth, record) in (0..).zip(RECORDS) {
            let position = Position::new(7 + nth);
            assert_eq!(block.record(position), Some(Ok((link(nth), record))));
        }
        assert_eq!(block.record(Position::new(6)), None);
        assert_eq!(block.record(Position::new(10)), None);
    }

    #[test]
    fn an_open_block_shows_what_it_will_hold() {
        let mut block = OpenBlock::starting_at(FIRST);
        block.push(&Hashed::new(b"one".to_vec()), link(1));
        block.push(&Hashed::new(b"two".to_vec()), link(2));
        assert_eq!(block.record(FIRST), Some((link(1), &b"one"[..])));
        assert_eq!(block.record(FIRST.next()), Some((link(2), &b"two"[..])));
        assert_eq!(block.record(FIRST.next().next()), None);
    }

    /// Catches: a block that begins with what the one before it held, or at its place, and a small
    /// one that takes the room of a full one for as long as somebody keeps it.
    #[test]
    fn the_next_block_begins_empty_behind_the_closed_one() {
        let mut block = OpenBlock::starting_at(FIRST);
        let small = Hashed::new(b"one".to_vec());
        let large = Hashed::new(vec![2; BLOCK_BYTES / 2]);
        let closed = [&small, &large, &small].map(|record| {
            block.push(record, link(1));
            block.close(Position::new(3))
        });
        for (place, (closed, record)) in
            (FIRST.get()..).zip(closed.iter().zip([&small, &large, &small]))
        {
            let position = Position::new(place);
            let read = closed.read().expect("a sound block");
            assert_eq!((closed.first, read.last()), (position, position));
            assert_eq!(read.record(position), Some(Ok((link(1), &*record.bytes))));
            assert!(closed.bytes.capacity() < 2 * closed.bytes.len());
        }
        assert!(block.is_empty());
        assert_eq!(block.first(), Position::new(FIRST.get() + 3));
    }

    #[test]
    fn no_record_is_served_in_a_wrong_place() {
        let closed = sample();
        let refused = Block::open(FIRST.next(), &closed.bytes);
        assert!(
            matches!(refused, Err(BlockError::Frame { .. })),
            "{refused:?}"
        );
    }

    /// Catches: a bit that is covered by no checksum, be it of a record, its link or its place.
    #[test]
    fn no_flipped_bit_is_ever_served() {
        let closed = sample();
        for bit in 0..closed.bytes.len() * 8 {
            let mut damaged = closed.bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let Ok(block) = Block::open(FIRST, &damaged) else {
                continue;
            };
            // Whatever is still served must be what was written; at least one record is refused.
            let mut refused = 0;
            for (nth, record) in (0..).zip(RECORDS) {
                match block.record(Position::new(FIRST.get() + nth)) {
                    Some(Ok(served)) => assert_eq!(served, (link(nth), record), "bit {bit}"),
                    _ => refused += 1,
                }
            }
            assert!(refused > 0, "bit {bit} went unnoticed");
        }
    }
}
