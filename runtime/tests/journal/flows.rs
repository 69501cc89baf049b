//! Flows that wait in memory while the disk fails and comes back: what they wait for, and whoever waits for
//! them, is none the worse for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mercato::testkit::{TestRuntime, TestWorld};
use mercato::{
    Activity, Caller, Flow, FlowError, FlowId, FlowState, FlowType, RunError, RuntimeBuilder,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{breaks, comes_back};
use crate::support::{Counters, add, read};

const HOUR: Duration = Duration::from_secs(3_600);
/// Sleeps for so many seconds.
const NAP: FlowType<u64, u64, FlowError> = FlowType::new("nap", 1);
/// Waits for somebody else's nap, some time later.
const VISIT: FlowType<u64, u64, FlowError> = FlowType::new("visit", 1);
/// Goes one up, and has a child sleep for an hour.
const REST: FlowType<(), u64, FlowError> = FlowType::new("rest", 1);
/// Goes one up after ten seconds, beside a child that sleeps for an hour.
const BOTH: FlowType<(), (), FlowError> = FlowType::new("both", 1);

/// Goes one up, and sleeps for an hour.
const LAST: FlowType<(), i64, FlowError> = FlowType::new("last", 1);
/// Calls a port that takes its time.
const CALL: FlowType<(), (), FlowError> = FlowType::new("call", 1);
const RING: Activity<(), ()> = Activity::new("bell.ring");

async fn nap(flow: Flow, seconds: u64) -> Result<u64, FlowError> {
    flow.sleep("all of it", Duration::from_secs(seconds))
        .await?;
    Ok(seconds)
}

async fn visit(flow: Flow, seconds: u64) -> Result<u64, FlowError> {
    flow.sleep("way", Duration::from_secs(10)).await?;
    Ok(flow.join("meet", NAP, FlowId::new("n"), seconds).await?)
}

async fn rest(flow: Flow, (): ()) -> Result<u64, FlowError> {
    flow.ask("up", add("hill", 1)).await?;
    Ok(flow.run("lie down", NAP, 3_600).await?)
}

async fn both(flow: Flow, (): ()) -> Result<(), FlowError> {
    let branches = flow
        .parallel("both")
        .branch("sleeps", |flow: Flow| async move {
            flow.run("lie down", NAP, 3_600).await?;
            Ok::<_, FlowError>(())
        })
        .branch("climbs", |flow: Flow| async move {
            flow.sleep("rest", Duration::from_secs(10)).await?;
            flow.ask("up", add("hill", 1)).await?;
            Ok(())
        });
    branches.all().await?;
    Ok(())
}

async fn last(flow: Flow, (): ()) -> Result<i64, FlowError> {
    let height = flow.ask("up", add("hill", 1)).await?;
    flow.sleep("all of it", HOUR).await?;
    Ok(height)
}

async fn call(flow: Flow, (): ()) -> Result<(), FlowError> {
    Ok(flow.perform("ring", RING, ()).await?)
}

fn flows(builder: RuntimeBuilder) -> RuntimeBuilder {
    let builder = builder.agent(Counters::default());
    let builder = builder.flow(NAP, nap).flow(VISIT, visit);
    builder.flow(REST, rest).flow(BOTH, both).flow(LAST, last)
}

/// Has somebody start a flow and wait for a moment, or for hours. The one who waits keeps it in memory.
fn run<I, O>(
    runtime: &TestRuntime,
    flow: FlowType<I, O, FlowError>,
    id: &str,
    input: I,
    patience: Duration,
) -> tokio::task::JoinHandle<Result<O, RunError<FlowError>>>
where
    I: Serialize + DeserializeOwned + Send + Sync + 'static,
    O: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let (handle, id) = (runtime.handle(), FlowId::new(id));
    let caller = Caller::system().within(patience);
    tokio::spawn(async move { handle.run(&caller, flow, id, input).await })
}

async fn fails_and_comes_back(world: &TestWorld, runtime: &TestRuntime) {
    breaks(world, runtime).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    comes_back(world, runtime).await;
}

