//! The counter that is asked, as an agent.

use std::borrow::Cow;

use mercato_runtime::{Agent, Command, Commands, Context, Decided, Decision, Kind, events};
use serde::{Deserialize, Serialize};

/// A number that is looked at and added to.
pub(crate) struct Counter;

/// One was added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Added {}

events! {
    /// What happens to a counter.
    pub(crate) enum CounterEvent { Added: 1 }
}

/// A counter refuses nothing.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Never {}

impl Agent for Counter {
    const NAME: &'static str = "counter";
    type State = u64;
    type Event = CounterEvent;
    type Rejection = Never;

    fn evolve(state: &mut u64, CounterEvent::Added(Added {}): &CounterEvent) {
        *state += 1;
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add::<Look>().add::<Add>();
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Look(pub(crate) Box<str>);

impl Command for Look {
    type Agent = Counter;
    type Reply = u64;
    const NAME: &'static str = "Look";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }

    fn decide(&self, _: &Counter, state: &u64, _: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply(*state))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Add(pub(crate) Box<str>);

impl Command for Add {
    type Agent = Counter;
    type Reply = u64;
    const NAME: &'static str = "Add";

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }

    fn decide(&self, _: &Counter, state: &u64, _: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply(state + 1).record(Added {}))
    }
}
