//! What a simulated disk does wrong, and when.

/// What a [`SimulatedDisk`](super::simulated::SimulatedDisk) does wrong. Operations are counted from 1; see
/// [`operations`](super::simulated::SimulatedDisk::operations).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The power fails at the first operation that is the `operation`th or later: it and all after
    /// it fail. What it was to write may still be found, whole or in part, as with every write
    /// since the last sync.
    PowerCutAt {
        /// The operation.
        operation: u64,
    },
    /// From the `operation`th operation on every write, and every change of the length, fails and
    /// changes nothing.
    WriteErrorAt {
        /// The operation.
        operation: u64,
    },
    /// The first sync at or after the `operation`th operation fails once, and takes with it what
    /// was not yet durable, as Linux does: the next sync succeeds, and what was lost stays lost.
    SyncErrorAt {
        /// The operation.
        operation: u64,
    },
    /// No byte at or beyond this many can be stored.
    FullAt {
        /// The disk's size.
        bytes: u64,
    },
    /// A sync says that it succeeded, and makes nothing durable.
    LyingSync,
}

/// At most one fault of each kind.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) power_cut_at: Option<u64>,
    pub(super) write_error_at: Option<u64>,
    pub(super) sync_error_at: Option<u64>,
    pub(super) full_at: Option<u64>,
    pub(super) lying_sync: bool,
}

/// Whether a fault that begins at `at` has begun.
pub(super) fn reached(at: Option<u64>, operation: u64) -> bool {
    at.is_some_and(|at| operation >= at)
}

impl Faults {
    pub(super) fn inject(&mut self, fault: Fault) {
        match fault {
            Fault::PowerCutAt { operation } => self.power_cut_at = Some(operation),
            Fault::WriteErrorAt { operation } => self.write_error_at = Some(operation),
            Fault::SyncErrorAt { operation } => self.sync_error_at = Some(operation),
            Fault::FullAt { bytes } => self.full_at = Some(bytes),
            Fault::LyingSync => self.lying_sync = true,
        }
    }
}
