//! What a person writes to make an agent.
//!
//! An agent is a named service. It owns *entities* (a SKU's stock, an order), each with a state
//! that is nothing but the fold of its events. A command is decided against the state of one
//! entity; what is decided is a list of events and a reply. Deciding and evolving are pure: no
//! I/O, no clock, no randomness but what the [`Context`] hands in. That is what lets a supervisor
//! restart a shard at any instant and rebuild it from the journal.

use std::borrow::Cow;
use std::error::Error;

use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cache::Tag;
use crate::clock::Timestamp;
use crate::entropy::rng_for;
use crate::event::Event;
use crate::ids::CommandId;
use crate::principal::Principal;
use crate::registry::Commands;
use crate::timer::TimerOrder;

/// A named service with typed commands over event-sourced entities.
///
/// The value itself holds the agent's settings; it is shared by all shards and never changes.
pub trait Agent: Sized + Send + Sync + 'static {
    /// The agent's name in the journal, in metrics and in the command line: `inventory`.
    const NAME: &'static str;
    /// The version of [`State`](Self::State)'s layout. Raise it when the layout changes: snapshots
    /// of another version are set aside and the state is rebuilt from events. A snapshot of the same
    /// version is believed wherever it decodes, so a layout that changes without this is misread.
    const STATE_VERSION: u16 = 1;
    /// The state of one entity. `Default` is the state before its first event.
    type State: Default + Serialize + DeserializeOwned + Send + 'static;
    /// What happens to an entity. An event that is stored keeps its layout for good; see
    /// [`events!`](crate::events) for how to change one.
    type Event: Event;
    /// Why a command was refused. A refusal records nothing.
    type Rejection: Error + Clone + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Applies one event. Must accept every event that was ever recorded, whatever the settings.
    fn evolve(state: &mut Self::State, event: &Self::Event);

    /// Names the commands that may arrive by name: as an undo, from a trigger, from quarantine.
    fn commands(commands: &mut Commands<Self>);
}

/// A request to one entity of an agent, in the imperative: `ReserveStock`.
pub trait Command: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Who answers it.
    type Agent: Agent;
    /// What the caller gets.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
    /// The command's name in the journal and in quarantine.
    const NAME: &'static str;
    /// The version of this struct's layout, for undos and timers that wait in the journal.
    const VERSION: u16 = 1;
    /// Whether it may record events. A [`Kind::Read`] is answered from memory and leaves no trace.
    const KIND: Kind = Kind::Write;
    /// Whether an answer that is kept grows old by itself, because it depends on the time: of a quote,
    /// how long it holds. One that does not is fresh until an event concerns it.
    const AGES: bool = true;

    /// The key of the entity it is for: at most 256 bytes.
    fn entity(&self) -> Cow<'_, str>;

    /// What an answer that is kept depends on: it is kept until an event concerns one of these. By
    /// default that is every event of its entity. A read that looks at a part of its entity may name
    /// the events that change that part, and is then not thrown away with each of the others.
    ///
    /// It is asked before the answer is. A kind of event that changes the answer and is missing here
    /// makes it wrong for as long as the cache thinks it fresh.
    fn depends_on(&self) -> Vec<Tag> {
        vec![Tag::entity::<Self::Agent>(&self.entity())]
    }

    /// Decides, purely, what happens.
    ///
    /// # Errors
    /// The agent's rejection when the command must not happen in this state. Nothing is recorded.
    fn decide(
        &self,
        agent: &Self::Agent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self>;
}

/// The state that a command is decided against.
pub type State<C> = <<C as Command>::Agent as Agent>::State;
/// The refusals a command can meet.
pub type Rejection<C> = <<C as Command>::Agent as Agent>::Rejection;
/// The outcome of [`Command::decide`].
pub type Decided<C> =
    Result<Decision<<<C as Command>::Agent as Agent>::Event, <C as Command>::Reply>, Rejection<C>>;

/// Whether a command may change its entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Recorded with its reply, and answered with that same reply when it is repeated.
    Write,
    /// Answered from the present state. It must decide no events.
    Read,
}

/// What was decided: events to record, and the reply to the caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<E, R> {
    pub(crate) events: Vec<E>,
    pub(crate) timers: Vec<TimerOrder>,
    pub(crate) reply: R,
}

impl<E, R> Decision<E, R> {
    /// A reply, and nothing recorded.
    pub fn reply(reply: R) -> Self {
        Self {
            events: Vec::new(),
            timers: Vec::new(),
            reply,
        }
    }

    /// The same with one more event.
    #[must_use]
    pub fn record(mut self, event: impl Into<E>) -> Self {
        self.events.push(event.into());
        self
    }

