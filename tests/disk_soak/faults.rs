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

/// How long the journal may take to see that its disk is back.
const BACK_MAX: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct Machine {
    disk: Arc<Mutex<SimulatedDisk>>,
    /// How many more tries to open the disk fail.
    away: Arc<AtomicU64>,
    seed: u64,
    time: Time,
}

/// What time is, and who shares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    /// One thread, and a clock that jumps.
    Virtual,
    /// Several threads, and the machine's clock.
    Real,
}

/// A number below `end`.
pub(crate) fn below(rng: &mut ChaCha8Rng, end: u64) -> u64 {
    rng.next_u64() % end
}

impl Machine {
    pub(crate) fn new(seed: u64, time: Time) -> Self {
        Self {
            disk: Arc::new(Mutex::new(SimulatedDisk::new(seed))),
            away: Arc::default(),
            seed,
            time,
        }
    }

    fn disk(&self) -> SimulatedDisk {
        self.disk.lock().expect("no panic under it").clone()
    }

    pub(crate) fn journal(&self, options: JournalOptions) -> Arc<dyn Journal> {
        let machine = self.clone();
        let writer = match self.time {
            Time::Virtual => WriterPlace::Task(Box::new(EvenDisk)),
            Time::Real => WriterPlace::Thread,
        };
        let opened = RedbJournal::with_disk(
            move || machine.open(),
            Arc::new(Vault::in_memory().expect("memory")),
            options,
            writer,
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

    /// Lets the disk fail so many times, and leaves it well. Gives how often the journal met that.
    pub(crate) async fn fail_and_return(&self, journal: &dyn Journal, failures: u64) -> u64 {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ 0xd15c);
        let mut met = 0;
        for _ in 0..failures {
            pause(&mut rng, 400).await;
            let epoch = journal.epoch();
            let power_fails = self.break_down(&mut rng);
            pause(&mut rng, 400).await;
            met += u64::from(journal.epoch() != epoch);
            self.away.store(below(&mut rng, 3), Ordering::Relaxed);
            self.disk().heal();
            if power_fails {
                self.cycle_power();
            }
            // Sometimes the next failure comes before the journal has gone on.
            if below(&mut rng, 4) > 0 {
                let back = tokio::time::timeout(BACK_MAX, journal.until_writable());
                back.await.expect("it is tried").expect("it goes on");
            }
        }
        self.away.store(0, Ordering::Relaxed);
        met
    }

    /// Gives whether the power is yet to come back.
    fn break_down(&self, rng: &mut ChaCha8Rng) -> bool {
        let disk = self.disk();
        let operation = disk.operations() + 1 + below(rng, 12);
        match below(rng, 5) {
            0 => disk.inject(Fault::WriteErrorAt { operation }),
            1 => disk.inject(Fault::SyncErrorAt { operation }),
            2 => {
                let bytes = disk.len().expect("it has power") / 2;
                disk.inject(Fault::FullAt { bytes });
            }
            3 => {
                disk.inject(Fault::PowerCutAt { operation });
                return true;
            }
            // Between two commits: it shows in what is read first.
            _ => self.cycle_power(),
        }
        false
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
