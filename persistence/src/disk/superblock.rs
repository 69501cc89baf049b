//! The header page of the store, kept twice.
//!
//! redb overwrites its header in place, in the same sync as the data that the header points to. A
//! disk that loses its power in the middle of a sector may leave garbage in it, and with the one
//! header the whole file would be lost. So the header lives in two slots that are written in
//! turn: the one that the last sync made durable is never touched before the next sync has made
//! the other one durable. A cut costs at most the header that was being written, and what stands
//! then is the state before the commit that nobody was told of.
//!
//! ```text
//! physical 0      slot A: frame in the first sector, its copy in the fifth
//! physical 4096   slot B: likewise
//! physical 8192   the store's offset 4096, and so on
//! ```
//!
//! The copy inside a slot is for rot, not for power cuts: one bad sector under the newest header
//! must not bring back the header before it, and with it a journal without its last commit.

use std::io;
use std::ops::Bound;

use parking_lot::Mutex;
use redb::{BackendError, StorageBackend};

use super::frame::{FRAME_BYTES, Frame, HEADER_BYTES, Reading};

/// The layout of the file as a whole. A file with a higher number was written by newer code.
pub(crate) const FILE_FORMAT: u32 = 2;

/// What every plain redb file begins with: the layout before this one.
const REDB_MAGIC: [u8; 9] = *b"redb\x1a\n\xa9\r\n";
/// redb's page, the first of which is its header's.
const PAGE: u64 = 4096;
/// Where a slot keeps its second frame.
const COPY_AT: u64 = PAGE / 2;
/// How much later everything behind the header page lies than redb believes.
const SHIFT: u64 = PAGE;

/// A file that does not begin as it should. Nothing was written to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SuperblockError {
    /// The file is something else.
    #[error("it does not begin like a journal")]
    NotAJournal,
    /// A plain redb file, as versions before this layout wrote it.
    #[error("it has the layout of an older version, which kept one header only")]
    OlderLayout,
    /// A newer version wrote it.
    #[error("its file format is {found}, and this version reads up to {supported}")]
    Newer {
        /// The format in the file.
        found: u32,
        /// The newest format that this code reads.
        supported: u32,
    },
    /// It begins like a journal, but no header in it is what was written.
    #[error("none of its headers is what was written")]
    Damaged,
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A disk whose header page is kept twice.
#[derive(Debug)]
pub(crate) struct Superblock<B> {
    disk: B,
    // Held over a whole sync: a header written in the middle of one would overwrite the header
    // that the sync is about to be trusted with.
    header: Mutex<Header>,
}

#[derive(Debug)]
struct Header {
    /// The header page as redb sees it, without the zeros that follow.
    image: [u8; HEADER_BYTES],
    sequence: u64,
    /// The slot that holds the newest header known to be durable.
    durable: Slot,
    /// Whether the other slot was written since.
    written: bool,
    /// Whether `durable` is. What was found at opening may lie in the system's cache alone: the
    /// process that wrote it was killed before its sync, and the machine may follow.
    settled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    A,
    B,
}

impl Slot {
    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    fn offset(self) -> u64 {
        match self {
            Self::A => 0,
            Self::B => PAGE,
        }
    }

    fn frames(self) -> [u64; 2] {
        [self.offset(), self.offset() + COPY_AT]
    }
}

impl Header {
    fn fresh() -> Self {
        Self {
            image: [0; HEADER_BYTES],
            sequence: 0,
            durable: Slot::B,
            written: false,
            settled: true,
        }
    }

    /// The newest header on `disk`.
    fn read(disk: &impl StorageBackend) -> Result<Self, SuperblockError> {
        let len = disk.len()?;
        if len == 0 {
            return Ok(Self::fresh());
        }
        let mut newest: Option<(Slot, Frame)> = None;
        let mut ours = false;
        for slot in [Slot::A, Slot::B] {
            for offset in slot.frames() {
                let mut bytes = [0; FRAME_BYTES];
                read_what_is_there(disk, len, offset, &mut bytes)?;
                if offset == 0 && bytes.starts_with(&REDB_MAGIC) {
                    return Err(SuperblockError::OlderLayout);
                }
                match Frame::decode(&bytes) {
                    Reading::Sound(frame) if frame.format > FILE_FORMAT => {
                        return Err(SuperblockError::Newer {
                            found: frame.format,
                            supported: FILE_FORMAT,
                        });
                    }
                    Reading::Sound(frame) => {
                        ours = true;
                        let newer = newest
                            .as_ref()
                            .is_none_or(|(_, newest)| newest.sequence < frame.sequence);
                        if newer {
                            newest = Some((slot, frame));
                        }
                    }
                    Reading::Damaged => ours = true,
                    Reading::Foreign => {}
                }
            }
        }
        match newest {
            Some((slot, frame)) => Ok(Self {
                image: frame.header,
                sequence: frame.sequence,
                durable: slot,
                written: false,
                settled: false,
            }),
            None if ours => Err(SuperblockError::Damaged),
            None => Err(SuperblockError::NotAJournal),
        }
    }

