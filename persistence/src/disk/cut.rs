//! What a power cut leaves of what was not yet synced.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// What a disk writes whole.
const SECTOR: usize = 512;

/// What becomes of the unsynced changes when the power fails. A change of the length is kept or
/// lost as a whole, and never kept after one that was lost: file systems log them in order. What
/// was written beyond the length that is left is lost with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CutMode {
    /// Nothing is left of them.
    DropAll,
    /// All of them are there.
    KeepAll,
    /// The first few are there, and nothing of the others.
    Prefix,
    /// Each of them is there or not, whatever came before it.
    RandomSubset,
    /// Each sector of each write is there or not.
    PerSector,
    /// The first few are there, and of the next one the first few bytes.
    Torn,
    /// Each sector of each write is there, or not, or holds random bytes from end to end.
    Garbage,
    /// One of the others, drawn.
    Drawn,
}

impl CutMode {
    /// Every mode that [`Drawn`](Self::Drawn) may turn out to be.
    pub const ALL: [Self; 7] = [
        Self::DropAll,
        Self::KeepAll,
        Self::Prefix,
        Self::RandomSubset,
        Self::PerSector,
        Self::Torn,
        Self::Garbage,
    ];
}

/// One change of the disk, with what it takes to undo it.
pub(super) enum Change {
    Write {
        start: usize,
        before: Vec<u8>,
        after: Vec<u8>,
    },
    SetLen {
        from: usize,
        to: usize,
        cut_off: Vec<u8>,
    },
}

pub(super) fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { start, after, .. } => put(bytes, *start, after),
        Change::SetLen { to, .. } => bytes.resize(*to, 0),
    }
}

/// Takes `changes` back, newest first.
pub(super) fn undo(bytes: &mut Vec<u8>, changes: &[Change]) {
    for change in changes.iter().rev() {
        match change {
            Change::Write { start, before, .. } => put(bytes, *start, before),
            Change::SetLen { from, cut_off, .. } => {
                bytes.truncate(*from);
                bytes.extend_from_slice(cut_off);
            }
        }
    }
}

/// Does again what `mode` leaves of `changes`.
pub(super) fn replay(bytes: &mut Vec<u8>, changes: &[Change], mode: CutMode, rng: &mut ChaCha8Rng) {
    let mode = match mode {
        CutMode::Drawn => CutMode::ALL[rng.random_range(0..CutMode::ALL.len())],
        mode => mode,
    };
    let kept = match mode {
        CutMode::DropAll => 0,
        CutMode::Prefix | CutMode::Torn => rng.random_range(0..=changes.len()),
        _ => changes.len(),
    };
    let (whole, rest) = changes.split_at(kept);
    let mut lengths_are_lost = false;
    for change in whole {
        match change {
            Change::SetLen { to, .. } => {
                let is_certain = matches!(mode, CutMode::KeepAll | CutMode::Prefix | CutMode::Torn);
                lengths_are_lost |= !is_certain && rng.random();
                if !lengths_are_lost {
                    bytes.resize(*to, 0);
                }
            }
            Change::Write { start, after, .. } => match mode {
                CutMode::RandomSubset if rng.random() => {}
                CutMode::PerSector | CutMode::Garbage => {
                    put_sectors(bytes, *start, after, mode, rng);
                }
                _ => put(bytes, *start, after),
            },
        }
    }
    if let (CutMode::Torn, Some(Change::Write { start, after, .. })) = (mode, rest.first()) {
        let torn = rng.random_range(0..=after.len());
        put(bytes, *start, &after[..torn]);
    }
}

fn put_sectors(bytes: &mut [u8], start: usize, data: &[u8], mode: CutMode, rng: &mut ChaCha8Rng) {
    let mut at = start;
    let end = start + data.len();
    while at < end {
        let sector = at - at % SECTOR;
        let next = end.min(sector + SECTOR);
        match rng.random_range(0..4) {
            0 | 1 => put(bytes, at, &data[at - start..next - start]),
            // A sector that is ruined is ruined as a whole, what was durable in it included.
            2 if mode == CutMode::Garbage => {
                let ruined_to = bytes.len().min(sector + SECTOR);
                if let Some(ruined) = bytes.get_mut(sector..ruined_to) {
                    rng.fill(ruined);
                }
            }
            _ => {}
        }
        at = next;
    }
}

/// Writes what lies within the length.
fn put(bytes: &mut [u8], start: usize, data: &[u8]) {
    let Some(place) = bytes.get_mut(start..) else {
        return;
    };
    let len = place.len().min(data.len());
    place[..len].copy_from_slice(&data[..len]);
}
