//! Flows that wait for flows: a child is part of its parent, another flow stands for itself, and
//! none waits for itself.

use std::time::Duration;

use futures::FutureExt;
use mercato::{
    AskFailure, Flow, FlowError, FlowId, FlowState, FlowType, RunError, Runtime, RuntimeBuilder,
    StepKind,
};

use crate::lives::{BLOWS, Case, patient};
use crate::shelf::{Carrier, Shelves, book_with_undo, held, hold_with_undo};
use crate::support::{memory, virtual_runtime};

const PARENT: FlowType<Plan, String, FlowError> = FlowType::new("parent", 1);
const CHILD: FlowType<Plan, String, FlowError> = FlowType::new("child", 1);

#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
enum Plan {
    Succeed,
    FailInChild,
    FailAfterChild,
    SleepInChild,
}

async fn parent(flow: Flow, plan: Plan) -> Result<String, FlowError> {
    hold_with_undo(&flow, "first").await?;
    let told = flow.run("child", CHILD, plan).await?;
    hold_with_undo(&flow, "last").await?;
    match plan {
        Plan::FailAfterChild => Err(FlowError::Refused("too late".into())),
        _ => Ok(told),
    }
}

async fn child(flow: Flow, plan: Plan) -> Result<String, FlowError> {
    hold_with_undo(&flow, "inner").await?;
    let booked = book_with_undo(&flow, "train").await?;
    match plan {
        Plan::FailInChild => return Err(FlowError::Refused("not today".into())),
        Plan::SleepInChild => flow.sleep("long", Duration::from_secs(300)).await?,
        _ => flow.sleep("rest", Duration::from_millis(5)).await?,
    }
    Ok(booked)
}

const SHELVES: [&str; 3] = ["first", "inner", "last"];

fn family(builder: RuntimeBuilder, carrier: &Carrier) -> RuntimeBuilder {
    let builder = carrier.serve(builder.agent(Shelves::default()));
    builder.flow(PARENT, parent).flow(CHILD, child)
}

async fn open(carrier: &Carrier) -> Runtime {
    let builder = family(virtual_runtime(memory()), carrier);
    builder.start().await.expect("it starts")
}

/// Catches: a child that runs twice, one that outlives its parent, and one that ended well and is
/// left standing though its parent failed, wherever the two are struck.
#[test]
fn a_child_counts_with_its_parent_wherever_they_are_struck() {
    for at_ms in (0..42).step_by(3) {
        for blow in BLOWS {
            for plan in [Plan::Succeed, Plan::FailInChild, Plan::FailAfterChild] {
                let carrier = Carrier::default();
                let outside = carrier.clone();
                let case = Case {
                    open: Box::new(move |builder| family(builder, &outside)),
                    agents: &["shelves"],
                    run: match plan {
                        Plan::Succeed => |it| go(it, Plan::Succeed).boxed(),
                        Plan::FailInChild => |it| go(it, Plan::FailInChild).boxed(),
                        _ => |it| go(it, Plan::FailAfterChild).boxed(),
                    },
                };
                case.strike(blow, at_ms, async |runtime, ran| {
                    let held = held(&runtime.handle(), &SHELVES).await;
                    let story = format!("{plan:?}, {blow:?} at {at_ms} ms: {ran:?}");
                    match plan {
                        Plan::Succeed => {
                            assert_eq!(ran, Ok("train".into()), "{story}");
                            assert_eq!(held, SHELVES, "{story}");
                            assert_eq!(carrier.log(), ["book train"], "{story}");
                        }
                        _ => {
                            assert!(matches!(ran, Err(RunError::Failed(_))), "{story}");
                            assert!(held.is_empty(), "{story}: {held:?}");
                            assert!(carrier.booked().is_empty(), "{story}");
                        }
                    }
                    assert_eq!(runtime.work_list(), Ok(vec![]), "{story}");
                    assert_eq!(runtime.unfinished_flows(), Ok(0), "{story}");
                });
            }
        }
    }
}

async fn go(handle: mercato::Handle, plan: Plan) -> Result<String, RunError<FlowError>> {
    handle.run(&patient(), PARENT, FlowId::new("p"), plan).await
}

