//! What becomes of an event that is not handled.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato::persistence::{Append, EventData};
use mercato::{
    Bus, BusError, Delivery, DeliveryError, Letters, OnFailure, Redelivery, StartAt,
    SubscriberState, Subscription, SubscriptionOptions,
};

use crate::bus::common::{Seen, add_up, amount_of, evenly, soon, start};
use crate::support::{file, memory};

const POISON: i64 = 2;

/// Fails on every second event of a key, with what `failure` gives, while it is on.
async fn attach(
    bus: &Bus,
    seen: &Seen,
    poisoned: &Arc<AtomicBool>,
    options: SubscriptionOptions,
    failure: fn(&str) -> DeliveryError,
) {
    let (seen, poisoned) = (seen.clone(), poisoned.clone());
    let handler = move |delivery: Delivery| {
        let seeing = seen.note(&delivery);
        let fails = amount_of(&delivery) == Ok(POISON)
            && delivery.key() != "c"
            && poisoned.load(Ordering::SeqCst);
        std::future::ready(match fails {
            true => Err(failure("no such shelf")),
            false => seeing.map(drop),
        })
    };
    let subscription = Subscription::new("mirror").options(options);
    let attached = bus.subscribe(subscription, handler).await;
    attached.expect("it is attached");
}

/// Catches: one attempt too many or too few, waits that do not double, a key that is overtaken while
/// its event is tried again, a failure that holds other keys up.
#[tokio::test(start_paused = true)]
async fn a_failed_event_comes_again_after_waits_and_only_its_key_waits() {
    let runtime = start(memory()).await;
    let clock = runtime.handle().clock();
    let times = Arc::new(Mutex::new(Vec::new()));
    let (seen, log) = (Seen::default(), times.clone());
    let handler = {
        let seen = seen.clone();
        move |delivery: Delivery| {
            let seeing = seen.note(&delivery).expect("a counter's event");
            let fails = seeing.key == "a" && seeing.amount == POISON;
            if fails {
                log.lock().expect("no panic").push(clock.now());
            }
            std::future::ready(match fails {
                true => Err(DeliveryError::retry("no such shelf")),
                false => Ok(()),
            })
        }
    };
    let subscription = Subscription::new("mirror").options(evenly());
    let attached = runtime.bus().subscribe(subscription, handler).await;
    attached.expect("it is attached");
    add_up(&runtime, &["a", "b"], 1..=4).await;
    soon().await;
    assert_eq!(seen.amounts_of("b"), [1, 2, 3, 4], "the other key went on");
    assert_eq!(seen.amounts_of("a"), [1, 2], "this one waits");
    let stats = runtime.bus().stats("mirror").expect("it is known");
    assert_eq!((stats.delivered, stats.retried, stats.held), (5, 1, 3));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(seen.amounts_of("a"), [1, 2, 2, 2, 2, 2, 3, 4]);
    let times = times.lock().expect("no panic").clone();
    let waits: Vec<_> = times
        .windows(2)
        .map(|two| two[1].since(two[0]).as_millis())
        .collect();
    assert_eq!(waits, [200, 400, 800, 1_600]);
    let stats = runtime.bus().stats("mirror").expect("it is known");
    assert_eq!((stats.retried, stats.dead_lettered, stats.lag), (4, 1, 0));
    runtime.stop().await.expect("it stops");
}

