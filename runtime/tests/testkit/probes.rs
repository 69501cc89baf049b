//! Probes see what an agent does, and fail in words.

use std::time::Duration;

use mercato::testkit::{Fault, Moment, TestRuntime, TestWorld};
use mercato::{Caller, CommandId};

use crate::support::{Add, Added, CounterEvent, Counters, add, one_shard, read};

const SECOND: Duration = Duration::from_secs(1);

async fn started(world: &TestWorld) -> TestRuntime {
    world.start(one_shard).await
}

fn amount(event: &CounterEvent) -> i64 {
    let CounterEvent::Added(added) = event;
    added.amount
}

/// Catches: an event that is missed, given out twice, or seen before it is durable; and one of before the
/// probe.
#[tokio::test(start_paused = true)]
async fn a_probe_sees_each_event_once_and_in_its_order() {
    let world = TestWorld::new(1);
    let runtime = started(&world).await;
    runtime.ask(add("a", 100)).await.expect("an answer");
    let mut probe = runtime.probe::<Counters>();
    let handle = runtime.handle();
    let later = tokio::spawn({
        let world = world.clone();
        async move {
            world.pass(Duration::from_millis(500)).await;
            for amount in 1..=3 {
                let asked = handle.ask(&Caller::system(), add("a", amount)).await;
                asked.expect("an answer");
            }
        }
    });
    let any = |_: &_| true;
    let first = probe.next("added", SECOND, any).await;
    assert_eq!((amount(&first.event), &*first.entity), (1, "a"));
    let third = probe.next("three", SECOND, |it| amount(&it.event) == 3);
    assert_eq!(amount(&third.await.event), 3);
    probe.none("added", SECOND, any).await;
    later.await.expect("no panic");
    let added = |amount| CounterEvent::from(Added { amount });
    assert_eq!(probe.events("a"), [100, 1, 2, 3].map(added));
    assert_eq!(probe.events("b"), []);
    runtime.stop().await;
}

/// Catches: a wait that ends late, or does not say what came instead.
#[tokio::test(start_paused = true)]
async fn an_event_that_does_not_come_is_told_with_those_that_did() {
    use futures::FutureExt;
    let world = TestWorld::new(1);
    let runtime = started(&world).await;
    let mut probe = runtime.probe::<Counters>();
    runtime.ask(add("a", 1)).await.expect("an answer");
    let began = world.now();
    let waiting = probe.next("two", SECOND, |it| amount(&it.event) == 2);
    let panic = std::panic::AssertUnwindSafe(waiting).catch_unwind().await;
    let panic = panic.expect_err("it does not come");
    let text = panic.downcast_ref::<String>().expect("a text");
    for part in ["probes.rs:", "was two within 1s", "amount: 1", "of `a`"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(world.now().since(began), SECOND);
    runtime.stop().await;
}

/// Catches: replies and depths of something else.
#[tokio::test(start_paused = true)]
async fn a_probe_tells_first_replies_and_what_waits() {
    let world = TestWorld::new(1);
    let runtime = started(&world).await;
    let probe = runtime.probe::<Counters>();
    let id = CommandId::from_key("one");
    assert_eq!(probe.first_reply::<Add>(id), None);
    let keyed = Caller::system().keyed(id);
    let handle = runtime.handle();
    assert_eq!(handle.ask(&keyed, add("a", 7)).await, Ok(7));
    assert_eq!(probe.ask(add("a", 1)).await, Ok(8));
    assert_eq!(probe.first_reply::<Add>(id), Some(7));
    // The second of two crashes is waited out, and meanwhile commands wait.
    world
        .faults()
        .arm(Fault::at(Moment::Decide).on("a").times(2));
    let caller = Caller::system();
    let ((), answers) = tokio::join!(
        async {
            world.pass(Duration::from_millis(1)).await;
            let depths = probe.mailboxes();
            assert_eq!(depths.len(), 1);
            assert_eq!(depths[0].business + depths[0].in_hand, 3, "{depths:?}");
        },
        futures::future::join_all((0..3).map(|_| handle.ask(&caller, read("a")))),
    );
    assert_eq!(answers, [const { Ok(8) }; 3]);
    assert_eq!(probe.stats().handled, 5);
    assert_eq!(probe.mailboxes()[0].business, 0);
    runtime.stop().await;
}
