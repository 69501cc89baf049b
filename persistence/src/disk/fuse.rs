//! The fuse between redb and its disk.
//!
//! redb answers nothing more, not even a read, once a write has failed. A journal on a broken disk
//! must still be read, though: shards rebuild what they know from its durable prefix. So redb is
//! told that all is well, what it writes from then on stays in memory, and [`Fuse::check`] tells
//! the journal, which takes the commit for the failure that it is.
//!
//! What was written since the last sync is remembered until the next: a system that fails to sync
//! may drop it from its cache, and redb would find old bytes under what it believes to be written.

use std::fmt;
use std::io;
use std::ops::{Bound, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use redb::{BackendError, StorageBackend};

/// Whether the disk has failed. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fuse(Arc<State>);

#[derive(Default)]
struct State {
    // Read before every access; the lock is taken only once the fuse has blown.
    blown: AtomicBool,
    kept: Mutex<Option<Kept>>,
    probe: Mutex<Option<Probe>>,
}

type Probe = Box<dyn Fn() -> Result<(), Unwell> + Send + Sync>;

/// How a disk that failed is.
#[derive(Debug)]
pub(crate) enum Unwell {
    /// What is stored can be read.
    Unwritable(io::Error),
    /// It answers nothing.
    Unreadable(io::Error),
}

/// How much a probe writes: more than the last blocks of a full disk may still have room for.
const PROBE_BYTES: u16 = 32_768;

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("blown", &self.blown)
            .finish_non_exhaustive()
    }
}

/// What redb believes to be on the disk beyond what is.
#[derive(Debug)]
struct Kept {
    error: String,
    len: u64,
    writes: Vec<(u64, Vec<u8>)>,
}

impl Fuse {
    /// Whether the disk takes a write and a sync again: writes a little behind its end, syncs, and
    /// takes it back.
    pub(crate) fn probe(&self) -> Result<(), Unwell> {
        self.0.probe.lock().as_ref().map_or(Ok(()), |probe| probe())
    }

    /// The disk's first failure, where there was one.
    pub(crate) fn check(&self) -> io::Result<()> {
        match &*self.0.kept.lock() {
            Some(kept) => Err(io::Error::other(kept.error.clone())),
            None => Ok(()),
        }
    }
}

/// A disk behind its fuse.
#[derive(Debug)]
pub(crate) struct Fused<B> {
    disk: Arc<B>,
    fuse: Fuse,
    unsynced: Mutex<Unsynced>,
}

/// What the disk has taken since the last sync. A commit's worth at most: redb syncs each one.
#[derive(Debug, Default)]
struct Unsynced {
    /// Where each write went, and where it lies in `bytes`.
    writes: Vec<(u64, Range<usize>)>,
    bytes: Vec<u8>,
    /// The length last asked for, synced or not.
    len: Option<u64>,
}

/// The memory for one usual commit is not given back between commits.
const ROOM_KEPT_BYTES: usize = 1 << 20;

/// What redb asks of the disk, reads aside.
enum Change<'a> {
    Write(u64, &'a [u8]),
    SetLen(u64),
    Sync,
}

impl<B: StorageBackend> Fused<B> {
    pub(crate) fn new(disk: B, fuse: Fuse) -> Self {
        let disk = Arc::new(disk);
        let probed = disk.clone();
        *fuse.0.probe.lock() = Some(Box::new(move || probe(&*probed)));
        let unsynced = Mutex::default();
        Self {
            disk,
            fuse,
            unsynced,
        }
    }

    /// A disk that is only read: whatever is written to it stays in memory.
    pub(crate) fn untouched(disk: B, fuse: Fuse) -> io::Result<Self> {
        let len = disk.len()?;
        let fused = Self::new(disk, fuse);
        *fused.fuse.0.kept.lock() = Some(Kept {
            error: "it was opened to be read".into(),
            len,
            writes: Vec::new(),
        });
        fused.fuse.0.blown.store(true, Ordering::Release);
        Ok(fused)
    }

    /// Changes the disk; where that fails, or failed before, keeps the change in memory.
    fn change(&self, change: &Change<'_>) -> io::Result<()> {
        if !self.blown() {
            match self.change_disk(change) {
                Ok(()) if !self.blown() => return Ok(()),
                Ok(()) => {}
                Err(error) => self.blow(&error)?,
            }
        }
        if let Some(kept) = &mut *self.fuse.0.kept.lock() {
            match *change {
                Change::Write(offset, data) => kept.writes.push((offset, data.to_vec())),
                Change::SetLen(len) => kept.len = len,
                Change::Sync => {}
            }
        }
        Ok(())
    }

    fn change_disk(&self, change: &Change<'_>) -> io::Result<()> {
        match *change {
            Change::Write(offset, data) => {
                self.disk.write(offset, data)?;
                self.unsynced.lock().remember(offset, data);
            }
            Change::SetLen(len) => {
                self.disk.set_len(len)?;
                self.unsynced.lock().len = Some(len);
            }
            Change::Sync => {
                // What is written while the sync runs may not be covered by it.
                let covered = self.unsynced.lock().writes.len();
                self.disk.sync_data()?;
                let mut unsynced = self.unsynced.lock();
                if unsynced.writes.len() == covered {
                    unsynced.forget();
                }
            }
        }
        Ok(())
    }

    fn blow(&self, error: &io::Error) -> io::Result<()> {
        let mut unsynced = self.unsynced.lock();
        let len = match unsynced.len {
            Some(len) => len,
            None => self.disk.len()?,
        };
        self.fuse.0.kept.lock().get_or_insert_with(|| Kept {
            error: error.to_string(),
            len,
            writes: unsynced.take(),
        });
        self.fuse.0.blown.store(true, Ordering::Release);
        Ok(())
    }

