//! A flow knows what its steps did for longer than the agents that answered them.

use std::sync::Arc;
use std::time::Duration;

use mercato::persistence::{Journal, JournalOptions};
use mercato::testkit::TestWorld;
use mercato::{Caller, Flow, FlowError, FlowId, FlowType, Handle, Runtime};

use crate::lives::patient;
use crate::support::{Counters, add, read, virtual_runtime};

/// So few first replies are known.
const REPLIES_MAX: usize = 4;
const REST: FlowType<u64, i64, FlowError> = FlowType::new("rest", 1);

/// Counts, and rests for so many seconds.
async fn rest(flow: Flow, secs: u64) -> Result<i64, FlowError> {
    let counted = flow.ask("count", add("steps", 1)).await?;
    flow.sleep("rest", Duration::from_secs(secs)).await?;
    Ok(counted)
}

fn journal() -> Arc<dyn Journal> {
    let options = JournalOptions {
        replies_max: REPLIES_MAX,
        ..JournalOptions::default()
    };
    TestWorld::with_journal(7, options).journal()
}

async fn start(journal: Arc<dyn Journal>) -> Runtime {
    let builder = virtual_runtime(journal).agent(Counters::default());
    let runtime = builder.flow(REST, rest).start().await;
    runtime.expect("it starts")
}

async fn run(handle: &Handle, caller: &Caller, secs: u64) -> Result<i64, impl std::fmt::Debug> {
    handle.run(caller, REST, FlowId::new("r"), secs).await
}

/// Gives so many commands that no first reply from before is known.
async fn forget_all(handle: &Handle) {
    for _ in 0..2 * REPLIES_MAX {
        let added = handle.ask(&Caller::system(), add("others", 1)).await;
        added.expect("an answer");
    }
}

async fn steps(handle: &Handle) -> i64 {
    let steps = handle.ask(&Caller::system(), read("steps")).await;
    steps.expect("an answer")
}

/// Catches: a sleeper that takes its early steps a second time, because nobody remembers the first.
#[tokio::test(start_paused = true)]
async fn a_flow_that_sleeps_longer_than_replies_are_kept_takes_no_step_twice() {
    let runtime = start(journal()).await;
    let handle = runtime.handle();
    let brief = Caller::system().within(Duration::from_secs(1));
    assert!(run(&handle, &brief, 3_600).await.is_err(), "it sleeps");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(handle.flow_stats().parked, 1);
    forget_all(&handle).await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(run(&handle, &patient(), 3_600).await.expect("it ends"), 1);
    assert_eq!(steps(&handle).await, 1);
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that is never parked, and whose early steps are known to nobody when it is cut off.
#[tokio::test(start_paused = true)]
async fn nor_does_one_that_was_at_work_for_long_when_it_was_cut_off() {
    let runtime = start(journal()).await;
    let handle = runtime.handle();
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { run(&handle, &patient(), 30).await.expect("it ends") }
    });
    tokio::time::sleep(Duration::from_secs(15)).await;
    forget_all(&handle).await;
    assert_eq!(runtime.crash_flows(), 1);
    assert_eq!(waiting.await.expect("no panic"), 1);
    assert_eq!(steps(&handle).await, 1);
    runtime.stop().await.expect("it stops");
}

/// Catches: replies that a short flow writes down, though nobody will ever ask for them.
#[tokio::test(start_paused = true)]
async fn a_flow_that_is_soon_over_writes_no_reply_down() {
    let journal = journal();
    let runtime = start(journal.clone()).await;
    let handle = runtime.handle();
    assert_eq!(run(&handle, &patient(), 5).await.expect("it ends"), 1);
    let log = journal.read_stream("flow/rest/r", 0).expect("it reads");
    let noted: Vec<_> = log
        .iter()
        .flat_map(|recorded| &recorded.append.events)
        .filter(|event| event.name == "StepNoted")
        .collect();
    assert_eq!(noted.len(), 1, "the sleep alone: {noted:?}");
    runtime.stop().await.expect("it stops");
}
