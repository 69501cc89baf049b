//! Tests of an agent without a runtime: given what happened, when this is asked, then that.

use std::fmt::Debug;
use std::time::Duration;

use crate::agent::{Agent, Command, Context, Decision, Kind, Rejection};
use crate::clock::Timestamp;
use crate::codec;
use crate::event::Event;
use crate::ids::CommandId;
use crate::principal::Principal;

use super::BEGIN;

/// What a command may take, where a test does not say.
const BUDGET: Duration = Duration::from_secs(5);

/// An entity to which nothing has happened yet. The system asks, at some noon.
///
/// An agent is two pure functions, so a test of it needs no journal, no clock and no other thread.
/// The kit holds the agent to that: each command is decided twice, and what differs is named; a read
/// that records is; and each event is applied as it comes back from its stored form, as after a
/// restart.
///
/// ```
/// use std::borrow::Cow;
///
/// use mercato_runtime::testkit::given;
/// use mercato_runtime::{Agent, Command, Commands, Context, Decided, Decision};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// struct Earned { points: u64 }
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// struct Spent { points: u64 }
/// mercato_runtime::events! { enum Happened { Earned: 1, Spent: 1 } }
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
/// #[error("only {left} points are left; ask for no more")]
/// struct TooFew { left: u64 }
///
/// struct Loyalty;
///
/// impl Agent for Loyalty {
///     const NAME: &'static str = "loyalty";
///     type State = u64;
///     type Event = Happened;
///     type Rejection = TooFew;
///     fn evolve(points: &mut u64, event: &Happened) {
///         match event {
///             Happened::Earned(earned) => *points += earned.points,
///             Happened::Spent(spent) => *points -= spent.points,
///         }
///     }
///     fn commands(commands: &mut Commands<Self>) { commands.add::<Spend>(); }
/// }
///
/// #[derive(Debug, Clone, Serialize, Deserialize)]
/// struct Spend { who: String, points: u64 }
///
/// impl Command for Spend {
///     type Agent = Loyalty;
///     type Reply = u64;
///     const NAME: &'static str = "Spend";
///     fn entity(&self) -> Cow<'_, str> { Cow::Borrowed(&self.who) }
///     fn decide(&self, _: &Loyalty, points: &u64, _: &Context<'_>) -> Decided<Self> {
///         let left = points.checked_sub(self.points).ok_or(TooFew { left: *points })?;
///         Ok(Decision::reply(left).record(Spent { points: self.points }))
///     }
/// }
///
/// let spend = |points| Spend { who: "ada".into(), points };
/// let mut account = given(Loyalty).after([Earned { points: 5 }]);
/// account.when(&spend(3)).then_events([Spent { points: 3 }]).then_reply(&2);
/// account.when(&spend(3)).then_rejection(&TooFew { left: 2 });
/// assert_eq!(account.state(), &2);
/// ```
#[must_use]
pub fn given<A: Agent>(agent: A) -> Given<A> {
    Given {
        agent,
        state: A::State::default(),
        events: Vec::new(),
        now: BEGIN,
        principal: Principal::System,
        budget: BUDGET,
        asked: 0,
    }
}

/// One entity: its past, the moment, and who asks.
pub struct Given<A: Agent> {
    agent: A,
    state: A::State,
    events: Vec<A::Event>,
    now: Timestamp,
    principal: Principal,
    budget: Duration,
    asked: u64,
}

impl<A: Agent> Given<A> {
    /// The same after these events.
    ///
    /// # Panics
    /// Where one does not come back from its stored form.
    #[must_use]
    #[track_caller]
    pub fn after<E: Into<A::Event>>(mut self, events: impl IntoIterator<Item = E>) -> Self {
        for event in events {
            self.apply(event.into());
        }
        self
    }

    /// The same at another moment.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// The same with somebody else asking.
    #[must_use]
    pub fn by(mut self, principal: Principal) -> Self {
        self.principal = principal;
        self
    }

    /// The same with this much time for each command, in place of 5 seconds.
    #[must_use]
    pub fn within(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }

    /// From here on somebody else asks.
    pub fn turn_to(&mut self, principal: Principal) {
        self.principal = principal;
    }

    /// Decides a command, and applies what is decided.
    ///
    /// # Panics
    /// Where the agent breaks what every agent must keep to: see [`given`].
    #[track_caller]
    pub fn when<C: Command<Agent = A>>(&mut self, command: &C) -> Then<C> {
        let entity = command.entity();
        let context = Context {
            now: self.now,
            entity: &entity,
            version: self.events.len() as u64,
            command_id: CommandId::from_key(&format!("{}/{}", C::NAME, self.asked)),
            principal: &self.principal,
            deadline: self.now.plus(self.budget),
        };
        let decide = || {
            let decided = command.decide(&self.agent, &self.state, &context);
            decided.map(Decision::into_parts)
        };
        let outcome: Outcome<C> = decide();
        assert!(
            stored::<C>(&outcome) == stored::<C>(&decide()),
            "`{}` is decided in two ways in the same state; take time and chance from the context",
            C::NAME
        );
        self.asked += 1;
        if let Ok((events, _)) = &outcome {
            assert!(
                C::KIND == Kind::Write || events.is_empty(),
                "`{}` is a read and records {events:?}",
                C::NAME
            );
            for event in events {
                self.apply(event.clone());
            }
        }
        Then { outcome }
    }

