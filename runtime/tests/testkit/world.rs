//! A world whose runtime is started anew over the same disk.

use std::num::NonZeroUsize;
use std::time::Duration;

use mercato::persistence::JournalOptions;
use mercato::testkit::{TestRuntime, TestWorld, eventually, fingerprint};
use mercato::{AskError, AskFailure, Caller, Flow, FlowError, FlowId, FlowType, RuntimeBuilder};

use crate::support::{Counters, add, read};

const CLIMB: FlowType<i64, i64, FlowError> = FlowType::new("climb", 1);

async fn climb(flow: Flow, steps: i64) -> Result<i64, FlowError> {
    let mut height = 0;
    for step in 0..steps {
        height = flow.ask(&format!("up {step}"), add("hill", 1)).await?;
        flow.sleep(&format!("rest {step}"), Duration::from_secs(1))
            .await?;
    }
    Ok(height)
}

fn shop(builder: RuntimeBuilder) -> RuntimeBuilder {
    builder.agent(Counters::default()).flow(CLIMB, climb)
}

fn climbing(runtime: &TestRuntime) -> tokio::task::JoinHandle<bool> {
    let handle = runtime.handle();
    let caller = Caller::system().within(Duration::from_secs(60));
    let run = async move { handle.run(&caller, CLIMB, FlowId::new("c"), 10).await };
    tokio::spawn(async move { run.await.is_ok() })
}

/// Catches: a crash that stops in good order, or after which the next start does not find what was
/// acknowledged; and a dead process that goes on.
#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_survives_a_crash_and_what_was_on_its_way_goes_on() {
    let world = TestWorld::new(1);
    let runtime = world.start(shop).await;
    assert_eq!(runtime.ask(add("a", 5)).await, Ok(5));
    let waiting = climbing(&runtime);
    world.pass(Duration::from_millis(4_500)).await;
    runtime.crash().await;
    assert!(!waiting.await.expect("no panic"), "its process is gone");

    let before = fingerprint(&*world.journal());
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(before, fingerprint(&*world.journal()), "nobody is at work");

    let runtime = world.start(shop).await;
    assert_eq!(runtime.ask(read("a")).await, Ok(5));
    assert!(climbing(&runtime).await.expect("no panic"));
    assert_eq!(runtime.ask(read("hill")).await, Ok(10), "each step once");
    runtime.stop().await;
}

/// Catches: a power cut that waits until all is written, and an acknowledgement of what it took.
#[tokio::test(start_paused = true)]
async fn what_still_waited_for_the_disk_is_lost_in_a_crash() {
    let world = TestWorld::new(1);
    world.slow_disk(Duration::from_secs(1));
    let runtime = world.start(shop).await;
    let handle = runtime.handle();
    let ask = |amount| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.ask(&Caller::system(), add("a", amount)).await })
    };
    ask(5);
    world.pass(Duration::from_millis(250)).await;
    // The disk is busy with the one before.
    let waiting = ask(10);
    world.pass(Duration::from_millis(250)).await;
    runtime.crash().await;
    let told = waiting.await.expect("no panic");
    assert!(told.is_err(), "it was not acknowledged: {told:?}");
    world.slow_disk(Duration::from_millis(2));
    let runtime = world.start(shop).await;
    assert_eq!(runtime.ask(read("a")).await, Ok(5));
    runtime.stop().await;
}

/// Catches: two runs of one seed that differ, and a hash that tells no two apart.
#[test]
fn a_world_repeats_with_its_seed() {
    let run = |seed| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let world = TestWorld::new(seed);
            let runtime = world.start(shop).await;
            let waiting = climbing(&runtime);
            world.pass(Duration::from_millis(2_500)).await;
            runtime.crash_flows();
            waiting.await.expect("no panic");
            let journal = runtime.journal().clone();
            runtime.ask(add("a", 1)).await.expect("an answer");
            runtime.stop().await;
            (fingerprint(&*journal), world.now())
        })
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).0, run(2).0);
}

/// Catches: faults of the disk that nobody meets.
#[tokio::test(start_paused = true)]
async fn a_disk_that_is_broken_full_or_slow_is_met_by_who_asks() {
    type Break = fn(&TestWorld);
    let ways: [Break; 2] = [TestWorld::break_disk, TestWorld::fill_disk];
    for break_it in ways {
        let world = TestWorld::new(1);
        let runtime = world.start(shop).await;
        assert_eq!(runtime.ask(add("a", 1)).await, Ok(1));
        break_it(&world);
        let refused = runtime.ask(add("a", 1)).await;
        assert!(
            matches!(refused, Err(AskError::Failed(AskFailure::ReadOnly { .. }))),
            "{refused:?}"
        );
        world.heal_disk();
        let health = async || runtime.health().read_only.is_none();
        eventually("the disk is back", Duration::from_secs(60), health).await;
        assert_eq!(runtime.ask(add("a", 1)).await, Ok(2), "the other was lost");
        runtime.stop().await;
    }
    // A journal whose queue is full: nobody is refused who waits, and nothing is lost.
    let small = JournalOptions {
        queue_bytes_max: 1_024,
        record_bytes_max: 512,
        ..JournalOptions::default()
    };
    let world = TestWorld::with_journal(1, small);
    let runtime = world.start(shop).await;
    world.slow_disk(Duration::from_millis(100));
    let began = world.now();
    let handle = runtime.handle();
    let patient = Caller::system().within(Duration::from_secs(600));
    let asks = (0..200).map(|n| handle.ask(&patient, add(&format!("c{n}"), 1)));
    let answers = futures::future::join_all(asks).await;
    assert!(answers.iter().all(|answer| *answer == Ok(1)));
    let took = world.now().since(began);
    let one_by_one = NonZeroUsize::new(200).map_or(0, NonZeroUsize::get) as u128 * 100;
    assert!(took > Duration::from_millis(1_000), "{took:?}: it waited");
    assert!(took.as_millis() < one_by_one, "{took:?}: in groups");
    runtime.stop().await;
}

/// Catches: a wait that gives up early, or without a word.
#[tokio::test(start_paused = true)]
#[should_panic(expected = "the moon did not come about within 3s")]
async fn what_does_not_come_about_is_named() {
    eventually("the moon", Duration::from_secs(3), async || false).await;
}
