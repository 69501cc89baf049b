//! What was learnt before the disk failed counts for nothing after that, and what is learnt then counts.

use mercato::testkit::{Fault, Moment, TestWorld};
use mercato::{AskError, AskFailure, Caller, CommandId};

use super::{breaks, comes_back, counters};
use crate::support::{BelowZero, add, read};

/// Catches: a request that is answered out of an epoch that is not its own, and so never again once the disk
/// has failed.
#[tokio::test(start_paused = true)]
async fn requests_are_served_however_often_the_disk_has_failed() {
    let world = TestWorld::new(1);
    let runtime = world.start(counters).await;
    let handle = runtime.handle();
    for times in 1..=4 {
        let served: Result<_, AskError<BelowZero>> = handle
            .serve(&Caller::system(), async |scope| {
                scope.ask(add("a", 1)).await
            })
            .await;
        assert_eq!(served, Ok(times));
        breaks(&world, &runtime).await;
        comes_back(&world, &runtime).await;
    }
    runtime.stop().await;
}

/// Catches: an answer that depends on what was taken back, and that is given because something else is
/// durable in its place.
#[tokio::test(start_paused = true)]
async fn an_answer_that_was_taken_back_is_not_given_when_others_have_its_place() {
    let world = TestWorld::new(1);
    let runtime = world.start(counters).await;
    let served: Result<_, AskError<BelowZero>> = runtime
        .handle()
        .serve(&Caller::system(), async |scope| {
            world.break_disk();
            let seen = scope.ask(add("seen", 7)).await?;
            breaks(&world, &runtime).await;
            comes_back(&world, &runtime).await;
            for times in 1..=5 {
                assert_eq!(runtime.ask(add("other", 1)).await, Ok(times));
            }
            Ok(seen)
        })
        .await;
    assert!(
        matches!(served, Err(AskError::Failed(AskFailure::ReadOnly { .. }))),
        "{served:?}"
    );
    assert_eq!(runtime.ask(read("seen")).await, Ok(0), "it never was");
    runtime.stop().await;
}

/// Catches: a command that is refused because it is thought to stand aside, though the disk took that back.
#[tokio::test(start_paused = true)]
async fn a_command_whose_quarantine_was_taken_back_is_decided_anew() {
    let world = TestWorld::new(1);
    let runtime = world.start(counters).await;
    let caller = Caller::system().keyed(CommandId::from_key("once"));
    let handle = runtime.handle();
    world.faults().arm(Fault::at(Moment::Decide).times(3));
    world.break_disk();
    let asked = handle.ask(&caller, add("a", 1)).await;
    assert!(asked.is_err(), "{asked:?}");
    assert_eq!(world.faults().struck(), 3);
    comes_back(&world, &runtime).await;
    assert_eq!(handle.ask(&caller, add("a", 1)).await, Ok(1));
    drop(handle);
    runtime.stop().await;
}
