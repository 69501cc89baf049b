//! A flow survives a crash at any point, runs each step once, and undoes itself when it fails.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::support::{CounterEvent, Counters, add, file, memory, read, virtual_runtime};
use mercato::{
    Activity, ActivityCall, ActivityError, ActivityErrorKind, AskFailure, Caller, Clock, Flow,
    FlowError, FlowId, FlowType, Handle, Occurred, Principal, QuarantineQuery, Reaction, RunError,
    Runtime, RuntimeBuilder, Scope, SetAsideWhat, Timestamp, Trigger, WorkKind,
};

const TRANSFER: FlowType<Transfer, i64, FlowError> = FlowType::new("transfer", 1);
const PAY: Activity<i64, String> = Activity::new("pay");

#[derive(serde::Serialize, serde::Deserialize, Clone)]
struct Transfer {
    from: String,
    to: String,
    amount: i64,
}

fn transfer(amount: i64) -> Transfer {
    Transfer {
        from: "from".into(),
        to: "to".into(),
        amount,
    }
}

/// Moves an amount, with a slow port call in between. A negative `to` fails at the end.
async fn run_transfer(flow: Flow, input: Transfer) -> Result<i64, FlowError> {
    flow.undo_command("give back", add(&input.from, input.amount))
        .await?;
    flow.ask("take", add(&input.from, -input.amount)).await?;
    flow.sleep("rest", Duration::from_secs(1)).await?;
    let receipt = flow.perform("pay", PAY, input.amount).await?;
    assert_eq!(receipt, format!("paid {}", input.amount));
    if input.to == "nowhere" {
        return Err(FlowError::Refused("there is no such counter".into()));
    }
    let balance = flow.ask("look", read(&input.to)).await?;
    flow.ask("give", add(&input.to, input.amount)).await?;
    Ok(balance)
}

/// A port that counts its calls, and fails the first `transient` of them.
#[derive(Default, Clone)]
struct Port {
    calls: Arc<AtomicU32>,
    transient: u32,
}

impl Port {
    async fn pay(self, call: ActivityCall, amount: i64) -> Result<String, ActivityError> {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(call.key, "transfer/t-1/pay");
        let before = self.calls.fetch_add(1, Ordering::SeqCst);
        if before < self.transient {
            let busy = "try again";
            return Err(ActivityError::new(
                ActivityErrorKind::Transient,
                "busy",
                busy,
            ));
        }
        Ok(format!("paid {amount}"))
    }
}

fn with_transfers(builder: RuntimeBuilder, port: &Port) -> RuntimeBuilder {
    let port = port.clone();
    builder
        .agent(Counters::default())
        .activity(PAY, move |call, amount| port.clone().pay(call, amount))
        .flow(TRANSFER, run_transfer)
}

async fn balances(runtime: &Runtime) -> (i64, i64) {
    let handle = runtime.handle();
    let caller = Caller::system();
    let (from, to) = tokio::join!(
        handle.ask(&caller, read("from")),
        handle.ask(&caller, read("to"))
    );
    (from.expect("an answer"), to.expect("an answer"))
}

async fn fund(runtime: &Runtime) {
    let funded = runtime
        .handle()
        .ask(&Caller::system(), add("from", 100))
        .await;
    funded.expect("an answer");
}

fn patient() -> Caller {
    Caller::system().within(Duration::from_secs(60))
}

