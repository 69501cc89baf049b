//! What the desk cannot do.

use crate::error::AskFailure;
use crate::event::CodecError;
use crate::ids::CommandId;

/// What the desk of the quarantine could not do. What stands aside still does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuarantineError {
    /// There is no such agent.
    #[error("this runtime has no agent `{agent}`; correct the name, or add the agent")]
    UnknownAgent {
        /// The name.
        agent: Box<str>,
    },
    /// The command does not stand aside.
    #[error("no command {command} of `{agent}` stands aside; see `Quarantine::list`")]
    NoSuchCommand {
        /// The agent.
        agent: &'static str,
        /// The command.
        command: CommandId,
    },
    /// The entity does not stand aside.
    #[error("that entity of `{agent}` does not stand aside; see `Quarantine::list`")]
    NoSuchEntity {
        /// The agent.
        agent: &'static str,
    },
    /// Somebody is giving the command again.
    #[error("the command {command} is being replayed; wait for what comes of it")]
    Replaying {
        /// The command.
        command: CommandId,
    },
    /// Today's code cannot read the command.
    #[error(
        "`{name}` cannot be read ({source}); name it in `commands` of `{agent}` in the version that it was stored in, or drop it"
    )]
    Unreadable {
        /// The agent.
        agent: &'static str,
        /// The command's name.
        name: Box<str>,
        /// Why.
        source: CodecError,
    },
    /// The runtime could not do it. A command that failed again, as
    /// [`AskFailure::Quarantined`], stands aside as before, and so does an entity, as
    /// [`AskFailure::EntityQuarantined`].
    #[error(transparent)]
    Failed(#[from] AskFailure),
}
