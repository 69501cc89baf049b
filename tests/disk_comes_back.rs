//! A runtime whose disk fails is read-only, and goes on by itself when the disk is back: agents,
//! flows and triggers alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::support::{BelowZero, CounterEvent, Counters, EvenDisk, add, read, virtual_runtime};
use mercato::persistence::simulated_disk::{Fault, SimulatedDisk};
use mercato::persistence::{Journal, JournalOptions, RedbJournal, Vault, WriterPlace};
use mercato::{
    AskError, AskFailure, Caller, Flow, FlowError, FlowId, FlowOptions, FlowType, Handle, Occurred,
    Reaction, RunError, Runtime, RuntimeBuilder, Trigger,
};

const CLIMB: FlowType<i64, i64, FlowError> = FlowType::new("climb", 1);

/// Adds one, sleeps a second, and so on.
async fn climb(flow: Flow, steps: i64) -> Result<i64, FlowError> {
    let mut height = 0;
    for step in 0..steps {
        height = flow.ask(&format!("up {step}"), add("hill", 1)).await?;
        flow.sleep(&format!("rest {step}"), Duration::from_secs(1))
            .await?;
    }
    Ok(height)
}

fn journal_on(disk: &SimulatedDisk) -> Arc<dyn Journal> {
    let disk = disk.clone();
    let writer = WriterPlace::Task(Box::new(EvenDisk));
    let vault = Arc::new(Vault::in_memory().expect("memory"));
    let options = JournalOptions::default();
    let journal = RedbJournal::with_disk(move || Ok(disk.clone()), vault, options, writer);
    Arc::new(journal.expect("a sound disk"))
}

/// Catches: a flow or a trigger that is let go when the disk fails and waits for the next start of
/// the process, a step that is taken twice, and state built on what the disk never took.
#[tokio::test(start_paused = true)]
async fn flows_and_triggers_go_on_where_they_were() {
    let disk = SimulatedDisk::new(1);
    let echo = Trigger::on::<Counters>("echo", |added: &Occurred<CounterEvent>| {
        if &*added.entity == "hill" {
            vec![Reaction::command(&add("echo", 1))]
        } else {
            Vec::new()
        }
    });
    let runtime = virtual_runtime(journal_on(&disk))
        .agent(Counters::default())
        .flow(CLIMB, climb)
        .trigger(echo)
        .start()
        .await
        .expect("it starts");
    let handle = runtime.handle();
    let caller = Caller::system().within(Duration::from_secs(600));
    let climbing = tokio::spawn({
        let (handle, caller) = (handle.clone(), caller.clone());
        async move { handle.run(&caller, CLIMB, FlowId::new("c"), 10).await }
    });
    tokio::time::sleep(Duration::from_millis(4_500)).await;

    disk.inject(Fault::WriteErrorAt {
        operation: disk.operations() + 1,
    });
    let refused = handle.ask(&caller, add("other", 1)).await;
    assert!(
        matches!(
            refused.as_ref().expect_err("the disk failed").failure(),
            Some(AskFailure::ReadOnly { .. })
        ),
        "{refused:?}"
    );
    assert!(runtime.health().read_only.is_some(), "it says so");
    tokio::time::sleep(Duration::from_secs(5)).await;
    // Whoever waited for the flow is told, and asks again under the same id.
    let told = climbing.await.expect("no panic");
    assert!(told.is_err(), "{told:?}");

    disk.heal();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(runtime.health().read_only.is_none(), "it is back");
    let climbed = handle.run(&caller, CLIMB, FlowId::new("c"), 10).await;
    assert_eq!(climbed, Ok(10));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(handle.ask(&caller, read("hill")).await, Ok(10));
    assert_eq!(handle.ask(&caller, read("echo")).await, Ok(10));
    assert_eq!(handle.ask(&caller, read("other")).await, Ok(0));
    assert!(runtime.health().stopped_triggers.is_empty());
    runtime.stop().await.expect("it stops");
}

const NAP: FlowType<u64, u64, FlowError> = FlowType::new("nap", 1);

/// Sleeps, takes a step that nobody notes, and dozes without a note.
async fn nap(flow: Flow, seconds: u64) -> Result<u64, FlowError> {
    flow.sleep("first", Duration::from_millis(10)).await?;
    flow.ask("turn", add("bed", 1)).await?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    Ok(seconds)
}

const WAIT: FlowType<u64, u64, FlowError> = FlowType::new("wait", 1);

