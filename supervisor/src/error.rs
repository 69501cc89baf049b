//! The two errors at this crate's boundary: a message that was not taken, a child that did not start.

use std::fmt;

/// A message that was not taken; it is given back.
///
/// Neither `Debug` nor `Display` shows the message: what people send never reaches a log by accident.
#[derive(thiserror::Error)]
pub enum SendError<M> {
    /// The lane has no room left. Try later, or [`send`](crate::Mailbox::send) and wait.
    #[error("the mailbox is full")]
    Full(M),
    /// The mailbox takes nothing any more, for good.
    #[error("the mailbox is closed")]
    Closed(M),
}

impl<M> SendError<M> {
    /// The message that was not taken.
    pub fn into_message(self) -> M {
        match self {
            Self::Full(message) | Self::Closed(message) => message,
        }
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

/// Why a child, or a whole tree, did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The factory said no.
    #[error("{0}")]
    Refused(String),
    /// The factory panicked.
    #[error("panicked at start: {0}")]
    Panicked(String),
    /// An earlier incarnation, killed but stuck in a message, still holds the mailbox.
    #[error("an earlier incarnation is still busy with its message")]
    Occupied,
    /// The tree is not well formed: an empty name, a `/` in one, or siblings of one name.
    #[error("invalid supervision tree: {0}")]
    InvalidSpec(String),
    /// A child further down did not start.
    #[error("{path}: {source}")]
    Child {
        /// Where it stands in the tree.
        path: String,
        /// What it said.
        source: Box<StartError>,
    },
}

impl StartError {
    /// What a factory answers when it cannot build its worker.
    pub fn refused(reason: impl fmt::Display) -> Self {
        Self::Refused(reason.to_string())
    }

    /// Names the child it happened to, unless one further down is named already.
    pub(crate) fn at(self, path: &str) -> Self {
        match self {
            named @ Self::Child { .. } => named,
            source => Self::Child {
                path: path.to_owned(),
                source: Box::new(source),
            },
        }
    }
}

impl From<ractor::SpawnErr> for StartError {
    fn from(error: ractor::SpawnErr) -> Self {
        match error {
            // Our own actors fail to start with a `StartError`; anything else is ractor's word.
            ractor::SpawnErr::StartupFailed(cause) => match cause.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(foreign) => Self::Refused(foreign.to_string()),
            },
            other => Self::Refused(other.to_string()),
        }
    }
}
