//! A slow subscriber is nobody's trouble but its own.

use std::num::NonZeroUsize;
use std::time::Duration;

use mercato::{Caller, Delivery, StartAt, Subscription, SubscriptionOptions};

use crate::bus::common::{Seen, add_up, soon, start};
use crate::support::{COMMIT, add, memory};

/// Catches: a writer or another subscriber that waits for a slow one, and a slow one that holds all
/// that it is behind.
#[tokio::test(start_paused = true)]
async fn a_slow_one_delays_nobody_and_holds_a_bounded_part() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    let (slow, fast) = (Seen::default(), Seen::default());
    let options = SubscriptionOptions {
        ahead_max: NonZeroUsize::new(50).expect("some"),
        parallel_max: NonZeroUsize::new(2).expect("some"),
        ..SubscriptionOptions::default()
    };
    let handler = {
        let slow = slow.clone();
        move |delivery: Delivery| {
            let slow = slow.clone();
            async move {
                tokio::time::sleep(Duration::from_secs(20)).await;
                slow.note(&delivery).map(drop)
            }
        }
    };
    let subscription = Subscription::new("slow").options(options.clone());
    let attached = bus.subscribe(subscription, handler).await;
    attached.expect("it is attached");
    let attached = bus
        .subscribe(Subscription::new("fast"), fast.handler())
        .await;
    attached.expect("it is attached");

    let (clock, handle) = (runtime.handle().clock(), runtime.handle());
    let mut most = (0, 0);
    for amount in 1..=500 {
        let before = clock.now();
        let counter = format!("c{}", amount % 10);
        let added = handle.ask(&Caller::system(), add(&counter, amount)).await;
        added.expect("it is served");
        assert!(clock.now().since(before) <= 2 * COMMIT, "a writer waited");
        let stats = bus.stats("slow").expect("it is known");
        most = (most.0.max(stats.held), most.1.max(stats.held_bytes));
        // The fast one is one commit behind at most, and the time that its handler takes.
        let behind = bus.stats("fast").expect("it is known").lag;
        assert!(behind <= 2, "the fast one is {behind} behind");
    }
    soon().await;
    assert_eq!(fast.amounts(), (1..=500).collect::<Vec<_>>());
    assert_eq!(most.0, 50);
    assert!(most.1 <= 50 * 400, "{} bytes", most.1);
    let stats = bus.stats("slow").expect("it is known");
    assert!(stats.lag > 400, "{stats:?}");
    // It gets there all the same.
    tokio::time::sleep(Duration::from_secs(20 * 251)).await;
    assert_eq!(slow.all().len(), 500);
    assert_eq!(bus.stats("slow").expect("it is known").lag, 0);
    runtime.stop().await.expect("it stops");
}

/// Catches: bytes that are not counted, so that large events fill the memory.
#[tokio::test(start_paused = true)]
async fn large_events_are_held_by_their_bytes() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    let options = SubscriptionOptions {
        held_bytes_max: 4_000,
        ..SubscriptionOptions::default()
    };
    let subscription = Subscription::new("pulled").options(options);
    let mut pulled = bus.pull(subscription).await.expect("it is attached");
    add_up(&runtime, &["a"], 1..=100).await;
    soon().await;
    let stats = bus.stats("pulled").expect("it is known");
    assert!((2..20).contains(&stats.held), "{stats:?}");
    let mut seen = Vec::new();
    while seen.len() < 100 {
        let leased = pulled.next().await.expect("there is more");
        seen.push(leased.delivery().place());
        leased.ack().expect("it is in time");
    }
    assert!(seen.is_sorted());
    runtime.stop().await.expect("it stops");
}

/// Catches: a run of one seed that differs from the next, so that no simulation repeats.
#[test]
fn one_seed_gives_one_order_of_deliveries() {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let runtime = start(memory()).await;
            let seen = Seen::default();
            let clock = runtime.handle().clock();
            let times = Seen::default();
            for name in ["one", "two", "three"] {
                let (seen, times) = (seen.clone(), times.clone());
                let handler = move |delivery: Delivery| {
                    let seeing = seen.note(&delivery).expect("a counter's event");
                    let mut at = seeing.clone();
                    at.key = format!("{name} {} {}", seeing.key, clock.now());
                    times.all().push(at);
                    async move {
                        tokio::time::sleep(Duration::from_millis(3)).await;
                        match (seeing.amount + i64::from(seeing.attempt)) % 3 {
                            0 => Err(mercato::DeliveryError::retry("not now")),
                            _ => Ok(()),
                        }
                    }
                };
                let subscription = Subscription::new(name).starting(StartAt::Now);
                let attached = runtime.bus().subscribe(subscription, handler).await;
                attached.expect("it is attached");
            }
            add_up(&runtime, &["a", "b", "c"], 1..=20).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
            runtime.stop().await.expect("it stops");
            times.all().clone()
        })
    };
    let first = run();
    assert!(first.len() > 3 * 60, "each is delivered, some again");
    assert_eq!(first, run());
}