/// Catches: a child that ended well, was undone with its parent, and looks as if it stood; and one that
/// failed by itself and is taken for one that was undone.
#[tokio::test(start_paused = true)]
async fn a_child_that_is_undone_with_its_parent_says_so() {
    for (plan, state) in [
        (Plan::Succeed, FlowState::Completed),
        (Plan::FailInChild, FlowState::Failed),
        (Plan::FailAfterChild, FlowState::Reverted),
    ] {
        let carrier = Carrier::default();
        let runtime = open(&carrier).await;
        let ran = go(runtime.handle(), plan).await;
        assert_eq!(ran.is_ok(), plan == Plan::Succeed, "{ran:?}");
        let child = FlowId::new("parent/p/child");
        let status = runtime.flows().inspect("child", &child).expect("known");
        assert_eq!(status.state, state);
        assert_eq!(carrier.booked().is_empty(), plan != Plan::Succeed);
        runtime.stop().await.expect("it stops");
    }
}

/// Catches: a cancellation that stops at the parent, and a child that is not told apart from others.
#[tokio::test(start_paused = true)]
async fn a_cancellation_passes_down() {
    let carrier = Carrier::default();
    let runtime = open(&carrier).await;
    let handle = runtime.handle();
    let running = tokio::spawn(go(handle.clone(), Plan::SleepInChild));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (flows, id) = (runtime.flows(), FlowId::new("p"));
    let inner = FlowId::new("parent/p/child");
    let waiting = flows.inspect("parent", &id).expect("known").waiting;
    assert_eq!(
        waiting[0].kind,
        StepKind::Flow {
            name: "child".into(),
            id: inner.as_str().into()
        }
    );
    let status = flows.inspect("child", &inner).expect("known");
    assert_eq!(status.parent, Some(("parent".into(), "p".into())));
    flows
        .cancel(&patient(), "parent", &id, "changed their mind")
        .await
        .expect("it is recorded");
    let told = running.await.expect("no panic");
    let reason = "changed their mind".to_owned();
    assert_eq!(told, Err(RunError::Failed(FlowError::Cancelled { reason })));
    let status = flows.inspect("child", &inner).expect("known");
    assert_eq!(status.state, FlowState::Cancelled);
    assert!(held(&handle, &SHELVES).await.is_empty());
    assert!(carrier.booked().is_empty());
    assert_eq!(handle.flow_stats().cancelled, 2);
    runtime.stop().await.expect("it stops");
}

/// Catches: a child that failed by itself, or was cancelled by somebody, and is cancelled once more because
/// its parent is undone; and a parent that does not wait until the child has undone itself.
#[tokio::test(start_paused = true)]
async fn a_child_that_comes_to_its_end_already_is_left_to_that() {
    for (plan, by_hand, state) in [
        (Plan::FailInChild, false, FlowState::Failed),
        (Plan::SleepInChild, true, FlowState::Cancelled),
    ] {
        let carrier = Carrier::default();
        carrier.is_away_for_undo("train", true);
        if by_hand {
            // The step in hand comes to its end first.
            carrier.takes("train", 2_000);
        }
        let runtime = open(&carrier).await;
        let handle = runtime.handle();
        let running = tokio::spawn(go(handle.clone(), plan));
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (flows, caller) = (runtime.flows(), patient());
        let (parent, child) = (FlowId::new("p"), FlowId::new("parent/p/child"));
        if by_hand {
            let cancelled = flows.cancel(&caller, "child", &child, "by hand").await;
            cancelled.expect("it is recorded");
        }
        let cancelled = flows.cancel(&caller, "parent", &parent, "no need").await;
        cancelled.expect("it is recorded");
        tokio::time::sleep(Duration::from_secs(2)).await;
        let status = flows.inspect("child", &child).expect("known");
        assert_eq!(status.state, FlowState::Undoing);
        assert!(!running.is_finished(), "its child is undoing itself");
        carrier.is_away_for_undo("train", false);
        running
            .await
            .expect("no panic")
            .expect_err("it is cancelled");
        let status = flows.inspect("child", &child).expect("known");
        assert_eq!(status.state, state);
        let why = status.cancelled.map(|(reason, _)| reason);
        assert_eq!(why.as_deref(), by_hand.then_some("by hand"));
        assert!(held(&handle, &SHELVES).await.is_empty());
        assert!(carrier.booked().is_empty());
        let cancelled = handle.flow_stats().cancelled;
        assert_eq!(cancelled, if by_hand { 2 } else { 1 });
        runtime.stop().await.expect("it stops");
    }
}

