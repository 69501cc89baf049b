//! Deliveries for a loop of one's own.

use std::num::NonZeroUsize;
use std::time::Duration;

use mercato::{DeliveryError, LeaseLost, Redelivery, Subscription, SubscriptionOptions};

use crate::bus::common::{add_up, amount_of, evenly, soon, start};
use crate::support::memory;

fn pulled_one_by_one() -> Subscription {
    Subscription::new("pulled").options(SubscriptionOptions {
        parallel_max: NonZeroUsize::new(2).expect("some"),
        handling_time_max: Duration::from_secs(1),
        ..evenly()
    })
}

/// Catches: a second delivery of a key before the first is acknowledged, more out than was asked
/// for, a failure that is not delivered again, a wait that loses a delivery when it is given up.
#[tokio::test(start_paused = true)]
async fn a_delivery_is_out_until_it_is_answered() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    let mut pulled = bus.pull(pulled_one_by_one()).await.expect("it is attached");
    add_up(&runtime, &["a", "b", "c"], 1..=2).await;
    soon().await;
    let first = pulled.next().await.expect("there is more");
    let second = pulled.next().await.expect("there is more");
    assert_eq!(
        (first.delivery().key(), second.delivery().key()),
        ("a", "b")
    );
    let short = Duration::from_millis(10);
    let third = tokio::time::timeout(short, pulled.next()).await;
    assert!(third.is_err(), "two are out");
    second.ack().expect("it is in time");
    let third = pulled.next().await.expect("there is more");
    assert_eq!(third.delivery().key(), "c", "the oldest that may go");
    third.put_back();
    let third = pulled.next().await.expect("there is more");
    assert_eq!(
        (third.delivery().key(), third.delivery().attempt()),
        ("c", 1)
    );
    drop(third);
    first
        .fail(DeliveryError::retry("no"))
        .expect("it is in time");
    let fourth = pulled.next().await.expect("there is more");
    assert_eq!(
        fourth.delivery().key(),
        "b",
        "the others wait for their next attempt"
    );
    fourth.ack().expect("it is in time");
    // A wait that is given up in the middle takes nothing with it.
    for _ in 0..50 {
        let waited = tokio::time::timeout(Duration::from_millis(1), pulled.next()).await;
        if let Ok(leased) = waited {
            leased.expect("there is more").ack().expect("it is in time");
        }
    }
    let mut rest = Vec::new();
    while let Ok(leased) = tokio::time::timeout(Duration::from_secs(1), pulled.next()).await {
        let leased = leased.expect("there is more");
        let delivery = leased.delivery();
        rest.push((
            delivery.key().to_owned(),
            amount_of(delivery),
            delivery.attempt(),
        ));
        leased.ack().expect("it is in time");
    }
    let stats = bus.stats("pulled").expect("it is known");
    assert_eq!(
        (stats.delivered, stats.lag, stats.in_flight),
        (6, 0, 0),
        "{rest:?}"
    );
    assert!(rest.contains(&("a".into(), Ok(1), 2)), "{rest:?}");
    assert!(rest.contains(&("c".into(), Ok(1), 2)), "{rest:?}");
    runtime.stop().await.expect("it stops");
}

/// Catches: a delivery that is never given up by one who died over it, and an answer that comes too
/// late and counts all the same.
#[tokio::test(start_paused = true)]
async fn what_is_not_answered_in_time_comes_again() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    let mut pulled = bus.pull(pulled_one_by_one()).await.expect("it is attached");
    add_up(&runtime, &["a"], 1..=2).await;
    let first = pulled.next().await.expect("there is more");
    tokio::time::sleep(Duration::from_millis(900)).await;
    first.extend().expect("it is in time");
    tokio::time::sleep(Duration::from_millis(900)).await;
    first.extend().expect("it is in time");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(first.extend(), Err(LeaseLost));
    assert_eq!(first.ack(), Err(LeaseLost));
    let again = pulled.next().await.expect("there is more");
    assert_eq!(amount_of(again.delivery()), Ok(1));
    assert_eq!(again.delivery().attempt(), 2);
    again.ack().expect("it is in time");
    runtime.stop().await.expect("it stops");
}

/// Catches: a delivery whose time nobody watches, because it was taken while there was nothing else to do, or
/// something to do much later.
#[tokio::test(start_paused = true)]
async fn time_runs_for_what_was_taken_while_nothing_else_happens() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    let much_later = Redelivery {
        first: Duration::from_secs(30),
        ..evenly().redelivery
    };
    let pulled = pulled_one_by_one().options(SubscriptionOptions {
        handling_time_max: Duration::from_secs(1),
        redelivery: much_later,
        ..evenly()
    });
    let mut pulled = bus.pull(pulled).await.expect("it is attached");
    for key in ["a", "b"] {
        add_up(&runtime, &[key], 1..=1).await;
        soon().await;
        let held = pulled.next().await.expect("there is more");
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        // It comes again in half a minute; for the other one nothing else is to be done until then.
        assert_eq!(held.ack(), Err(LeaseLost), "{key}");
    }
    let again = pulled.next().await.expect("there is more");
    assert_eq!(again.delivery().attempt(), 2);
    again.ack().expect("it is in time");
    runtime.stop().await.expect("it stops");
}

/// Catches: a subscriber that stays attached when its owner is gone, what it acknowledged last
/// delivered again, what it did not never; a stop that hangs on one who pulls.
#[tokio::test(start_paused = true)]
async fn who_lets_go_gives_back_what_is_out() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    let mut pulled = bus.pull(pulled_one_by_one()).await.expect("it is attached");
    add_up(&runtime, &["a", "b"], 1..=2).await;
    let of_a = pulled.next().await.expect("there is more");
    let of_b = pulled.next().await.expect("there is more");
    let detaching = tokio::spawn(pulled.detach());
    tokio::time::sleep(Duration::from_millis(500)).await;
    of_a.ack().expect("within the grace");
    drop(of_b);
    detaching.await.expect("no panic");
    let mut pulled = bus
        .pull(pulled_one_by_one())
        .await
        .expect("it is free again");
    let next = pulled.next().await.expect("there is more");
    assert_eq!(next.delivery().key(), "b");
    drop(next);
    drop(pulled);
    soon().await;
    let mut pulled = bus
        .pull(pulled_one_by_one())
        .await
        .expect("it is free again");
    let _out = pulled.next().await.expect("there is more");
    let before = runtime.handle().clock().now();
    let clock = runtime.handle().clock();
    runtime.stop().await.expect("it stops");
    let took = clock.now().since(before);
    assert!(took < Duration::from_secs(6), "{took:?}");
    assert!(pulled.next().await.is_none(), "there is no more");
}