    /// What the caller gets for a command; what is decided is applied.
    ///
    /// # Errors
    /// The agent's rejection.
    ///
    /// # Panics
    /// As [`when`](Self::when).
    #[track_caller]
    pub fn ask<C: Command<Agent = A>>(&mut self, command: &C) -> Result<C::Reply, Rejection<C>> {
        self.when(command).answer()
    }

    /// The agent.
    #[must_use]
    pub fn agent(&self) -> &A {
        &self.agent
    }

    /// What the events have made of the entity.
    #[must_use]
    pub fn state(&self) -> &A::State {
        &self.state
    }

    /// Everything that happened to it.
    #[must_use]
    pub fn events(&self) -> &[A::Event] {
        &self.events
    }

    /// How many events of one kind there were.
    #[must_use]
    pub fn count(&self, is_one: impl Fn(&A::Event) -> bool) -> usize {
        self.events.iter().filter(|event| is_one(event)).count()
    }

    /// The moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    #[track_caller]
    fn apply(&mut self, event: A::Event) {
        let bytes = event.encode();
        let read = bytes.and_then(|bytes| A::Event::decode(event.name(), event.version(), &bytes));
        match read {
            Ok(read) => A::evolve(&mut self.state, &read),
            Err(error) => panic!("{event:?} does not come back from its stored form: {error}"),
        }
        self.events.push(event);
    }
}

impl<A: Agent> Debug for Given<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Given")
            .field("agent", &A::NAME)
            .field("events", &self.events)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// The events of a decision and its reply, or why there was none.
type Outcome<C> = Result<
    (
        Vec<<<C as Command>::Agent as Agent>::Event>,
        <C as Command>::Reply,
    ),
    Rejection<C>,
>;

/// What came of a command.
pub struct Then<C: Command> {
    outcome: Outcome<C>,
}

impl<C: Command> Then<C> {
    /// Sees exactly these events recorded.
    ///
    /// # Panics
    /// Where others were, or the command was refused.
    #[track_caller]
    pub fn then_events<E>(self, expected: impl IntoIterator<Item = E>) -> Self
    where
        E: Into<<C::Agent as Agent>::Event>,
        <C::Agent as Agent>::Event: PartialEq,
    {
        let expected: Vec<_> = expected.into_iter().map(Into::into).collect();
        match &self.outcome {
            Ok((events, _)) => assert_eq!(*events, expected, "`{}` records", C::NAME),
            Err(rejection) => panic!("`{}` was refused: {rejection}", C::NAME),
        }
        self
    }

    /// Sees this reply given.
    ///
    /// # Panics
    /// Where another was, or the command was refused.
    #[track_caller]
    pub fn then_reply(self, expected: &C::Reply) -> Self
    where
        C::Reply: PartialEq + Debug,
    {
        match &self.outcome {
            Ok((_, reply)) => assert_eq!(reply, expected, "`{}` replies", C::NAME),
            Err(rejection) => panic!("`{}` was refused: {rejection}", C::NAME),
        }
        self
    }

    /// Sees the command refused, for this reason.
    ///
    /// # Panics
    /// Where it was refused for another, or not at all.
    #[track_caller]
    pub fn then_rejection(self, expected: &Rejection<C>)
    where
        Rejection<C>: PartialEq,
    {
        match &self.outcome {
            Ok((events, _)) => panic!("`{}` was not refused; it records {events:?}", C::NAME),
            Err(rejection) => assert_eq!(rejection, expected, "`{}` is refused", C::NAME),
        }
    }

    /// What the caller gets.
    ///
    /// # Errors
    /// The agent's rejection.
    pub fn answer(self) -> Result<C::Reply, Rejection<C>> {
        self.outcome.map(|(_, reply)| reply)
    }
}

impl<C: Command> Debug for Then<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let outcome = self.outcome.as_ref().map(|(events, _)| events);
        f.debug_struct("Then").field("outcome", &outcome).finish()
    }
}

/// An outcome as it would be stored: what is compared needs no equality of its own.
#[track_caller]
fn stored<C: Command>(outcome: &Outcome<C>) -> Result<Vec<Vec<u8>>, Vec<u8>> {
    let bytes = |bytes: Result<Vec<u8>, crate::CodecError>| {
        bytes.unwrap_or_else(|error| panic!("what `{}` gives has no stored form: {error}", C::NAME))
    };
    match outcome {
        Ok((events, reply)) => {
            let events = events.iter().map(|event| bytes(event.encode()));
            Ok(events.chain([bytes(codec::encode(reply))]).collect())
        }
        Err(rejection) => Err(bytes(codec::encode(rejection))),
    }
}
