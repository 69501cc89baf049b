//! The two errors at this crate's boundary: a message that was not taken, a child that did not start.

use std::fmt;
use std::time::Duration;

/// A message that was not taken; it is given back.
///
/// Neither `Debug` nor `Display` shows the message: what people send never reaches a log by accident.
#[derive(thiserror::Error)]
pub enum SendError<M> {
    /// There is no room. Try later, or [`send`](crate::Mailbox::send) and wait.
    #[error("{bound}; try again in {} ms", .retry_after.as_millis())]
    Overloaded {
        /// The message.
        message: M,
        /// What has no room.
        bound: Bound,
        /// When those that wait now will have been worked off, at the rate measured of late.
        retry_after: Duration,
    },
    /// The mailbox takes nothing any more, for good.
    #[error(
        "the mailbox is closed: its tree has stopped, has given up, or does not restart its worker"
    )]
    Closed(M),
}

/// What has no room for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bound {
    /// The mailbox: [`capacity`](crate::MailboxOptions::capacity).
    Mailbox,
    /// The message's key: [`key_max`](field@crate::MailboxOptions::key_max). Others are still taken.
    Key,
    /// The line of those who wait for room: [`WAITING_SENDERS_MAX`](crate::WAITING_SENDERS_MAX).
    WaitingSenders,
    /// The control lane: [`CONTROL_LANE_MAX`](crate::CONTROL_LANE_MAX).
    ControlLane,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mailbox => "the mailbox is full",
            Self::Key => "too many messages of this key wait",
            Self::WaitingSenders => "too many senders wait for room",
            Self::ControlLane => "the control lane is full, so nobody drains this mailbox",
        })
    }
}

impl<M> SendError<M> {
    /// The message that was not taken.
    pub fn into_message(self) -> M {
        match self {
            Self::Overloaded { message, .. } | Self::Closed(message) => message,
        }
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overloaded {
                message: _,
                bound,
                retry_after,
            } => f
                .debug_struct("Overloaded")
                .field("bound", bound)
                .field("retry_after", retry_after)
                .finish_non_exhaustive(),
            Self::Closed(_) => f.write_str("Closed(..)"),
        }
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

/// Why a child cannot be watched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The tree has no such child.
    #[error("the tree has no child {path}; paths read like `root/nested/child`")]
    Unknown {
        /// What was asked for.
        path: String,
    },
    /// Too many watch it already.
    #[error("{path} has {watchers_max} watchers already; drop watches that nobody awaits")]
    TooMany {
        /// The child.
        path: String,
        /// The bound.
        watchers_max: usize,
    },
}