/// Catches: a wait that is not the one the handler asked for; a hopeless event that is tried again.
#[tokio::test(start_paused = true)]
async fn a_handler_may_say_when_to_come_again_and_that_there_is_no_use() {
    let runtime = start(memory()).await;
    let (seen, on) = (Seen::default(), Arc::new(AtomicBool::new(true)));
    let again = |why: &str| DeliveryError::retry_after(Duration::from_secs(7), why);
    attach(&runtime.bus(), &seen, &on, evenly(), again).await;
    add_up(&runtime, &["a"], 1..=2).await;
    tokio::time::sleep(Duration::from_millis(6_900)).await;
    assert_eq!(seen.amounts(), [1, 2]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(seen.amounts(), [1, 2, 2]);
    runtime.bus().detach("mirror").await;
    let seen = Seen::default();
    let never = |why: &str| DeliveryError::permanent(why);
    attach(&runtime.bus(), &seen, &on, evenly(), never).await;
    soon().await;
    assert_eq!(seen.amounts(), [2]);
    let letters = runtime.bus().dead_letters("mirror").await;
    assert_eq!(letters.expect("it is known")[0].attempts, 1);
    runtime.stop().await.expect("it stops");
}

/// Catches: dead letters that are gone after a restart, cannot be told from each other, come back
/// by themselves, are lost when they fail again, or stay when they were handled or dropped.
#[tokio::test(start_paused = true)]
async fn dead_letters_are_kept_shown_delivered_again_and_dropped() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let (seen, on) = (Seen::default(), Arc::new(AtomicBool::new(true)));
    let never = |why: &str| DeliveryError::permanent(why);
    let runtime = start(file(&path)).await;
    attach(&runtime.bus(), &seen, &on, evenly(), never).await;
    add_up(&runtime, &["a", "b", "c"], 1..=3).await;
    soon().await;
    runtime.stop().await.expect("it stops");

    let runtime = start(file(&path)).await;
    let bus = runtime.bus();
    let letters = bus.dead_letters("mirror").await.expect("it is known");
    let told: Vec<_> = letters
        .iter()
        .map(|it| {
            format!(
                "{} {} {} {}: {}",
                it.agent, it.key, it.event, it.times, it.reason
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "counters a Added 1: no such shelf",
            "counters b Added 1: no such shelf"
        ]
    );
    let event = bus.event(letters[0].place).expect("it is readable");
    let event = event.expect("it is an event");
    assert_eq!((event.key(), amount_of(&event)), ("a", Ok(POISON)));
    let unattached = bus.redeliver("mirror", Letters::All).await;
    assert!(
        matches!(unattached, Err(BusError::NotAttached { .. })),
        "{unattached:?}"
    );

    seen.all().clear();
    attach(&bus, &seen, &on, evenly(), never).await;
    soon().await;
    assert!(
        seen.amounts().is_empty(),
        "what stands aside does not come by itself"
    );
    // One fails again, and is still there.
    let again = Letters::At(letters[0].place);
    assert_eq!(bus.redeliver("mirror", again).await, Ok(1));
    soon().await;
    assert_eq!(seen.amounts_of("a"), [POISON]);
    let still = bus.dead_letters("mirror").await.expect("it is known");
    assert_eq!((still.len(), still[0].times, still[1].times), (2, 2, 1));
    // Mended, it is off the list; the other is dropped.
    on.store(false, Ordering::SeqCst);
    assert_eq!(bus.redeliver("mirror", again).await, Ok(1));
    soon().await;
    assert_eq!(bus.drop_dead_letters("mirror", Letters::All).await, Ok(1));
    assert_eq!(bus.drop_dead_letters("mirror", Letters::All).await, Ok(0));
    let none = bus.drop_dead_letters("mirror", again).await;
    assert!(
        matches!(none, Err(BusError::NoDeadLetter { .. })),
        "{none:?}"
    );
    assert!(seen.amounts_of("b").is_empty(), "it was dropped");
    assert_eq!(bus.stats("mirror").expect("it is known").dead_letters, 0);
    // Whoever holds the bus keeps the journal's file open.
    drop(bus);
    runtime.stop().await.expect("it stops");

    let runtime = start(file(&path)).await;
    let none = runtime.bus().dead_letters("mirror").await;
    assert_eq!(none.expect("it is known"), []);
    runtime.stop().await.expect("it stops");
}

/// Catches: a list of dead letters without a bound, and an event that is lost because it is full.
#[tokio::test(start_paused = true)]
async fn a_full_list_of_dead_letters_blocks_the_next_key_and_loses_nothing() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    let (seen, on) = (Seen::default(), Arc::new(AtomicBool::new(true)));
    let options = SubscriptionOptions {
        dead_letters_max: NonZeroUsize::MIN,
        ..evenly()
    };
    attach(&bus, &seen, &on, options, |why| {
        DeliveryError::permanent(why)
    })
    .await;
    add_up(&runtime, &["a", "b", "c"], 1..=3).await;
    soon().await;
    let stats = bus.stats("mirror").expect("it is known");
    assert_eq!((stats.dead_letters, stats.blocked.len()), (1, 1));
    assert_eq!(
        (&*stats.blocked[0].key, &*stats.blocked[0].reason),
        ("b", "no such shelf")
    );
    assert_eq!(seen.amounts_of("b"), [1, 2], "its key waits");
    assert_eq!(seen.amounts_of("c"), [1, 2, 3], "the others do not");
    assert!(stats.lag > 0, "the cursor does not pass it");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let full = bus.set_aside("mirror", stats.blocked[0].place).await;
    assert!(
        matches!(full, Err(BusError::DeadLettersFull { limit: 1 })),
        "{full:?}"
    );
    assert_eq!(bus.drop_dead_letters("mirror", Letters::All).await, Ok(1));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let stats = bus.stats("mirror").expect("it is known");
    assert_eq!(
        (stats.dead_letters, stats.blocked.len(), stats.lag),
        (1, 0, 0)
    );
    assert_eq!(seen.amounts_of("b").last(), Some(&3));
    runtime.stop().await.expect("it stops");
}