/// Catches: a child of a branch that lost and that goes on, or is left as it was.
#[tokio::test(start_paused = true)]
async fn a_child_loses_with_its_branch() {
    const RACE: FlowType<(), String, FlowError> = FlowType::new("race", 1);
    let carrier = Carrier::default();
    let race = |flow: Flow, (): ()| async move {
        let first = flow
            .parallel::<_, FlowError>("race")
            .branch("child", async |flow: Flow| {
                Ok(flow.run("run", CHILD, Plan::SleepInChild).await?)
            })
            .branch("plain", async |flow: Flow| {
                flow.sleep("a moment", Duration::from_millis(50)).await?;
                hold_with_undo(&flow, "first").await?;
                Ok("plain".to_owned())
            })
            .first();
        let first = first.await?;
        Ok(first.value)
    };
    let builder = family(virtual_runtime(memory()), &carrier).flow(RACE, race);
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let ran = handle.run(&patient(), RACE, FlowId::new("r"), ()).await;
    assert_eq!(ran, Ok("plain".into()));
    assert_eq!(held(&handle, &SHELVES).await, ["first"]);
    assert!(carrier.booked().is_empty());
    let child = FlowId::new("race/r/race#child/run");
    let status = runtime.flows().inspect("child", &child).expect("known");
    assert_eq!(status.state, FlowState::Cancelled);
    runtime.stop().await.expect("it stops");
}

const WAITER: FlowType<String, (), FlowError> = FlowType::new("waiter", 1);

/// Waits for each flow that it is told of, one after the other.
async fn waiter(flow: Flow, others: String) -> Result<(), FlowError> {
    flow.sleep("a moment", Duration::from_millis(20)).await?;
    let (next, rest) = others.split_once('>').unwrap_or((&others, ""));
    if next.is_empty() {
        return Ok(());
    }
    let awaited = flow.join("wait", WAITER, FlowId::new(next), rest.to_owned());
    Ok(awaited.await?)
}

