//! What operators can do with flows that are on their way: look at them, and cancel them.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use mercato::persistence::simulated_disk::{CutMode, SimulatedDisk};
use mercato::{
    Caller, Flow, FlowError, FlowId, FlowOperation, FlowOperationError, FlowOptions, FlowState,
    FlowType, Principal, RunError, RuntimeBuilder, StepKind, Timestamp, UndoState,
};

use crate::lives::{BLOWS, Case, builder_at, life, patient};
use crate::shelf::{Carrier, Shelves, book_with_undo, held, hold_with_undo};
use crate::support::{file, memory, mortal_runtime, virtual_runtime};

const TRIP: FlowType<u64, String, FlowError> =
    FlowType::new("trip", 1).within(Duration::from_secs(100));

/// Holds, books, sleeps, and holds again.
async fn trip(flow: Flow, secs: u64) -> Result<String, FlowError> {
    hold_with_undo(&flow, "a").await?;
    let booked = book_with_undo(&flow, "train").await?;
    flow.sleep("rest", Duration::from_secs(secs)).await?;
    hold_with_undo(&flow, "b").await?;
    Ok(booked)
}

fn trips(builder: RuntimeBuilder, carrier: &Carrier) -> RuntimeBuilder {
    carrier
        .serve(builder.agent(Shelves::default()))
        .flow(TRIP, trip)
}

fn operator() -> Caller {
    Caller::new(Principal::Operator("op-1".into())).within(Duration::from_secs(10))
}

