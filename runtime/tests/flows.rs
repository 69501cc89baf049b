//! What is left of a flow, and what it tells the outside of itself.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato::testkit::TestWorld;
use mercato::{
    Activity, ActivityCall, ActivityError, Caller, Flow, FlowError, FlowId, FlowType, Occurred,
    Reaction, RunError, TraceContext, Trigger,
};

use crate::support::{CounterEvent, Counters, add, read};

const RACE: FlowType<(), (), FlowError> = FlowType::new("race", 1);

/// Panics when one of two has won, before the other has been seen off.
async fn race(flow: Flow, (): ()) -> Result<(), FlowError> {
    let race = flow
        .parallel::<_, FlowError>("race")
        .branch("quick", async |_: Flow| Ok(()))
        .branch("slow", async |flow: Flow| {
            flow.sleep("long", Duration::from_secs(60)).await
        })
        .first();
    race.await?;
    panic!("the race is over");
}

/// Catches: a flow that panics over a branch that lost, and that keeps its runtime and its journal in memory
/// after that.
#[tokio::test(start_paused = true)]
async fn a_flow_that_panics_leaves_nothing_behind() {
    let world = TestWorld::new(1);
    let journal = world.journal();
    let left = Arc::downgrade(&journal);
    let builder = world.builder(journal).agent(Counters::default());
    let runtime = builder.flow(RACE, race).start().await.expect("it starts");
    let caller = Caller::system().within(Duration::from_secs(600));
    let raced = runtime
        .handle()
        .run(&caller, RACE, FlowId::new("r"), ())
        .await;
    assert!(
        matches!(raced, Err(RunError::Failed(FlowError::Panicked { .. }))),
        "{raced:?}"
    );
    runtime.stop().await.expect("it stops");
    assert!(left.upgrade().is_none(), "somebody holds the journal");
}

const NIGHT: FlowType<(), (), FlowError> = FlowType::new("night", 1);

/// Lies down as soon as one of two has won, while the other one sleeps on what it did.
async fn night(flow: Flow, (): ()) -> Result<(), FlowError> {
    let race = flow
        .parallel::<_, FlowError>("race")
        .branch("slow", async |flow: Flow| {
            flow.undo_command("up", add("hill", -1)).await?;
            flow.ask("up", add("hill", 1)).await?;
            flow.sleep("long", Duration::from_secs(7_200)).await
        })
        .branch("quick", async |flow: Flow| {
            flow.sleep("a moment", Duration::from_millis(50)).await
        })
        .first();
    race.await?;
    flow.sleep("night", Duration::from_secs(3_600)).await
}

/// Catches: a flow that lies down before what lost is undone, where that slept as well: it is undone an hour
/// later.
#[tokio::test(start_paused = true)]
async fn what_lost_in_its_sleep_is_undone_before_the_flow_lies_down() {
    let begins = Trigger::on::<Counters>("begins", |added: &Occurred<CounterEvent>| match &*added
        .entity
    {
        "begin" => vec![Reaction::flow(NIGHT, FlowId::new("n"), &())],
        _ => Vec::new(),
    });
    let world = TestWorld::new(1);
    let shop = |builder: mercato::RuntimeBuilder| {
        let builder = builder.agent(Counters::default());
        builder.flow(NIGHT, night).trigger(begins)
    };
    let runtime = world.start(shop).await;
    assert_eq!(runtime.ask(add("begin", 1)).await, Ok(1));
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(runtime.ask(read("hill")).await, Ok(1));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(runtime.handle().flow_stats().parked, 1);
    assert_eq!(runtime.ask(read("hill")).await, Ok(0));
    runtime.stop().await;
}

const PAY: Activity<u64, ()> = Activity::new("bank.pay");
const PAYMENTS: FlowType<(), (), FlowError> = FlowType::new("payments", 1);

async fn payments(flow: Flow, (): ()) -> Result<(), FlowError> {
    flow.perform("first", PAY, 1).await?;
    flow.perform("second", PAY, 2).await?;
    Ok(())
}

/// Catches: two calls to a port that are one to whoever is called, because nobody here looks at their spans.
#[tokio::test(start_paused = true)]
async fn each_call_to_a_port_is_told_a_span_of_its_own() {
    let told: Arc<Mutex<Vec<TraceContext>>> = Arc::default();
    let bank = told.clone();
    let pay = move |call: ActivityCall, _: u64| {
        bank.lock().expect("no panic").push(call.trace);
        std::future::ready(Ok::<_, ActivityError>(()))
    };
    let world = TestWorld::new(1);
    let shop = |builder: mercato::RuntimeBuilder| {
        let builder = builder.agent(Counters::default());
        builder.activity(PAY, pay).flow(PAYMENTS, payments)
    };
    let runtime = world.start(shop).await;
    for id in ["a", "b"] {
        let caller = Caller::system();
        let paid = runtime
            .handle()
            .run(&caller, PAYMENTS, FlowId::new(id), ())
            .await;
        assert_eq!(paid, Ok(()));
    }
    runtime.stop().await;
    let told = told.lock().expect("no panic");
    let mut spans: Vec<_> = told.iter().map(|it| it.span_id()).collect();
    spans.sort_unstable();
    spans.dedup();
    assert_eq!((told.len(), spans.len()), (4, 4), "{told:?}");
    assert_eq!(told[0].trace_id(), told[1].trace_id());
}
