//! Triggers and caches that follow a journal which is away, or whose epoch is over.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato::persistence::{Position, ReadError};
use mercato::testkit::TestWorld;
use mercato::{
    AskFailure, CachesSettings, Caller, Occurred, Reaction, Trigger, TriggerError, TriggerState,
};

use super::moody::Mood;
use super::{breaks, comes_back, counters, meet, once, start};
use crate::support::{CounterEvent, Counters, add, read};

/// Whatever happens to a counter `call` happens to another one as well.
fn echo(name: &'static str) -> Trigger {
    Trigger::on::<Counters>(name, move |added: &Occurred<CounterEvent>| {
        match &*added.entity {
            "call" => vec![Reaction::command(&add(name, 1))],
            _ => Vec::new(),
        }
    })
}

/// Catches: a trigger that stops until the next start because the disk was away for a moment, and one that
/// tries for ever to read what is damaged, or of which that is not said.
#[tokio::test(start_paused = true)]
async fn a_trigger_waits_for_the_disk_and_stops_at_what_is_damaged() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let builder = counters(world.builder(mood.over(world.journal())));
    let runtime = builder
        .trigger(echo("echo"))
        .start()
        .await
        .expect("it starts");
    let mut away = once();
    meet(&mood, &runtime, move |_| away().then_some(ReadError::Away)).await;
    let echoed = runtime.handle().ask(&Caller::system(), read("echo")).await;
    assert_eq!(echoed, Ok(1));
    let state = || {
        runtime
            .triggers()
            .stats()
            .expect("it reads")
            .remove(0)
            .state
    };
    assert_eq!(state(), TriggerState::Following);
    assert!(runtime.health().stopped_triggers.is_empty());
    meet(&mood, &runtime, |_| Some(ReadError::Header)).await;
    mood.is_well();
    let state = state();
    assert!(matches!(state, TriggerState::Stopped { .. }), "{state:?}");
    assert_eq!(runtime.health().stopped_triggers, ["echo"]);
    runtime.stop().await.expect("it stops");
}