/// Catches: a step that is not repeated under its id, a port that is called again for a noted
/// answer, and an end that is not shared by those who join.
#[tokio::test(start_paused = true)]
async fn each_step_happens_once_however_often_the_flow_is_crashed() {
    let port = Port::default();
    let builder = with_transfers(virtual_runtime(memory()), &port);
    let runtime = builder.start().await.expect("it starts");
    fund(&runtime).await;
    let handle = runtime.handle();
    let crashes = async {
        // 1.5 s of flow: crashed during the rest, during the call to the port, and between.
        for _ in 0..12 {
            tokio::time::sleep(Duration::from_millis(130)).await;
            runtime.crash_flows();
        }
    };
    let caller = patient();
    let (first, second, ()) = tokio::join!(
        handle.run(&caller, TRANSFER, FlowId::new("t-1"), transfer(30)),
        handle.run(&caller, TRANSFER, FlowId::new("t-1"), transfer(30)),
        crashes,
    );
    assert_eq!(first, Ok(0));
    assert_eq!(second, Ok(0));
    assert_eq!(balances(&runtime).await, (70, 30));
    assert_eq!(
        port.calls.load(Ordering::SeqCst),
        1,
        "no call came to its end but one"
    );
    assert!(handle.flow_stats().resumed >= 10);
    // The same id later: the first end. Another input under it: refused.
    let again = handle
        .run(&caller, TRANSFER, FlowId::new("t-1"), transfer(30))
        .await;
    assert_eq!(again, Ok(0));
    let other = handle
        .run(&caller, TRANSFER, FlowId::new("t-1"), transfer(31))
        .await;
    assert_eq!(other, Err(RunError::Unserved(AskFailure::IdReused)));
    assert_eq!(balances(&runtime).await, (70, 30));
    runtime.stop().await.expect("it stops");
}

/// Catches: undos that are forgotten, run in the wrong order, or run for a step that never was.
#[tokio::test(start_paused = true)]
async fn a_failed_flow_undoes_what_it_did() {
    let port = Port::default();
    let runtime = with_transfers(virtual_runtime(memory()), &port);
    let runtime = runtime.start().await.expect("it starts");
    fund(&runtime).await;
    let input = Transfer {
        to: "nowhere".into(),
        ..transfer(30)
    };
    let handle = runtime.handle();
    let failed = handle
        .run(&patient(), TRANSFER, FlowId::new("t-1"), input)
        .await;
    let refused = FlowError::Refused("there is no such counter".into());
    assert_eq!(failed, Err(RunError::Failed(refused)));
    assert_eq!(balances(&runtime).await, (100, 0));
    assert_eq!(handle.flow_stats().undone, 1);
    assert_eq!(runtime.work_list(), Ok(vec![]));
    runtime.stop().await.expect("it stops");
}

/// Catches: a transient failure that is not tried again, or one tried under another key.
#[tokio::test(start_paused = true)]
async fn a_transient_failure_of_a_port_is_tried_five_times() {
    for (transient, calls) in [(4, 5), (5, 5)] {
        let port = Port {
            transient,
            ..Port::default()
        };
        let runtime = with_transfers(virtual_runtime(memory()), &port);
        let runtime = runtime.start().await.expect("it starts");
        fund(&runtime).await;
        let handle = runtime.handle();
        let ran = handle
            .run(&patient(), TRANSFER, FlowId::new("t-1"), transfer(30))
            .await;
        assert_eq!(ran.is_ok(), transient < 5, "{ran:?}");
        assert_eq!(port.calls.load(Ordering::SeqCst), calls);
        let expected = if ran.is_ok() { (70, 30) } else { (100, 0) };
        assert_eq!(balances(&runtime).await, expected);
        runtime.stop().await.expect("it stops");
    }
}

/// Catches: flows that are not found at start, or begin anew instead of going on.
#[tokio::test(start_paused = true)]
async fn an_unfinished_flow_goes_on_after_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let port = Port::default();
    let runtime = with_transfers(virtual_runtime(file(&path)), &port);
    let runtime = runtime.start().await.expect("it starts");
    fund(&runtime).await;
    let short = Caller::system().within(Duration::from_millis(300));
    let handle = runtime.handle();
    let ran = handle
        .run(&short, TRANSFER, FlowId::new("t-1"), transfer(30))
        .await;
    assert_eq!(ran, Err(RunError::Unserved(AskFailure::DeadlineExceeded)));
    runtime.stop().await.expect("it stops");
    drop(handle);

    let runtime = with_transfers(virtual_runtime(file(&path)), &port);
    let runtime = runtime.start().await.expect("it starts");
    let handle = runtime.handle();
    assert_eq!(handle.flow_stats().resumed, 1);
    let ran = handle
        .run(&patient(), TRANSFER, FlowId::new("t-1"), transfer(30))
        .await;
    assert_eq!(ran, Ok(0));
    assert_eq!(balances(&runtime).await, (70, 30));
    runtime.stop().await.expect("it stops");
}

