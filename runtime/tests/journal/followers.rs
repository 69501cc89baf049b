//! Whoever follows a journal that is behind or away: triggers, subscribers and caches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato::persistence::{Append, Position, ReadError};
use mercato::testkit::TestWorld;
use mercato::{
    AskFailure, BusError, CachesSettings, Caller, Delivery, DeliveryError, Occurred, OnFailure,
    Reaction, Runtime, RuntimeBuilder, SubscriberState, Subscription, SubscriptionOptions, Trigger,
    TriggerState,
};

use super::moody::Mood;
use super::once;
use crate::support::{CounterEvent, Counters, add, read};

fn counters(builder: RuntimeBuilder) -> RuntimeBuilder {
    builder.agent(Counters::default())
}

async fn start(world: &TestWorld, mood: &Mood) -> Runtime {
    let builder = counters(world.builder(mood.over(world.journal())));
    builder.start().await.expect("it starts")
}

/// Whatever happens to a counter `call` happens to another one as well.
fn echo(name: &'static str) -> Trigger {
    Trigger::on::<Counters>(name, move |added: &Occurred<CounterEvent>| {
        match &*added.entity {
            "call" => vec![Reaction::command(&add(name, 1))],
            _ => Vec::new(),
        }
    })
}

/// Meets whoever follows the journal with this, and has `call` count one more.
async fn meet(
    mood: &Mood,
    runtime: &Runtime,
    trouble: impl FnMut(&Position) -> Option<ReadError> + Send + 'static,
) {
    mood.fails(trouble);
    let added = runtime
        .handle()
        .ask(&Caller::system(), add("call", 1))
        .await;
    assert!(added.is_ok(), "{added:?}");
    tokio::time::sleep(Duration::from_secs(1)).await;
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

/// The keys of what a subscriber was delivered.
type Keys = Arc<Mutex<Vec<String>>>;

async fn subscribe(runtime: &Runtime, keys: &Keys) -> Result<(), BusError> {
    let seen = keys.clone();
    let handler = move |delivery: Delivery| {
        let key = delivery.key().to_owned();
        seen.lock().expect("no panic").push(key);
        std::future::ready(Ok(()))
    };
    let subscription = Subscription::new("mirror");
    runtime.bus().subscribe(subscription, handler).await
}

fn state_of(runtime: &Runtime) -> SubscriberState {
    runtime.bus().stats("mirror").expect("known").state
}

/// Catches: a subscriber that stops because the disk was away for a moment, and one that tries for ever to
/// read what is damaged.
#[tokio::test(start_paused = true)]
async fn a_subscriber_waits_for_the_disk_and_stops_at_what_is_damaged() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let runtime = start(&world, &mood).await;
    let keys = Keys::default();
    subscribe(&runtime, &keys).await.expect("it is attached");
    let mut away = once();
    meet(&mood, &runtime, move |_| away().then_some(ReadError::Away)).await;
    assert_eq!(*keys.lock().expect("no panic"), ["call"]);
    assert_eq!(state_of(&runtime), SubscriberState::Following);
    meet(&mood, &runtime, |_| Some(ReadError::Header)).await;
    mood.is_well();
    let state = state_of(&runtime);
    assert!(
        matches!(state, SubscriberState::Stopped { .. }),
        "{state:?}"
    );
    assert_eq!(runtime.health().stopped_subscribers.len(), 1);
    runtime.stop().await.expect("it stops");
}

/// Catches: a subscriber that is stopped because the journal was full when its start, which the disk had
/// taken back, was to be written anew.
#[tokio::test(start_paused = true)]
async fn a_subscriber_whose_start_was_taken_back_waits_for_room() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let runtime = start(&world, &mood).await;
    let keys = Keys::default();
    world.break_disk();
    // Whoever attaches it goes before the start is durable. Then nobody detaches it when it is not.
    let attaching = Box::pin(subscribe(&runtime, &keys));
    let attaching = futures::future::select(attaching, Box::pin(std::future::ready(()))).await;
    drop(attaching);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(runtime.health().read_only.is_some());
    mood.is_full_for(|append: &Append| append.stream.starts_with("subscription/"));
    world.heal_disk();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(runtime.health().read_only.is_none());
    assert!(runtime.health().stopped_subscribers.is_empty());
    mood.is_well();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(state_of(&runtime), SubscriberState::Following);
    let added = runtime.handle().ask(&Caller::system(), add("a", 1)).await;
    assert_eq!(added, Ok(1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(*keys.lock().expect("no panic"), ["a"]);
    runtime.stop().await.expect("it stops");
}

/// Catches: a stop that does not wait for what a subscriber has in hand.
#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_a_subscriber_has_in_hand() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let runtime = start(&world, &mood).await;
    let keys = Keys::default();
    let seen = keys.clone();
    let handler = move |delivery: Delivery| {
        let (seen, key) = (seen.clone(), delivery.key().to_owned());
        async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            seen.lock().expect("no panic").push(key);
            Ok(())
        }
    };
    let subscription = Subscription::new("mirror");
    let attached = runtime.bus().subscribe(subscription, handler).await;
    attached.expect("it is attached");
    let added = runtime.handle().ask(&Caller::system(), add("a", 1)).await;
    assert_eq!(added, Ok(1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    runtime.stop().await.expect("it stops");
    assert_eq!(*keys.lock().expect("no panic"), ["a"]);
    let runtime = start(&world, &mood).await;
    let lag = runtime.bus().stats("mirror").expect("known").lag;
    assert_eq!(lag, 0, "and notes how far it came");
    runtime.stop().await.expect("it stops");
}

/// Catches: an event that an operator sets aside while the journal is full, and of which is said that there
/// are too many of its kind.
#[tokio::test(start_paused = true)]
async fn an_event_that_the_journal_has_no_room_to_set_aside_is_to_be_set_aside_later() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let runtime = start(&world, &mood).await;
    let options = SubscriptionOptions {
        on_failure: OnFailure::BlockKey,
        ..SubscriptionOptions::default()
    };
    let subscription = Subscription::new("mirror").options(options);
    let fails = |_| std::future::ready(Err(DeliveryError::permanent("never")));
    let attached = runtime.bus().subscribe(subscription, fails).await;
    attached.expect("it is attached");
    let added = runtime.handle().ask(&Caller::system(), add("a", 1)).await;
    assert_eq!(added, Ok(1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let place = runtime.bus().stats("mirror").expect("known").blocked[0].place;
    mood.is_full_for(|append: &Append| append.stream.starts_with("subscription/"));
    let refused = runtime.bus().set_aside("mirror", place).await;
    let overloaded = matches!(
        refused,
        Err(BusError::Failed(AskFailure::Overloaded { .. }))
    );
    assert!(overloaded, "{refused:?}");
    mood.is_well();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let stats = runtime.bus().stats("mirror").expect("known");
    assert_eq!((stats.dead_letters, stats.blocked.len()), (1, 0));
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
