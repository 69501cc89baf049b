//! The simulated disk of one life, which tells when its power goes.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mercato_actors::runtime::persistence::simulated_disk::{Fault as DiskFault, SimulatedDisk};
use mercato_actors::runtime::persistence::{DiskPace, StorageBackend};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use super::fault::FaultKind;
use super::power::Power;
use super::witness::Witness;

/// A [`SimulatedDisk`] that takes nothing once the power is cut, and cuts the power where a fault of
/// the disk does. Clones are the same.
#[derive(Debug, Clone)]
pub struct PoweredDisk {
    disk: SimulatedDisk,
    power: Power,
    /// Writes and syncs before this life.
    before: u64,
    slowness: Arc<AtomicU64>,
    /// What it was made to fail of, and has not failed of yet.
    armed: Arc<Mutex<BTreeSet<FaultKind>>>,
    /// Is told when it does.
    witness: Option<Witness>,
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
            armed: Arc::default(),
            witness: None,
        }
    }

    /// The same, which tells this witness when a fault of it takes effect.
    #[must_use]
    pub(super) fn seen_by(mut self, witness: &Witness) -> Self {
        self.witness = Some(witness.clone());
        self
    }

    /// From the next operation on it fails as this kind of fault says.
    pub(super) fn fail(&self, kind: FaultKind) {
        let next = self.disk.operations() + 1;
        let fault = match kind {
            FaultKind::DiskWriteError => DiskFault::WriteErrorAt { operation: next },
            FaultKind::DiskSyncError => DiskFault::SyncErrorAt { operation: next },
            FaultKind::DiskFull => {
                let bytes = self.disk.len().unwrap_or_default() / 2;
                DiskFault::FullAt { bytes }
            }
            _ => return,
        };
        self.armed().insert(kind);
        self.disk.inject(fault);
    }

    /// It fails no more.
    pub(super) fn heal(&self) {
        self.armed().clear();
        self.disk.heal();
    }

    fn armed(&self) -> MutexGuard<'_, BTreeSet<FaultKind>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn told<T>(&self, outcome: io::Result<T>, failed_of: FaultKind) -> io::Result<T> {
        let Err(error) = &outcome else {
            return outcome;
        };
        // A disk without power has no length either; one that only failed has.
        if self.disk.len().is_err() {
            let operation = self.operations();
            self.power
                .cut(format_args!("at disk operation {operation}"));
            return outcome;
        }
        let kind = match error.kind() {
            io::ErrorKind::StorageFull => FaultKind::DiskFull,
            _ => failed_of,
        };
        // It fails time and again, and has struck once.
        if self.armed().remove(&kind)
            && let Some(witness) = &self.witness
        {
            witness.struck(kind);
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
        self.told(self.disk.set_len(len), FaultKind::DiskWriteError)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.powered()?;
        self.told(self.disk.sync_data(), FaultKind::DiskSyncError)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.powered()?;
        self.told(self.disk.write(offset, data), FaultKind::DiskWriteError)
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
