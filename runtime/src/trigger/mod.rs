//! Committed events start what follows from them.
//!
//! The journal is the outbox. Each trigger reads it with a cursor of its own and sees durable
//! events only, in their order. What it starts carries an id made of the event's place, so an
//! event that is delivered again after a crash has its effect once.
//!
//! An event that a trigger cannot deal with (one that cannot be read, a rule that panics over it, a
//! reaction that is refused or cannot be served) is set aside: the journal keeps its place, as it
//! does for subscribers, and the trigger goes on. So what follows from that event follows later than
//! what follows from those behind it, those of the same entity included, or never. Where that must
//! not be, a trigger is declared [in order](Trigger::in_order).
//!
//! | room | what |
//! |---|---|
//! | `mod.rs` | A rule as it is written. |
//! | `rule.rs` | A rule in its runtime: what follows from one event. |
//! | `follow.rs` | The task: from the journal through the rule to the cursor. |
//! | `desk.rs` | The [`Triggers`]: what an operator does. |

mod desk;
mod follow;
mod rule;

use std::sync::Arc;

use serde::Serialize;

use crate::agent::{Agent, Command};
use crate::bus::{DeadLettered, DeadLettersSettled};
use crate::clock::Timestamp;
use crate::codec;
use crate::entities::stream_of;
use crate::event::{CodecError, Event};
use crate::flow::{FlowType, Start};
use crate::ids::{CommandId, FlowId};

pub use desk::{Redelivered, TriggerError, TriggerState, TriggerStats, Triggers};

pub(crate) use follow::follow;

use mercato_persistence::EventData;

/// The first part of the names of the streams that keep what triggers set aside, and of their
/// cursors.
pub(crate) const TRIGGER: &str = "trigger";

crate::events! {
    /// What the journal keeps of a trigger.
    pub(crate) enum TriggerEvent {
        DeadLettered: 1,
        DeadLettersSettled: 1,
    }
}

/// An event that happened, and where.
#[derive(Debug, Clone)]
pub struct Occurred<E> {
    /// The event.
    pub event: E,
    /// The key of the entity that it happened to.
    pub entity: Box<str>,
    /// When it was decided.
    pub recorded_at: Timestamp,
    /// Its own id: the same at every delivery.
    pub id: CommandId,
}

/// What follows from an event.
#[derive(Debug)]
pub struct Reaction(Result<Act, CodecError>);

#[derive(Debug)]
enum Act {
    Command {
        agent: &'static str,
        name: &'static str,
        version: u16,
        body: Vec<u8>,
    },
    Flow(Start),
}

impl Reaction {
    /// A command to an agent. It must be named in the agent's
    /// [`commands`](crate::Agent::commands).
    pub fn command<C: Command>(command: &C) -> Self {
        Self(codec::encode(command).map(|body| Act::Command {
            agent: <C::Agent as Agent>::NAME,
            name: C::NAME,
            version: C::VERSION,
            body,
        }))
    }

    /// The start of a flow, where it has not been started under this id before.
    pub fn flow<I: Serialize, O, E>(flow: FlowType<I, O, E>, id: FlowId, input: &I) -> Self {
        Self(Start::unattended(flow, id, input).map(Act::Flow))
    }
}

type React = dyn Fn(&EventData, Happened<'_>) -> Result<Vec<Reaction>, CodecError> + Send + Sync;

/// Where and when an event happened.
#[derive(Debug, Clone, Copy)]
struct Happened<'a> {
    entity: &'a str,
    recorded_at: Timestamp,
    id: CommandId,
}

/// A rule: which events of an agent start what.
pub struct Trigger {
    name: &'static str,
    stream_prefix: Arc<str>,
    react: Arc<React>,
    in_order: bool,
}

impl Trigger {
    /// A rule over the events of agent `A`. `name` is kept with the cursor: under a new name the
    /// rule sees the whole journal again.
    pub fn on<A: Agent>(
        name: &'static str,
        react: impl Fn(&Occurred<A::Event>) -> Vec<Reaction> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            stream_prefix: stream_of(A::NAME, ""),
            react: Arc::new(move |event, happened| {
                Ok(react(&Occurred {
                    event: A::Event::decode(&event.name, event.version, &event.payload)?,
                    entity: happened.entity.into(),
                    recorded_at: happened.recorded_at,
                    id: happened.id,
                }))
            }),
            in_order: false,
        }
    }

    /// The same, with nothing that overtakes: one event at a time, and where one cannot be read, the
    /// rule panics over it, or what follows from it cannot be served, the trigger waits there and
    /// tries again, for as long as it takes or until an operator [sets it
    /// aside](Triggers::set_aside). [`Health::blocked_triggers`](crate::Health) names it meanwhile. A
    /// refusal is an answer: the event is set aside, and the trigger goes on.
    #[must_use]
    pub fn in_order(self) -> Self {
        Self {
            in_order: true,
            ..self
        }
    }

    /// The rule's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl std::fmt::Debug for Trigger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trigger({} on {})", self.name, self.stream_prefix)
    }
}
