//! What a trigger could not have carried out is tried again: a command for a while, a flow for as long as
//! it takes.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use mercato::persistence::{Append, EventData, Journal};
use mercato::{
    Caller, Flow, FlowError, FlowId, FlowOptions, FlowType, Occurred, Reaction, Runtime, Trigger,
    TriggerState, codec,
};

use crate::quarantine::drawers::{
    AVERSE, Added, DrawerEvent, Drawers, ask_as, hush, look, one_shard, put,
};
use crate::support::{add, file, full_for, memory, virtual_runtime};
use crate::telemetry::seen::Seen;

/// What is put into `a` is copied.
fn copying() -> Trigger {
    Trigger::on::<Drawers>("copy", |occurred: &Occurred<DrawerEvent>| {
        let DrawerEvent::Added(added) = &occurred.event;
        match &*occurred.entity {
            "a" => vec![Reaction::command(&put("copy", added.amount))],
            _ => vec![],
        }
    })
}

async fn start(journal: Arc<dyn Journal>, triggers: impl IntoIterator<Item = Trigger>) -> Runtime {
    hush();
    let mut builder = virtual_runtime(journal).agent_with(Drawers::default(), one_shard());
    for trigger in triggers {
        builder = builder.trigger(trigger);
    }
    builder.start().await.expect("it starts")
}

/// Catches: a command that is given up although it could be served a little later, one that is tried
/// without end, and one that has its effect although it was given up.
#[tokio::test(start_paused = true)]
async fn a_command_that_cannot_be_served_is_tried_eight_times() {
    // Each try takes ten seconds, and the waits between them 50 ms and twice as long each time: the
    // eighth begins after 76.35 seconds, and a ninth would after 92.75.
    for (secs, is_served) in [(78, true), (84, true), (90, false), (100, false)] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.redb");
        let runtime = start(file(&path), None).await;
        ask_as(&runtime, "1", put("a", 4)).await.expect("taken");
        runtime.stop().await.expect("it stops");

        let runtime = start(full_for(&path, secs, 5_000), [copying()]).await;
        tokio::time::sleep(Duration::from_secs(secs + 20)).await;
        let copied = if is_served { 4 } else { 0 };
        assert_eq!(look(&runtime, "copy").await, Ok(copied), "{secs} s");
        let letters = runtime.triggers().dead_letters("copy").expect("it reads");
        let letters: Vec<_> = letters.iter().map(|it| (it.attempts, it.times)).collect();
        let given_up = if is_served { vec![] } else { vec![(8, 1)] };
        assert_eq!(letters, given_up, "{secs} s");
        let stats = &runtime.triggers().stats().expect("it reads")[0];
        assert_eq!((&stats.state, stats.lag), (&TriggerState::Following, 0));
        runtime.stop().await.expect("it stops");
    }
}

/// Catches: a command that can never be served, and that holds all others up while it is tried again.
#[tokio::test(start_paused = true)]
async fn a_command_that_can_never_be_served_is_tried_once() {
    let nowhere = Trigger::on::<Drawers>("nowhere", |_: &Occurred<DrawerEvent>| {
        vec![Reaction::command(&add("a counter of no agent here", 1))]
    });
    let runtime = start(memory(), [nowhere]).await;
    ask_as(&runtime, "1", put("a", 4)).await.expect("taken");
    tokio::time::sleep(Duration::from_millis(40)).await;
    let letters = runtime.triggers().dead_letters("nowhere");
    let letters = letters.expect("it reads");
    assert_eq!((letters.len(), letters[0].attempts), (1, 1));
    assert!(letters[0].reason.contains("no agent"), "{letters:?}");
    runtime.stop().await.expect("it stops");
}

const REST: FlowType<u64, (), FlowError> = FlowType::new("rest", 1);

async fn rest(flow: Flow, secs: u64) -> Result<(), FlowError> {
    flow.sleep("rest", Duration::from_secs(secs)).await
}