/// Catches: a flow that is told that the disk is away by one which has yet to see that it is back, and that
/// nobody is at until the next start.
#[tokio::test(start_paused = true)]
async fn a_flow_that_meets_another_when_the_disk_is_back_goes_on_with_it() {
    let world = TestWorld::new(1);
    let runtime = world.start(flows).await;
    let brief = Duration::from_millis(100);
    run(&runtime, NAP, "n", 11, brief)
        .await
        .expect("it sleeps")
        .expect_err("for long");
    run(&runtime, VISIT, "v", 11, brief)
        .await
        .expect("it sleeps")
        .expect_err("for long");
    // Both wake while the disk is away, the visitor first: it is the first to go on.
    tokio::time::sleep(Duration::from_secs(9)).await;
    fails_and_comes_back(&world, &runtime).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(runtime.unfinished_flows(), Ok(0));
    assert_eq!(runtime.work_list(), Ok(vec![]));
    runtime.stop().await;
}

/// Catches: a flow that waits in memory and cannot be cancelled any more once the disk has failed.
#[tokio::test(start_paused = true)]
async fn a_flow_that_sleeps_in_memory_can_be_cancelled_when_the_disk_is_back() {
    let world = TestWorld::new(1);
    let runtime = world.start(flows).await;
    let waits = run(&runtime, NAP, "n", 3_600, HOUR * 2);
    tokio::time::sleep(Duration::from_secs(1)).await;
    fails_and_comes_back(&world, &runtime).await;
    let (flows, id) = (runtime.flows(), FlowId::new("n"));
    let cancelled = flows.cancel(&Caller::system(), "nap", &id, "no need").await;
    assert!(cancelled.is_ok(), "{cancelled:?}");
    let told = waits.await.expect("no panic");
    assert!(matches!(told, Err(RunError::Failed(_))), "{told:?}");
    drop(flows);
    runtime.stop().await;
}

