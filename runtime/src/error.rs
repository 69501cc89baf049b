//! What a call through the runtime can meet.

use std::error::Error;
use std::time::Duration;

use mercato_persistence::ReadError;
use serde::{Deserialize, Serialize};

use crate::bus::EventPlace;

/// Why a command was not answered with its reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError<R: Error> {
    /// The agent refused; nothing was recorded.
    #[error(transparent)]
    Rejected(R),
    /// The runtime could not serve it.
    #[error(transparent)]
    Failed(#[from] AskFailure),
}

/// Why the runtime could not serve a command, whatever the agent would have said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AskFailure {
    /// Too much waits already. Nothing was done.
    #[error("the shard is overloaded; try again in {} ms", retry_after.as_millis())]
    Overloaded {
        /// When there may be room.
        retry_after: Duration,
    },
    /// The deadline passed. A write may still have happened: ask again with the same id.
    #[error("the deadline passed; ask again with the same command id to learn the outcome")]
    DeadlineExceeded,
    /// The command id was used for another command.
    #[error("this command id belongs to a command with another body; use a new id")]
    IdReused,
    /// The command made its agent panic time and again and was set aside for people to look at.
    #[error(
        "the command was quarantined after {attempts} attempts; an operator replays or drops it with `Quarantine`"
    )]
    Quarantined {
        /// How often it was tried.
        attempts: u32,
    },
    /// The journal takes nothing until its disk is back, or its disk failed in the middle of this;
    /// what was acknowledged is safe. Ask again, with the same id.
    #[error("{reason}")]
    ReadOnly {
        /// What the journal said.
        reason: String,
    },
    /// The runtime is stopping, or stopped.
    #[error("the runtime is stopping; the work goes on when it is started again")]
    Stopped,
    /// The command itself cannot be served: no such agent, a key too long, no stored form.
    #[error("{reason}")]
    Invalid {
        /// What is wrong and how to mend it.
        reason: String,
    },
    /// Stored data could not be read.
    #[error("{reason}")]
    Storage {
        /// What is wrong.
        reason: String,
    },
    /// The timer whose command this is was cleared, or set anew, before the command was decided.
    #[error("the timer was cleared, or set anew, before its command was decided")]
    Superseded,
    /// What is asked for waits, through others, for whoever asks: neither would ever end. Nothing was
    /// done.
    #[error("this call would wait for itself: {}", path.join(" > "))]
    Cycle {
        /// Who waits for whom, from what is asked for round to itself.
        path: Vec<String>,
    },
    /// So many calls wait for each other already that one more is a recursion without end, or might
    /// as well be. Nothing was done.
    #[error(
        "{hops_max} calls wait for each other already, and no more may: {}", path.join(" > ")
    )]
    TooDeep {
        /// How many may: [`RuntimeBuilder::hops_max`](crate::RuntimeBuilder::hops_max).
        hops_max: u32,
        /// Who waits for whom, the outermost first.
        path: Vec<String>,
    },
    /// The command made its agent panic time and again, and was not set aside, because so many stand
    /// aside already. Nothing is kept of it.
    #[error(
        "the command failed after {attempts} attempts and was not kept, because {limit} stand aside already; replay or drop some of them, and ask again with the same command id"
    )]
    QuarantineFull {
        /// How often it was tried.
        attempts: u32,
        /// How many may stand aside.
        limit: usize,
    },
    /// The entity has an event that cannot be applied, so that none of its commands can be decided.
    /// Other entities are served.
    #[error(
        "the entity is in quarantine: its event `{event}` at {place} cannot be applied ({reason}); start a version that can, or have an operator look at it and retry it with `Quarantine`"
    )]
    EntityQuarantined {
        /// Where the event stands.
        place: EventPlace,
        /// The name under which it is stored.
        event: Box<str>,
        /// Why it cannot be applied.
        reason: Box<str>,
    },
    /// The flow was cancelled, or its branch does not count any more: it takes no further step.
    #[error("the flow, or this branch of it, was stopped and takes no further step")]
    Cancelled,
}

impl AskFailure {
    pub(crate) fn invalid(reason: impl std::fmt::Display) -> Self {
        Self::Invalid {
            reason: reason.to_string(),
        }
    }

    pub(crate) fn storage(reason: impl std::fmt::Display) -> Self {
        Self::Storage {
            reason: reason.to_string(),
        }
    }

    /// What a read of the journal that failed means to the one who asked.
    pub(crate) fn unreadable(error: ReadError) -> Self {
        if error.is_away() {
            Self::read_only(error)
        } else {
            Self::storage(error)
        }
    }

    /// What was asked follows from what the journal took back when its disk failed.
    pub(crate) fn taken_back() -> Self {
        Self::read_only("the journal's disk failed since this was asked; ask again")
    }

    pub(crate) fn read_only(reason: impl std::fmt::Display) -> Self {
        Self::ReadOnly {
            reason: reason.to_string(),
        }
    }

    /// Whether asking again, with the same id, may well succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Overloaded { .. } | Self::DeadlineExceeded)
    }

    /// Whether the runtime itself is going away, so that unfinished work must wait for the next
    /// start rather than be given up.
    pub(crate) fn is_interruption(&self) -> bool {
        matches!(self, Self::Stopped | Self::ReadOnly { .. })
    }
}

impl<R: Error> AskError<R> {
    /// The failure, where it is not the agent's own refusal.
    pub fn failure(&self) -> Option<&AskFailure> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::Rejected(_) => None,
        }
    }

    /// The agent's refusal, where it is one.
    pub fn rejection(&self) -> Option<&R> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            Self::Failed(_) => None,
        }
    }
}
