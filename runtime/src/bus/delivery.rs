//! What a subscriber is handed, and what it answers.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mercato_persistence::{Position, Recorded};
use serde::{Deserialize, Serialize};

use crate::agent::Agent;
use crate::clock::Timestamp;
use crate::error::{AskError, AskFailure};
use crate::event::{CodecError, Event};
use crate::ids::CommandId;
use crate::readable::reason_of;
use crate::telemetry::TraceContext;

/// What an event takes in memory beside its payload and its key, more or less.
const EVENT_BYTES: usize = 256;

/// Where an event stands: the append, and which of its events it is, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventPlace {
    /// The append's position.
    pub position: Position,
    /// The event's place in the append.
    pub index: u32,
}

impl EventPlace {
    /// The event's id, the same at every delivery and for every subscriber: that of
    /// [`Occurred::id`](crate::Occurred::id).
    #[must_use]
    pub fn id(self) -> CommandId {
        CommandId::from_key(&format!("event/{self}"))
    }
}

impl fmt::Display for EventPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.position, self.index)
    }
}

/// An event as it is held in memory.
pub(super) struct BusEvent {
    pub(super) place: EventPlace,
    pub(super) agent: &'static str,
    /// The entity's stream, which begins with the agent's name.
    pub(super) stream: Arc<str>,
    pub(super) name: Cow<'static, str>,
    version: u16,
    payload: Vec<u8>,
    recorded_at: Timestamp,
    trace: Option<TraceContext>,
}

impl BusEvent {
    /// The events of a record that `wanted` chooses by their names, in order.
    pub(super) fn chosen_of(
        recorded: &Recorded,
        agent: &'static str,
        mut wanted: impl FnMut(u32, &str) -> bool,
    ) -> impl Iterator<Item = Arc<Self>> {
        let position = recorded.position;
        let append = &recorded.append;
        let trace = TraceContext::known_of(append);
        let events = append.events.iter().zip(0..);
        let chosen = events.filter(move |(event, index)| wanted(*index, &event.name));
        chosen.map(move |(event, index)| {
            Arc::new(Self {
                place: EventPlace { position, index },
                agent,
                stream: append.stream.clone(),
                name: event.name.clone(),
                version: event.version,
                payload: event.payload.clone(),
                recorded_at: Timestamp::from_millis(append.recorded_at_ms),
                trace,
            })
        })
    }

    pub(super) fn key(&self) -> &str {
        self.stream.get(self.agent.len() + 1..).unwrap_or_default()
    }

    pub(super) fn bytes(&self) -> usize {
        self.payload.len() + self.stream.len() + EVENT_BYTES
    }
}

/// One event on its way to one subscriber. Cheap to clone. The payload is as it is stored until
/// [`event`](Self::event) decodes it.
#[derive(Clone)]
pub struct Delivery {
    event: Arc<BusEvent>,
    attempt: u32,
}

impl Delivery {
    pub(super) fn new(event: Arc<BusEvent>, attempt: u32) -> Self {
        Self { event, attempt }
    }

    /// The event's own id, the same at every delivery: by it a handler tells what it has seen, and
    /// derives the ids of what it asks for.
    #[must_use]
    pub fn id(&self) -> CommandId {
        self.event.place.id()
    }

    /// Where the event stands.
    #[must_use]
    pub fn place(&self) -> EventPlace {
        self.event.place
    }

    /// The agent that recorded it.
    #[must_use]
    pub fn agent(&self) -> &'static str {
        self.event.agent
    }

    /// The key of the entity that it happened to.
    #[must_use]
    pub fn key(&self) -> &str {
        self.event.key()
    }

    /// The name under which it is stored; an older one, where it was renamed since.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.event.name
    }

    /// The version of the payload's layout.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.event.version
    }

    /// The payload as it is stored.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.event.payload
    }

    /// When it was decided.
    #[must_use]
    pub fn recorded_at(&self) -> Timestamp {
        self.event.recorded_at
    }

    /// The trace that it belongs to: that of the command which it was decided for.
    #[must_use]
    pub fn trace(&self) -> TraceContext {
        let begun = || TraceContext::begun_by(self.id());
        self.event.trace.unwrap_or_else(begun)
    }

    /// How often it was handed out since the subscriber was attached, this time included. After a
    /// crash it counts from 1 again.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The event of agent `A`, through upcasters where it is stored in an older form.
    ///
    /// # Errors
    /// When it is of another agent, or this code cannot read it.
    pub fn event<A: Agent>(&self) -> Result<A::Event, CodecError> {
        let event = &*self.event;
        if event.agent != A::NAME {
            return Err(CodecError::unknown(&event.name, event.version));
        }
        A::Event::decode(&event.name, event.version, &event.payload)
    }
}

