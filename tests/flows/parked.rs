//! A flow that only sleeps keeps nothing in memory, and wakes in time.

use std::num::NonZeroUsize;
use std::time::Duration;

use mercato::{
    AskFailure, Clock, Flow, FlowError, FlowId, FlowOptions, FlowState, FlowType, Occurred,
    Reaction, RunError, Runtime, RuntimeBuilder, StepKind, Timestamp, Trigger,
};

use crate::lives::patient;
use crate::shelf::{
    Carrier, Held, ShelfEvent, Shelves, book_with_undo, held, hold, hold_with_undo,
};
use crate::support::{file, memory, virtual_runtime};

const HOUR: Duration = Duration::from_secs(3_600);
const NAP: FlowType<String, u64, FlowError> = FlowType::new("nap", 1);

async fn nap(flow: Flow, shelf: String) -> Result<u64, FlowError> {
    let begun = flow.now("begun").await?;
    hold_with_undo(&flow, &shelf).await?;
    flow.sleep("long", HOUR).await?;
    let woken = flow.now("woken").await?;
    hold_with_undo(&flow, &format!("{shelf} again")).await?;
    Ok(woken.since(begun).as_secs())
}

/// Each hold on a shelf named `nap` begins a nap that nobody waits for.
fn naps() -> Trigger {
    Trigger::on::<Shelves>("naps", |occurred: &Occurred<ShelfEvent>| {
        match &occurred.event {
            ShelfEvent::Held(Held { holder }) if occurred.entity.starts_with("nap") => {
                let input = occurred.entity.replace("nap", holder);
                vec![Reaction::flow(NAP, FlowId::new(&*occurred.entity), &input)]
            }
            _ => vec![],
        }
    })
}

fn sleepy(builder: RuntimeBuilder) -> RuntimeBuilder {
    let builder = builder.agent(Shelves::default()).flow(NAP, nap);
    builder.trigger(naps())
}

async fn lie_down(runtime: &Runtime, name: &str) {
    let lain = runtime.handle().ask(&patient(), hold(name)).await;
    lain.expect("an answer");
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// Catches: a sleeper that keeps its task or its place, one that oversleeps, and one that wakes twice.
#[tokio::test(start_paused = true)]
async fn sleepers_keep_no_place_and_wake_in_time() {
    let options = FlowOptions {
        in_flight_max: NonZeroUsize::new(1).expect("one"),
        ..FlowOptions::default()
    };
    let runtime = sleepy(virtual_runtime(memory()).flow_options(options));
    let runtime = runtime.start().await.expect("it starts");
    let handle = runtime.handle();
    for n in 0..5 {
        lie_down(&runtime, &format!("nap {n}")).await;
    }
    let stats = handle.flow_stats();
    assert_eq!((stats.parked, stats.in_flight), (5, 5));
    assert_eq!(runtime.crash_flows(), 0, "there is no task to crash");
    assert_eq!(
        runtime.work_list(),
        Ok(vec![]),
        "a sleeper waits for no person"
    );
    let status = runtime.flows().inspect("nap", &FlowId::new("nap 3"));
    let status = status.expect("it is known");
    assert!(
        matches!(status.state, FlowState::Parked { .. }),
        "{status:?}"
    );
    assert!(status.waiting.is_empty());

    tokio::time::sleep(HOUR).await;
    let stats = handle.flow_stats();
    assert_eq!((stats.parked, stats.in_flight, stats.completed), (0, 0, 5));
    for n in 0..5 {
        let (id, input) = (FlowId::new(format!("nap {n}")), format!("flow {n}"));
        let ran = handle.run(&patient(), NAP, id, input).await;
        assert_eq!(ran, Ok(3_600));
        let again = format!("flow {n} again");
        assert_eq!(held(&handle, &[&again]).await, std::slice::from_ref(&again));
    }
    runtime.stop().await.expect("it stops");
}

/// Catches: a sleeper that is forgotten by the next start, or that is woken before its time.
#[tokio::test(start_paused = true)]
async fn a_sleeper_wakes_after_a_restart_also_where_its_time_has_passed_meanwhile() {
    for (hours, slept) in [(0, 3_600), (5, 18_000)] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.redb");
        let runtime = sleepy(virtual_runtime(file(&path)))
            .start()
            .await
            .expect("it starts");
        lie_down(&runtime, "nap").await;
        assert_eq!(runtime.handle().flow_stats().parked, 1);
        runtime.stop().await.expect("it stops");

        let later = Timestamp::from_millis(1_000_000 + hours * 3_600_000);
        let builder = virtual_runtime(file(&path)).clock(Clock::starting_at(later));
        let runtime = sleepy(builder).start().await.expect("it starts");
        let handle = runtime.handle();
        let in_flight = usize::from(hours == 0);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(handle.flow_stats().in_flight, in_flight);
        tokio::time::sleep(HOUR).await;
        let ran = handle
            .run(&patient(), NAP, FlowId::new("nap"), "flow".into())
            .await;
        let ran = ran.expect("it ends");
        assert!(ran.abs_diff(slept) <= 1, "{ran}");
        assert_eq!(held(&handle, &["flow again"]).await, ["flow again"]);
        runtime.stop().await.expect("it stops");
    }
}

