//! A disk in memory whose every failure is drawn from a seed.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redb::StorageBackend;

use super::cut::{self, Change};
use super::fault::{Faults, reached};

pub use super::cut::CutMode;
pub use super::fault::Fault;

/// A disk in memory with a cache in front of it: what was written is read back at once, and is
/// safe from a power cut when it was synced. Clones are the same disk.
///
/// It knows no time and no chance of its own: one seed and the same operations give the same disk.
///
/// ```
/// use mercato_persistence::StorageBackend;
/// use mercato_persistence::simulated_disk::{CutMode, Fault, SimulatedDisk};
///
/// let disk = SimulatedDisk::new(7);
/// disk.set_len(8)?;
/// disk.write(0, b"safe")?;
/// disk.sync_data()?;
/// disk.inject(Fault::PowerCutAt { operation: disk.operations() + 2 });
/// disk.write(4, b"late")?;
/// assert!(disk.sync_data().is_err());
///
/// let found = disk.power_cycle(CutMode::DropAll);
/// let mut bytes = [0; 8];
/// found.read(0, &mut bytes)?;
/// assert_eq!(&bytes, b"safe\0\0\0\0");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

struct State {
    rng: ChaCha8Rng,
    /// What a read sees.
    bytes: Vec<u8>,
    /// What led there from what is durable, oldest first.
    unsynced: Vec<Change>,
    operations: u64,
    written_bytes: u64,
    has_power: bool,
    faults: Faults,
}

impl SimulatedDisk {
    /// An empty disk that draws what it draws from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::holding(Vec::new(), ChaCha8Rng::seed_from_u64(seed))
    }

    fn holding(bytes: Vec<u8>, rng: ChaCha8Rng) -> Self {
        Self(Arc::new(Mutex::new(State {
            rng,
            bytes,
            unsynced: Vec::new(),
            operations: 0,
            written_bytes: 0,
            has_power: true,
            faults: Faults::default(),
        })))
    }

    /// How many writes, changes of the length and syncs were asked for, those that failed
    /// included. Reads do not count.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    /// How many bytes were written.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.0.lock().written_bytes
    }

    /// Makes the disk fail, in place of an earlier fault of the same kind.
    pub fn inject(&self, fault: Fault) {
        self.0.lock().faults.inject(fault);
    }

    /// Takes all faults away. What they did stays done, and a disk without power stays without.
    pub fn heal(&self) {
        self.0.lock().faults = Faults::default();
    }

    /// Cuts the power, where it is still on, and gives the disk as it is found when the power is
    /// back: without faults, and with those of the unsynced changes that `mode` leaves. This one
    /// and its clones answer nothing more; cycled again, it is found as it may be found again.
    #[must_use]
    pub fn power_cycle(&self, mode: CutMode) -> Self {
        let mut state = self.0.lock();
        state.has_power = false;
        let state = &mut *state;
        let mut bytes = state.bytes.clone();
        cut::undo(&mut bytes, &state.unsynced);
        cut::replay(&mut bytes, &state.unsynced, mode, &mut state.rng);
        let rng = ChaCha8Rng::seed_from_u64(state.rng.random());
        Self::holding(bytes, rng)
    }

    /// Turns over one bit of what is stored, counted from the first bit of the first byte, as rot
    /// does. Gives whether there is such a bit.
    pub fn flip(&self, bit: u64) -> bool {
        let mut state = self.0.lock();
        let byte = usize::try_from(bit / 8).ok();
        match byte.and_then(|byte| state.bytes.get_mut(byte)) {
            Some(byte) => {
                *byte ^= 1 << (bit % 8);
                true
            }
            None => false,
        }
    }
}

impl std::fmt::Debug for SimulatedDisk {
    // Never what it holds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.0.lock();
        f.debug_struct("SimulatedDisk")
            .field("len", &state.bytes.len())
            .field("operations", &state.operations)
            .field("unsynced", &state.unsynced.len())
            .field("has_power", &state.has_power)
            .field("faults", &state.faults)
            .finish_non_exhaustive()
    }
}

impl State {
    /// Counts one more operation. Gives whether the power holds through it.
    fn begin(&mut self) -> io::Result<bool> {
        self.operations += 1;
        self.powered()?;
        self.has_power = !reached(self.faults.power_cut_at, self.operations);
        Ok(self.has_power)
    }

    fn powered(&self) -> io::Result<()> {
        if self.has_power {
            Ok(())
        } else {
            Err(no_power())
        }
    }

    /// Whether the disk takes a change that makes it at least `end` bytes long.
    fn takes(&self, end: u64) -> io::Result<()> {
        if reached(self.faults.write_error_at, self.operations) {
            return Err(io::Error::other("the simulated disk failed to write"));
        }
        if reached(self.faults.full_at, end.saturating_sub(1)) {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                "the simulated disk is full",
            ));
        }
        Ok(())
    }

    fn change(&mut self, change: Change) {
        cut::apply(&mut self.bytes, &change);
        self.unsynced.push(change);
    }

    fn resize(&mut self, len: usize) {
        let cut_off = self.bytes.get(len..).unwrap_or_default().to_vec();
        let from = self.bytes.len();
        self.change(Change::SetLen {
            from,
            to: len,
            cut_off,
        });
    }
}

fn no_power() -> io::Error {
    io::Error::other("the simulated disk has no power")
}

fn end_of(offset: u64, len: usize) -> io::Result<(usize, usize)> {
    let start = usize::try_from(offset).map_err(io::Error::other)?;
    let end = start
        .checked_add(len)
        .ok_or_else(|| io::Error::other("beyond the end of memory"))?;
    Ok((start, end))
}

impl StorageBackend for SimulatedDisk {
    fn len(&self) -> io::Result<u64> {
        let state = self.0.lock();
        state.powered()?;
        Ok(state.bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock();
        state.powered()?;
        let (start, end) = end_of(offset, out.len())?;
        let held = state.bytes.get(start..end);
        out.copy_from_slice(held.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        let has_power = state.begin()?;
        state.takes(len)?;
        state.resize(usize::try_from(len).map_err(io::Error::other)?);
        has_power.then_some(()).ok_or_else(no_power)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.lock();
        if !state.begin()? {
            return Err(no_power());
        }
        if reached(state.faults.sync_error_at, state.operations) {
            state.faults.sync_error_at = None;
            let lost = std::mem::take(&mut state.unsynced);
            cut::undo(&mut state.bytes, &lost);
            return Err(io::Error::other("the simulated disk failed to sync"));
        }
        if !state.faults.lying_sync {
            state.unsynced.clear();
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock();
        let has_power = state.begin()?;
        let (start, end) = end_of(offset, data.len())?;
        state.takes(end as u64)?;
        if end > state.bytes.len() {
            state.resize(end);
        }
        let before = state.bytes[start..end].to_vec();
        state.change(Change::Write {
            start,
            before,
            after: data.to_vec(),
        });
        state.written_bytes += data.len() as u64;
        has_power.then_some(()).ok_or_else(no_power)
    }
}

#[cfg(test)]
mod tests;