    fn copy_out(&self, offset: u64, out: &mut [u8]) {
        out.fill(0);
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        if let Some(held) = self.image.get(start..) {
            let len = held.len().min(out.len());
            out[..len].copy_from_slice(&held[..len]);
        }
    }

    /// The image with `data` written at `offset`.
    fn with(&self, offset: u64, data: &[u8]) -> io::Result<[u8; HEADER_BYTES]> {
        let mut image = self.image;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let room = HEADER_BYTES.saturating_sub(start).min(data.len());
        let (held, beyond) = data.split_at(room);
        if beyond.iter().any(|byte| *byte != 0) {
            return Err(io::Error::other(format!(
                "the store's header is larger than the {HEADER_BYTES} bytes that a header slot \
                 holds; this version of the store needs a layout with larger slots"
            )));
        }
        if let Some(place) = image.get_mut(start..start + room) {
            place.copy_from_slice(held);
        }
        Ok(image)
    }
}

/// Reads what the disk has of the range, and zeros for what lies beyond its end.
fn read_what_is_there(
    disk: &impl StorageBackend,
    len: u64,
    offset: u64,
    out: &mut [u8],
) -> io::Result<()> {
    let there = usize::try_from(len.saturating_sub(offset)).unwrap_or(usize::MAX);
    let there = there.min(out.len());
    match &mut out[..there] {
        [] => Ok(()),
        out => disk.read(offset, out),
    }
}

impl<B: StorageBackend> Superblock<B> {
    /// Looks at `disk`, which it only reads; an empty one is a fresh start.
    pub(crate) fn open(disk: B) -> Result<Self, SuperblockError> {
        let header = Mutex::new(Header::read(&disk)?);
        Ok(Self { disk, header })
    }

    fn write_header(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut header = self.header.lock();
        let image = header.with(offset, data)?;
        if !header.settled {
            self.disk.sync_data()?;
            header.settled = true;
        }
        // Raised whether or not the write succeeds: two headers never share a number.
        header.sequence += 1;
        let frame = Frame {
            format: FILE_FORMAT,
            sequence: header.sequence,
            header: image,
        };
        let bytes = frame.encode();
        for at in header.durable.other().frames() {
            self.disk.write(at, &bytes)?;
        }
        header.written = true;
        header.image = image;
        Ok(())
    }

    /// Once the lock is held, nobody else writes the header: what was read before may be stale.
    fn locked(&self, acquired: bool) -> Result<bool, BackendError> {
        if acquired {
            let mut header = self.header.lock();
            if !header.written {
                *header = Header::read(&self.disk).map_err(|error| match error {
                    SuperblockError::Io(error) => BackendError::Io(error),
                    error => BackendError::Io(io::Error::new(io::ErrorKind::InvalidData, error)),
                })?;
            }
        }
        Ok(acquired)
    }
}

/// Where a range of the store parts into the header page and what follows it.
fn header_part(offset: u64, len: usize) -> usize {
    usize::try_from(PAGE.saturating_sub(offset))
        .unwrap_or(usize::MAX)
        .min(len)
}

impl<B: StorageBackend> StorageBackend for Superblock<B> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.len()?.saturating_sub(SHIFT))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (header, data) = out.split_at_mut(header_part(offset, out.len()));
        if !header.is_empty() {
            self.header.lock().copy_out(offset, header);
        }
        if data.is_empty() {
            return Ok(());
        }
        self.disk.read(offset.max(PAGE) + SHIFT, data)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len < PAGE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{len} bytes are no room for the store's header page of {PAGE}"),
            ));
        }
        self.disk.set_len(len + SHIFT)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut header = self.header.lock();
        // A sync that fails may have thrown away what it was to write, and the next one that
        // succeeds says nothing of it: the durable slot stays the durable slot.
        let written = std::mem::take(&mut header.written);
        self.disk.sync_data()?;
        header.settled = true;
        if written {
            header.durable = header.durable.other();
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (header, data) = data.split_at(header_part(offset, data.len()));
        if !header.is_empty() {
            self.write_header(offset, header)?;
        }
        if data.is_empty() {
            return Ok(());
        }
        self.disk.write(offset.max(PAGE) + SHIFT, data)
    }

    fn close(&self) -> io::Result<()> {
        self.disk.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        let acquired = self.disk.try_lock_range(start, end)?;
        self.locked(acquired)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        let acquired = self.disk.try_lock_shared_range(start, end)?;
        self.locked(acquired)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.lock_range(start, end)?;
        self.locked(true).map(drop)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.lock_shared_range(start, end)?;
        self.locked(true).map(drop)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.disk.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests;
