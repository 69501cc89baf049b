//! What a world came to.

use std::fmt;
use std::time::Duration;

use crate::law::Verdict;

/// What a world came to. The same plan and scene come to the same, whatever the machine does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldOutcome {
    /// Every law, and whether it held.
    pub verdicts: Vec<Verdict>,
    /// What happened, in numbers.
    pub tally: Tally,
    /// What tells this outcome from all others.
    pub hash: WorldHash,
    /// How long the world lasted, by its own clock.
    pub lasted: Duration,
    /// The last things that the outside saw.
    pub timeline: Vec<String>,
}

impl WorldOutcome {
    /// Whether every law held.
    #[must_use]
    pub fn laws_hold(&self) -> bool {
        self.verdicts.iter().all(Verdict::holds)
    }

    /// The laws that were broken.
    pub fn broken(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| !verdict.holds())
    }
}

/// What happened in a world, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lives of the shop.
    pub lives: u64,
    /// Power cuts.
    pub cuts: u64,
    /// Other faults that struck by the clock.
    pub faults: u64,
    /// Requests.
    pub asked: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Answers that were none, after which they were asked again.
    pub unserved: u64,
    /// Damaged disks that were found out.
    pub damage_found: u64,
    /// Bits that turned over in the last commit, and would have been taken for a torn one; they were
    /// turned back.
    pub taken_for_torn: u64,
    /// Durable records at the end.
    pub records: u64,
}

impl Tally {
    /// Adds another world's.
    pub fn add(&mut self, other: &Self) {
        self.lives += other.lives;
        self.cuts += other.cuts;
        self.faults += other.faults;
        self.asked += other.asked;
        self.answered += other.answered;
        self.unserved += other.unserved;
        self.damage_found += other.damage_found;
        self.taken_for_torn += other.taken_for_torn;
        self.records += other.records;
    }
}

/// Hashes of everything that a world leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorldHash {
    /// Of what the outside saw, and when, and of every record of the journal.
    pub events: u64,
    /// Of verdicts and tally.
    pub report: u64,
    /// Of every byte of the disk.
    pub store: u64,
}

impl fmt::Display for WorldHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            events,
            report,
            store,
        } = self;
        write!(
            f,
            "events {events:016x} report {report:016x} store {store:016x}"
        )
    }
}