    /// The same with these events after the others.
    #[must_use]
    pub fn record_all<T: Into<E>>(mut self, events: impl IntoIterator<Item = T>) -> Self {
        self.events.extend(events.into_iter().map(Into::into));
        self
    }

    /// The same, with a timer: `command`, which is for this same entity, is given at `due`, once.
    ///
    /// It is durable with the events, and it takes effect once: what the command records, or its
    /// refusal, clears the timer in the same append. A timer of the same name is set anew.
    /// The command must be named in the agent's [`commands`](Agent::commands).
    ///
    /// ```
    /// # use std::borrow::Cow;
    /// # use serde::{Deserialize, Serialize};
    /// # use mercato_runtime::{Agent, Command, Commands, Context, Decided, Decision, Timestamp};
    /// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    /// # struct Held {}
    /// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    /// # struct Released {}
    /// # mercato_runtime::events! { enum SeatEvent { Held: 1, Released: 1 } }
    /// # #[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
    /// # enum Never {}
    /// # struct Seats;
    /// # impl Agent for Seats {
    /// #     const NAME: &'static str = "seats";
    /// #     type State = ();
    /// #     type Event = SeatEvent;
    /// #     type Rejection = Never;
    /// #     fn evolve(_: &mut (), _: &SeatEvent) {}
    /// #     fn commands(commands: &mut Commands<Self>) { commands.add::<ReleaseSeat>(); }
    /// # }
    /// # #[derive(Clone, Serialize, Deserialize)]
    /// # struct ReleaseSeat { seat: String }
    /// # impl Command for ReleaseSeat {
    /// #     type Agent = Seats;
    /// #     type Reply = ();
    /// #     const NAME: &'static str = "ReleaseSeat";
    /// #     fn entity(&self) -> Cow<'_, str> { self.seat.as_str().into() }
    /// #     fn decide(&self, _: &Seats, _: &(), _: &Context<'_>) -> Decided<Self> {
    /// #         Ok(Decision::reply(()).record(Released {}))
    /// #     }
    /// # }
    /// # #[derive(Clone, Serialize, Deserialize)]
    /// # struct HoldSeat { seat: String }
    /// # impl Command for HoldSeat {
    /// #     type Agent = Seats;
    /// #     type Reply = Timestamp;
    /// #     const NAME: &'static str = "HoldSeat";
    /// #     fn entity(&self) -> Cow<'_, str> { self.seat.as_str().into() }
    /// fn decide(&self, _: &Seats, _: &(), context: &Context<'_>) -> Decided<Self> {
    ///     let until = context.now.plus(std::time::Duration::from_secs(900));
    ///     let release = ReleaseSeat { seat: self.seat.clone() };
    ///     Ok(Decision::reply(until).record(Held {}).set_timer("release", until, &release))
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn set_timer<C: Command>(
        mut self,
        name: impl Into<Box<str>>,
        due: Timestamp,
        command: &C,
    ) -> Self {
        self.timers.push(TimerOrder::set(name.into(), due, command));
        self
    }

    /// The same, without the timer of this name, where it is set.
    #[must_use]
    pub fn clear_timer(mut self, name: impl Into<Box<str>>) -> Self {
        let name = name.into();
        self.timers.push(TimerOrder::Clear { name });
        self
    }

    /// The names of the timers that it sets, and when each is due.
    pub fn timers(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        self.timers.iter().filter_map(|order| match order {
            TimerOrder::Set { name, due, .. } => Some((&**name, *due)),
            TimerOrder::Clear { .. } => None,
        })
    }

    /// The events, in the order in which they will be recorded.
    #[must_use]
    pub fn events(&self) -> &[E] {
        &self.events
    }

    /// Takes the decision apart.
    #[must_use]
    pub fn into_parts(self) -> (Vec<E>, R) {
        (self.events, self.reply)
    }
}

/// What a decision may know beside the state.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The moment at which the command is decided.
    pub now: Timestamp,
    /// The entity's key.
    pub entity: &'a str,
    /// How many events the entity has had.
    pub version: u64,
    /// The command's idempotency key.
    pub command_id: CommandId,
    /// On whose behalf.
    pub principal: &'a Principal,
    /// Nobody waits for the reply after this.
    pub deadline: Timestamp,
}

impl Context<'_> {
    /// Randomness that belongs to this command: a second attempt draws the same.
    #[must_use]
    pub fn rng(&self) -> ChaCha8Rng {
        let (high, low) = self.command_id.as_uuid().as_u64_pair();
        rng_for(high ^ low, self.entity)
    }
}
