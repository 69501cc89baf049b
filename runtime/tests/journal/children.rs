//! Flows that undo a child while the disk fails and comes back: the child is undone for a reason that counts,
//! and whoever undoes it learns when it is to be undone again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mercato::testkit::{TestRuntime, TestWorld};
use mercato::{
    Activity, AskFailure, Caller, Flow, FlowError, FlowId, FlowState, FlowType, RunError,
    RuntimeBuilder,
};

use super::comes_back;
use crate::support::{Counters, add, read};

/// Two branches of which one counts: one has a child and calls `left`, the other one calls `right`.
const RACE: FlowType<(), String, FlowError> = FlowType::new("race", 1);
/// Goes one up, which can be undone.
const CLIMB: FlowType<(), (), FlowError> = FlowType::new("climb", 1);
/// Calls a port, and sleeps for a month.
const LINGER: FlowType<(), (), FlowError> = FlowType::new("linger", 1);
/// As the race; its child lingers.
const WAIT: FlowType<(), String, FlowError> = FlowType::new("wait", 1);

const LEFT: Activity<(), ()> = Activity::new("left.call");
const RIGHT: Activity<(), ()> = Activity::new("right.call");

async fn climb(flow: Flow, (): ()) -> Result<(), FlowError> {
    flow.undo_command("up", add("hill", -1)).await?;
    flow.ask("up", add("hill", 1)).await?;
    Ok(())
}

async fn linger(flow: Flow, (): ()) -> Result<(), FlowError> {
    flow.perform("call", LEFT, ()).await?;
    let month = Duration::from_secs(30 * 86_400);
    flow.sleep("month", month).await
}

async fn race(flow: Flow, (): ()) -> Result<String, FlowError> {
    let left = |flow: Flow| async move {
        flow.run("climb", CLIMB, ()).await?;
        Ok(flow.perform("call", LEFT, ()).await?)
    };
    first(flow, left).await
}

async fn wait(flow: Flow, (): ()) -> Result<String, FlowError> {
    let left = |flow: Flow| async move { Ok(flow.run("linger", LINGER, ()).await?) };
    first(flow, left).await
}

/// Which of two branches counts: this one, or the one that calls `right`.
async fn first<F>(
    flow: Flow,
    left: impl FnOnce(Flow) -> F + Send + 'static,
) -> Result<String, FlowError>
where
    F: Future<Output = Result<(), FlowError>> + Send + 'static,
{
    let right = |flow: Flow| async move { Ok(flow.perform("call", RIGHT, ()).await?) };
    let branches = flow
        .parallel("race")
        .branch("left", left)
        .branch("right", right);
    let counted = branches.first().await;
    let counted = counted.map_err(|error| FlowError::Broken(error.to_string()))?;
    Ok(counted.branch.to_string())
}

/// How long the ports take that are called next, in milliseconds.
#[derive(Clone, Default)]
struct Ports {
    left: Arc<AtomicU64>,
    right: Arc<AtomicU64>,
}

impl Ports {
    fn take(&self, left: Duration, right: Duration) {
        let millis = |it: Duration| u64::try_from(it.as_millis()).expect("short");
        self.left.store(millis(left), Ordering::Relaxed);
        self.right.store(millis(right), Ordering::Relaxed);
    }

    async fn start(&self, world: &TestWorld) -> TestRuntime {
        let port = |takes: &Arc<AtomicU64>| {
            let takes = takes.clone();
            move |_, ()| {
                let takes = Duration::from_millis(takes.load(Ordering::Relaxed));
                async move {
                    tokio::time::sleep(takes).await;
                    Ok(())
                }
            }
        };
        let (left, right) = (port(&self.left), port(&self.right));
        let builder = |builder: RuntimeBuilder| {
            let builder = builder.agent(Counters::default());
            let builder = builder.activity(LEFT, left).activity(RIGHT, right);
            let builder = builder.flow(CLIMB, climb).flow(LINGER, linger);
            builder.flow(RACE, race).flow(WAIT, wait)
        };
        world.start(builder).await
    }
}

/// Starts a flow whose right branch wins after a second, and has the disk lose that. It is back a second
/// later, when the left branch has its port still.
async fn loses_who_won(
    world: &TestWorld,
    runtime: &TestRuntime,
    flow: FlowType<(), String, FlowError>,
) -> tokio::task::JoinHandle<Option<String>> {
    let handle = runtime.handle();
    let waits = tokio::spawn(async move {
        // Whoever waits is told of the disk, and asks again.
        let caller = Caller::system().within(Duration::from_secs(3_600));
        loop {
            match handle.run(&caller, flow, FlowId::new("f"), ()).await {
                Ok(branch) => return Some(branch),
                Err(RunError::Unserved(AskFailure::ReadOnly { .. })) => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(_) => return None,
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(runtime.health().read_only, None);
    world.break_disk();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert!(runtime.health().read_only.is_some(), "one has won");
    comes_back(world, runtime).await;
    waits
}

/// Catches: a child that is undone because its branch had lost, when the disk has taken that back and the
/// branch wins after all.
#[tokio::test(start_paused = true)]
async fn a_child_is_not_undone_for_a_decision_that_was_taken_back() {
    let world = TestWorld::new(1);
    let ports = Ports::default();
    let runtime = ports.start(&world).await;
    ports.take(Duration::from_secs(8), Duration::from_secs(1));
    let waits = loses_who_won(&world, &runtime, RACE).await;
    ports.take(Duration::from_secs(1), Duration::from_secs(20));
    assert_eq!(waits.await.expect("no panic").as_deref(), Some("left"));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(runtime.ask(read("hill")).await, Ok(1));
    assert_eq!(runtime.unfinished_flows(), Ok(0));
    runtime.stop().await;
}

/// Catches: a flow that waits without end for a child whose cancellation the disk took back.
#[tokio::test(start_paused = true)]
async fn a_child_whose_cancellation_was_taken_back_is_cancelled_again() {
    let world = TestWorld::new(1);
    let ports = Ports::default();
    let runtime = ports.start(&world).await;
    ports.take(Duration::from_secs(8), Duration::from_secs(1));
    let waits = loses_who_won(&world, &runtime, WAIT).await;
    assert_eq!(waits.await.expect("no panic").as_deref(), Some("right"));
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(
        runtime.unfinished_flows(),
        Ok(0),
        "nor does the child go on"
    );
    let state = runtime
        .flows()
        .inspect("wait", &FlowId::new("f"))
        .expect("it is known")
        .state;
    assert_eq!(state, FlowState::Completed);
    runtime.stop().await;
}
