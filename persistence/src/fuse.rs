//! The fuse between redb and its disk.
//!
//! redb answers nothing more, not even a read, once a write has failed. A journal on a broken disk
//! must still be read, though: shards rebuild what they know from its durable prefix. So redb is
//! told that all is well, what it writes from then on stays in memory, and [`Fuse::check`] tells
//! the journal, which takes the commit for the failure that it is.

use std::fmt;
use std::io;
use std::ops::Bound;
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

type Probe = Box<dyn Fn() -> io::Result<()> + Send + Sync>;

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
    pub(crate) fn probe(&self) -> io::Result<()> {
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
}

impl<B: StorageBackend> Fused<B> {
    pub(crate) fn new(disk: B, fuse: Fuse) -> Self {
        let disk = Arc::new(disk);
        let probed = disk.clone();
        *fuse.0.probe.lock() = Some(Box::new(move || probe(&*probed)));
        Self { disk, fuse }
    }

    /// Changes the disk; where that fails, or failed before, keeps the change in memory.
    fn change(
        &self,
        on_disk: impl FnOnce(&B) -> io::Result<()>,
        in_memory: impl FnOnce(&mut Kept),
    ) -> io::Result<()> {
        if !self.blown() {
            let Err(error) = on_disk(&self.disk) else {
                return Ok(());
            };
            let len = self.disk.len()?;
            let mut kept = self.fuse.0.kept.lock();
            kept.get_or_insert_with(|| Kept {
                error: error.to_string(),
                len,
                writes: Vec::new(),
            });
            self.fuse.0.blown.store(true, Ordering::Release);
        }
        if let Some(kept) = &mut *self.fuse.0.kept.lock() {
            in_memory(kept);
        }
        Ok(())
    }

    fn blown(&self) -> bool {
        self.fuse.0.blown.load(Ordering::Acquire)
    }
}

fn probe(disk: &impl StorageBackend) -> io::Result<()> {
    let len = disk.len()?;
    disk.set_len(len + u64::from(PROBE_BYTES))?;
    disk.write(len, &[0; PROBE_BYTES as usize])?;
    disk.sync_data()?;
    disk.set_len(len)?;
    disk.sync_data()
}

impl Kept {
    fn read(&self, disk: &impl StorageBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let on_disk = disk.len()?.saturating_sub(offset);
        let on_disk = usize::try_from(on_disk).map_or(out.len(), |len| len.min(out.len()));
        let (stored, beyond) = out.split_at_mut(on_disk);
        disk.read(offset, stored)?;
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
        self.change(|disk| disk.set_len(len), |kept| kept.len = len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(B::sync_data, |_| {})
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(
            |disk| disk.write(offset, data),
            |kept| kept.writes.push((offset, data.to_vec())),
        )
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
