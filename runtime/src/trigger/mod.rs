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
use crate::event::{CodecError, Event, EventOf};
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

/// A rule: which events of which agents start what.
///
/// It is written for [every event](Self::on) of an agent, or [for one](Self::when) and for
/// [others](Self::or_when) that belong to it. What is known to be another event is not read for the rule: where
/// this code cannot read it, it is set aside by those rules only that are over it. An event of a name that nobody
/// knows may be anything, and is set aside by every rule over its agent.
///
/// ```
/// # use std::borrow::Cow;
/// # use mercato_runtime::*;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
/// # #[error("no")]
/// # struct No;
/// # struct Quotes;
/// # impl Agent for Quotes {
/// #     const NAME: &'static str = "quotes";
/// #     type State = ();
/// #     type Event = OrderEvent;
/// #     type Rejection = No;
/// #     fn evolve(_: &mut (), _: &OrderEvent) {}
/// #     fn commands(_: &mut Commands<Self>) {}
/// # }
/// # struct Orders;
/// # impl Agent for Orders {
/// #     const NAME: &'static str = "order";
/// #     type State = ();
/// #     type Event = OrderEvent;
/// #     type Rejection = No;
/// #     fn evolve(_: &mut (), _: &OrderEvent) {}
/// #     fn commands(_: &mut Commands<Self>) {}
/// # }
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// # pub struct OrderPlaced { pub quote: String }
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// # pub struct OrderCancelled { pub quote: String }
/// # #[derive(Clone, Serialize, Deserialize)]
/// # struct ConfirmQuote(String);
/// # impl Command for ConfirmQuote {
/// #     type Agent = Quotes;
/// #     type Reply = ();
/// #     const NAME: &'static str = "ConfirmQuote";
/// #     fn entity(&self) -> Cow<'_, str> { (&*self.0).into() }
/// #     fn decide(&self, _: &Quotes, _: &(), _: &Context<'_>) -> Decided<Self> {
/// #         Ok(Decision::reply(()))
/// #     }
/// # }
/// # #[derive(Clone, Serialize, Deserialize)]
/// # struct CancelQuote(String);
/// # impl Command for CancelQuote {
/// #     type Agent = Quotes;
/// #     type Reply = ();
/// #     const NAME: &'static str = "CancelQuote";
/// #     fn entity(&self) -> Cow<'_, str> { (&*self.0).into() }
/// #     fn decide(&self, _: &Quotes, _: &(), _: &Context<'_>) -> Decided<Self> {
/// #         Ok(Decision::reply(()))
/// #     }
/// # }
/// mercato_runtime::events! { pub enum OrderEvent { OrderPlaced: 1, OrderCancelled: 1 } }
///
/// fn confirm(placed: &Occurred<OrderPlaced>) -> Vec<Reaction> {
///     vec![Reaction::command(&ConfirmQuote(placed.event.quote.clone()))]
/// }
///
/// fn cancel(cancelled: &Occurred<OrderCancelled>) -> Vec<Reaction> {
///     vec![Reaction::command(&CancelQuote(cancelled.event.quote.clone()))]
/// }
///
/// let rule = Trigger::when::<Orders, OrderPlaced>("quotes-of-orders", confirm)
///     .or_when::<Orders, OrderCancelled>(cancel);
/// assert_eq!(rule.name(), "quotes-of-orders");
/// ```
pub struct Trigger {
    name: &'static str,
    cases: Vec<Case>,
    in_order: bool,
}

/// What one part of a rule says, and of which events.
struct Case {
    stream_prefix: Arc<str>,
    /// The names of the agent's other events. A name that this code does not know is not among them: it may be
    /// what one of its own is called by newer code.
    others: Box<[&'static str]>,
    react: Box<React>,
}

impl Case {
    fn is_over(&self, stream: &str, event: &EventData) -> bool {
        stream.starts_with(&*self.stream_prefix) && !self.others.contains(&&*event.name)
    }
}

/// Every name under which an event of `E` was ever stored, but for these.
fn names_but<E: Event>(these: &[&str]) -> Box<[&'static str]> {
    let forms = E::schema().iter();
    let forms = forms.flat_map(|it| it.older.iter().chain([&it.current]));
    let names = forms.map(|form| form.name);
    names.filter(|name| !these.contains(name)).collect()
}

impl Trigger {
    /// A rule over every event of agent `A`. `name` is kept with the cursor: under a new name the
    /// rule sees the whole journal again.
    pub fn on<A: Agent>(
        name: &'static str,
        react: impl Fn(&Occurred<A::Event>) -> Vec<Reaction> + Send + Sync + 'static,
    ) -> Self {
        Self::named(name).case::<A, A::Event>(Box::default(), Some, react)
    }

    /// A rule over one kind of event of agent `A`.
    pub fn when<A: Agent, E: EventOf<A::Event>>(
        name: &'static str,
        react: impl Fn(&Occurred<E>) -> Vec<Reaction> + Send + Sync + 'static,
    ) -> Self {
        Self::named(name).or_when::<A, E>(react)
    }

    /// The same rule over one more kind of event, of the same agent or another. Where the rule has followed a
    /// journal before, it sees those of that kind that are beyond its cursor.
    #[must_use]
    pub fn or_when<A: Agent, E: EventOf<A::Event>>(
        self,
        react: impl Fn(&Occurred<E>) -> Vec<Reaction> + Send + Sync + 'static,
    ) -> Self {
        let others = names_but::<A::Event>(E::NAMES);
        self.case::<A, E>(others, E::of, react)
    }

    fn named(name: &'static str) -> Self {
        Self {
            name,
            cases: Vec::new(),
            in_order: false,
        }
    }

    fn case<A: Agent, E: 'static>(
        mut self,
        others: Box<[&'static str]>,
        of: impl Fn(A::Event) -> Option<E> + Send + Sync + 'static,
        react: impl Fn(&Occurred<E>) -> Vec<Reaction> + Send + Sync + 'static,
    ) -> Self {
        let decoded = move |event: &EventData, happened: Happened<'_>| {
            let event = A::Event::decode(&event.name, event.version, &event.payload)?;
            let Some(event) = of(event) else {
                return Ok(Vec::new());
            };
            Ok(react(&Occurred {
                event,
                entity: happened.entity.into(),
                recorded_at: happened.recorded_at,
                id: happened.id,
            }))
        };
        self.cases.push(Case {
            stream_prefix: stream_of(A::NAME, ""),
            others,
            react: Box::new(decoded),
        });
        self
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
        let streams = self.cases.iter().map(|case| &*case.stream_prefix);
        f.debug_tuple(self.name)
            .field(&streams.collect::<Vec<_>>())
            .finish()
    }
}