/// Catches: a blocked key that is passed over, that blocks others, that is not shown, or that does
/// not go on when its event is handled or an operator sets it aside.
#[tokio::test(start_paused = true)]
async fn a_key_may_wait_for_as_long_as_it_takes() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    let (seen, on) = (Seen::default(), Arc::new(AtomicBool::new(true)));
    let options = SubscriptionOptions {
        on_failure: OnFailure::BlockKey,
        redelivery: Redelivery {
            attempts_max: NonZeroU32::new(2).expect("some"),
            wait_max: Duration::from_secs(1),
            ..evenly().redelivery
        },
        ..evenly()
    };
    attach(&bus, &seen, &on, options, |why| DeliveryError::retry(why)).await;
    add_up(&runtime, &["a", "b", "c"], 1..=3).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let stats = bus.stats("mirror").expect("it is known");
    let blocked: Vec<_> = stats.blocked.iter().map(|it| &*it.key).collect();
    assert_eq!(blocked, ["a", "b"]);
    assert!(stats.blocked[0].attempts > 50, "{:?}", stats.blocked);
    assert_eq!((stats.dead_letters, stats.lag_age.as_secs()), (0, 60));
    assert_eq!(seen.amounts_of("c"), [1, 2, 3]);
    // An operator lets the one go; the other is mended.
    let place = stats.blocked[0].place;
    assert_eq!(bus.set_aside("mirror", place).await, Ok(()));
    soon().await;
    assert_eq!(seen.amounts_of("a").last(), Some(&3));
    let again = bus.set_aside("mirror", place).await;
    assert!(
        matches!(again, Err(BusError::NotBlocked { .. })),
        "{again:?}"
    );
    assert!(!seen.amounts_of("b").contains(&3));
    on.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(seen.amounts_of("b").last(), Some(&3));
    let stats = bus.stats("mirror").expect("it is known");
    assert_eq!(
        (stats.dead_letters, stats.blocked.len(), stats.lag),
        (1, 0, 0)
    );
    runtime.stop().await.expect("it stops");
}

/// Catches: a panic that ends the subscriber or another one, that is not counted as an attempt, or
/// whose words are lost; a handler that hangs for good, and one that still runs when its event is
/// handled anew.
#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_or_hangs_has_failed() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    let other = Seen::default();
    let attached = bus
        .subscribe(Subscription::new("other"), other.handler())
        .await;
    attached.expect("it is attached");
    let options = SubscriptionOptions {
        handling_time_max: Duration::from_secs(1),
        redelivery: Redelivery {
            attempts_max: NonZeroU32::new(2).expect("some"),
            ..evenly().redelivery
        },
        ..evenly()
    };
    let hanging = Arc::new(());
    let held = hanging.clone();
    let handler = move |delivery: Delivery| {
        let amount = amount_of(&delivery);
        assert_ne!(amount, Ok(1), "the shelf fell down");
        let held = held.clone();
        async move {
            assert_ne!(amount, Ok(2), "the shelf fell over");
            if amount == Ok(3) {
                std::future::pending::<()>().await;
            }
            drop(held);
            Ok(())
        }
    };
    let subscription = Subscription::new("shaky").options(options);
    let attached = bus.subscribe(subscription, handler).await;
    attached.expect("it is attached");
    add_up(&runtime, &["a"], 1..=4).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let letters = bus.dead_letters("shaky").await.expect("it is known");
    assert_eq!(letters.len(), 3);
    assert!(letters.iter().all(|it| it.attempts == 2), "{letters:?}");
    for (letter, words) in letters
        .iter()
        .zip(["fell down", "fell over", "more than 1000 ms"])
    {
        assert!(letter.reason.contains(words), "{letter:?}");
    }
    let stats = bus.stats("shaky").expect("it is known");
    assert_eq!((stats.delivered, stats.in_flight, stats.lag), (1, 0, 0));
    assert_eq!(other.amounts(), [1, 2, 3, 4]);
    bus.detach("shaky").await;
    assert_eq!(Arc::strong_count(&hanging), 1, "what hung is gone");
    runtime.stop().await.expect("it stops");
}

