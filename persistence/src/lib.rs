//! The journal: what is durable.
//!
//! A [`Journal`] is one totally ordered log of appends to named streams. It knows no actor and no
//! shop. [`RedbJournal`] keeps it in one file: appends take their place in memory at once, and one
//! writer commits everything that waits as one block with one sync. What belongs to a person
//! stands in it sealed, under a key in a [`Vault`] beside it.

pub mod codec;

/// A disk in memory that loses its power, fails and lies when it is told to: what the fault tests
/// and the simulator keep a journal on.
pub mod simulated_disk {
    pub use crate::disk::simulated::{CutMode, Fault, SimulatedDisk};
}

mod block;
mod disk;
mod error;
mod front;
mod gate;
mod journal;
mod meter;
mod options;
mod pace;
mod reading;
mod record;
mod recovery;
mod redb_journal;
mod shared;
mod store;
mod stored;
mod tail;
mod tools;
mod vault;
mod writer;

pub use block::BlockError;
pub use codec::CodecError;
pub use error::{AppendError, JournalFailed, OpenError, ReadError, WrongEpoch};
pub use journal::{Appended, Journal, READ_BYTES_MAX, StreamPart};
pub use meter::{COUNT_BOUNDS, DURATION_BOUNDS_NS, Distribution, Histogram, JournalMeters};
pub use options::{DiskPace, JournalOptions, WriterPlace};
pub use record::{
    Append, EventData, FirstReply, Mark, Position, Recorded, Snapshot, Timer, TimerChange, Trace,
};
pub use recovery::{ExpectedRecovery, RecoveryCosts, RecoveryWork};
pub use redb::StorageBackend;
pub use redb_journal::RedbJournal;
pub use tools::{
    Backup, Compacted, CursorStats, Exported, Inspected, JournalStats, KeysErased, PROBLEMS_MAX,
    RecordFilter, TableStats, ToolError, VerifyReport, backup, compact, erase, export, import,
    inspect, restore, stats, verify,
};
pub use vault::{
    EraseError, Erased, PersonId, PersonIdError, Personal, SealError, Unreadable, Vault,
    VaultError, WriteAhead,
};
