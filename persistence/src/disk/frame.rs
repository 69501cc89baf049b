//! One header of the store as it lies in a slot: within one sector, behind a checksum.
//!
//! The frame's own layout is for good: later file formats keep magic, format and checksum where
//! they are, so that older code can say that it is too old.

use xxhash_rust::xxh3::xxh3_64;

/// The sector: what a disk writes whole, or ruins whole.
pub(crate) const FRAME_BYTES: usize = 512;

const MAGIC: [u8; 8] = *b"mercato\x1a";
const FORMAT_AT: usize = MAGIC.len();
const SEQUENCE_AT: usize = FORMAT_AT + size_of::<u32>();
const HEADER_AT: usize = SEQUENCE_AT + size_of::<u64>();
const CHECKSUM_AT: usize = FRAME_BYTES - size_of::<u64>();

/// The most that a slot holds of the store's header page.
pub(crate) const HEADER_BYTES: usize = CHECKSUM_AT - HEADER_AT;

/// One header of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The layout of the file as a whole.
    pub(crate) format: u32,
    /// Of two headers the one with the higher number is the newer.
    pub(crate) sequence: u64,
    /// The store's header.
    pub(crate) header: [u8; HEADER_BYTES],
}

/// What a sector turned out to hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// What was written.
    Sound(Box<Frame>),
    /// It begins like a frame, and is not what was written.
    Damaged,
    /// Something else, or nothing.
    Foreign,
}

impl Frame {
    pub(crate) fn encode(&self) -> [u8; FRAME_BYTES] {
        let mut bytes = [0; FRAME_BYTES];
        bytes[..FORMAT_AT].copy_from_slice(&MAGIC);
        bytes[FORMAT_AT..SEQUENCE_AT].copy_from_slice(&self.format.to_le_bytes());
        bytes[SEQUENCE_AT..HEADER_AT].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[HEADER_AT..CHECKSUM_AT].copy_from_slice(&self.header);
        let checksum = xxh3_64(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; FRAME_BYTES]) -> Reading {
        if !bytes.starts_with(&MAGIC) {
            return Reading::Foreign;
        }
        let checksum = xxh3_64(&bytes[..CHECKSUM_AT]);
        if bytes[CHECKSUM_AT..] != checksum.to_le_bytes() {
            return Reading::Damaged;
        }
        let mut format = [0; size_of::<u32>()];
        format.copy_from_slice(&bytes[FORMAT_AT..SEQUENCE_AT]);
        let mut sequence = [0; size_of::<u64>()];
        sequence.copy_from_slice(&bytes[SEQUENCE_AT..HEADER_AT]);
        let mut header = [0; HEADER_BYTES];
        header.copy_from_slice(&bytes[HEADER_AT..CHECKSUM_AT]);
        Reading::Sound(Box::new(Self {
            format: u32::from_le_bytes(format),
            sequence: u64::from_le_bytes(sequence),
            header,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Frame {
        let mut header = [0; HEADER_BYTES];
        for (at, byte) in header.iter_mut().enumerate().take(320) {
            *byte = u8::try_from(at % 251).expect("below 251");
        }
        Frame {
            format: 2,
            sequence: 7,
            header,
        }
    }

    #[test]
    fn gives_back_what_was_written() {
        assert_eq!(
            Frame::decode(&sample().encode()),
            Reading::Sound(Box::new(sample()))
        );
    }

    /// Catches: a byte of the frame that the checksum does not cover, the unused ones included.
    #[test]
    fn no_flipped_bit_passes() {
        let written = sample().encode();
        for bit in 0..FRAME_BYTES * 8 {
            let mut bytes = written;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(
                !matches!(Frame::decode(&bytes), Reading::Sound(_)),
                "bit {bit} went unnoticed"
            );
        }
    }

    #[test]
    fn zeros_are_no_frame() {
        assert_eq!(Frame::decode(&[0; FRAME_BYTES]), Reading::Foreign);
    }
}
