//! How flows fail.

use std::error::Error;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::activity::ActivityError;
use crate::error::{AskError, AskFailure};
use crate::event::CodecError;

/// Why a flow could not go on. A flow's own error type is made from it with `?`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FlowError {
    /// An agent refused a step that the flow did not expect to be refused.
    #[error("a step was refused: {0}")]
    Refused(String),
    /// A step could not be served.
    #[error("a step failed: {0}")]
    Failed(#[from] AskFailure),
    /// A port could not do what the flow needed.
    #[error("a port failed: {0}")]
    Port(#[from] ActivityError),
    /// The flow's function panicked, time and again.
    #[error("the flow panicked {attempts} times")]
    Panicked {
        /// How often it was run.
        attempts: u32,
    },
    /// The flow's own code or stored data is wrong.
    #[error("{0}")]
    Broken(String),
    /// Somebody cancelled the flow, or the flow that it is a step of came to nothing.
    #[error("the flow was cancelled: {reason}")]
    Cancelled {
        /// As they said.
        reason: String,
    },
}

impl<R: Error> From<AskError<R>> for FlowError {
    fn from(error: AskError<R>) -> Self {
        match error {
            AskError::Rejected(rejection) => Self::Refused(rejection.to_string()),
            AskError::Failed(failure) => Self::Failed(failure),
        }
    }
}

impl<E: Error> From<RunError<E>> for FlowError {
    fn from(error: RunError<E>) -> Self {
        match error {
            RunError::Failed(error) => Self::Refused(error.to_string()),
            RunError::Unserved(failure) => Self::Failed(failure),
        }
    }
}

impl From<CodecError> for FlowError {
    fn from(error: CodecError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// The error type of a flow: its business failures, and [`FlowError`] for everything else.
pub trait FlowFailure:
    Error + Clone + Serialize + DeserializeOwned + From<FlowError> + Send + Sync + 'static
{
}

impl<E> FlowFailure for E where
    E: Error + Clone + Serialize + DeserializeOwned + From<FlowError> + Send + Sync + 'static
{
}

/// Why running a flow gave no output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError<E: Error> {
    /// The flow failed. What it had done is undone, or stands on the work list.
    #[error(transparent)]
    Failed(E),
    /// Its end is not known to the caller. The flow itself goes on, now or after the next start.
    #[error(transparent)]
    Unserved(#[from] AskFailure),
}
