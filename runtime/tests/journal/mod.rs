//! What the runtime does where its journal is behind or away, and where an epoch of it is over.

mod away;
mod behind;
mod children;
mod epochs;
mod flows;
mod followers;
mod moody;
mod parking;
mod standing;
mod subscribers;
mod timers;

use std::time::Duration;

use mercato::persistence::{Position, ReadError};
use mercato::testkit::{TestRuntime, TestWorld, eventually};
use mercato::{AskError, AskFailure, Caller, Runtime, RuntimeBuilder};

use self::moody::Mood;
use crate::support::{Counters, add};

/// The disk fails, and what comes of that is over before it is well again.
async fn breaks(world: &TestWorld, runtime: &TestRuntime) {
    world.break_disk();
    let refused = runtime.ask(add("nobody", 1)).await;
    assert!(
        matches!(refused, Err(AskError::Failed(AskFailure::ReadOnly { .. }))),
        "{refused:?}"
    );
    assert!(runtime.health().read_only.is_some());
}

async fn comes_back(world: &TestWorld, runtime: &TestRuntime) {
    world.heal_disk();
    let back = async || runtime.health().read_only.is_none();
    eventually("the disk is back", Duration::from_secs(60), back).await;
}

/// True once.
fn once() -> impl FnMut() -> bool + Send + 'static {
    let mut is_first = true;
    move || std::mem::take(&mut is_first)
}

fn counters(builder: RuntimeBuilder) -> RuntimeBuilder {
    builder.agent(Counters::default())
}

async fn start(world: &TestWorld, mood: &Mood) -> Runtime {
    let builder = counters(world.builder(mood.over(world.journal())));
    builder.start().await.expect("it starts")
}

/// Meets whoever follows the journal with this, and has `call` count one more.
async fn meet(
    mood: &Mood,
    runtime: &Runtime,
    trouble: impl FnMut(&Position) -> Option<ReadError> + Send + 'static,
) {
    mood.fails(trouble);
    let added = runtime
        .handle()
        .ask(&Caller::system(), add("call", 1))
        .await;
    assert!(added.is_ok(), "{added:?}");
    tokio::time::sleep(Duration::from_secs(1)).await;
}
