//! What can go wrong at the bus.

use mercato_persistence::Position;

use super::delivery::EventPlace;
use crate::error::AskFailure;

/// What the bus could not do. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BusError {
    /// A name cannot be used.
    #[error(
        "`{name}` cannot name a subscription: use 1 to {limit} lower-case letters, digits, `-`, `_` and `.`"
    )]
    BadName {
        /// The name.
        name: Box<str>,
        /// The most bytes that a name may have.
        limit: usize,
    },
    /// A subscriber of this name is attached to this runtime.
    #[error("`{name}` is attached already; detach it first, or give the other a name of its own")]
    Attached {
        /// The name.
        name: Box<str>,
    },
    /// The subscription is known, and nobody is attached to it.
    #[error("`{name}` is not attached; attach its subscriber first")]
    NotAttached {
        /// The name.
        name: Box<str>,
    },
    /// The journal knows no such subscription.
    #[error(
        "the journal knows no subscription `{name}`; see `Bus::subscribers` for those it knows"
    )]
    Unknown {
        /// The name.
        name: Box<str>,
    },
    /// A filter names an agent that this runtime does not have.
    #[error(
        "a filter names the agent `{agent}`, which this runtime does not have; correct the name, or add the agent"
    )]
    UnknownAgent {
        /// The name.
        agent: Box<str>,
    },
    /// A filter names an event that none of its agents records.
    #[error(
        "a filter names the event `{event}`, which none of its agents records; correct the name"
    )]
    UnknownEvent {
        /// The name.
        event: Box<str>,
    },
    /// The journal is not that long.
    #[error("position {position} lies after the journal's durable end, {end}")]
    BeyondEnd {
        /// The position.
        position: Position,
        /// The end.
        end: Position,
    },
    /// Nothing like that is set aside.
    #[error("no event at {place} is set aside; see `Bus::dead_letters`")]
    NoDeadLetter {
        /// Where it was looked for.
        place: EventPlace,
    },
    /// The event does not hold its key up.
    #[error("the event at {place} does not block its key; see `SubscriberStats::blocked`")]
    NotBlocked {
        /// Where it was looked for.
        place: EventPlace,
    },
    /// So many are set aside that there is no place for another.
    #[error(
        "{limit} events are set aside already; redeliver or drop some, or raise `dead_letters_max`"
    )]
    DeadLettersFull {
        /// The limit.
        limit: usize,
    },
    /// The journal knows too many subscriptions.
    #[error("the journal knows {limit} subscriptions already; remove those that nobody needs")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The journal could not be read or written.
    #[error(transparent)]
    Failed(#[from] AskFailure),
}
