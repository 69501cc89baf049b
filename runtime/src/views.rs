//! Stored events and snapshots for people and tools, by the stream that they stand in.

use std::collections::BTreeMap;
use std::fmt;

use mercato_persistence::{EventData, Snapshot};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::agent::Agent;
use crate::bus::{SUBSCRIPTION, SubscriptionEvent};
use crate::codec;
use crate::event::{CodecError, Event};
use crate::flow::FlowEvent;
use crate::json::view_of;
use crate::layout::Layout;
use crate::quarantine::{QUARANTINE, QuarantineEvent};
use crate::schema::EventSchema;
use crate::trigger::{TRIGGER, TriggerEvent};

/// Streams of flows begin with this, whatever flows there are.
const FLOW: &str = "flow";

/// Reads what agents and flows stored, knowing them by name alone. A journal can so be looked at
/// without starting a runtime over it. What it gives holds everything that was stored: treat it as
/// the journal itself.
///
/// ```
/// # use mercato_runtime::{Agent, Commands};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// # pub struct PointsEarned { pub points: u32 }
/// # mercato_runtime::events! { pub enum LoyaltyEvent { PointsEarned: 1 } }
/// # #[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
/// # #[error("no")]
/// # struct No;
/// # struct LoyaltyAgent;
/// # impl Agent for LoyaltyAgent {
/// #     const NAME: &'static str = "loyalty";
/// #     type State = u64;
/// #     type Event = LoyaltyEvent;
/// #     type Rejection = No;
/// #     fn evolve(_: &mut u64, _: &LoyaltyEvent) {}
/// #     fn commands(_: &mut Commands<Self>) {}
/// # }
/// use mercato_runtime::persistence::EventData;
/// use mercato_runtime::{EventViews, codec};
///
/// let views = EventViews::new().with::<LoyaltyAgent>();
/// let stored = EventData {
///     name: "PointsEarned".into(),
///     version: 1,
///     payload: codec::encode(&PointsEarned { points: 5 })?,
/// };
/// let view = views.view("loyalty/ada", &stored)?;
/// assert_eq!(view.to_string(), r#"{"points":5}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct EventViews {
    readers: BTreeMap<&'static str, Reader>,
}

/// What one agent, the flows, the subscriptions, the triggers or the quarantine store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds {
    /// The agent's name, `flow`, `subscription`, `trigger` or `quarantine`: the first part of the
    /// streams' names.
    pub owner: &'static str,
    /// Its events.
    pub events: &'static [EventSchema],
    /// The version of its state, where it has one.
    pub state_version: Option<u16>,
}

/// Something stored that cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The streams of this owner are not known.
    #[error("nobody here reads the streams of `{owner}`; add its agent with `EventViews::with`")]
    UnknownOwner {
        /// The first part of the stream's name.
        owner: Box<str>,
    },
    /// The snapshot has another layout than the agent's state.
    #[error(
        "the snapshot has state version {found}, and `{owner}` has {known}; it is set aside, and the state is made of the events"
    )]
    StateVersion {
        /// The agent.
        owner: &'static str,
        /// The snapshot's version.
        found: u16,
        /// The agent's.
        known: u16,
    },
    /// The bytes cannot be read, or not be shown.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// How something is read, and whether it can be.
type Traced = (Layout, Result<(), CodecError>);
/// Something stored, as people see it and as it would be stored today.
type Shown<T> = Result<(Value, T), CodecError>;

#[derive(Clone, Copy)]
struct Reader {
    kinds: Kinds,
    event: fn(&EventData) -> Shown<EventData>,
    event_layout: fn(&EventData) -> Traced,
    state: fn(&[u8]) -> Shown<Vec<u8>>,
    state_layout: fn(&[u8]) -> Traced,
}

impl Default for EventViews {
    fn default() -> Self {
        Self::new()
    }
}

impl EventViews {
    /// Views of what the runtime itself stores: flows, subscriptions, what triggers set aside, and the
    /// quarantine.
    #[must_use]
    pub fn new() -> Self {
        let flows = Reader::of::<FlowEvent, ()>(FLOW, None);
        let subscriptions = Reader::of::<SubscriptionEvent, ()>(SUBSCRIPTION, None);
        let set_aside = Reader::of::<QuarantineEvent, ()>(QUARANTINE, None);
        let triggers = Reader::of::<TriggerEvent, ()>(TRIGGER, None);
        Self {
            readers: BTreeMap::from([
                (FLOW, flows),
                (SUBSCRIPTION, subscriptions),
                (QUARANTINE, set_aside),
                (TRIGGER, triggers),
            ]),
        }
    }

