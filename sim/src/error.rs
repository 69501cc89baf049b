//! Why a simulation could not be run. A broken law is no error: it is a finding of the report.

use std::path::PathBuf;

use mercato_actors::runtime::persistence::{JournalFailed, OpenError, ReadError, ToolError};
use mercato_actors::runtime::{AskFailure, InvalidPolicies, RuntimeError};

use crate::data::DataError;
use crate::shopper::ShopperError;

/// Why a simulation could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// An option is out of its range.
    #[error("{what} must be {range}")]
    Option {
        /// What it says.
        what: &'static str,
        /// What it may be.
        range: String,
    },
    /// The transactions cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// No shoppers can be drawn from the transactions.
    #[error(transparent)]
    Shoppers(#[from] ShopperError),
    /// The transactions make no catalogue.
    #[error("the transactions make no catalogue: {0}")]
    Catalogue(String),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The store cannot be read.
    #[error("the store cannot be read: {0}")]
    Read(#[from] ReadError),
    /// The store could not be written to the end.
    #[error("the store could not be closed: {0}")]
    Close(#[from] JournalFailed),
    /// The backup could not be taken.
    #[error("no backup was taken: {0}")]
    Backup(#[from] ToolError),
    /// The runtime did not start.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The policies are wrong.
    #[error(transparent)]
    Policies(#[from] InvalidPolicies),
    /// The shop could not be set up.
    #[error("the shelves could not be filled: {0}")]
    Stocking(String),
    /// The shop's people could not do their work.
    #[error("the shop's people could not do their work: {0}")]
    Merchant(String),
    /// The shop could not be asked.
    #[error("the shop could not be asked: {0}")]
    Unserved(#[from] AskFailure),
    /// The scene of a world cannot be set.
    #[error("the world cannot be set up: {0}")]
    Scene(String),
    /// A world of the hunt could not be run.
    #[error(
        "world {world} could not be run: {source}; replay it: mercato simulate hunt --replay '{world}'"
    )]
    World {
        /// Its name.
        world: Box<str>,
        /// Why not.
        source: Box<SimulationError>,
    },
    /// A file beside the store cannot be used.
    #[error("{path}: {problem}; move it away together with its store to start afresh")]
    Beside {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// No threads or timers could be had.
    #[error("the simulation could not start: {0}")]
    Start(#[from] std::io::Error),
}