/// Catches: whoever asks for a sleeper's end and is told that the runtime stops, and a sleeper that
/// stays in memory once nobody waits for it.
#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_sleeper_is_served() {
    let runtime = sleepy(virtual_runtime(memory()))
        .start()
        .await
        .expect("it starts");
    let handle = runtime.handle();
    let brief = patient().within(Duration::from_secs(10));
    let ran = handle.run(&brief, NAP, FlowId::new("n"), "a".into()).await;
    assert_eq!(ran, Err(RunError::Unserved(AskFailure::DeadlineExceeded)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(handle.flow_stats().parked, 1, "nobody waits any more");

    let waiting = tokio::spawn({
        let handle = handle.clone();
        let caller = patient().within(HOUR * 2);
        async move { handle.run(&caller, NAP, FlowId::new("n"), "a".into()).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(handle.flow_stats().parked, 0, "somebody waits");
    let status = runtime
        .flows()
        .inspect("nap", &FlowId::new("n"))
        .expect("known");
    assert_eq!(status.state, FlowState::Running);
    assert!(
        matches!(&status.waiting[..], [it] if &*it.step == "long" && matches!(it.kind, StepKind::Sleep { .. })),
        "{status:?}"
    );
    assert_eq!(waiting.await.expect("no panic"), Ok(3_600));
    runtime.stop().await.expect("it stops");
}

/// Catches: a sleeper that cannot be cancelled before it wakes, and a timer that is left behind.
#[tokio::test(start_paused = true)]
async fn a_sleeper_can_be_cancelled() {
    let runtime = sleepy(virtual_runtime(memory()))
        .start()
        .await
        .expect("it starts");
    let handle = runtime.handle();
    lie_down(&runtime, "nap").await;
    assert_eq!(held(&handle, &["flow"]).await, ["flow"]);
    let id = FlowId::new("nap");
    let cancelled = runtime
        .flows()
        .cancel(&patient(), "nap", &id, "no need")
        .await;
    cancelled.expect("it is recorded");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let status = runtime.flows().inspect("nap", &id).expect("known");
    assert_eq!(status.state, FlowState::Cancelled);
    assert!(held(&handle, &["flow"]).await.is_empty());
    let fired = runtime.timer_stats().fired;
    tokio::time::sleep(HOUR * 2).await;
    assert_eq!(runtime.timer_stats().fired, fired, "no timer is left");
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that lies down while a branch that lost is on its way, which is then undone only when
/// the flow wakes.
#[tokio::test(start_paused = true)]
async fn a_flow_lies_down_only_when_whatever_lost_is_undone() {
    const RACE: FlowType<(), (), FlowError> = FlowType::new("race", 1);
    let race = |flow: Flow, (): ()| async move {
        let first = flow
            .parallel::<_, FlowError>("race")
            .branch("train", async |flow: Flow| {
                book_with_undo(&flow, "train").await
            })
            .branch("quick", async |flow: Flow| {
                flow.sleep("a moment", Duration::from_millis(50)).await?;
                Ok("quick".to_owned())
            })
            .first();
        first.await?;
        flow.sleep("long", HOUR).await
    };
    let races = Trigger::on::<Shelves>("races", |occurred: &Occurred<ShelfEvent>| match &*occurred
        .entity
    {
        "begin" => vec![Reaction::flow(RACE, FlowId::new("r"), &())],
        _ => vec![],
    });
    let carrier = Carrier::default();
    carrier.takes("train", 5_000);
    let builder = carrier.serve(virtual_runtime(memory()).agent(Shelves::default()));
    let runtime = builder.flow(RACE, race).trigger(races).start();
    let runtime = runtime.await.expect("it starts");
    lie_down(&runtime, "begin").await;
    let parked = || runtime.handle().flow_stats().parked;
    assert_eq!(parked(), 0, "a train is being booked");
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(carrier.log()[0], "book train");
    assert!(carrier.booked().is_empty(), "it is undone");
    assert_eq!(parked(), 1);
    runtime.stop().await.expect("it stops");
}
