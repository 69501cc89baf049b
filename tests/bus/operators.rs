//! What an operator sees and does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mercato::persistence::Position;
use mercato::{
    BusError, Delivery, Filter, StartAt, SubscriberState, Subscription, SubscriptionOptions,
};

use crate::bus::common::{Seen, add_up, amount_of, evenly, soon, start};
use crate::support::{file, memory};

/// Catches: a reset that moves nothing, that is forgotten at a restart, or that lets an event be
/// handled while an earlier handling of its key still runs.
#[tokio::test(start_paused = true)]
async fn a_reset_delivers_again_from_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let runtime = start(file(&path)).await;
    let bus = runtime.bus();
    let seen = Seen::default();
    let (busy, at_once) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let handler = {
        let (seen, at_once) = (seen.clone(), at_once.clone());
        move |delivery: Delivery| {
            let (seen, busy, twice) = (seen.clone(), busy.clone(), at_once.clone());
            async move {
                if busy.swap(true, Ordering::SeqCst) {
                    twice.store(true, Ordering::SeqCst);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
                busy.store(false, Ordering::SeqCst);
                seen.note(&delivery).map(drop)
            }
        }
    };
    let attached = bus.subscribe(Subscription::new("mirror"), handler).await;
    attached.expect("it is attached");
    add_up(&runtime, &["a"], 1..=3).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    // In the middle of one.
    assert_eq!(bus.stats("mirror").expect("it is known").in_flight, 1);
    assert_eq!(bus.reset("mirror", StartAt::Beginning).await, Ok(()));
    soon().await;
    let amounts = seen.amounts();
    assert!(
        amounts.ends_with(&[1, 2, 3]) && amounts.len() > 3,
        "{amounts:?}"
    );
    let second = seen.all()[amounts.len() - 2].place.position;
    assert_eq!(bus.reset("mirror", StartAt::After(second)).await, Ok(()));
    soon().await;
    assert_eq!(seen.amounts()[amounts.len()..], [3]);
    assert!(!at_once.load(Ordering::SeqCst), "two at a time");
    bus.detach("mirror").await;
    // Detached, it is reset all the same.
    let first = Position::new(second.get() - 1);
    assert_eq!(bus.reset("mirror", StartAt::After(first)).await, Ok(()));
    let beyond = bus
        .reset("mirror", StartAt::After(Position::new(999)))
        .await;
    let Err(BusError::BeyondEnd { end, .. }) = beyond else {
        panic!("{beyond:?}");
    };
    for at in [end, first] {
        assert_eq!(bus.reset("mirror", StartAt::After(at)).await, Ok(()));
    }
    drop(bus);
    runtime.stop().await.expect("it stops");

    let runtime = start(file(&path)).await;
    let seen = Seen::default();
    let bus = runtime.bus();
    let attached = bus
        .subscribe(Subscription::new("mirror"), seen.handler())
        .await;
    attached.expect("it is attached");
    soon().await;
    assert_eq!(seen.amounts(), [2, 3]);
    assert_eq!(runtime.bus().reset("mirror", StartAt::Now).await, Ok(()));
    add_up(&runtime, &["a"], 4..=4).await;
    soon().await;
    assert_eq!(seen.amounts(), [2, 3, 4]);
    runtime.stop().await.expect("it stops");
}