    fn blown(&self) -> bool {
        self.fuse.0.blown.load(Ordering::Acquire)
    }
}

fn probe(disk: &impl StorageBackend) -> Result<(), Unwell> {
    let len = readable_len(disk).map_err(Unwell::Unreadable)?;
    let write = || {
        disk.set_len(len + u64::from(PROBE_BYTES))?;
        disk.write(len, &[0; PROBE_BYTES as usize])?;
        disk.sync_data()?;
        disk.set_len(len)?;
        disk.sync_data()
    };
    write().map_err(Unwell::Unwritable)
}

fn readable_len(disk: &impl StorageBackend) -> io::Result<u64> {
    let len = disk.len()?;
    if let Some(last) = len.checked_sub(1) {
        disk.read(0, &mut [0])?;
        disk.read(last, &mut [0])?;
    }
    Ok(len)
}

impl Unsynced {
    fn remember(&mut self, offset: u64, data: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(data);
        self.writes.push((offset, start..self.bytes.len()));
    }

    /// Forgets everything, and keeps the room for the next commit.
    fn forget(&mut self) {
        self.writes.clear();
        self.bytes.clear();
        self.bytes.shrink_to(ROOM_KEPT_BYTES);
    }

    fn take(&mut self) -> Vec<(u64, Vec<u8>)> {
        let bytes = std::mem::take(&mut self.bytes);
        let writes = std::mem::take(&mut self.writes).into_iter();
        writes
            .map(|(offset, range)| (offset, bytes[range].to_vec()))
            .collect()
    }
}

impl Kept {
    fn read(&self, disk: &impl StorageBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let on_disk = disk.len()?.saturating_sub(offset);
        let on_disk = usize::try_from(on_disk).map_or(out.len(), |len| len.min(out.len()));
        let (stored, beyond) = out.split_at_mut(on_disk);
        if !stored.is_empty() {
            disk.read(offset, stored)?;
        }
        beyond.fill(0);
        for (at, bytes) in &self.writes {
            let (from, to) = (
                offset.max(*at),
                (at + bytes.len() as u64).min(offset + out.len() as u64),
            );
            let place = |start: u64| {
                let from = usize::try_from(from.checked_sub(start)?).ok()?;
                let len = usize::try_from(to.checked_sub(start)?).ok()?;
                (from < len).then_some(from..len)
            };
            if let (Some(into), Some(source)) = (place(offset), place(*at)) {
                out[into].copy_from_slice(&bytes[source]);
            }
        }
        Ok(())
    }
}

impl<B: StorageBackend> StorageBackend for Fused<B> {
    fn len(&self) -> io::Result<u64> {
        match &*self.fuse.0.kept.lock() {
            Some(kept) => Ok(kept.len),
            None => self.disk.len(),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if !self.blown() {
            return self.disk.read(offset, out);
        }
        match &*self.fuse.0.kept.lock() {
            Some(kept) => kept.read(&*self.disk, offset, out),
            None => self.disk.read(offset, out),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(&Change::SetLen(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(&Change::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(&Change::Write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.disk.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.disk.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.disk.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.disk.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::simulated::{Fault, SimulatedDisk};

    fn fused() -> (SimulatedDisk, Fused<SimulatedDisk>) {
        let disk = SimulatedDisk::new(1);
        let fused = Fused::new(disk.clone(), Fuse::default());
        fused.write(0, &[1; 4096]).expect("a sound disk");
        fused.sync_data().expect("a sound disk");
        (disk, fused)
    }

    fn byte(fused: &Fused<SimulatedDisk>, offset: u64) -> u8 {
        let mut byte = [0];
        fused.read(offset, &mut byte).expect("it can be read");
        byte[0]
    }

    /// Catches: serving old bytes, or none, where the system dropped what it failed to sync.
    #[test]
    fn what_a_failed_sync_dropped_is_still_read() {
        let (disk, fused) = fused();
        disk.inject(Fault::SyncErrorAt { operation: 0 });
        fused.set_len(8192).expect("a sound disk");
        fused.write(0, &[2; 10]).expect("a sound disk");
        fused.write(4096, &[3; 10]).expect("a sound disk");
        fused
            .sync_data()
            .expect("the store is told that all is well");
        assert!(fused.fuse.check().is_err(), "and the journal is not");
        assert_eq!(disk.len().expect("it has power"), 4096, "it was dropped");
        assert_eq!([byte(&fused, 9), byte(&fused, 10)], [2, 1]);
        assert_eq!([byte(&fused, 4105), byte(&fused, 4106)], [3, 0]);
        assert_eq!(fused.len().expect("it is known"), 8192);
    }

    #[test]
    fn what_a_broken_disk_did_not_take_is_read_from_memory() {
        let (disk, fused) = fused();
        disk.inject(Fault::WriteErrorAt { operation: 0 });
        fused
            .write(5, &[4])
            .expect("the store is told that all is well");
        fused
            .write(6, &[5])
            .expect("the store is told that all is well");
        assert!(fused.fuse.check().is_err(), "and the journal is not");
        assert_eq!(
            [byte(&fused, 5), byte(&fused, 6), byte(&fused, 7)],
            [4, 5, 1]
        );
    }

    /// Catches: memory that grows with everything that was ever written.
    #[test]
    fn what_is_synced_is_forgotten() {
        let (_, fused) = fused();
        for _ in 0..3 {
            fused.write(0, &[6; 100]).expect("a sound disk");
            fused.sync_data().expect("a sound disk");
        }
        assert!(fused.unsynced.lock().writes.is_empty());
    }
}
