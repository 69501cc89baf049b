//! The simulated disk of one life, which tells when its power goes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mercato_actors::runtime::persistence::simulated_disk::SimulatedDisk;
use mercato_actors::runtime::persistence::{DiskPace, StorageBackend};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use super::power::Power;

/// A [`SimulatedDisk`] that takes nothing once the power is cut, and cuts the power where a fault of
/// the disk does. Clones are the same.
#[derive(Debug, Clone)]
pub struct PoweredDisk {
    disk: SimulatedDisk,
    power: Power,
    /// Writes and syncs before this life.
    before: u64,
    slowness: Arc<AtomicU64>,
}

impl PoweredDisk {
    /// The disk of a life with this power.
    #[must_use]
    pub fn new(disk: SimulatedDisk, power: Power) -> Self {
        let before = disk.operations();
        Self {
            disk,
            power,
            before,
            slowness: Arc::new(AtomicU64::new(1)),
        }
    }

    /// The disk itself.
    #[must_use]
    pub fn inner(&self) -> &SimulatedDisk {
        &self.disk
    }

    /// How many operations this life has asked for.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.disk.operations() - self.before
    }

    /// From here on commits take so many times as long.
    pub fn slow_down(&self, times: u64) {
        self.slowness.store(times.max(1), Ordering::Relaxed);
    }

    /// The pace of its commits.
    pub(crate) fn pace(&self, rng: ChaCha8Rng) -> Option<Pace> {
        // ln 1 = 0: the median is one millisecond; one sync in a hundred takes above five.
        let sync_ms = LogNormal::new(0.0, 0.7).ok()?;
        Some(Pace {
            rng,
            sync_ms,
            slowness: self.slowness.clone(),
        })
    }

    fn powered(&self) -> io::Result<()> {
        match self.power.is_cut() {
            false => Ok(()),
            true => Err(io::Error::other("there is no power")),
        }
    }

    fn told<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        // A disk without power has no length either; one that only failed has.
        if outcome.is_err() && self.disk.len().is_err() {
            let operation = self.operations();
            self.power
                .cut(format_args!("at disk operation {operation}"));
        }
        outcome
    }
}

impl StorageBackend for PoweredDisk {
    fn len(&self) -> io::Result<u64> {
        self.powered()?;
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.powered()?;
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.powered()?;
        self.told(self.disk.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.powered()?;
        self.told(self.disk.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.powered()?;
        self.told(self.disk.write(offset, data))
    }
}

/// Commit times with a tail, of which a drawn part passes before the first write.
pub(crate) struct Pace {
    rng: ChaCha8Rng,
    sync_ms: LogNormal<f64>,
    slowness: Arc<AtomicU64>,
}

/// The longest commit, slowness aside.
const SYNC_MS_MAX: f64 = 500.0;

impl Pace {
    fn draw(&mut self) -> Duration {
        let ms = self.sync_ms.sample(&mut self.rng).min(SYNC_MS_MAX);
        let slowness = u32::try_from(self.slowness.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        Duration::from_secs_f64(ms / 1_000.0).saturating_mul(slowness)
    }
}

impl DiskPace for Pace {
    fn commit_time(&mut self, _bytes: usize) -> Duration {
        self.draw()
    }

    fn lead_time(&mut self, _bytes: usize) -> Duration {
        let share = self.rng.random_range(0.2..1.0);
        self.draw().mul_f64(share)
    }
}
