//! One case: a journal that lives a few times on one disk, each life ended by a drawn fault.

use std::sync::Arc;

use mercato_persistence::simulated_disk::{CutMode, Fault, SimulatedDisk};
use mercato_persistence::{
    Journal, JournalOptions, OpenError, Position, RedbJournal, StorageBackend,
};
use parking_lot::Mutex;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::common::{Pace, incarnation};
use crate::power_cuts::model::{Model, ensure};
use crate::power_cuts::work;

/// What lies under the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    Honest,
    /// Its sync makes nothing durable.
    Lying,
}

/// What the cases met on their way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    appended: usize,
    acknowledged: usize,
    /// Unacknowledged appends that were found nevertheless.
    survived: usize,
    cuts_at_work: usize,
    cuts_at_rest: usize,
    cuts_while_opening: usize,
    disk_errors: usize,
    disk_operations: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.appended += other.appended;
        self.acknowledged += other.acknowledged;
        self.survived += other.survived;
        self.cuts_at_work += other.cuts_at_work;
        self.cuts_at_rest += other.cuts_at_rest;
        self.cuts_while_opening += other.cuts_while_opening;
        self.disk_errors += other.disk_errors;
        self.disk_operations += other.disk_operations;
    }

    pub(crate) fn check_that_it_met_everything(&self, cases: u64) {
        let tenth = usize::try_from(cases / 10).expect("a count of cases");
        let met = [
            self.survived,
            self.appended.saturating_sub(self.acknowledged),
            self.cuts_at_work,
            self.cuts_at_rest,
            self.cuts_while_opening,
            self.disk_errors,
        ];
        assert!(
            met.iter().all(|met| *met >= tenth),
            "too little was met: {self:?}"
        );
    }
}

struct Case {
    rng: ChaCha8Rng,
    options: JournalOptions,
    model: Arc<Mutex<Model>>,
    tally: Tally,
}

/// Runs the case of `seed`.
pub(crate) fn run(seed: u64, disk: Disk) -> Result<Tally, String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let options = JournalOptions {
        group_bytes_max: [1, 600, 4 << 20][rng.random_range(0..3)],
        tail_records_max: [0, 3, 20, 200_000][rng.random_range(0..4)],
        streams_in_memory_max: [2, 1_000][rng.random_range(0..2)],
        cache_bytes: [0, 64 << 10, 4 << 20][rng.random_range(0..3)],
        ..JournalOptions::default()
    };
    let mut case = Case {
        rng,
        options,
        model: Arc::default(),
        tally: Tally::default(),
    };
    let mut found = SimulatedDisk::new(case.rng.random());
    for life in 0..case.rng.random_range(2..=4) {
        // Only a file is created atomically, so the creation is left alone.
        if life > 0 && case.rng.random_ratio(1, 3) {
            found = case.cut_while_opening(found);
        }
        found = incarnation(case.life(&found, disk))?;
    }
    incarnation(async {
        let journal = case.open(&found)?;
        case.check_and_go_on(&journal).await
    })?;
    Ok(case.tally)
}

impl Case {
    fn mode(&mut self) -> CutMode {
        CutMode::ALL[self.rng.random_range(0..CutMode::ALL.len())]
    }

    fn try_open(&self, disk: &SimulatedDisk) -> Result<RedbJournal, OpenError> {
        let writer = Pace::default().writer();
        RedbJournal::with_backend(disk.clone(), self.options.clone(), writer)
    }

    fn open(&self, disk: &SimulatedDisk) -> Result<Arc<RedbJournal>, String> {
        self.try_open(disk)
            .map(Arc::new)
            .map_err(|error| format!("it does not open: {error}"))
    }