/// Catches: a stream of dead letters that is read from its beginning for ever, and a snapshot of it
/// that says something else than its events.
#[tokio::test(start_paused = true)]
async fn a_long_list_of_dead_letters_is_summed_up_and_comes_back_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let runtime = start(file(&path)).await;
    let bus = runtime.bus();
    let never = |_| std::future::ready(Err(DeliveryError::permanent("it says no")));
    let subscription = Subscription::new("mirror").options(evenly());
    let attached = bus.subscribe(subscription, never).await;
    attached.expect("it is attached");
    add_up(&runtime, &["a", "b"], 1..=100).await;
    soon().await;
    let all = bus.dead_letters("mirror").await.expect("it is known");
    assert_eq!(all.len(), 200);
    let dropped = bus
        .drop_dead_letters("mirror", Letters::At(all[7].place))
        .await;
    assert_eq!(dropped, Ok(1));
    let left = bus.dead_letters("mirror").await.expect("it is known");
    drop(bus);
    runtime.stop().await.expect("it stops");

    let journal = file(&path);
    let snapshot = journal.snapshot("subscription/mirror");
    let snapshot = snapshot.expect("it is readable").expect("there is one");
    assert!(
        snapshot.stream_version >= 128,
        "{}",
        snapshot.stream_version
    );
    let runtime = start(journal).await;
    let again = runtime.bus().dead_letters("mirror").await;
    assert_eq!(again.expect("it is known"), left);
    assert_eq!(left.len(), 199);
    runtime.stop().await.expect("it stops");
}

/// Catches: a subscriber that dies in silence, or takes others with it, where its own records are
/// not as it left them.
#[tokio::test(start_paused = true)]
async fn a_subscriber_that_cannot_go_on_says_so_and_stops_alone() {
    let journal = memory();
    let runtime = start(journal.clone()).await;
    let bus = runtime.bus();
    let never = |_| std::future::ready(Err(DeliveryError::permanent("it says no")));
    let subscription = Subscription::new("mirror");
    let attached = bus.subscribe(subscription, never).await;
    attached.expect("it is attached");
    let other = Seen::default();
    let attached = bus
        .subscribe(Subscription::new("other"), other.handler())
        .await;
    attached.expect("it is attached");
    let stream = "subscription/mirror";
    let version = journal.version(stream).expect("it is readable");
    let foreign = EventData {
        name: "Foreign".into(),
        version: 1,
        payload: Vec::new(),
    };
    let foreign = Append {
        events: vec![foreign],
        ..Append::to(stream, version, 0)
    };
    journal.append(foreign).expect("it is taken");
    add_up(&runtime, &["a"], 1..=2).await;
    soon().await;
    assert_eq!(other.amounts(), [1, 2]);
    let stopped = runtime.health().stopped_subscribers;
    assert_eq!(stopped, ["mirror".into()]);
    for _ in 0..2 {
        let all = bus.subscribers().expect("they are known");
        let SubscriberState::Stopped { reason } = &all[0].state else {
            panic!("it goes on: {all:?}");
        };
        assert!(reason.contains(stream), "{reason}");
        assert_eq!(all[1].state, SubscriberState::Following);
        // Nor can it be attached again.
        let again = bus.subscribe(Subscription::new("mirror"), other.handler());
        again.await.expect_err("its stream cannot be read");
    }
    runtime.stop().await.expect("it stops");
}

/// Catches: a dead letter that stays on the list although a reset had its event handled, and one
/// that stands there twice because it failed again.
#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_a_reset_delivers_again_is_the_same_letter() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    let (seen, on) = (Seen::default(), Arc::new(AtomicBool::new(true)));
    let never = |why: &str| DeliveryError::permanent(why);
    attach(&bus, &seen, &on, evenly(), never).await;
    add_up(&runtime, &["a"], 1..=3).await;
    soon().await;
    assert_eq!(bus.reset("mirror", StartAt::Beginning).await, Ok(()));
    soon().await;
    let letters = bus.dead_letters("mirror").await.expect("it is known");
    assert_eq!((letters.len(), letters[0].times), (1, 2));
    on.store(false, Ordering::SeqCst);
    assert_eq!(bus.reset("mirror", StartAt::Beginning).await, Ok(()));
    soon().await;
    let letters = bus.dead_letters("mirror").await.expect("it is known");
    assert_eq!(letters, []);
    assert_eq!(seen.amounts(), [1, 2, 3, 1, 2, 3, 1, 2, 3]);
    runtime.stop().await.expect("it stops");
}