/// Catches: a flow that is cancelled, and is not undone because its child still goes by what it knew before
/// the disk failed.
#[tokio::test(start_paused = true)]
async fn a_flow_is_undone_with_a_child_that_waited_while_the_disk_was_away() {
    let world = TestWorld::new(1);
    let runtime = world.start(flows).await;
    let waits = run(&runtime, REST, "r", (), HOUR * 2);
    tokio::time::sleep(Duration::from_secs(1)).await;
    fails_and_comes_back(&world, &runtime).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let (flows, id) = (runtime.flows(), FlowId::new("r"));
    let cancelled = flows
        .cancel(&Caller::system(), "rest", &id, "no need")
        .await;
    assert!(cancelled.is_ok(), "{cancelled:?}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let state = flows.inspect("rest", &id).expect("it is known").state;
    assert_eq!(state, FlowState::Cancelled);
    assert_eq!(runtime.unfinished_flows(), Ok(0), "nor is the child");
    assert!(waits.await.expect("no panic").is_err());
    drop(flows);
    runtime.stop().await;
}

/// Catches: a branch that could go on, and rests until the longest of its neighbours is over because the flow
/// is to be run again.
#[tokio::test(start_paused = true)]
async fn a_branch_goes_on_when_the_disk_is_back_however_long_its_neighbours_sleep() {
    let world = TestWorld::new(1);
    let runtime = world.start(flows).await;
    let waits = run(&runtime, BOTH, "b", (), HOUR * 2);
    tokio::time::sleep(Duration::from_secs(5)).await;
    fails_and_comes_back(&world, &runtime).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(runtime.ask(read("hill")).await, Ok(1));
    assert_eq!(waits.await.expect("no panic"), Ok(()));
    runtime.stop().await;
}

/// Catches: a flow whose start was lost, and that counts as parked for as long as the runtime lives.
#[tokio::test(start_paused = true)]
async fn a_flow_whose_start_was_taken_back_is_not_parked() {
    let world = TestWorld::new(1);
    let runtime = world.start(flows).await;
    world.break_disk();
    let brief = Duration::from_nanos(1);
    let told = run(&runtime, NAP, "n", 3_600, brief)
        .await
        .expect("no panic");
    assert!(told.is_err(), "{told:?}");
    breaks(&world, &runtime).await;
    comes_back(&world, &runtime).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let stats = runtime.handle().flow_stats();
    assert_eq!((stats.in_flight, stats.parked), (0, 0));
    runtime.stop().await;
}

/// Catches: replies that a flow noted, and that only memory knows once the disk has lost the note: whoever gave
/// them forgets them in time.
#[tokio::test(start_paused = true)]
async fn what_a_flow_learnt_is_noted_again_when_the_disk_lost_the_note() {
    let world = TestWorld::new(1);
    let runtime = world.start(flows).await;
    let waits = run(&runtime, LAST, "l", (), HOUR * 2);
    // What was answered is noted after ten seconds.
    tokio::time::sleep(Duration::from_secs(9)).await;
    world.break_disk();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(runtime.health().read_only.is_some(), "the note is lost");
    comes_back(&world, &runtime).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let noted = || {
        let log = runtime.journal().read_stream("flow/last/l", 0);
        let log = log.expect("it can be read");
        let events = log.iter().flat_map(|recorded| &recorded.append.events);
        events.filter(|event| &*event.name == "StepNoted").count()
    };
    assert_eq!(noted(), 2, "when it sleeps until, and the reply");
    assert_eq!(waits.await.expect("no panic"), Ok(1));
    runtime.stop().await;
}

/// Catches: a port that is called a second time while the first call is on its way, because the disk was away
/// meanwhile; and a flow that cannot be cancelled before its port has answered.
#[tokio::test(start_paused = true)]
async fn a_call_to_a_port_is_not_cut_off_when_the_disk_is_back() {
    let world = TestWorld::new(1);
    let calls = Arc::new(AtomicUsize::new(0));
    let called = calls.clone();
    let builder = move |builder: RuntimeBuilder| {
        let ring = move |_, ()| {
            called.fetch_add(1, Ordering::Relaxed);
            async {
                tokio::time::sleep(Duration::from_secs(8)).await;
                Ok(())
            }
        };
        flows(builder).activity(RING, ring).flow(CALL, call)
    };
    let runtime = world.start(builder).await;
    let waits = run(&runtime, CALL, "c", (), HOUR);
    tokio::time::sleep(Duration::from_secs(1)).await;
    breaks(&world, &runtime).await;
    comes_back(&world, &runtime).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let (flows, id) = (runtime.flows(), FlowId::new("c"));
    let cancelled = flows
        .cancel(&Caller::system(), "call", &id, "no need")
        .await;
    assert!(cancelled.is_ok(), "{cancelled:?}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let state = flows.inspect("call", &id).expect("it is known").state;
    assert_eq!(state, FlowState::Cancelled);
    assert!(waits.await.expect("no panic").is_err());
    drop(flows);
    runtime.stop().await;
}

/// Catches: whoever starts a flow anew the moment that the disk is back, and is told that it is away by a task
/// that has yet to see that the first start was lost.
#[tokio::test(start_paused = true)]
async fn a_flow_is_started_anew_the_moment_the_disk_is_back() {
    let world = TestWorld::new(1);
    let runtime = world.start(flows).await;
    let (journal, handle) = (runtime.journal().clone(), runtime.handle());
    let anew = tokio::spawn(async move {
        // The first to wait for that is the first to know.
        let back = journal.until_writable_after(journal.epoch());
        back.await.expect("it comes back");
        let caller = Caller::system().within(HOUR);
        handle.run(&caller, NAP, FlowId::new("n"), 11).await
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.break_disk();
    let lost = run(&runtime, NAP, "n", 11, HOUR).await.expect("no panic");
    assert!(lost.is_err(), "{lost:?}");
    comes_back(&world, &runtime).await;
    assert_eq!(anew.await.expect("no panic"), Ok(11));
    runtime.stop().await;
}
