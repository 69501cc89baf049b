//! A runtime whose disk fails is read-only, and goes on by itself when the disk is back: agents,
//! flows and triggers alike.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use mercato::persistence::simulated_disk::{Fault, SimulatedDisk};
use mercato::persistence::{Journal, JournalOptions, RedbJournal, Vault, WriterPlace};
use mercato::{AskFailure, Caller, Flow, FlowError, FlowId, FlowType, Occurred, Reaction, Trigger};
use support::{CounterEvent, Counters, EvenDisk, add, read, virtual_runtime};

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