/// Catches: a flow that an event is to start, and that never begins because there was no place for it at
/// first; one that is tried without a pause, or after longer and longer ones; and one of which nobody hears
/// that it waits, or hears it at every try.
#[tokio::test(start_paused = true)]
async fn a_flow_that_there_is_no_room_for_is_begun_as_soon_as_there_is() {
    let (seen, _guard) = Seen::watch();
    let rests = Trigger::on::<Drawers>("rests", |_: &Occurred<DrawerEvent>| {
        vec![Reaction::flow(REST, FlowId::new("later"), &1)]
    });
    let options = FlowOptions {
        in_flight_max: NonZeroUsize::MIN,
        ..FlowOptions::default()
    };
    let builder = virtual_runtime(memory()).agent(Drawers::default());
    let builder = builder
        .flow_options(options)
        .flow(REST, rest)
        .trigger(rests);
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let first = tokio::spawn({
        let (handle, patient) = (handle.clone(), Caller::system().within(Duration::MAX));
        async move { handle.run(&patient, REST, FlowId::new("first"), 60).await }
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    ask_as(&runtime, "1", put("a", 4)).await.expect("taken");
    let asked_at = handle.clock().now();
    assert_eq!(first.await.expect("no panic"), Ok(()));
    tokio::time::sleep(Duration::from_secs(10)).await;
    let later = runtime.flows().inspect("rest", &FlowId::new("later"));
    let waited = later.expect("it has begun").started_at.since(asked_at);
    // Waits of 50 ms, 100, 200, and so on up to 6.4 seconds, and of ten seconds from then on.
    let tried = Duration::from_millis(62_750);
    assert!(
        waited.abs_diff(tried) < Duration::from_millis(5),
        "{waited:?}"
    );
    // The first seven tries are nobody's concern; each of the other six is told.
    let told = seen.lines().into_iter();
    assert_eq!(
        told.filter(|it| it.contains("waits to start a flow"))
            .count(),
        6
    );
    assert_eq!(runtime.health().dead_letters, 0);
    runtime.stop().await.expect("it stops");
}

/// Catches: an event that stands aside, and is dealt with again because the next one of its append is
/// still waited at.
#[tokio::test(start_paused = true)]
async fn what_stands_aside_already_is_not_dealt_with_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let locking = || {
        let react = |occurred: &Occurred<DrawerEvent>| {
            let DrawerEvent::Added(added) = &occurred.event;
            assert_ne!(added.amount, AVERSE.get(), "not that amount");
            vec![Reaction::command(&put("locked", added.amount))]
        };
        Trigger::on::<Drawers>("lock", react).in_order()
    };
    let events = [2, 13].map(|amount: i64| EventData {
        name: "Added".into(),
        version: 1,
        payload: codec::encode(&Added { amount }).expect("bytes"),
    });
    let both = Append {
        events: events.to_vec(),
        ..Append::to("drawers/a", 0, 0)
    };
    let journal = file(&path);
    journal.append(both).expect("taken");
    journal.close().await.expect("it closes");
    drop(journal);
    AVERSE.set(13);
    for day in 0..3 {
        let runtime = start(file(&path), [locking()]).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(runtime.health().blocked_triggers, ["lock"], "day {day}");
        let letters = runtime.triggers().dead_letters("lock").expect("it reads");
        let letters: Vec<_> = letters
            .iter()
            .map(|it| (it.place.index, it.times))
            .collect();
        assert_eq!(letters, [(0, 1)], "day {day}");
        runtime.stop().await.expect("it stops");
    }
    AVERSE.set(0);
}

/// Catches: a trigger that stops for good because the journal was full when it was to set an event aside.
#[tokio::test(start_paused = true)]
async fn a_full_journal_stops_no_trigger() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let averse = || {
        Trigger::on::<Drawers>("averse", |occurred: &Occurred<DrawerEvent>| {
            let DrawerEvent::Added(added) = &occurred.event;
            assert_ne!(added.amount, AVERSE.get(), "not that amount");
            vec![]
        })
    };
    let runtime = start(file(&path), None).await;
    ask_as(&runtime, "1", put("a", 13)).await.expect("taken");
    runtime.stop().await.expect("it stops");

    AVERSE.set(13);
    let runtime = start(full_for(&path, 30, 8_100), [averse()]).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let triggers = runtime.triggers();
    assert_eq!(triggers.dead_letters("averse"), Ok(vec![]), "it is full");
    tokio::time::sleep(Duration::from_secs(20)).await;
    let stats = triggers.stats().expect("it reads").swap_remove(0);
    assert_eq!(stats.state, TriggerState::Following);
    assert_eq!((stats.dead_letters, stats.lag), (1, 0));
    runtime.stop().await.expect("it stops");
    AVERSE.set(0);
}