    /// Cuts the power once or twice while the journal is being opened.
    fn cut_while_opening(&mut self, mut disk: SimulatedDisk) -> SimulatedDisk {
        for _ in 0..self.rng.random_range(1..=2) {
            let operation = disk.operations() + self.rng.random_range(1..=25);
            disk.inject(Fault::PowerCutAt { operation });
            let mode = self.mode();
            disk = incarnation(async {
                let opened = self.try_open(&disk);
                self.tally.cuts_while_opening += usize::from(opened.is_err());
                // The power goes before the journal does, which would close the file properly.
                disk.power_cycle(mode)
            });
        }
        disk
    }

    /// Opens the journal, holds it against the model, works until a fault, and gives the disk as
    /// the next life finds it.
    async fn life(&mut self, disk: &SimulatedDisk, kind: Disk) -> Result<SimulatedDisk, String> {
        let journal = self.open(disk)?;
        if kind == Disk::Lying {
            disk.inject(Fault::LyingSync);
        }
        self.check_and_go_on(&journal).await?;
        let fault = self.draw_fault(disk);
        disk.inject(fault);
        self.work(&journal).await?;
        let durable = journal.durable();
        self.model.lock().acknowledge(durable);
        self.tally.disk_operations += disk.operations();
        if matches!(fault, Fault::PowerCutAt { .. }) || journal.failure().is_none() {
            let has_power = disk.len().is_ok();
            self.tally.cuts_at_work += usize::from(!has_power);
            self.tally.cuts_at_rest += usize::from(has_power);
            return Ok(disk.power_cycle(self.mode()));
        }
        self.tally.disk_errors += 1;
        self.check_failed(&journal)?;
        disk.heal();
        if self.rng.random() {
            return Ok(disk.power_cycle(self.mode()));
        }
        // The process is started again, on a machine that went on.
        drop(journal);
        Ok(disk.clone())
    }

    fn draw_fault(&mut self, disk: &SimulatedDisk) -> Fault {
        let operation = disk.operations() + self.rng.random_range(1..=150);
        match self.rng.random_range(0..10) {
            0 => Fault::SyncErrorAt { operation },
            1 => Fault::WriteErrorAt { operation },
            2 => Fault::FullAt {
                bytes: disk.len().unwrap_or(0) + self.rng.random_range(0..8_192),
            },
            _ => Fault::PowerCutAt { operation },
        }
    }

    async fn work(&mut self, journal: &Arc<RedbJournal>) -> Result<(), String> {
        let writers: Vec<_> = (0..self.rng.random_range(1..=8))
            .map(|_| {
                let rng = ChaCha8Rng::seed_from_u64(self.rng.random());
                tokio::spawn(work::write(journal.clone(), self.model.clone(), rng))
            })
            .collect();
        let before = self.model.lock().appends.len();
        for writer in writers {
            writer
                .await
                .map_err(|error| format!("a writer: {error}"))??;
        }
        let model = self.model.lock();
        self.tally.appended += model.appends.len() - before;
        self.tally.acknowledged += model.acknowledged.saturating_sub(before);
        Ok(())
    }

    /// On a disk that failed, the durable prefix can still be read.
    fn check_failed(&self, journal: &RedbJournal) -> Result<(), String> {
        let model = self.model.lock();
        let found = model
            .check_log(journal)
            .map_err(|failure| format!("after the disk's error: {failure}"))?;
        ensure(journal.durable() == Position::new(found as u64), || {
            format!("after the disk's error {found} can be read")
        })
    }

    /// Holds a journal that was just opened against the model, and appends once more.
    async fn check_and_go_on(&mut self, journal: &RedbJournal) -> Result<(), String> {
        let survived = self.model.lock().check_reopened(journal)?;
        self.tally.survived += survived;
        let append = work::draw_append(journal, "probe", &mut self.rng);
        let position = journal
            .append(append.clone())
            .map_err(|error| format!("it takes nothing more: {error}"))?
            .position;
        self.model.lock().appends.push(append);
        journal
            .until_durable(position)
            .await
            .map_err(|error| format!("nothing more becomes durable: {error}"))?;
        self.model.lock().acknowledge(position);
        Ok(())
    }
}
