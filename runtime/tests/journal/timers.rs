//! Timers whose command was answered, and whose record the disk then lost.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use mercato::testkit::{Fault, Moment, TestRuntime, TestWorld, eventually};
use mercato::{
    AgentOptions, Caller, Flow, FlowError, FlowId, FlowType, QuarantineQuery, RuntimeBuilder,
};

use super::comes_back;
use crate::support::{Counters, add, read};
use crate::timers::later;

const CLIMB: FlowType<(), i64, FlowError> = FlowType::new("climb", 1);

/// Lies down for ten seconds, and goes one up.
async fn climb(flow: Flow, (): ()) -> Result<i64, FlowError> {
    flow.sleep("rest", Duration::from_secs(10)).await?;
    Ok(flow.ask("up", add("hill", 1)).await?)
}

fn climbing(builder: RuntimeBuilder) -> RuntimeBuilder {
    builder.agent(Counters::default()).flow(CLIMB, climb)
}

/// What falls due within the next seconds is done in memory, and lost. After that nothing else happens: no
/// timer is set, and none falls due.
async fn loses_what_falls_due(world: &TestWorld, runtime: &TestRuntime) {
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(runtime.health().read_only, None);
    world.break_disk();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert!(runtime.health().read_only.is_some(), "something fell due");
    comes_back(world, runtime).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
}

/// Catches: a timer that is taken for done once its command is answered, and that nobody looks at again when
/// the disk has lost what came of it.
#[tokio::test(start_paused = true)]
async fn a_timer_whose_command_was_taken_back_is_given_again() {
    let world = TestWorld::new(1);
    let runtime = world.start(climbing).await;
    runtime.ask(later("a", Some(1))).await.expect("it is set");
    loses_what_falls_due(&world, &runtime).await;
    assert_eq!(runtime.journal().next_timer_ms(), None, "it was given");
    assert_eq!(runtime.ask(read("a")).await, Ok(1));
    runtime.stop().await;
}

/// Catches: the same, where the answer is a refusal and nothing but the timer's end is recorded.
#[tokio::test(start_paused = true)]
async fn a_timer_whose_refusal_was_taken_back_is_given_again() {
    let world = TestWorld::new(1);
    let runtime = world.start(climbing).await;
    let too_much = later("a", Some(-1));
    runtime.ask(too_much).await.expect("it is set");
    loses_what_falls_due(&world, &runtime).await;
    assert_eq!(runtime.journal().next_timer_ms(), None, "it was given");
    assert_eq!(runtime.ask(read("a")).await, Ok(0));
    runtime.stop().await;
}

/// Catches: a flow that sleeps on because the disk lost that it was woken.
#[tokio::test(start_paused = true)]
async fn a_flow_whose_waking_was_taken_back_is_woken_again() {
    let world = TestWorld::new(1);
    let runtime = world.start(climbing).await;
    let brief = Caller::system().within(Duration::from_millis(100));
    let handle = runtime.handle();
    let told = handle.run(&brief, CLIMB, FlowId::new("c"), ()).await;
    assert!(told.is_err(), "it rests");
    drop(handle);
    loses_what_falls_due(&world, &runtime).await;
    assert_eq!(runtime.unfinished_flows(), Ok(0));
    assert_eq!(runtime.ask(read("hill")).await, Ok(1));
    runtime.stop().await;
}

/// Catches: a timer that is dropped because its command stands aside, when the disk has taken that back: then
/// it stands nowhere.
#[tokio::test(start_paused = true)]
async fn a_timer_is_not_dropped_for_a_quarantine_that_was_taken_back() {
    const ATTEMPTS: u32 = 8;
    let options = AgentOptions {
        shards: NonZeroUsize::MIN,
        attempts_max: NonZeroU32::new(ATTEMPTS).expect("some"),
        ..AgentOptions::default()
    };
    let world = TestWorld::new(1);
    let runtime = world
        .start(|builder| builder.agent_with(Counters::default(), options))
        .await;
    runtime.ask(later("a", Some(1))).await.expect("it is set");
    let faults = world.faults();
    faults.arm(Fault::at(Moment::Decide).in_timers().times(ATTEMPTS));
    let second = Duration::from_secs(1);
    let about_to = async || faults.struck() == ATTEMPTS - 1;
    eventually("one attempt is left", 60 * second, about_to).await;
    world.break_disk();
    let failed = async || runtime.health().read_only.is_some();
    eventually("it stands aside", 60 * second, failed).await;
    assert_eq!(faults.struck(), ATTEMPTS);
    // After so many panics its shard starts again in seconds, and the wish to drop the timer waits for it.
    comes_back(&world, &runtime).await;
    assert_eq!(faults.struck(), ATTEMPTS);
    tokio::time::sleep(60 * second).await;
    let standing = runtime.quarantine().list(&QuarantineQuery::default());
    assert_eq!(standing.expect("it reads").items, []);
    assert_eq!(runtime.ask(read("a")).await, Ok(1), "it was given again");
    runtime.stop().await;
}
