//! A runtime that is left behind fails its test.

use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use mercato::testkit::TestWorld;
use mercato::{AgentOptions, Caller, Flow, FlowError, FlowId, FlowType, Runtime, RuntimeBuilder};

use crate::support::{Counters, memory};

const SLEEP: FlowType<(), (), FlowError> = FlowType::new("sleep", 1);

fn shop(builder: RuntimeBuilder) -> RuntimeBuilder {
    let sleep =
        |flow: Flow, ()| async move { flow.sleep("night", Duration::from_secs(3_600)).await };
    builder.agent(Counters::default()).flow(SLEEP, sleep)
}

/// Catches: a runtime that goes on beside the next test's, and a failure that does not say what of it.
#[tokio::test(start_paused = true)]
async fn a_runtime_that_is_dropped_alive_panics_by_the_names_of_what_lives() {
    let world = TestWorld::new(1);
    let runtime = world.start(shop).await;
    let handle = runtime.handle();
    let sleeping = tokio::spawn(async move {
        let caller = Caller::system().within(Duration::from_secs(7_200));
        handle.run(&caller, SLEEP, FlowId::new("s"), ()).await
    });
    world.pass(Duration::from_secs(1)).await;
    let dropped = AssertUnwindSafe(async { drop(runtime) }).catch_unwind();
    let panic = dropped.await.expect_err("it is alive");
    let text = panic.downcast_ref::<String>().expect("a text");
    for name in ["mercato/counters/0", "mercato/counters/3", "1 flows"] {
        assert!(text.contains(name), "{text}");
    }
    // Nor does what it left behind go on.
    let began = world.now();
    assert!(sleeping.await.expect("no panic").is_err(), "it is let go");
    assert!(world.now().since(began) < Duration::from_secs(60));
}

/// Catches: a list of what lives that is as long as there are shards, one that leaves out how many more there
/// are or counts none at all, and flows where there are none.
#[tokio::test(start_paused = true)]
async fn a_long_list_of_what_lives_is_cut() {
    // The agent itself is one of twelve that are listed.
    for (shards, more) in [
        (11, None),
        (12, Some("and 1 more")),
        (15, Some("and 4 more")),
    ] {
        let world = TestWorld::new(1);
        let options = AgentOptions {
            shards: NonZeroUsize::new(shards).expect("shards"),
            ..AgentOptions::default()
        };
        let many = |builder: RuntimeBuilder| builder.agent_with(Counters::default(), options);
        let runtime = world.start(many).await;
        let dropped = AssertUnwindSafe(async { drop(runtime) }).catch_unwind();
        let panic = dropped.await.expect_err("it is alive");
        let text = panic.downcast_ref::<String>().expect("a text");
        assert_eq!(text.matches("mercato/counters").count(), 12, "{text}");
        assert!(!text.contains("flows"), "{text}");
        match more {
            Some(more) => assert!(text.ends_with(more), "{text}"),
            None => assert!(!text.contains("more"), "{text}"),
        }
    }
}

/// Catches: a runtime that was stopped and counts as left behind, and one that hides a test's own panic
/// behind its own.
#[tokio::test(start_paused = true)]
async fn one_that_was_stopped_or_is_dropped_by_a_panic_does_not() {
    let world = TestWorld::new(1);
    world.start(shop).await.stop().await;
    let failing = AssertUnwindSafe(async {
        let _runtime = world.start(shop).await;
        panic!("the test's own");
    });
    let panic = failing.catch_unwind().await.expect_err("it failed");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the test's own"));
}

/// Catches: a program that crashes because it let go of its runtime.
#[tokio::test(start_paused = true)]
async fn outside_of_tests_it_is_let_go_without_a_panic() {
    let runtime = shop(Runtime::builder(memory())).start().await;
    let runtime = runtime.expect("it starts");
    let watcher = runtime.watcher();
    let gone = watcher
        .watch_for_good("mercato/counters")
        .expect("an agent");
    drop(runtime);
    gone.ended().await;
}