/// Catches: a flow that waits and does not say for what, since when, and what it would undo.
#[tokio::test(start_paused = true)]
async fn a_flow_says_what_it_waits_for() {
    let carrier = Carrier::default();
    carrier.takes("train", 5_000);
    let runtime = trips(virtual_runtime(memory()), &carrier);
    let runtime = runtime.start().await.expect("it starts");
    let handle = runtime.handle();
    let asked_at = handle.clock().now();
    let running = tokio::spawn({
        let caller = Caller::new(Principal::user("ada")).within(Duration::from_secs(60));
        let handle = handle.clone();
        async move { handle.run(&caller, TRIP, FlowId::new("t"), 10).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (flows, id) = (runtime.flows(), FlowId::new("t"));
    let status = flows.inspect("trip", &id).expect("it is known");
    assert_eq!(
        (&*status.flow, &*status.id, status.version),
        ("trip", "t", 1)
    );
    assert_eq!(status.principal, Principal::user("ada"));
    assert_eq!(status.state, FlowState::Running);
    assert_eq!(status.started_at, asked_at);
    assert_eq!(
        status.deadline,
        Some(asked_at.plus(Duration::from_secs(80))),
        "a fifth of the budget is kept for undoing"
    );
    let [step] = &status.waiting[..] else {
        panic!("{status:?}");
    };
    assert_eq!(&*step.step, "book train");
    assert_eq!(step.kind, StepKind::Port("carrier.book".into()));
    assert!(step.since.since(asked_at) < Duration::from_millis(50));
    let undos: Vec<_> = status
        .undos
        .iter()
        .map(|it| (&*it.step, &it.state))
        .collect();
    assert_eq!(
        undos,
        [
            ("hold a", &UndoState::Kept),
            ("book train", &UndoState::Kept)
        ]
    );
    assert_eq!(status.runs, 1);
    runtime.crash_flows();
    tokio::time::sleep(Duration::from_secs(6)).await;
    let status = flows.inspect("trip", &id).expect("it is known");
    assert_eq!(status.runs, 2);
    assert!(
        matches!(status.waiting[0].kind, StepKind::Sleep { .. }),
        "{status:?}"
    );
    assert_eq!(running.await.expect("no panic"), Ok("train".into()));
    let status = flows.inspect("trip", &id).expect("it is known");
    assert_eq!(status.state, FlowState::Completed);
    assert!(status.waiting.is_empty());
    let nobody = flows.inspect("trip", &FlowId::new("x"));
    assert!(matches!(nobody, Err(FlowOperationError::NotFound { .. })));
    runtime.stop().await.expect("it stops");
}

/// Catches: a list without a bound, and pages that leave one out or show it twice.
#[tokio::test(start_paused = true)]
async fn flows_are_listed_page_by_page() {
    const OTHER: FlowType<u64, String, FlowError> = FlowType::new("other", 1);
    let builder = trips(virtual_runtime(memory()), &Carrier::default()).flow(OTHER, trip);
    let runtime = builder.start().await.expect("it starts");
    let brief = Caller::system().within(Duration::from_millis(50));
    for n in 0..300 {
        let id = FlowId::new(format!("{n:03}"));
        let (handle, brief) = (runtime.handle(), brief.clone());
        tokio::spawn(async move { handle.run(&brief, OTHER, id, 30).await });
    }
    let ran = runtime
        .handle()
        .run(&brief, TRIP, FlowId::new("t"), 30)
        .await;
    assert!(ran.is_err());
    let flows = runtime.flows();
    let (mut seen, mut after) = (Vec::new(), None);
    for expected in [256, 45] {
        let page = flows.list(None, after.as_deref(), 1_000).expect("it reads");
        assert_eq!(page.flows.len(), expected, "256 at most");
        seen.extend(
            page.flows
                .into_iter()
                .map(|it| format!("{}/{}", it.flow, it.id)),
        );
        after = page.next;
    }
    assert_eq!(after, None);
    assert_eq!(seen.len(), 301);
    assert!(seen.is_sorted_by(|one, other| one < other), "each once");
    let page = flows.list(Some("trip"), None, 10).expect("it reads");
    assert_eq!(page.flows.len(), 1);
    assert_eq!((&*page.flows[0].id, page.next), ("t", None));
    runtime.stop().await.expect("it stops");
}

/// Catches: a cancelled flow that takes a further step, is not undone, or waits its sleep out; a step
/// in hand that is dropped; and a second cancellation that is another one.
#[tokio::test(start_paused = true)]
async fn a_cancelled_flow_ends_its_step_and_undoes_itself() {
    for (after_ms, in_hand) in [(1_000, true), (6_000, false)] {
        let carrier = Carrier::default();
        carrier.takes("train", 5_000);
        let runtime = trips(virtual_runtime(memory()), &carrier);
        let runtime = runtime.start().await.expect("it starts");
        let handle = runtime.handle();
        let running = tokio::spawn({
            let handle = handle.clone();
            async move { handle.run(&patient(), TRIP, FlowId::new("t"), 50).await }
        });
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        let (flows, id) = (runtime.flows(), FlowId::new("t"));
        let by = operator();
        let cancel = || flows.cancel(&by, "trip", &id, "the road is closed");
        assert_eq!(cancel().await, Ok(FlowOperation::Accepted));
        assert_eq!(cancel().await, Ok(FlowOperation::AlreadyAccepted));
        let status = flows.inspect("trip", &id).expect("it is known");
        assert_eq!(status.state, FlowState::Undoing);
        let who = Principal::Operator("op-1".into());
        assert_eq!(status.cancelled, Some(("the road is closed".into(), who)));
        let asked_at = handle.clock().elapsed();
        let told = running.await.expect("no panic");
        let reason = "the road is closed".to_owned();
        assert_eq!(told, Err(RunError::Failed(FlowError::Cancelled { reason })));
        let took = handle.clock().elapsed() - asked_at;
        assert!(
            took < Duration::from_secs(if in_hand { 5 } else { 1 }),
            "{took:?}"
        );
        assert_eq!(carrier.log(), ["book train", "unbook train"]);
        assert!(held(&handle, &["a", "b"]).await.is_empty());
        let finished = cancel().await.expect_err("it is finished");
        let state = FlowState::Cancelled;
        assert_eq!(finished, FlowOperationError::Finished { state });
        assert_eq!(runtime.work_list(), Ok(vec![]));
        runtime.stop().await.expect("it stops");
    }
}

/// Catches: a finished flow that is cancelled all the same, and requests without a reason.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_cancelled_says_why() {
    let runtime = trips(virtual_runtime(memory()), &Carrier::default());
    let runtime = runtime.start().await.expect("it starts");
    let id = FlowId::new("t");
    let ran = runtime.handle().run(&patient(), TRIP, id.clone(), 0).await;
    assert_eq!(ran, Ok("train".into()));
    let flows = runtime.flows();
    let finished = flows.cancel(&operator(), "trip", &id, "late").await;
    let state = FlowState::Completed;
    assert_eq!(finished, Err(FlowOperationError::Finished { state }));
    let nobody = flows
        .cancel(&operator(), "trip", &FlowId::new("x"), "late")
        .await;
    assert!(matches!(nobody, Err(FlowOperationError::NotFound { .. })));
    for bytes in [0, 1_025] {
        let refused = flows
            .cancel(&operator(), "trip", &id, &"x".repeat(bytes))
            .await;
        assert_eq!(refused, Err(FlowOperationError::BadReason { bytes }));
    }
    let ran = runtime.handle().run(&patient(), TRIP, id, 0).await;
    assert_eq!(ran, Ok("train".into()), "it still ended as it did");
    runtime.stop().await.expect("it stops");
}

/// Catches: a cancellation that was acknowledged and that the power takes with it.
#[test]
fn a_cancellation_that_was_acknowledged_survives_the_power() {
    let carrier = Carrier::default();
    let disk = SimulatedDisk::new(1);
    let begin = Timestamp::from_millis(1_000_000);
    let left = life(async {
        let runtime = trips(builder_at(&disk, begin), &carrier);
        let runtime = runtime.start().await.expect("it starts");
        let brief = Caller::system().within(Duration::from_secs(1));
        let ran = runtime
            .handle()
            .run(&brief, TRIP, FlowId::new("t"), 50)
            .await;
        assert!(ran.is_err());
        let flows = runtime.flows();
        let cancelled = flows
            .cancel(&operator(), "trip", &FlowId::new("t"), "late")
            .await;
        assert_eq!(cancelled, Ok(FlowOperation::Accepted));
        let left = disk.power_cycle(CutMode::DropAll);
        std::mem::forget(runtime);
        left
    });
    life(async {
        let later = begin.plus(Duration::from_secs(2));
        let runtime = trips(builder_at(&left, later), &carrier);
        let runtime = runtime.start().await.expect("it starts");
        let ran = runtime
            .handle()
            .run(&patient(), TRIP, FlowId::new("t"), 50)
            .await;
        let reason = "late".to_owned();
        assert_eq!(ran, Err(RunError::Failed(FlowError::Cancelled { reason })));
        assert!(held(&runtime.handle(), &["a", "b"]).await.is_empty());
        assert!(carrier.booked().is_empty());
        runtime.stop().await.expect("it stops");
    });
}

/// Catches: a cancellation of a sleeper that was acknowledged, and that a crash leaves to the timer
/// which would have woken it.
#[test]
fn a_sleeper_whose_cancellation_was_acknowledged_does_not_sleep_on_after_a_cut() {
    let carrier = Carrier::default();
    let disk = SimulatedDisk::new(1);
    let begin = Timestamp::from_millis(1_000_000);
    let id = FlowId::new("t");
    let left = life(async {
        // One place, so that the sleeper waits for it once it is cancelled.
        let options = FlowOptions {
            in_flight_max: NonZeroUsize::new(1).expect("one"),
            ..FlowOptions::default()
        };
        let runtime = trips(builder_at(&disk, begin), &carrier).flow_options(options);
        let runtime = runtime.start().await.expect("it starts");
        let handle = runtime.handle();
        let brief = Caller::system().within(Duration::from_secs(1));
        assert!(handle.run(&brief, TRIP, id.clone(), 90).await.is_err());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(handle.flow_stats().parked, 1);
        let other = FlowId::new("in the only place");
        assert!(handle.run(&brief, TRIP, other, 50).await.is_err());
        let flows = runtime.flows();
        let cancelled = flows.cancel(&operator(), "trip", &id, "late").await;
        assert_eq!(cancelled, Ok(FlowOperation::Accepted));
        let left = disk.power_cycle(CutMode::DropAll);
        std::mem::forget(runtime);
        left
    });
    life(async {
        let later = begin.plus(Duration::from_secs(2));
        let runtime = trips(builder_at(&left, later), &carrier);
        let runtime = runtime.start().await.expect("it starts");
        tokio::time::sleep(Duration::from_secs(10)).await;
        let status = runtime.flows().inspect("trip", &id).expect("it is known");
        assert_eq!(status.state, FlowState::Cancelled);
        runtime.stop().await.expect("it stops");
    });
}

const VAIN: FlowType<(), (), FlowError> = FlowType::new("vain", 1).within(Duration::from_secs(100));

/// Fails behind its point of no return, a second after it began.
async fn vain(flow: Flow, (): ()) -> Result<(), FlowError> {
    flow.pivot()?;
    flow.sleep("rest", Duration::from_secs(1)).await?;
    Err(FlowError::Refused("no way".into()))
}

/// Catches: a flow that is tried again the second time with the time since its first start as its
/// budget, or with none at all.
#[tokio::test(start_paused = true)]
async fn each_attempt_has_the_budget_of_the_first() {
    let runtime = virtual_runtime(memory()).agent(Shelves::default());
    let runtime = runtime.flow(VAIN, vain).start().await.expect("it starts");
    let (flows, id) = (runtime.flows(), FlowId::new("v"));
    let ran = runtime.handle().run(&patient(), VAIN, id.clone(), ()).await;
    assert!(ran.is_err());
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        let retried = flows.retry(&operator(), "vain", &id, None).await;
        assert_eq!(retried, Ok(FlowOperation::Accepted));
        let now = runtime.handle().clock().now();
        let status = flows.inspect("vain", &id).expect("it is known");
        let left = status.deadline.expect("it has one").since(now);
        // A fifth of it is kept for undoing.
        assert_eq!(left.as_secs(), 79, "{left:?}");
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    runtime.stop().await.expect("it stops");
}

/// Runs a trip and cancels it on the way.
async fn cancelled_on_the_way(handle: mercato::Handle) -> bool {
    let running = tokio::spawn({
        let handle = handle.clone();
        async move { handle.run(&patient(), TRIP, FlowId::new("t"), 5).await }
    });
    tokio::time::sleep(Duration::from_millis(12)).await;
    let id = FlowId::new("t");
    let flows = handle.flows();
    // Asked until it is answered, as a client does.
    let mut cancelled = flows.cancel(&operator(), "trip", &id, "late").await;
    while matches!(cancelled, Err(FlowOperationError::NotFound { .. })) {
        tokio::time::sleep(Duration::from_millis(5)).await;
        cancelled = flows.cancel(&operator(), "trip", &id, "late").await;
    }
    let ran = running.await.expect("no panic");
    matches!(ran, Err(RunError::Failed(FlowError::Cancelled { .. })))
}

/// Catches: a cancelled flow of which something is left, wherever it is struck.
#[test]
fn a_cancelled_flow_leaves_nothing_wherever_it_is_struck() {
    for at_ms in 0..36 {
        for blow in BLOWS {
            let carrier = Carrier::default();
            let outside = carrier.clone();
            let case = Case {
                open: Box::new(move |builder| trips(builder, &outside)),
                agents: &["shelves"],
                run: |handle| cancelled_on_the_way(handle).boxed(),
            };
            case.strike(blow, at_ms, async |runtime, was_cancelled| {
                let story = format!("{blow:?} at {at_ms} ms");
                assert!(was_cancelled, "{story}");
                let held = held(&runtime.handle(), &["a", "b"]).await;
                assert!(held.is_empty(), "{story}: {held:?}");
                assert!(carrier.booked().is_empty(), "{story}");
                assert_eq!(runtime.unfinished_flows(), Ok(0), "{story}");
            });
        }
    }
}

/// Catches: a flow in the middle of a step that keeps its runtime, and the journal's file, for as long
/// as the process lives, although the tokio runtime around it is gone.
#[test]
fn a_flow_goes_with_the_tokio_runtime_around_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trips.redb");
    let left = life(async {
        let journal = file(&path);
        let left = Arc::downgrade(&journal);
        let carrier = Carrier::default();
        carrier.takes("train", 5_000);
        let runtime = trips(mortal_runtime(journal), &carrier);
        let runtime = runtime.start().await.expect("it starts");
        let handle = runtime.handle();
        let running = handle.clone();
        tokio::spawn(async move { running.run(&patient(), TRIP, FlowId::new("t"), 10).await });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(handle.flow_stats().in_flight, 1);
        left
    });
    assert!(left.upgrade().is_none(), "somebody holds the journal");
    life(async { drop(file(&path)) });
}
