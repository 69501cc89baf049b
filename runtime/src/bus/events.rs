//! What the journal is told of a subscription.

use mercato_persistence::Position;
use serde::{Deserialize, Serialize};

use super::delivery::EventPlace;

/// The subscription was named for the first time, or again after it was removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubscriptionStarted {
    /// It gets what stands after this; where there is nothing, what stands after this very event.
    pub(crate) after: Option<Position>,
}

/// The subscription goes on from another place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CursorReset {
    pub(crate) after: Position,
}

/// An event was set aside, for the first time or after it was delivered once more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeadLettered {
    pub(crate) place: EventPlace,
    /// The stream of the entity that the event happened to.
    pub(crate) stream: Box<str>,
    pub(crate) event: Box<str>,
    pub(crate) attempts: u32,
    pub(crate) reason: Box<str>,
}

/// Events that were set aside are no more: they were handled after all, or dropped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeadLettersSettled {
    pub(crate) places: Vec<EventPlace>,
    pub(crate) dropped: bool,
}

/// The subscription is no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubscriptionRemoved;

crate::events! {
    /// What happens to a subscription.
    pub(crate) enum SubscriptionEvent {
        SubscriptionStarted: 1,
        CursorReset: 1,
        DeadLettered: 1,
        DeadLettersSettled: 1,
        SubscriptionRemoved: 1,
    }
}
