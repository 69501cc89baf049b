//! A journal that is away gives nothing for a while. Nothing is given up for that, and whoever looks is told.

use std::time::Duration;

use mercato::persistence::ReadError;
use mercato::testkit::TestWorld;
use mercato::{
    AskFailure, BusError, Caller, Flow, FlowError, FlowId, FlowState, FlowType, Runtime,
    RuntimeBuilder, WorkKind,
};

use super::moody::Mood;
use super::once;
use crate::support::{Counters, add, read};

const CLIMB: FlowType<u64, i64, FlowError> = FlowType::new("climb", 1);

/// Rests, and goes one up.
async fn climb(flow: Flow, seconds: u64) -> Result<i64, FlowError> {
    flow.sleep("rest", Duration::from_secs(seconds)).await?;
    Ok(flow.ask("up", add("hill", 1)).await?)
}

fn climbing(builder: RuntimeBuilder) -> RuntimeBuilder {
    builder.agent(Counters::default()).flow(CLIMB, climb)
}

async fn start(world: &TestWorld, mood: &Mood) -> Runtime {
    let builder = climbing(world.builder(mood.over(world.journal())));
    builder.start().await.expect("it starts")
}

fn is_away<T: std::fmt::Debug>(asked: &Result<T, AskFailure>) -> bool {
    matches!(asked, Err(AskFailure::ReadOnly { .. }))
}

/// Catches: a flow that fails for good because an agent could not be read for a moment, or a step that is
/// noted as one that can never be served.
#[tokio::test(start_paused = true)]
async fn a_flow_whose_agent_cannot_be_read_is_left_to_the_next_start() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let runtime = start(&world, &mood).await;
    mood.is_away_for(|stream| stream == "counters/hill");
    let caller = Caller::system();
    let told = runtime
        .handle()
        .run(&caller, CLIMB, FlowId::new("c"), 1)
        .await;
    assert!(told.is_err(), "{told:?}");
    let status = runtime.flows().inspect("climb", &FlowId::new("c"));
    let state = status.expect("it is known").state;
    assert!(matches!(state, FlowState::Stuck { .. }), "{state:?}");
    assert_eq!(runtime.unfinished_flows(), Ok(1));
    runtime.stop().await.expect("it stops");

    mood.is_well();
    let runtime = start(&world, &mood).await;
    let climbed = runtime
        .handle()
        .run(&caller, CLIMB, FlowId::new("c"), 1)
        .await;
    assert_eq!(climbed, Ok(1));
    runtime.stop().await.expect("it stops");
}

/// Catches: flows of an absent disk that are shown as damaged, or as work for people.
#[tokio::test(start_paused = true)]
async fn whoever_lists_flows_is_told_that_the_disk_is_away() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let runtime = start(&world, &mood).await;
    let handle = runtime.handle();
    let sleeper = tokio::spawn(async move {
        let brief = Caller::system().within(Duration::from_secs(1));
        handle.run(&brief, CLIMB, FlowId::new("c"), 3_600).await
    });
    assert!(sleeper.await.expect("no panic").is_err(), "it sleeps");
    // Nobody is at a flow that is parked, so whoever asks reads its log.
    tokio::time::sleep(Duration::from_secs(1)).await;
    mood.is_away_for(|stream| stream.starts_with("flow/"));
    let flows = runtime.flows();
    let listed = flows.list(None, None, 10);
    assert!(is_away(&listed.map(|page| page.flows.len())));
    assert!(is_away(&flows.work_list(None, None, 10)));
    assert!(is_away(&runtime.work_list()));
    // What is damaged hides no other, and waits for a person.
    mood.is_damaged_for(|stream| stream.starts_with("flow/"));
    let page = flows.list(None, None, 10).expect("it reads");
    assert_eq!((page.flows.len(), page.unreadable.len()), (0, 1));
    let work = runtime.work_list().expect("it reads");
    assert_eq!((work.len(), work[0].kind), (1, WorkKind::FlowStuck));
    mood.is_well();
    let page = flows.list(None, None, 10).expect("it reads");
    assert_eq!((page.flows.len(), page.unreadable.len()), (1, 0));
    assert_eq!(runtime.work_list(), Ok(vec![]));
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that a start gives up because the disk was away when it looked.
#[tokio::test(start_paused = true)]
async fn a_flow_that_a_start_cannot_read_goes_on_when_the_disk_is_back() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let runtime = start(&world, &mood).await;
    let brief = Caller::system().within(Duration::from_millis(100));
    let handle = runtime.handle();
    let told = handle.run(&brief, CLIMB, FlowId::new("c"), 1).await;
    assert!(told.is_err(), "it rests");
    drop(handle);
    runtime.stop().await.expect("it stops");

    let mut first = once();
    mood.is_away_for(move |stream| stream.starts_with("flow/") && first());
    let runtime = start(&world, &mood).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(runtime.unfinished_flows(), Ok(0));
    assert_eq!(runtime.work_list(), Ok(vec![]));
    let hill = runtime.handle().ask(&Caller::system(), read("hill")).await;
    assert_eq!(hill, Ok(1));
    runtime.stop().await.expect("it stops");
}

/// Catches: a replay that ends, or fails, because the disk was away for a moment; and one that waits for ever
/// at what is damaged.
#[tokio::test(start_paused = true)]
async fn a_replay_waits_for_the_disk_and_not_for_what_is_damaged() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let runtime = start(&world, &mood).await;
    let caller = Caller::system();
    let added = runtime.handle().ask(&caller, add("a", 1)).await;
    assert_eq!(added, Ok(1));
    let mut away = once();
    mood.fails(move |_| away().then_some(ReadError::Away));
    let mut replay = runtime.bus().replay([], ..).expect("everything");
    let delivery = replay.next().await.expect("it is back");
    assert_eq!(delivery.expect("an event").key(), "a");
    mood.fails(|_| Some(ReadError::Header));
    let mut replay = runtime.bus().replay([], ..).expect("everything");
    let damaged = tokio::time::timeout(Duration::from_secs(60), replay.next()).await;
    assert!(
        matches!(
            damaged,
            Ok(Err(BusError::Failed(AskFailure::Storage { .. })))
        ),
        "{damaged:?}"
    );
    mood.is_well();
    runtime.stop().await.expect("it stops");
}