    /// The same with those of an agent.
    #[must_use]
    pub fn with<A: Agent>(mut self) -> Self {
        let reader = Reader::of::<A::Event, A::State>(A::NAME, Some(A::STATE_VERSION));
        self.readers.insert(A::NAME, reader);
        self
    }

    /// What can be read, by owner, in the order of their names.
    pub fn kinds(&self) -> impl Iterator<Item = Kinds> {
        self.readers.values().map(|reader| reader.kinds)
    }

    /// A stored event of `stream` as JSON: the payload as today's code has it.
    ///
    /// # Errors
    /// When nobody here reads the stream, or the event cannot be read.
    pub fn view(&self, stream: &str, event: &EventData) -> Result<Value, ViewError> {
        Ok((self.reader(stream)?.event)(event)?.0)
    }

    /// A stored event of `stream` as it would be stored today: the same, but for an older form.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn as_of_today(&self, stream: &str, event: &EventData) -> Result<EventData, ViewError> {
        Ok((self.reader(stream)?.event)(event)?.1)
    }

    /// The layout by which a stored event is read, and whether it can be: see [`Event::layout`].
    ///
    /// # Errors
    /// When nobody here reads the stream.
    pub fn layout(&self, stream: &str, event: &EventData) -> Result<Traced, ViewError> {
        Ok((self.reader(stream)?.event_layout)(event))
    }

    /// The state in a snapshot, as JSON.
    ///
    /// # Errors
    /// As [`view`](Self::view), and when the snapshot has another version than the agent's state.
    pub fn state(&self, snapshot: &Snapshot) -> Result<Value, ViewError> {
        Ok((self.state_reader(snapshot)?.state)(&snapshot.state)?.0)
    }

    /// The state in a snapshot as it would be stored today.
    ///
    /// # Errors
    /// As [`state`](Self::state).
    pub fn state_as_of_today(&self, snapshot: &Snapshot) -> Result<Vec<u8>, ViewError> {
        Ok((self.state_reader(snapshot)?.state)(&snapshot.state)?.1)
    }

    /// The layout by which the state in a snapshot is read, and whether it can be.
    ///
    /// # Errors
    /// When nobody here reads the stream, or the version is another.
    pub fn state_layout(&self, snapshot: &Snapshot) -> Result<Traced, ViewError> {
        Ok((self.state_reader(snapshot)?.state_layout)(&snapshot.state))
    }

    fn reader(&self, stream: &str) -> Result<&Reader, ViewError> {
        let owner = stream.split_once('/').map_or(stream, |(owner, _)| owner);
        let unknown = || ViewError::UnknownOwner {
            owner: owner.into(),
        };
        self.readers.get(owner).ok_or_else(unknown)
    }

    fn state_reader(&self, snapshot: &Snapshot) -> Result<&Reader, ViewError> {
        let reader = self.reader(&snapshot.stream)?;
        match reader.kinds.state_version {
            Some(known) if known != snapshot.state_version => Err(ViewError::StateVersion {
                owner: reader.kinds.owner,
                found: snapshot.state_version,
                known,
            }),
            _ => Ok(reader),
        }
    }
}

impl Reader {
    fn of<E: Event, S: Serialize + DeserializeOwned>(
        owner: &'static str,
        state_version: Option<u16>,
    ) -> Self {
        Self {
            kinds: Kinds {
                owner,
                events: E::schema(),
                state_version,
            },
            event: |stored| {
                let event = E::decode(&stored.name, stored.version, &stored.payload)?;
                let today = EventData {
                    name: event.name().into(),
                    version: event.version(),
                    payload: event.encode()?,
                };
                Ok((event.view()?, today))
            },
            event_layout: |stored| E::layout(&stored.name, stored.version, &stored.payload),
            state: |bytes| {
                let state: S = codec::decode(bytes)?;
                Ok((view_of(&state)?, codec::encode(&state)?))
            },
            state_layout: Layout::of::<S>,
        }
    }
}

impl fmt::Debug for EventViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.readers.keys()).finish()
    }
}
