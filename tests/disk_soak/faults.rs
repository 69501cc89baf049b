//! The machine under the journal: a disk that fails in every way that it can, and comes back.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato::persistence::simulated_disk::{CutMode, Fault, SimulatedDisk};
use mercato::persistence::{
    Journal, JournalOptions, RedbJournal, StorageBackend, Vault, WriterPlace,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::support::EvenDisk;

#[derive(Clone)]
pub(crate) struct Machine {
    disk: Arc<Mutex<SimulatedDisk>>,
    /// How many more tries to open the disk fail.
    away: Arc<AtomicU64>,
    seed: u64,
}

/// A number below `end`.
pub(crate) fn below(rng: &mut ChaCha8Rng, end: u64) -> u64 {
    rng.next_u64() % end
}

impl Machine {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            disk: Arc::new(Mutex::new(SimulatedDisk::new(seed))),
            away: Arc::default(),
            seed,
        }
    }

    fn disk(&self) -> SimulatedDisk {
        self.disk.lock().expect("no panic under it").clone()
    }

    pub(crate) fn journal(&self, options: JournalOptions) -> Arc<dyn Journal> {
        let machine = self.clone();
        let opened = RedbJournal::with_disk(
            move || machine.open(),
            Arc::new(Vault::in_memory().expect("memory")),
            options,
            WriterPlace::Task(Box::new(EvenDisk)),
        );
        Arc::new(opened.expect("a sound disk"))
    }

    fn open(&self) -> io::Result<SimulatedDisk> {
        let left = self.away.load(Ordering::Relaxed);
        if left > 0 {
            self.away.store(left - 1, Ordering::Relaxed);
            return Err(io::Error::other("there is no such disk"));
        }
        Ok(self.disk())
    }

    /// Lets the disk fail so many times, and leaves it well.
    pub(crate) async fn fail_and_return(&self, failures: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ 0xd15c);
        for _ in 0..failures {
            pause(&mut rng, 600).await;
            let disk = self.disk();
            let soon = disk.operations() + 1 + below(&mut rng, 12);
            let power_fails = match below(&mut rng, 5) {
                0 => {
                    disk.inject(Fault::WriteErrorAt { operation: soon });
                    false
                }
                1 => {
                    disk.inject(Fault::SyncErrorAt { operation: soon });
                    false
                }
                2 => {
                    let bytes = disk.len().expect("it has power");
                    disk.inject(Fault::FullAt { bytes });
                    false
                }
                3 => {
                    disk.inject(Fault::PowerCutAt { operation: soon });
                    true
                }
                // Between two commits: it shows in what is read first.
                _ => {
                    self.cycle_power();
                    false
                }
            };
            pause(&mut rng, 400).await;
            self.away.store(below(&mut rng, 3), Ordering::Relaxed);
            disk.heal();
            if power_fails {
                self.cycle_power();
            }
            // Sometimes the next failure comes before the journal has gone on.
            if below(&mut rng, 4) > 0 {
                pause(&mut rng, 600).await;
            }
        }
    }

    fn cycle_power(&self) {
        let mut disk = self.disk.lock().expect("no panic under it");
        let found = disk.power_cycle(CutMode::Drawn);
        *disk = found;
    }
}

async fn pause(rng: &mut ChaCha8Rng, millis_max: u64) {
    tokio::time::sleep(Duration::from_millis(1 + below(rng, millis_max))).await;
}