/// Catches: an undo that cannot succeed being dropped in silence.
#[tokio::test(start_paused = true)]
async fn an_undo_that_fails_stands_on_the_work_list() {
    const DOOMED: FlowType<(), (), FlowError> = FlowType::new("doomed", 1);
    let builder = virtual_runtime(memory()).agent(Counters::default()).flow(
        DOOMED,
        |flow: Flow, ()| async move {
            // The counter stands at 0, so taking 5 from it is refused.
            flow.undo_command("first", add("a", -5)).await?;
            flow.undo_command("second", add("b", 1)).await?;
            Err(FlowError::Refused("no".into()))
        },
    );
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let ran = handle.run(&patient(), DOOMED, FlowId::new("d"), ()).await;
    assert!(matches!(ran, Err(RunError::Failed(_))), "{ran:?}");
    let list = runtime.work_list().expect("it reads");
    assert_eq!(list.len(), 1);
    assert_eq!(
        (&*list[0].flow, list[0].step.as_deref()),
        ("doomed", Some("first"))
    );
    assert_eq!(
        handle.ask(&patient(), read("b")).await,
        Ok(1),
        "the other undo ran"
    );
    runtime.stop().await.expect("it stops");
}

/// Catches: a panic in a flow that takes the flow with it, or is retried without end.
#[tokio::test(start_paused = true)]
async fn a_flow_that_panics_is_run_again_and_failed_in_the_end() {
    const SHAKY: FlowType<u32, u32, FlowError> = FlowType::new("shaky", 1);
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let builder = virtual_runtime(memory()).agent(Counters::default()).flow(
        SHAKY,
        move |_: Flow, panics: u32| {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                assert!(run >= panics, "shaky");
                Ok(run)
            }
        },
    );
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    assert_eq!(
        handle.run(&patient(), SHAKY, FlowId::new("2"), 2).await,
        Ok(2)
    );
    runs.store(0, Ordering::SeqCst);
    assert_eq!(
        handle.run(&patient(), SHAKY, FlowId::new("9"), 9).await,
        Err(RunError::Failed(FlowError::Panicked { attempts: 3 }))
    );
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    runtime.stop().await.expect("it stops");
}

/// Catches: an event that starts nothing, starts it twice, or starts it again after a restart.
#[tokio::test(start_paused = true)]
async fn an_event_has_its_effect_once_across_restarts() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let mirror = || {
        Trigger::on::<Counters>("mirror", |occurred: &Occurred<CounterEvent>| {
            let CounterEvent::Added(added) = &occurred.event;
            match &*occurred.entity {
                "mirror" => vec![],
                _ => vec![Reaction::command(&add("mirror", added.amount))],
            }
        })
    };
    for day in 1..=3 {
        let builder = virtual_runtime(file(&path)).agent(Counters::default());
        let runtime = builder.trigger(mirror()).start().await.expect("it starts");
        let handle = runtime.handle();
        for _ in 0..50 {
            handle
                .ask(&Caller::system(), add("a", 1))
                .await
                .expect("an answer");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(
            handle.ask(&Caller::system(), read("mirror")).await,
            Ok(50 * day)
        );
        assert_eq!(runtime.health().dead_letters, 0);
        runtime.stop().await.expect("it stops");
    }
}