impl fmt::Debug for Delivery {
    // Neither the key nor the payload: they may say of whom it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("place", &self.event.place)
            .field("agent", &self.event.agent)
            .field("name", &self.event.name)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// Why an event was not handled. The reason is kept in the journal where the event is set aside, so
/// it must not name persons; the first 512 bytes of it are kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct DeliveryError {
    reason: Box<str>,
    remedy: Remedy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Try again: after this time, or as the subscription's redelivery says.
    Again(Option<Duration>),
    /// Trying again would change nothing.
    None,
}

impl DeliveryError {
    /// It may well succeed later. Tried again as the subscription's
    /// [`Redelivery`](crate::Redelivery) says.
    pub fn retry(reason: impl fmt::Display) -> Self {
        Self::with(Remedy::Again(None), &reason)
    }

    /// It may succeed after this time, such as the one that a service asked for. Counts as an
    /// attempt like any other.
    pub fn retry_after(wait: Duration, reason: impl fmt::Display) -> Self {
        Self::with(Remedy::Again(Some(wait)), &reason)
    }

    /// It will not succeed however often it is tried.
    pub fn permanent(reason: impl fmt::Display) -> Self {
        Self::with(Remedy::None, &reason)
    }

    fn with(remedy: Remedy, reason: &dyn fmt::Display) -> Self {
        Self {
            reason: reason_of(reason),
            remedy,
        }
    }

    pub(super) fn into_parts(self) -> (Box<str>, Remedy) {
        (self.reason, self.remedy)
    }
}

/// An event that cannot be read is not read any better the next time.
impl From<CodecError> for DeliveryError {
    fn from(error: CodecError) -> Self {
        Self::permanent(error)
    }
}

impl From<AskFailure> for DeliveryError {
    fn from(failure: AskFailure) -> Self {
        if failure.is_transient() || failure.is_interruption() {
            Self::retry(failure)
        } else {
            Self::permanent(failure)
        }
    }
}

/// A refusal is final.
impl<R: Error> From<AskError<R>> for DeliveryError {
    fn from(error: AskError<R>) -> Self {
        match error {
            AskError::Rejected(refusal) => Self::permanent(refusal),
            AskError::Failed(failure) => failure.into(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use mercato_persistence::{Append, EventData};

    use super::*;

    /// Catches: a delivery that says otherwise than what was recorded, and one without a trace.
    #[test]
    fn a_delivery_says_what_was_recorded() {
        let event = |name: &'static str| EventData {
            name: name.into(),
            version: 3,
            payload: vec![7; 5],
        };
        let recorded = Recorded {
            position: Position::new(12),
            version_before: 4,
            append: Append {
                events: vec![event("Other"), event("Added")],
                ..Append::to("counters/a/b", 4, 1_234)
            },
        };
        let wanted = |_: u32, name: &str| name == "Added";
        let mut chosen = BusEvent::chosen_of(&recorded, "counters", wanted);
        let event = chosen.next().unwrap();
        assert!(chosen.next().is_none());
        assert_eq!(event.bytes(), 5 + "counters/a/b".len() + EVENT_BYTES);
        let delivery = Delivery::new(event, 2);
        let place = EventPlace {
            position: Position::new(12),
            index: 1,
        };
        assert_eq!((delivery.place(), delivery.id()), (place, place.id()));
        assert_eq!((delivery.agent(), delivery.key()), ("counters", "a/b"));
        assert_eq!((delivery.name(), delivery.version()), ("Added", 3));
        assert_eq!(delivery.payload(), [7; 5]);
        assert_eq!(delivery.recorded_at(), Timestamp::from_millis(1_234));
        assert_eq!(delivery.attempt(), 2);
        assert_eq!(delivery.trace(), TraceContext::begun_by(delivery.id()));
    }

    /// Catches: a failure that passes by itself and is given up, and one that does not and is tried
    /// again.
    #[test]
    fn what_failed_is_tried_again_where_that_may_help() {
        let asked = |failure: AskFailure| DeliveryError::from(failure).into_parts().1;
        let full = AskFailure::Overloaded {
            retry_after: Duration::from_secs(1),
        };
        assert!(full.is_transient() && !full.is_interruption());
        assert_eq!(asked(full), Remedy::Again(None));
        let stopped = AskFailure::Stopped;
        assert!(stopped.is_interruption() && !stopped.is_transient());
        assert_eq!(asked(stopped), Remedy::Again(None));
        assert_eq!(asked(AskFailure::IdReused), Remedy::None);
    }
}
