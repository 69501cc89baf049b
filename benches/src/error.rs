//! What can go wrong with a measurement.

use std::error::Error;
use std::path::PathBuf;

/// What parts of a measurement give where they fail; the part's name is added above them.
pub(crate) type AnyError = Box<dyn Error + Send + Sync>;

/// A measurement that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// An option is out of its range.
    #[error("{option} {given} is out of range; give {expected}")]
    OutOfRange {
        /// The option as it is typed.
        option: &'static str,
        /// What was given.
        given: String,
        /// What is taken.
        expected: String,
    },
    /// The folder cannot hold the files of a measurement.
    #[error(
        "cannot write into the folder {path}: {source}; name one that exists and may be written with --folder"
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The disk is too full.
    #[error(
        "{folder} has {free_mib} MiB free, and this needs up to {needed_mib} MiB; lower --events or --seconds, choose parts with --only, or name another disk with --folder"
    )]
    NoSpace {
        /// The folder.
        folder: PathBuf,
        /// What is free.
        free_mib: u64,
        /// What it might take.
        needed_mib: u64,
    },
    /// The program cannot start itself again.
    #[error("the system does not tell which program this is, to start it again: {0}")]
    NoProgram(#[source] std::io::Error),
    /// A part of the measurement failed.
    #[error("measuring `{part}` failed: {source}")]
    Failed {
        /// The part.
        part: &'static str,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// What was measured could not be told.
    #[error("the figures could not be printed: {0}")]
    Output(String),
}