/// Catches: a deadline that is held against steps that were taken in time, so that a flow cut off
/// just before its end undoes what it had already promised.
#[tokio::test(start_paused = true)]
async fn a_flow_cut_off_before_its_end_is_not_too_late_for_the_steps_it_took() {
    const BRISK: FlowType<(), i64, FlowError> =
        FlowType::new("brisk", 1).within(Duration::from_secs(2));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let brisk = |cut_off: bool| {
        move |flow: Flow, ()| async move {
            flow.undo_command("add", add("a", -5)).await?;
            let value = flow.ask("add", add("a", 5)).await?;
            if cut_off {
                std::future::pending::<()>().await;
            }
            Ok(value)
        }
    };
    for (hours, cut_off) in [(0, true), (1, false)] {
        let late = Clock::starting_at(Timestamp::from_millis(hours * 3_600_000));
        let builder = virtual_runtime(file(&path)).clock(late);
        let builder = builder
            .agent(Counters::default())
            .flow(BRISK, brisk(cut_off));
        let runtime = builder.start().await.expect("it starts");
        let handle = runtime.handle();
        let brief = Caller::system().within(Duration::from_secs(1));
        let ran = handle.run(&brief, BRISK, FlowId::new("b"), ()).await;
        assert_eq!(ran.is_ok(), !cut_off, "{ran:?}");
        assert_eq!(handle.ask(&patient(), read("a")).await, Ok(5));
        runtime.stop().await.expect("it stops");
    }
}

/// Catches: a flow that an event started, that failed, and that nobody ever hears of.
#[tokio::test(start_paused = true)]
async fn a_failed_flow_that_nobody_waits_for_stands_on_the_work_list() {
    const HOPELESS: FlowType<(), (), FlowError> = FlowType::new("hopeless", 1);
    let builder = virtual_runtime(memory())
        .agent(Counters::default())
        .flow(HOPELESS, |_: Flow, ()| async {
            Err(FlowError::Refused("no way".into()))
        })
        .trigger(Trigger::on::<Counters>(
            "try",
            |_: &Occurred<CounterEvent>| vec![Reaction::flow(HOPELESS, FlowId::new("h"), &())],
        ));
    let runtime = builder.start().await.expect("it starts");
    let added = runtime.handle().ask(&patient(), add("a", 1)).await;
    added.expect("an answer");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let list = runtime.work_list().expect("it reads");
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!((&*list[0].flow, &list[0].step), ("hopeless", &None));
    assert!(list[0].error.contains("no way"), "{list:?}");
    assert_eq!(runtime.unfinished_flows(), Ok(0));
    runtime.stop().await.expect("it stops");
}

/// Catches: a step that failed, and goes otherwise when the flow is run again.
#[tokio::test(start_paused = true)]
async fn a_step_that_could_not_be_served_stays_so_when_the_flow_is_run_again() {
    const TRY: FlowType<(), bool, FlowError> = FlowType::new("try", 1);
    std::panic::set_hook(Box::new(|_| {}));
    let counters = Counters::default();
    counters.fuse.store(1_000, Ordering::SeqCst);
    let attempt = |flow: Flow, ()| async move {
        let added = flow.ask("add", add("a", 5)).await;
        flow.sleep("rest", Duration::from_secs(30)).await?;
        Ok(added.is_ok())
    };
    let builder = virtual_runtime(memory()).agent(counters.clone());
    let runtime = builder.flow(TRY, attempt).start().await.expect("it starts");
    let handle = runtime.handle();
    let running = tokio::spawn({
        let handle = handle.clone();
        async move { handle.run(&patient(), TRY, FlowId::new("t"), ()).await }
    });
    tokio::time::sleep(Duration::from_secs(10)).await;
    counters.fuse.store(0, Ordering::SeqCst);
    // Asked again, the agent would answer now.
    let quarantine = runtime.quarantine();
    let aside = quarantine.list(&QuarantineQuery::default());
    let SetAsideWhat::Command { id, .. } = aside.expect("it reads").items[0].what else {
        panic!("a command is set aside");
    };
    let by = Principal::Operator("ann".into());
    let dropped = quarantine.drop_command(&by, "counters", id, "mended").await;
    assert_eq!(dropped, Ok(()));
    assert_eq!(runtime.crash_flows(), 1);
    assert_eq!(running.await.expect("no panic"), Ok(false));
    assert_eq!(handle.ask(&patient(), read("a")).await, Ok(0));
    runtime.stop().await.expect("it stops");
}

