//! Tools for whoever looks after a journal: each works on a file and its name, without a runtime.

mod backup;
mod commands;
mod compact;
mod erase;
mod error;
mod export;
mod import;
mod index;
mod inspect;
mod line;
mod new_file;
mod stats;
mod verify;

pub use backup::{Backup, backup, restore};
pub use compact::{Compacted, compact};
pub use erase::{KeysErased, erase};
pub use error::ToolError;
pub use export::{Exported, export};
pub use import::import;
pub use inspect::{Inspected, RecordFilter, inspect};
pub use stats::{CursorStats, JournalStats, TableStats, stats};
pub use verify::{PROBLEMS_MAX, VerifyReport, verify};

pub(crate) use backup::backup_of;
