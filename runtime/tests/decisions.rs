//! What a decision is made of, and what it may know.

use mercato::{Caller, CommandId, Context, Decision, Principal, Timestamp};
use rand::RngCore;
use uuid::Uuid;

use crate::support::{Added, CounterEvent, Counters, memory, read, virtual_runtime};

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
