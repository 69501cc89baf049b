//! The disk of a simulated day: memory that outlives the journal on it, and takes its time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mercato_actors::runtime::persistence::{DiskPace, StorageBackend};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};
use std::sync::{PoisonError, RwLock};

/// A disk in memory. Clones are the same disk: what one journal wrote, the next one opens.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    bytes: Arc<RwLock<Vec<u8>>>,
}

impl MemoryDisk {
    fn range(offset: u64, length: usize) -> io::Result<std::ops::Range<usize>> {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let end = start
            .checked_add(length)
            .ok_or_else(|| io::Error::other("beyond the end of memory"))?;
        Ok(start..end)
    }
}

impl StorageBackend for MemoryDisk {
    fn len(&self) -> io::Result<u64> {
        let bytes = self.bytes.read().unwrap_or_else(PoisonError::into_inner);
        Ok(bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.bytes.read().unwrap_or_else(PoisonError::into_inner);
        let stored = bytes
            .get(Self::range(offset, out.len())?)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(stored);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        let mut bytes = self.bytes.write().unwrap_or_else(PoisonError::into_inner);
        bytes.resize(len, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut bytes = self.bytes.write().unwrap_or_else(PoisonError::into_inner);
        let range = Self::range(offset, data.len())?;
        let place = bytes.get_mut(range).ok_or(io::ErrorKind::UnexpectedEof)?;
        place.copy_from_slice(data);
        Ok(())
    }
}

/// Commit times with a tail: a median of one millisecond for the sync, and 200 MB/s.
#[derive(Debug)]
pub struct DrawnPace {
    rng: ChaCha8Rng,
    sync_ms: LogNormal<f64>,
}

impl DrawnPace {
    /// The pace that this generator draws.
    #[must_use]
    pub fn new(rng: ChaCha8Rng) -> Option<Self> {
        // ln 1 = 0: the median is one millisecond; one sync in a hundred takes above five.
        let sync_ms = LogNormal::new(0.0, 0.7).ok()?;
        Some(Self { rng, sync_ms })
    }
}

impl DiskPace for DrawnPace {
    fn commit_time(&mut self, bytes: usize) -> Duration {
        const BYTES_PER_MICROSECOND: usize = 200;
        let sync = self.sync_ms.sample(&mut self.rng).min(1_000.0);
        let transfer = Duration::from_micros((bytes / BYTES_PER_MICROSECOND) as u64);
        Duration::from_secs_f64(sync / 1_000.0) + transfer
    }
}
