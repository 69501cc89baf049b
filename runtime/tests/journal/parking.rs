//! The moment in which a flow lies down: it sleeps, and its task has yet to let go.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use mercato::persistence::Append;
use mercato::testkit::TestWorld;
use mercato::{Caller, Flow, FlowError, FlowId, FlowState, FlowType, Handle, RunError, Runtime};

use super::moody::Mood;
use crate::support::Counters;

const HOUR: Duration = Duration::from_secs(3_600);
const NAP: FlowType<(), u64, FlowError> = FlowType::new("nap", 1);

async fn nap(flow: Flow, (): ()) -> Result<u64, FlowError> {
    flow.sleep("long", HOUR).await?;
    Ok(7)
}

async fn start(world: &TestWorld, mood: &Mood) -> Runtime {
    let builder = world.builder(mood.over(world.journal()));
    let builder = builder.agent(Counters::default()).flow(NAP, nap);
    builder.start().await.expect("it starts")
}

/// Begins to sleep, and is not waited for.
async fn lie_down(handle: &Handle) {
    let brief = Caller::system().within(Duration::from_millis(100));
    let told = handle.run(&brief, NAP, FlowId::new("n"), ()).await;
    assert!(told.is_err(), "{told:?}");
}

fn is_lying_down(append: &Append) -> bool {
    append.stream.starts_with("flow/") && !append.timers.is_empty()
}

type Ran = Result<u64, RunError<FlowError>>;

/// Catches: whoever asks for a flow's end just when it lies down, and is told an hour later that the runtime
/// stops.
#[tokio::test(start_paused = true)]
async fn whoever_joins_a_flow_while_it_lies_down_is_told_its_end() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    let runtime = start(&world, &mood).await;
    let joining: Arc<Mutex<Option<BoxFuture<'static, Ran>>>> = Arc::default();
    let (joined, handle) = (joining.clone(), runtime.handle());
    mood.is_full_for(move |append| {
        let mut joined = joined.lock().expect("no panic");
        if is_lying_down(append) && joined.is_none() {
            let handle = handle.clone();
            let patient = Caller::system().within(HOUR * 2);
            let run = async move { handle.run(&patient, NAP, FlowId::new("n"), ()).await };
            let mut run = run.boxed();
            assert!((&mut run).now_or_never().is_none(), "it sleeps");
            *joined = Some(run);
        }
        false
    });
    lie_down(&runtime.handle()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let joined = joining.lock().expect("no panic").take();
    assert_eq!(joined.expect("it lay down").await, Ok(7));
    mood.is_well();
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that is cancelled just when it lies down, and that a crash leaves to its timer; and one
/// that is not undone before its timer wakes it.
#[tokio::test(start_paused = true)]
async fn a_flow_that_is_cancelled_while_it_lies_down_has_no_timer() {
    let (world, mood) = (TestWorld::new(1), Mood::default());
    world.slow_disk(Duration::from_secs(1));
    let journal = world.journal();
    let builder = world.builder(mood.over(journal.clone()));
    let builder = builder.agent(Counters::default()).flow(NAP, nap);
    let runtime = builder.start().await.expect("it starts");
    lie_down(&runtime.handle()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let timer = || journal.timer("flow/nap/n", "wake");
    assert!(timer().is_some(), "it is about to let go");
    let (flows, id, caller) = (runtime.flows(), FlowId::new("n"), Caller::system());
    let mut cancelling = Box::pin(flows.cancel(&caller, "nap", &id, "no need"));
    assert!(
        (&mut cancelling).now_or_never().is_none(),
        "it is not durable"
    );
    assert_eq!(timer(), None);
    cancelling.await.expect("it is recorded");
    tokio::time::sleep(Duration::from_secs(10)).await;
    let state = runtime.flows().inspect("nap", &id).expect("known").state;
    assert_eq!(state, FlowState::Cancelled);
    drop((flows, journal));
    runtime.stop().await.expect("it stops");
}