async fn wait(flow: Flow, millis: u64) -> Result<u64, FlowError> {
    flow.sleep("all of it", Duration::from_millis(millis))
        .await?;
    Ok(millis)
}

fn builder(disk: &SimulatedDisk) -> RuntimeBuilder {
    virtual_runtime(journal_on(disk))
        .agent(Counters::default())
        .flow(NAP, nap)
        .flow(WAIT, wait)
}

async fn started(builder: RuntimeBuilder) -> (Runtime, Handle, Caller) {
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let caller = Caller::system().within(Duration::from_secs(600));
    // From here on nothing but what a test does is on its way to the disk.
    tokio::time::sleep(Duration::from_millis(50)).await;
    (runtime, handle, caller)
}

async fn millis(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

fn break_next_commit(disk: &SimulatedDisk) {
    disk.inject(Fault::WriteErrorAt {
        operation: disk.operations() + 1,
    });
}

/// Catches: a flow that ends well though one of its steps was taken back by the disk that failed, or that goes
/// on as if nothing had been until its function is over.
#[tokio::test(start_paused = true)]
async fn a_step_that_was_taken_back_is_taken_again_before_the_flow_ends() {
    let disk = SimulatedDisk::new(1);
    let (runtime, handle, caller) = started(builder(&disk)).await;
    let napping = tokio::spawn({
        let (handle, caller) = (handle.clone(), caller.clone());
        async move { handle.run(&caller, NAP, FlowId::new("n"), 2).await }
    });
    millis(9).await;
    // The flow's start and its first note are durable, and the step will not be.
    break_next_commit(&disk);
    millis(10).await;
    assert!(runtime.health().read_only.is_some(), "the step is lost");
    disk.heal();
    millis(500).await;
    assert!(runtime.health().read_only.is_none(), "it is back");
    // The flow dozes for two seconds, and does not have to be done with that first.
    assert_eq!(handle.ask(&caller, read("bed")).await, Ok(1));
    assert_eq!(napping.await.expect("no panic"), Ok(2));
    assert_eq!(handle.ask(&caller, read("bed")).await, Ok(1));
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that is failed for what it made of steps that never were.
#[tokio::test(start_paused = true)]
async fn a_run_that_panics_over_what_was_taken_back_does_not_count() {
    const FALL: FlowType<u64, u64, FlowError> = FlowType::new("fall", 1);
    let disk = SimulatedDisk::new(1);
    let runs = Arc::new(AtomicU32::new(0));
    let fall = {
        let runs = runs.clone();
        move |flow: Flow, seconds: u64| {
            let run = runs.fetch_add(1, Ordering::Relaxed);
            async move {
                nap(flow, seconds).await?;
                assert!(run > 0, "the first run falls over");
                Ok(seconds)
            }
        }
    };
    let no_panics = FlowOptions {
        panics_max: 1,
        ..FlowOptions::default()
    };
    let builder = builder(&disk).flow(FALL, fall).flow_options(no_panics);
    let (runtime, handle, caller) = started(builder).await;
    let falling = tokio::spawn({
        let (handle, caller) = (handle.clone(), caller.clone());
        async move { handle.run(&caller, FALL, FlowId::new("f"), 2).await }
    });
    millis(9).await;
    break_next_commit(&disk);
    millis(10).await;
    disk.heal();
    assert_eq!(falling.await.expect("no panic"), Ok(2));
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow whose end was lost, and that nobody works on until the next start.
#[tokio::test(start_paused = true)]
async fn a_flow_whose_end_was_taken_back_ends_again() {
    let disk = SimulatedDisk::new(1);
    let (runtime, handle, caller) = started(builder(&disk)).await;
    let waiting = tokio::spawn({
        let (handle, caller) = (handle.clone(), caller.clone());
        async move { handle.run(&caller, WAIT, FlowId::new("w"), 20).await }
    });
    millis(19).await;
    break_next_commit(&disk);
    let told = waiting.await.expect("no panic");
    assert!(
        matches!(&told, Err(RunError::Unserved(AskFailure::ReadOnly { .. }))),
        "{told:?}"
    );
    assert_eq!(runtime.unfinished_flows(), Ok(1));
    disk.heal();
    millis(500).await;
    assert_eq!(runtime.unfinished_flows(), Ok(0), "it ended by itself");
    let again = handle.run(&caller, WAIT, FlowId::new("w"), 20).await;
    assert_eq!(again, Ok(20));
    assert_eq!(handle.flow_stats().completed, 1, "one flow ended");
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that goes on though its start was lost, holds its name against whoever starts it
/// again, or hands out what came of the input that was lost.
#[tokio::test(start_paused = true)]
async fn a_flow_whose_start_was_taken_back_can_be_started_anew() {
    let disk = SimulatedDisk::new(1);
    let (runtime, handle, caller) = started(builder(&disk)).await;
    const DAY_MS: u64 = 86_400_000;
    break_next_commit(&disk);
    let lost = handle.run(&caller, WAIT, FlowId::new("w"), DAY_MS).await;
    assert!(
        matches!(&lost, Err(RunError::Unserved(AskFailure::ReadOnly { .. }))),
        "{lost:?}"
    );
    disk.heal();
    millis(500).await;
    assert_eq!(handle.flow_stats().in_flight, 0, "nobody waits for a day");
    let anew = handle.run(&caller, WAIT, FlowId::new("w"), 20).await;
    assert_eq!(anew, Ok(20));
    runtime.stop().await.expect("it stops");
}

/// Catches: a trigger whose cursor passes an event though the reaction to it was lost, because it
/// was busy with later events while the disk failed and came back.
#[tokio::test(start_paused = true)]
async fn a_reaction_that_was_taken_back_is_made_again() {
    let disk = SimulatedDisk::new(1);
    let rule = Trigger::on::<Counters>("rule", |added: &Occurred<CounterEvent>| {
        match &*added.entity {
            "first" => vec![Reaction::command(&add("echo", 1))],
            // There is no room for it until the occupant has ended.
            "second" => vec![Reaction::flow(WAIT, FlowId::new("second"), &1)],
            _ => Vec::new(),
        }
    });
    let one_flow = FlowOptions {
        in_flight_max: std::num::NonZeroUsize::MIN,
        ..FlowOptions::default()
    };
    let builder = builder(&disk).trigger(rule).flow_options(one_flow);
    let (runtime, handle, caller) = started(builder).await;
    let ask = |command| {
        let (handle, caller) = (handle.clone(), caller.clone());
        tokio::spawn(async move { handle.ask(&caller, command).await })
    };
    let occupant = tokio::spawn({
        let (handle, caller) = (handle.clone(), caller.clone());
        async move {
            handle
                .run(&caller, WAIT, FlowId::new("occupant"), 2_000)
                .await
        }
    });
    millis(50).await;

    // Commits take 2 ms. The first event is durable at 2, when the second one is written; the
    // reaction to the first is written at 4, when the trigger sees the second.
    let first = ask(add("first", 1));
    millis(1).await;
    let second = ask(add("second", 1));
    millis(2).await;
    break_next_commit(&disk);
    millis(10).await;
    assert!(runtime.health().read_only.is_some(), "the reaction is lost");
    disk.heal();
    millis(5_000).await;
    assert_eq!(first.await.expect("no panic"), Ok(1));
    assert_eq!(second.await.expect("no panic"), Ok(1));
    assert_eq!(occupant.await.expect("no panic"), Ok(2_000));
    assert_eq!(handle.ask(&caller, read("echo")).await, Ok(1));
    let health = runtime.health();
    assert!(health.stopped_triggers.is_empty());
    assert_eq!(health.dead_letters, 0);
    assert_eq!(runtime.unfinished_flows(), Ok(0));
    assert_eq!(handle.flow_stats().completed, 2);
    runtime.stop().await.expect("it stops");
}

/// Catches: a command that is recorded though what it was decided on was taken back.
#[tokio::test(start_paused = true)]
async fn a_request_does_not_go_on_from_what_was_taken_back() {
    let disk = SimulatedDisk::new(1);
    let (runtime, handle, caller) = started(builder(&disk)).await;
    break_next_commit(&disk);
    let served = handle
        .serve(&caller, async |scope| {
            let seen = scope.ask(add("seen", 7)).await?;
            millis(10).await;
            disk.heal();
            millis(500).await;
            scope.ask(add("built on it", seen)).await
        })
        .await;
    assert!(
        matches!(
            &served,
            Err(AskError::<BelowZero>::Failed(AskFailure::ReadOnly { .. }))
        ),
        "{served:?}"
    );
    assert!(runtime.health().read_only.is_none(), "it is back");
    assert_eq!(handle.ask(&caller, read("seen")).await, Ok(0));
    assert_eq!(handle.ask(&caller, read("built on it")).await, Ok(0));
    runtime.stop().await.expect("it stops");
}
