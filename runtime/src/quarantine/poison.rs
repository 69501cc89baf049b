//! A stored event that its entity cannot get past.

use crate::bus::EventPlace;
use crate::error::AskFailure;

/// The event, and why it cannot be applied. The event itself stays where it is, in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Poison {
    pub(crate) place: EventPlace,
    /// The name under which it is stored.
    pub(crate) event: Box<str>,
    /// The version of its layout.
    pub(crate) version: u16,
    pub(crate) reason: Box<str>,
}

impl Poison {
    /// What whoever asks the entity is told.
    pub(crate) fn failure(&self) -> AskFailure {
        AskFailure::EntityQuarantined {
            place: self.place,
            event: self.event.clone(),
            reason: self.reason.clone(),
        }
    }
}
