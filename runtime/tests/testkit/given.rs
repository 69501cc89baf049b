//! The kit finds out an agent that breaks what every agent must keep to.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mercato_runtime::testkit::{Given, given};
use mercato_runtime::{
    Agent, Command, Commands, Context, Decided, Decision, Kind, Principal, Timestamp,
};
use serde::{Deserialize, Deserializer, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Counted {
    by: u64,
}

/// An event that is written and never read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Lost {
    #[serde(deserialize_with = "refuse")]
    count: u64,
}

fn refuse<'de, D: Deserializer<'de>>(_: D) -> Result<u64, D::Error> {
    Err(serde::de::Error::custom("it is gone"))
}

mercato_runtime::events! { enum Happened { Counted: 1, Lost: 1 } }

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("no")]
struct No;

/// Not only its settings: something that changes.
#[derive(Default)]
struct Counter {
    asked: AtomicU64,
}

impl Agent for Counter {
    const NAME: &'static str = "counter";
    type State = u64;
    type Event = Happened;
    type Rejection = No;

    fn evolve(count: &mut u64, event: &Happened) {
        if let Happened::Counted(counted) = event {
            *count += counted.by;
        }
    }

    fn commands(_: &mut Commands<Self>) {}
}

/// One command for each way to decide.
macro_rules! command {
    ($name:ident, $kind:expr, |$agent:ident, $count:ident, $context:ident| $decided:expr) => {
        #[derive(Debug, Clone, Serialize, Deserialize)]
        struct $name;

        impl Command for $name {
            type Agent = Counter;
            type Reply = u64;
            const NAME: &'static str = stringify!($name);
            const KIND: Kind = $kind;

            fn entity(&self) -> Cow<'_, str> {
                Cow::Borrowed("one")
            }

            fn decide(
                &self,
                $agent: &Counter,
                $count: &u64,
                $context: &Context<'_>,
            ) -> Decided<Self> {
                $decided
            }
        }
    };
}

command!(Count, Kind::Write, |_agent, count, _context| {
    Ok(Decision::reply(count + 1).record(Counted { by: 1 }))
});
command!(Refuse, Kind::Write, |_agent, _count, _context| Err(No));
command!(Chance, Kind::Write, |agent, _count, _context| {
    let by = agent.asked.fetch_add(1, Ordering::Relaxed);
    Ok(Decision::reply(0).record(Counted { by }))
});
command!(Peek, Kind::Read, |_agent, count, _context| {
    Ok(Decision::reply(*count).record(Counted { by: 1 }))
});
command!(Lose, Kind::Write, |_agent, count, _context| {
    Ok(Decision::reply(*count).record(Lost { count: 1 }))
});
command!(Moment, Kind::Read, |_agent, _count, context| {
    let asked_by_ada = context.principal.as_user() == Some("ada");
    let now = context.now.as_millis();
    Ok(Decision::reply(if asked_by_ada { now } else { 0 }))
});

fn counter() -> Given<Counter> {
    given(Counter::default())
}

/// Catches: a past, a moment or an asker that the agent does not get to see.
#[test]
fn the_past_the_moment_and_the_asker_are_those_that_were_given() {
    let mut counter = counter()
        .after([Counted { by: 5 }])
        .at(Timestamp::from_millis(1_000));
    counter
        .when(&Count)
        .then_events([Counted { by: 1 }])
        .then_reply(&6);
    counter.when(&Refuse).then_rejection(&No);
    assert_eq!((counter.state(), counter.events().len()), (&6, 2));
    assert_eq!(counter.ask(&Moment), Ok(0));
    counter.turn_to(Principal::user("ada"));
    counter.pass(Duration::from_secs(1));
    assert_eq!(counter.ask(&Moment), Ok(2_000));
    assert_eq!(
        counter.count(|event| matches!(event, Happened::Counted(_))),
        2
    );
}

/// Catches: a decision that is believed at its first word.
#[test]
#[should_panic(expected = "`Chance` is decided in two ways")]
fn a_decision_that_is_not_pure() {
    counter().when(&Chance);
}

/// Catches: a read whose events are let through.
#[test]
#[should_panic(expected = "`Peek` is a read and records")]
fn a_read_that_records() {
    counter().when(&Peek);
}

/// Catches: an event that is applied as it was made, and never read back.
#[test]
#[should_panic(expected = "does not come back from its stored form")]
fn an_event_that_cannot_be_read() {
    counter().when(&Lose);
}

/// Catches: events that are not compared.
#[test]
#[should_panic(expected = "`Count` records")]
fn other_events() {
    counter().when(&Count).then_events([Counted { by: 2 }]);
}

/// Catches: a reply that is not compared.
#[test]
#[should_panic(expected = "`Count` replies")]
fn another_reply() {
    counter().when(&Count).then_reply(&2);
}

/// Catches: a refusal that passes for a reply.
#[test]
#[should_panic(expected = "`Refuse` was refused: no")]
fn a_refusal_that_was_not_expected() {
    counter().when(&Refuse).then_reply(&1);
}

/// Catches: a decision that passes for a refusal.
#[test]
#[should_panic(expected = "`Count` was not refused")]
fn a_refusal_that_did_not_come() {
    counter().when(&Count).then_rejection(&No);
}