/// Catches: flows that wait for each other for ever, and a circle that nobody can find by its name.
#[tokio::test(start_paused = true)]
async fn a_circle_of_flows_is_refused_and_named() {
    let builder = virtual_runtime(memory()).flow(WAITER, waiter);
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let run = |id: &'static str, others: &'static str| {
        let handle = handle.clone();
        async move {
            let id = FlowId::new(id);
            handle.run(&patient(), WAITER, id, others.to_owned()).await
        }
    };
    let begun = handle.clock().elapsed();
    // `a` waits for `b`, which begins `c`, which would wait for `a` and be its own beginning.
    let told = run("a", "b>c>a").await.expect_err("a circle").to_string();
    let circle = "flow waiter/a > flow waiter/b > flow waiter/c > flow waiter/a";
    assert!(told.contains(circle), "{told}");
    let told = run("self", "self").await.expect_err("a circle").to_string();
    assert!(
        told.contains("flow waiter/self > flow waiter/self"),
        "{told}"
    );
    assert!(handle.clock().elapsed() - begun < Duration::from_secs(1));
    // A line is no circle, however many wait at its end.
    let (one, other) = tokio::join!(run("x", "z"), run("y", "z"));
    assert_eq!((one, other), (Ok(()), Ok(())));
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that begins itself without end.
#[tokio::test(start_paused = true)]
async fn children_of_children_end_somewhere() {
    const DEEP: FlowType<(), u32, FlowError> = FlowType::new("deep", 1);
    let deep = |flow: Flow, (): ()| async move {
        match flow.run("down", DEEP, ()).await {
            Ok(depth) => Ok(depth + 1),
            Err(RunError::Unserved(AskFailure::Invalid { reason })) => {
                assert!(
                    reason.contains("would stand under 16 other flows"),
                    "{reason}"
                );
                Ok(0)
            }
            Err(other) => Err(other.into()),
        }
    };
    let one_place = mercato::FlowOptions {
        in_flight_max: std::num::NonZeroUsize::MIN,
        ..mercato::FlowOptions::default()
    };
    let builder = virtual_runtime(memory()).flow_options(one_place);
    let runtime = builder.flow(DEEP, deep).start().await.expect("it starts");
    let ran = runtime
        .handle()
        .run(&patient(), DEEP, FlowId::new("d"), ())
        .await;
    assert_eq!(ran, Ok(16), "children need no place of their own");
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that somebody else started and that is undone with whoever waited for it.
#[tokio::test(start_paused = true)]
async fn a_flow_that_is_only_joined_stands_for_itself() {
    const GUEST: FlowType<(), (), FlowError> = FlowType::new("guest", 1);
    let carrier = Carrier::default();
    let guest = |flow: Flow, (): ()| async move {
        let told = flow
            .join("wait", CHILD, FlowId::new("own"), Plan::Succeed)
            .await?;
        Err(FlowError::Refused(told))
    };
    let builder = family(virtual_runtime(memory()), &carrier).flow(GUEST, guest);
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let ran = handle.run(&patient(), GUEST, FlowId::new("g"), ()).await;
    assert_eq!(
        ran,
        Err(RunError::Failed(FlowError::Refused("train".into())))
    );
    assert_eq!(held(&handle, &SHELVES).await, ["inner"]);
    let own = handle
        .run(&patient(), CHILD, FlowId::new("own"), Plan::Succeed)
        .await;
    assert_eq!(own, Ok("train".into()));
    assert_eq!(carrier.log(), ["book train"]);
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that waits for another one beyond its own time.
#[tokio::test(start_paused = true)]
async fn whoever_joins_a_flow_waits_no_longer_than_it_has_time() {
    const HASTY: FlowType<(), (), FlowError> =
        FlowType::new("hasty", 1).within(Duration::from_secs(10));
    let hasty = |flow: Flow, (): ()| async move {
        let own = FlowId::new("own");
        flow.join("wait", CHILD, own, Plan::SleepInChild).await?;
        Ok(())
    };
    let carrier = Carrier::default();
    let builder = family(virtual_runtime(memory()), &carrier).flow(HASTY, hasty);
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let begun = handle.clock().elapsed();
    let ran = handle.run(&patient(), HASTY, FlowId::new("h"), ()).await;
    let late = FlowError::Failed(AskFailure::DeadlineExceeded);
    assert_eq!(ran, Err(RunError::Failed(late)));
    let took = handle.clock().elapsed() - begun;
    let expected = Duration::from_secs(8)..Duration::from_secs(9);
    assert!(expected.contains(&took), "it took {took:?}");
    // What it waited for goes on.
    let own = handle
        .run(&patient(), CHILD, FlowId::new("own"), Plan::SleepInChild)
        .await;
    assert_eq!(own, Ok("train".into()));
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that is not begun although there is room for it in time, and one whose start is
/// tried for ever.
#[tokio::test(start_paused = true)]
async fn a_flow_that_there_is_no_room_for_is_tried_again_a_while() {
    const REST: FlowType<u64, (), FlowError> = FlowType::new("rest", 1);
    const HOST: FlowType<(), (), FlowError> = FlowType::new("host", 1);
    let rest =
        |flow: Flow, secs: u64| async move { flow.sleep("rest", Duration::from_secs(secs)).await };
    let host = |flow: Flow, (): ()| async move {
        flow.join("wait", REST, FlowId::new("own"), 1).await?;
        Ok(())
    };
    // A start is tried at once and after 0.2, 0.6, 1.4, 3, 6.2, 12.6 and 25.4 seconds.
    for (before, is_begun, secs) in [(20, true, 26), (50, false, 25)] {
        let two_places = mercato::FlowOptions {
            in_flight_max: std::num::NonZeroUsize::new(2).expect("two"),
            ..mercato::FlowOptions::default()
        };
        let builder = virtual_runtime(memory()).flow_options(two_places);
        let builder = builder.flow(REST, rest).flow(HOST, host);
        let runtime = builder.start().await.expect("it starts");
        let handle = runtime.handle();
        let begun = handle.clock().elapsed();
        let caller = patient();
        let first = handle.run(&caller, REST, FlowId::new("first"), before);
        let hosted = async {
            let ran = handle.run(&caller, HOST, FlowId::new("h"), ()).await;
            (ran, handle.clock().elapsed() - begun)
        };
        let (first, (hosted, took)) = tokio::join!(first, hosted);
        assert_eq!(first, Ok(()));
        assert_eq!(hosted.is_ok(), is_begun, "{hosted:?}");
        assert_eq!(took.as_secs(), secs, "it took {took:?}");
        runtime.stop().await.expect("it stops");
    }
}