/// Catches: a replay that moves a cursor, passes its end, or misses the ends of its range.
#[tokio::test(start_paused = true)]
async fn a_replay_reads_a_range_and_touches_no_cursor() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    let seen = Seen::default();
    let attached = bus
        .subscribe(Subscription::new("mirror"), seen.handler())
        .await;
    attached.expect("it is attached");
    add_up(&runtime, &["a", "b"], 1..=200).await;
    soon().await;
    let before = bus.stats("mirror").expect("it is known");
    let places: Vec<_> = seen.all().iter().map(|it| it.place.position).collect();
    let range = places[4]..=places[301];
    let only = [Filter::everything().key("a")];
    let mut replay = bus.replay(only, range.clone()).expect("it is that long");
    let mut amounts = Vec::new();
    while let Some(delivery) = replay.next().await.expect("it is readable") {
        assert!(range.contains(&delivery.place().position));
        amounts.push(amount_of(&delivery).expect("a counter's event"));
    }
    assert_eq!(amounts, (3..=151).collect::<Vec<_>>());
    let beyond = bus
        .replay([], ..=Position::new(9_999))
        .expect_err("it is not that long");
    assert!(matches!(beyond, BusError::BeyondEnd { .. }), "{beyond}");
    assert_eq!(bus.stats("mirror").expect("it is known"), before);
    assert_eq!(
        seen.all().len(),
        400,
        "the durable subscriber saw nothing of it"
    );
    runtime.stop().await.expect("it stops");
}

/// Catches: a list that knows only who is attached, a lag that does not grow, an age that is not
/// that of the oldest, a removed subscription whose name remembers.
#[tokio::test(start_paused = true)]
async fn all_subscriptions_are_listed_with_how_far_they_are_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let runtime = start(file(&path)).await;
    let bus = runtime.bus();
    let subscription = Subscription::new("gone");
    let attached = bus.subscribe(subscription, Seen::default().handler()).await;
    attached.expect("it is attached");
    add_up(&runtime, &["a"], 1..=2).await;
    soon().await;
    drop(bus);
    runtime.stop().await.expect("it stops");

    let runtime = start(file(&path)).await;
    let bus = runtime.bus();
    let options = SubscriptionOptions {
        handling_time_max: Duration::from_secs(3_600),
        ..evenly()
    };
    let subscription = Subscription::new("stuck").options(options);
    let mut stuck = bus.pull(subscription).await.expect("it is attached");
    let out = stuck.next().await.expect("there is more");
    tokio::time::sleep(Duration::from_secs(100)).await;
    add_up(&runtime, &["a"], 3..=7).await;
    soon().await;
    let all = bus.subscribers().expect("they are known");
    let told: Vec<_> = all.iter().map(|it| (&*it.name, it.state.clone())).collect();
    assert_eq!(
        told,
        [
            ("gone", SubscriberState::Detached),
            ("stuck", SubscriberState::Following)
        ]
    );
    let [gone, stuck_stats] = &all[..] else {
        panic!("there are two");
    };
    // The start of the other one stands between.
    assert_eq!(gone.lag, 1 + 5);
    assert_eq!((stuck_stats.in_flight, stuck_stats.held), (1, 7));
    // The oldest is from before the restart; the clock of the tests began anew.
    assert!(
        stuck_stats.lag_age >= Duration::from_secs(100),
        "{stuck_stats:?}"
    );
    assert!(stuck_stats.lag > gone.lag);
    out.ack().expect("it is in time");
    let later = bus.stats("stuck").expect("it is known");
    assert!(later.lag < stuck_stats.lag, "{later:?}");

    let attached = bus.remove("stuck").await;
    assert!(
        matches!(attached, Err(BusError::Attached { .. })),
        "{attached:?}"
    );
    stuck.detach().await;
    assert_eq!(bus.remove("gone").await, Ok(()));
    let names: Vec<_> = bus.subscribers().expect("they are known");
    assert_eq!(
        names.iter().map(|it| &*it.name).collect::<Vec<_>>(),
        ["stuck"]
    );
    let unknown = bus.remove("gone").await;
    assert!(
        matches!(unknown, Err(BusError::Unknown { .. })),
        "{unknown:?}"
    );
    let seen = Seen::default();
    let attached = bus
        .subscribe(Subscription::new("gone"), seen.handler())
        .await;
    attached.expect("the name is free");
    soon().await;
    assert_eq!(seen.amounts(), [1, 2, 3, 4, 5, 6, 7], "it begins anew");
    runtime.stop().await.expect("it stops");
}
