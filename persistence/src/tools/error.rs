//! What can go wrong with a tool.

use std::path::{Path, PathBuf};

use crate::error::{JournalFailed, OpenError, ReadError};
use crate::vault::EraseError;

/// A tool that could not do what it was asked. The journal that it read is as it was, and what it
/// was to write is not there, not even in part, unless the error says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// A journal could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is a file in the place of the new one.
    #[error("{path} exists, and nothing is ever overwritten; name another file, or move it away")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file of the temporary name is there.
    #[error(
        "{path} is there: another tool is writing it, or one was cut short; when none is, remove it and try again"
    )]
    Unfinished {
        /// The file.
        path: PathBuf,
    },
    /// The journal is damaged inside.
    #[error("{path} is damaged ({count} problems found, the first: {first}); {remedy}")]
    Unsound {
        /// The file.
        path: PathBuf,
        /// The first problem.
        first: String,
        /// How many were found.
        count: usize,
        /// How to go on.
        remedy: &'static str,
    },
    /// Persons could not be erased, or not wholly.
    #[error(transparent)]
    Erase(#[from] EraseError),
    /// The journal stopped because its disk failed.
    #[error("{0}; take the backup when its disk is back, or of the file when nobody has it open")]
    Failed(#[from] JournalFailed),
    /// The journal's disk failed in the meantime, and what followed may not fit what was copied.
    #[error("the journal's disk failed while it was copied; take the backup again")]
    Interrupted,
    /// What is to be copied cannot be read.
    #[error("cannot read the journal: {0}; run `mercato journal verify`, and restore a backup")]
    Read(#[from] ReadError),
    /// A file cannot be written.
    #[error(
        "cannot write {path}: {reason}; check that its folder exists, may be written and has room"
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system or the store said.
        reason: String,
    },
    /// The export cannot be written to where it goes.
    #[error("the export cannot be written: {0}; check that there is room for it")]
    Output(std::io::Error),
    /// The export cannot be read.
    #[error("the export cannot be read: {0}")]
    Input(std::io::Error),
    /// A line of an export does not fit.
    #[error("line {line}: {what}")]
    Line {
        /// The line, counted from 1.
        line: u64,
        /// What is wrong, and how to go on.
        what: String,
    },
}

impl ToolError {
    pub(crate) fn write(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Write {
            path: path.into(),
            reason: reason.to_string(),
        }
    }
}
