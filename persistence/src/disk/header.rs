//! The newest of the headers on a disk, and the slots that they lie in.

use std::io;

use redb::StorageBackend;

use super::frame::{FRAME_BYTES, Frame, HEADER_BYTES, Reading};

/// The layout of the file as a whole. A file with a higher number was written by newer code.
pub(crate) const FILE_FORMAT: u32 = 2;

/// What every plain redb file begins with: the layout before this one.
pub(super) const REDB_MAGIC: [u8; 9] = *b"redb\x1a\n\xa9\r\n";
/// redb's page, the first of which is its header's.
pub(super) const PAGE: u64 = 4096;
/// Where a slot keeps its second frame.
const COPY_AT: u64 = PAGE / 2;

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
    /// It begins like a journal, but no header in it is what was written, or nothing follows it.
    #[error("it begins like a journal, but its headers or what they point to are gone")]
    Damaged,
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The header page as it is now, and which slot may be written next.
#[derive(Debug)]
pub(super) struct Header {
    /// The header page as redb sees it, without the zeros that follow.
    pub(super) image: [u8; HEADER_BYTES],
    pub(super) sequence: u64,
    /// The slot that holds the newest header known to be durable.
    pub(super) durable: Slot,
    /// Whether the other slot was written since.
    pub(super) written: bool,
    /// Whether `durable` is. What was found at opening may lie in the system's cache alone: the
    /// process that wrote it was killed before its sync, and the machine may follow.
    pub(super) settled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    A,
    B,
}

impl Slot {
    pub(super) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    pub(super) fn offset(self) -> u64 {
        match self {
            Self::A => 0,
            Self::B => PAGE,
        }
    }

    pub(super) fn frames(self) -> [u64; 2] {
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
    pub(super) fn read(disk: &impl StorageBackend) -> Result<Self, SuperblockError> {
        let len = disk.len()?;
        if len == 0 {
            return Ok(Self::fresh());
        }
        let mut newest: Option<(Slot, Box<Frame>)> = None;
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
            // Nothing follows the slots: redb would take it for a new file, and begin afresh.
            Some(_) if len <= 2 * PAGE => Err(SuperblockError::Damaged),
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

    pub(super) fn copy_out(&self, offset: u64, out: &mut [u8]) {
        out.fill(0);
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        if let Some(held) = self.image.get(start..) {
            let len = held.len().min(out.len());
            out[..len].copy_from_slice(&held[..len]);
        }
    }

    /// The image with `data` written at `offset`.
    pub(super) fn with(&self, offset: u64, data: &[u8]) -> io::Result<[u8; HEADER_BYTES]> {
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
