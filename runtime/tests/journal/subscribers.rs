//! Subscribers of a journal that is behind or away, and what becomes of them when it stops.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato::persistence::{Append, ReadError};
use mercato::testkit::TestWorld;
use mercato::{
    AskFailure, BusError, Caller, Delivery, DeliveryError, Filter, OnFailure, Runtime,
    SubscriberState, Subscription, SubscriptionOptions,
};

use super::moody::Mood;
use super::{meet, once, start};
use crate::support::{Counters, add};

/// The keys of what a subscriber was delivered.
type Keys = Arc<Mutex<Vec<String>>>;

async fn subscribe(runtime: &Runtime, keys: &Keys) -> Result<(), BusError> {
    subscribe_as("mirror", runtime, keys).await
}

async fn subscribe_as(name: &str, runtime: &Runtime, keys: &Keys) -> Result<(), BusError> {
    subscribe_to(Subscription::new(name), runtime, keys).await
}

async fn subscribe_to(
    subscription: Subscription,
    runtime: &Runtime,
    keys: &Keys,
) -> Result<(), BusError> {
    let seen = keys.clone();
    let handler = move |delivery: Delivery| {
        let key = delivery.key().to_owned();
        seen.lock().expect("no panic").push(key);
        std::future::ready(Ok(()))
    };
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

/// Catches: a subscription that is removed, and that is still told to have stopped, or that takes with it
/// what is told of another one.
#[tokio::test(start_paused = true)]
async fn of_two_subscribers_that_stopped_the_one_that_is_removed_is_forgotten() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let runtime = start(&world, &mood).await;
    let keys = Keys::default();
    for name in ["mirror", "other"] {
        let attached = subscribe_as(name, &runtime, &keys).await;
        attached.expect("it is attached");
    }
    meet(&mood, &runtime, |_| Some(ReadError::Header)).await;
    mood.is_well();
    let stopped = || runtime.health().stopped_subscribers;
    assert_eq!(stopped().len(), 2);
    runtime.bus().remove("other").await.expect("it is removed");
    let left: Vec<_> = stopped().iter().map(ToString::to_string).collect();
    assert_eq!(left, ["mirror"]);
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

/// Catches: a filter that may not name what an agent records, and one that may name what nobody does.
#[tokio::test(start_paused = true)]
async fn a_filter_names_the_events_that_there_are() {
    let world = TestWorld::new(1);
    let runtime = world
        .start(|builder| builder.agent(Counters::default()))
        .await;
    let keys = Keys::default();
    let subscribe = async |name: &str, event: &str| {
        let subscription = Subscription::new(name).only(Filter::of::<Counters>().event(event));
        subscribe_to(subscription, &runtime, &keys).await
    };
    subscribe("known", "Added").await.expect("it is recorded");
    let refused = subscribe("unknown", "Subtracted").await;
    let event = "Subtracted".into();
    assert_eq!(refused, Err(BusError::UnknownEvent { event }));
    runtime.ask(add("a", 1)).await.expect("it is served");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(*keys.lock().expect("no panic"), ["a"]);
    runtime.stop().await;
}
