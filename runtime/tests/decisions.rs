//! What a decision is made of, and what it may know.

use std::borrow::Cow;

use mercato::{
    AskError, AskFailure, Caller, Command, CommandId, Context, Decided, Decision, Kind, Principal,
    Timestamp,
};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::support::{Added, Count, CounterEvent, Counters, add, memory, read, virtual_runtime};

/// The longest key of an entity, in bytes.
const KEY_BYTES_MAX: usize = 256;

/// Catches: a decision that does not show what it will record.
#[test]
fn a_decision_shows_its_events_in_their_order() {
    let added = |amount| CounterEvent::from(Added { amount });
    let decision: Decision<CounterEvent, i64> = Decision::reply(3);
    let decision = decision.record(Added { amount: 1 });
    let decision = decision.record(Added { amount: 2 });
    assert_eq!(decision.events(), [added(1), added(2)]);
}

/// Catches: a decision that does not show which timers it will set, or shows one that it clears.
#[test]
fn a_decision_shows_the_timers_that_it_sets() {
    let decision: Decision<CounterEvent, i64> = Decision::reply(3);
    assert_eq!(decision.timers().count(), 0);
    let (soon, later) = (Timestamp::from_millis(5), Timestamp::from_millis(9));
    let decision = decision
        .set_timer("one", later, &add("a", 1))
        .clear_timer("another")
        .set_timer("", soon, &add("a", 2));
    let timers: Vec<_> = decision.timers().collect();
    assert_eq!(timers, [("one", later), ("", soon)]);
}

/// Catches: two commands that draw the same because a part of their ids does not count, and a second attempt
/// that draws otherwise.
#[test]
fn each_command_draws_for_itself_and_the_same_again() {
    let principal = Principal::System;
    let drawn = |high: u64, low: u64, entity: &str| {
        let context = Context {
            now: Timestamp::from_millis(0),
            entity,
            version: 0,
            command_id: CommandId::from_uuid(Uuid::from_u64_pair(high, low)),
            principal: &principal,
            deadline: Timestamp::from_millis(1),
        };
        context.rng().next_u64()
    };
    let all = u64::MAX;
    let ids = [(0, 1), (all, 1), (all, 0), (0, 2)];
    let draws = ids.map(|(high, low)| drawn(high, low, "a"));
    for (nth, one) in draws.iter().enumerate() {
        assert!(!draws[nth + 1..].contains(one), "{draws:?}");
    }
    assert_eq!(drawn(all, 1, "a"), draws[1]);
    assert_ne!(
        drawn(all, 1, "b"),
        draws[1],
        "another entity draws otherwise"
    );
}

/// Catches: a key without a bound, and one that is off by one.
#[tokio::test(start_paused = true)]
async fn a_key_has_a_length() {
    let runtime = virtual_runtime(memory()).agent(Counters::default());
    let runtime = runtime.start().await.expect("it starts");
    let handle = runtime.handle();
    let lengths = [
        (0, false),
        (1, true),
        (KEY_BYTES_MAX, true),
        (KEY_BYTES_MAX + 1, false),
    ];
    for (length, is_taken) in lengths {
        let key = "k".repeat(length);
        let asked = handle.ask(&Caller::system(), read(&key)).await;
        assert_eq!(asked.is_ok(), is_taken, "{length}: {asked:?}");
    }
    runtime.stop().await.expect("it stops");
}

/// Says that it only reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Peek {
    records: bool,
    sets_a_timer: bool,
}

impl Command for Peek {
    type Agent = Counters;
    type Reply = i64;
    const NAME: &'static str = "Peek";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        "a".into()
    }

    fn decide(&self, _: &Counters, count: &Count, context: &Context<'_>) -> Decided<Self> {
        let mut decision = Decision::reply(count.value);
        if self.records {
            decision = decision.record(Added { amount: 1 });
        }
        if self.sets_a_timer {
            decision = decision.set_timer("more", context.now, &add("a", 1));
        }
        Ok(decision)
    }
}

/// Catches: a read that decides events or timers, and whose author is not told that nothing comes of them.
#[tokio::test(start_paused = true)]
async fn a_read_decides_neither_events_nor_timers() {
    let runtime = virtual_runtime(memory()).agent(Counters::default());
    let runtime = runtime.start().await.expect("it starts");
    let handle = runtime.handle();
    for (records, sets_a_timer) in [(false, false), (false, true), (true, false), (true, true)] {
        let peek = Peek {
            records,
            sets_a_timer,
        };
        let asked = handle.ask(&Caller::system(), peek).await;
        match (records, sets_a_timer) {
            (false, false) => assert_eq!(asked, Ok(0)),
            _ => assert!(
                matches!(&asked, Err(AskError::Failed(AskFailure::Invalid { reason })) if reason.contains("Peek")),
                "{asked:?}"
            ),
        }
    }
    assert_eq!(handle.ask(&Caller::system(), read("a")).await, Ok(0));
    runtime.stop().await.expect("it stops");
}