/// Catches: an undo that an agent cannot serve and that counts as done, or that is tried again though
/// nothing comes of it.
#[tokio::test(start_paused = true)]
async fn an_undo_that_cannot_be_served_is_on_the_work_list_at_once() {
    const SPOILT: FlowType<(), (), FlowError> = FlowType::new("spoilt", 1);
    std::panic::set_hook(Box::new(|_| {}));
    let counters = Counters::default();
    let fuse = counters.fuse.clone();
    let spoilt = move |flow: Flow, ()| {
        let fuse = fuse.clone();
        async move {
            flow.undo_command("add", add("a", -5)).await?;
            flow.ask("add", add("a", 5)).await?;
            fuse.store(1_000, Ordering::SeqCst);
            Err::<(), _>(FlowError::Refused("no way".into()))
        }
    };
    let builder = virtual_runtime(memory()).agent(counters.clone());
    let runtime = builder.flow(SPOILT, spoilt).start();
    let runtime = runtime.await.expect("it starts");
    let handle = runtime.handle();
    let begun = handle.clock().elapsed();
    let ran = handle.run(&patient(), SPOILT, FlowId::new("s"), ()).await;
    assert!(ran.is_err(), "{ran:?}");
    let took = handle.clock().elapsed() - begun;
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    counters.fuse.store(0, Ordering::SeqCst);
    let list = runtime.work_list().expect("it reads");
    let list: Vec<_> = list
        .iter()
        .map(|it| (it.kind, it.step.as_deref()))
        .collect();
    assert_eq!(list, [(WorkKind::UndoFailed, Some("add"))]);
    assert_eq!(handle.ask(&patient(), read("a")).await, Ok(5));
    runtime.stop().await.expect("it stops");
}

/// Catches: whoever a port calls on, and who is given the time of the flow though the port has less.
#[tokio::test(start_paused = true)]
async fn whoever_a_port_calls_on_has_no_more_time_than_the_port() {
    const RELAY: Activity<(), [u64; 2]> = Activity::new("relay");
    const PASS: FlowType<(), [u64; 2], FlowError> = FlowType::new("pass", 1);
    let later: Arc<OnceLock<Handle>> = Arc::default();
    let port = later.clone();
    let relay = move |call: ActivityCall, ()| {
        let later = port.clone();
        async move {
            let handle = later.get().expect("it runs");
            let own = call.deadline.since(handle.clock().now());
            let caller = call.caller();
            let served = handle.serve(&caller, async |scope: &Scope| {
                Ok::<_, AskFailure>(scope.remaining())
            });
            let left = served.await.expect("it is served");
            Ok([own, left].map(|time| time.as_secs()))
        }
    };
    let pass = |flow: Flow, ()| async move { Ok(flow.perform("pass", RELAY, ()).await?) };
    let builder = virtual_runtime(memory()).activity(RELAY, relay);
    let runtime = builder.flow(PASS, pass).start().await.expect("it starts");
    let handle = later.get_or_init(|| runtime.handle()).clone();
    let ran = handle.run(&patient(), PASS, FlowId::new("p"), ()).await;
    let [own, left] = ran.expect("it passes");
    assert_eq!(own, left);
    assert!(own < 60, "an attempt has {own} s");
    drop((handle, later));
    runtime.stop().await.expect("it stops");
}
