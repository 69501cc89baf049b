//! `mercato journal`: looks after a journal file without the shop that wrote it.

mod copy;
mod erase;
mod export;
mod inspect;
mod quarantine;
mod stats;
mod verify;

use mercato_actors::runtime::persistence::{OpenError, ToolError};

use crate::args::{JournalArgs, JournalTask};

/// `false` where the journal is damaged.
pub(crate) fn run(args: &JournalArgs) -> Result<bool, String> {
    match &args.task {
        JournalTask::Verify { file } => verify::run(file),
        JournalTask::Stats { file, json } => stats::run(file, *json),
        JournalTask::Inspect(args) => inspect::run(args),
        JournalTask::Quarantine(args) => quarantine::run(args),
        JournalTask::Backup { file, to } => copy::backup_to(file, to),
        JournalTask::Restore { backup, to } => copy::restore_to(backup, to),
        JournalTask::Compact { file } => copy::compact_file(file),
        JournalTask::Erase(args) => erase::run(args),
        JournalTask::Export { file, to } => export::export_to(file, to.as_deref()),
        JournalTask::Import { lines, to } => export::import_from(lines, to),
    }
}

/// What a tool gave; nothing, said on standard error, where the journal is damaged: that is a
/// finding, and has an exit status of its own.
pub(crate) fn told<T>(outcome: Result<T, ToolError>) -> Result<Option<T>, String> {
    match outcome {
        Ok(given) => Ok(Some(given)),
        Err(
            damaged @ (ToolError::Unsound { .. }
            | ToolError::Read(_)
            | ToolError::Open(OpenError::Damaged { .. })),
        ) => {
            eprintln!("problem: {damaged}");
            Ok(None)
        }
        Err(error) => Err(error.to_string()),
    }
}