/// Catches: an event that is lost because it is thought to stand aside, though the disk took that back.
#[tokio::test(start_paused = true)]
async fn an_event_whose_setting_aside_was_taken_back_is_dealt_with() {
    let world = TestWorld::new(1);
    let (disk, is_first) = (world.clone(), Mutex::new(once()));
    let echo = Trigger::on::<Counters>("echo", move |added: &Occurred<CounterEvent>| {
        if &*added.entity != "call" {
            return Vec::new();
        }
        let is_first = is_first.lock().expect("no panic")();
        if is_first {
            disk.break_disk();
            panic!("it is set aside, on a disk that fails");
        }
        vec![Reaction::command(&add("echo", 1))]
    });
    let runtime = world.start(|it| counters(it).trigger(echo)).await;
    assert_eq!(runtime.ask(add("call", 1)).await, Ok(1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(runtime.health().read_only.is_some(), "it was set aside");
    comes_back(&world, &runtime).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let letters = runtime.triggers().dead_letters("echo");
    assert_eq!(letters.map(|letters| letters.len()), Ok(0));
    assert_eq!(runtime.ask(read("echo")).await, Ok(1));
    runtime.stop().await;
}

/// Catches: triggers of which those that wait at an event are not counted with those that have stopped.
#[tokio::test(start_paused = true)]
async fn triggers_that_wait_and_triggers_that_have_stopped_are_counted_together() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let stuck = Trigger::on::<Counters>("stuck", |_| panic!("whatever happens"));
    let builder = counters(world.builder(mood.over(world.journal())));
    let builder = builder.trigger(echo("echo")).trigger(stuck.in_order());
    let runtime = builder.start().await.expect("it starts");
    let counted = || runtime.metrics().gauge("mercato_triggers_stopped", &[]);
    meet(&mood, &runtime, |_| None).await;
    assert_eq!(
        (counted(), runtime.health().blocked_triggers.len()),
        (Some(1.0), 1)
    );
    meet(&mood, &runtime, |_| Some(ReadError::Header)).await;
    assert_eq!(runtime.health().stopped_triggers, ["echo"]);
    assert_eq!(
        (counted(), runtime.health().blocked_triggers.len()),
        (Some(2.0), 1)
    );
    mood.is_well();
    runtime.stop().await.expect("it stops");
}

/// Catches: a wish to set an event aside that is taken, and forgotten, while the disk is away.
#[tokio::test(start_paused = true)]
async fn nothing_is_promised_to_be_set_aside_while_the_disk_is_away() {
    let world = TestWorld::new(1);
    let stuck = Trigger::on::<Counters>("stuck", |_| panic!("whatever happens"));
    let runtime = world
        .start(|it| counters(it).trigger(stuck.in_order()))
        .await;
    assert_eq!(runtime.ask(add("call", 1)).await, Ok(1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(runtime.health().blocked_triggers, ["stuck"]);
    breaks(&world, &runtime).await;
    let refused = runtime.triggers().set_aside("stuck");
    let is_away = matches!(
        refused,
        Err(TriggerError::Failed(AskFailure::ReadOnly { .. }))
    );
    assert!(is_away, "{refused:?}");
    comes_back(&world, &runtime).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(runtime.triggers().set_aside("stuck"), Ok(()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let letters = runtime.triggers().dead_letters("stuck");
    assert_eq!(letters.map(|letters| letters.len()), Ok(1));
    runtime.stop().await;
}

/// Catches: a trigger that is said to wait at an event which it has dealt with, after the journal had no room to
/// set that aside.
#[tokio::test(start_paused = true)]
async fn a_trigger_that_begins_anew_waits_at_nothing() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let (averse, rule) = (Arc::new(AtomicBool::new(true)), Arc::default());
    let (refuses, dealt) = (averse.clone(), Arc::<AtomicU64>::clone(&rule));
    let moody = Trigger::on::<Counters>("moody", move |_| {
        assert!(!refuses.load(Ordering::Relaxed), "not now");
        dealt.fetch_add(1, Ordering::Relaxed);
        Vec::new()
    });
    let builder = counters(world.builder(mood.over(world.journal())));
    let runtime = builder.trigger(moody.in_order()).start().await;
    let runtime = runtime.expect("it starts");
    meet(&mood, &runtime, |_| None).await;
    assert_eq!(runtime.health().blocked_triggers, ["moody"]);
    let (mut first, is_over) = (once(), averse.clone());
    mood.is_full_for(move |append| {
        let is_letter = append.events.iter().any(|it| &*it.name == "DeadLettered");
        let is_full = is_letter && first();
        if is_full {
            is_over.store(false, Ordering::Relaxed);
        }
        is_full
    });
    assert_eq!(runtime.triggers().set_aside("moody"), Ok(()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(rule.load(Ordering::Relaxed), 1, "it was dealt with");
    assert!(runtime.health().blocked_triggers.is_empty());
    mood.is_well();
    runtime.stop().await.expect("it stops");
}

/// Catches: two triggers that share how far they came, so that the later one is not told what was before.
#[tokio::test(start_paused = true)]
async fn each_trigger_goes_its_own_way() {
    let world = TestWorld::new(1);
    let runtime = world.start(|it| counters(it).trigger(echo("first"))).await;
    for times in 1..=3 {
        assert_eq!(runtime.ask(add("call", 1)).await, Ok(times));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    runtime.stop().await;
    let both = |it| counters(it).trigger(echo("first")).trigger(echo("second"));
    let runtime = world.start(both).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(runtime.ask(read("first")).await, Ok(3));
    assert_eq!(runtime.ask(read("second")).await, Ok(3));
    runtime.stop().await;
}

/// Catches: caches that read a whole journal at each start, though nothing of it is in them.
#[tokio::test(start_paused = true)]
async fn caches_follow_from_where_the_journal_ends() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let runtime = start(&world, &mood).await;
    for times in 1..=20 {
        let added = runtime.handle().ask(&Caller::system(), add("a", 1)).await;
        assert_eq!(added, Ok(times));
    }
    runtime.stop().await.expect("it stops");
    let journal = world.journal();
    let end = journal.durable();
    let first = Arc::new(AtomicU64::new(u64::MAX));
    let seen = first.clone();
    mood.fails(move |after: &Position| {
        seen.fetch_min(after.get(), Ordering::Relaxed);
        None
    });
    let builder = counters(world.builder(mood.over(journal)));
    let runtime = builder.caches(CachesSettings::default()).start();
    let runtime = runtime.await.expect("it starts");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(first.load(Ordering::Relaxed), end.get());
    runtime.stop().await.expect("it stops");
}

/// Catches: a row of the cursors in every commit, for events from which nothing follows; and a cursor that is
/// not written although something followed, or not moved because nothing did.
#[tokio::test(start_paused = true)]
async fn a_cursor_is_written_where_something_followed() {
    let world = TestWorld::new(1);
    let start = async || {
        let builder = counters(world.builder(world.journal()));
        builder.trigger(echo("echo")).start().await
    };
    // Which counters are asked, and what is found after a restart.
    for (asked, written) in [(["quiet"; 3], 0), (["quiet", "call", "quiet"], 6)] {
        let runtime = start().await.expect("it starts");
        for counter in asked {
            let handle = runtime.handle();
            let asked = handle.ask(&Caller::system(), add(counter, 1)).await;
            asked.expect("it is served");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let stats = runtime.triggers().stats().expect("it reads");
        assert_eq!(stats[0].lag, 0, "it is at the end");
        runtime.stop().await.expect("it stops");
        let found = world.journal();
        assert_eq!(found.cursor("trigger/echo").get(), written, "{asked:?}");
        found.close().await.expect("it closes");
    }
}
