//! A world as plain data: what it takes to run it again.

use std::time::Duration;

use super::fault::{FaultKind, FaultPlan};
use crate::options::Mode;
use mercato_actors::runtime::persistence::simulated_disk::CutMode;

/// What a world is run by, beside its scene.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldPlan {
    /// Draws everything that is drawn.
    pub seed: u64,
    /// The power cuts, one to a life, in their order. The life after the last one goes on to the end.
    pub cuts: Vec<Cut>,
    /// What else goes wrong.
    pub faults: FaultPlan,
    /// For how long the outside comes with something new.
    pub day: Duration,
    /// How long the outside may take for what it wants, from the beginning of the world. What is not
    /// answered by then breaks a law.
    pub answered_within: Duration,
    /// How long is waited for flows to end once the outside has what it wants.
    pub settles_within: Duration,
    /// On which clock it is lived.
    pub mode: Mode,
    /// How many lines of the timeline are kept.
    pub timeline_lines: usize,
}

/// How long the last requests may take on the machine's clock.
const LIVE_PATIENCE: Duration = Duration::from_secs(120);
/// How long flows may take to end after that.
const LIVE_SETTLING: Duration = Duration::from_secs(10);

impl WorldPlan {
    /// The same world on the machine's clock, with the threads that there are. Nobody waits for what
    /// takes days, so that what has neither been answered nor ended soon after the day breaks no law. No
    /// two runs are the same.
    ///
    /// # Errors
    /// The kinds of fault that no machine's clock has: [`ClockJump`](FaultKind::ClockJump).
    pub fn live(self) -> Result<Self, Vec<FaultKind>> {
        let jumps = |kind: &FaultKind| *kind == FaultKind::ClockJump;
        let kinds = self.faults.faults.iter().map(|fault| fault.kind);
        let mut others: Vec<_> = kinds.filter(jumps).collect();
        others.dedup();
        if !others.is_empty() {
            return Err(others);
        }
        Ok(Self {
            mode: Mode::Live,
            answered_within: self.day + LIVE_PATIENCE,
            settles_within: LIVE_SETTLING,
            ..self
        })
    }
}

/// A power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// When it comes.
    pub at: CutAt,
    /// What it leaves of the writes that were not synced.
    pub leaves: CutLeaves,
    /// How long the shop is dark.
    pub dark_for: Duration,
}

/// When a power cut comes. Each counts from the beginning of its life, so that small numbers fall into
/// the recovery from the cut before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutAt {
    /// After so much time.
    Time(Duration),
    /// At the so manyth write, sync or change of the length of the disk.
    DiskOperation(u64),
    /// At the so manyth moment of a command.
    Moment(u64),
}

/// What a power cut leaves of the writes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of `CutMode`, as plain data")]
pub enum CutLeaves {
    Nothing,
    Everything,
    Prefix,
    Subset,
    Sectors,
    Torn,
    Garbage,
}

impl CutLeaves {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Nothing,
        Self::Everything,
        Self::Prefix,
        Self::Subset,
        Self::Sectors,
        Self::Torn,
        Self::Garbage,
    ];

    /// The disk's own word for it.
    #[must_use]
    pub fn mode(self) -> CutMode {
        match self {
            Self::Nothing => CutMode::DropAll,
            Self::Everything => CutMode::KeepAll,
            Self::Prefix => CutMode::Prefix,
            Self::Subset => CutMode::RandomSubset,
            Self::Sectors => CutMode::PerSector,
            Self::Torn => CutMode::Torn,
            Self::Garbage => CutMode::Garbage,
        }
    }
}
