//! What stands aside while the journal is behind or its disk fails: it is told once it is durable, and released
//! once it can be loaded.

use std::time::Duration;

use mercato::testkit::{Fault, Moment, TestWorld};
use mercato::{AskError, AskFailure, Caller, CommandId, QuarantineError, Replayed, RuntimeBuilder};

use self::drawers::{Drawers, Look, UNLUCKY, all, operator, put};
use super::moody::Mood;
use super::{comes_back, counters, once};
use crate::support::add;

#[allow(
    dead_code,
    reason = "the facade's tests of the quarantine use the rest"
)]
#[path = "../../../tests/quarantine/drawers.rs"]
mod drawers;

fn with_drawers(builder: RuntimeBuilder) -> RuntimeBuilder {
    builder.agent(Drawers::default())
}

/// A drawer with an event that could not be applied when it was asked for last, and now can.
async fn with_poison(world: &TestWorld) {
    let runtime = world.start(with_drawers).await;
    assert_eq!(runtime.ask(put("till", 13)).await, Ok(13));
    runtime.stop().await;
    let runtime = world.start(with_drawers).await;
    UNLUCKY.set(13);
    let asked = runtime.ask(Look("till".into())).await;
    let is_aside = matches!(
        asked,
        Err(AskError::Failed(AskFailure::EntityQuarantined { .. }))
    );
    assert!(is_aside, "{asked:?}");
    UNLUCKY.set(0);
    runtime.stop().await;
}

/// Catches: an entity that could be loaded when the journal was behind, and that stands on the list of those
/// that cannot for as long as it is in memory.
#[tokio::test(start_paused = true)]
async fn an_entity_is_released_once_the_journal_has_room_for_that() {
    let world = TestWorld::new(1);
    with_poison(&world).await;
    let mood = Mood::default();
    let mut first = once();
    mood.is_full_for(move |append| {
        let releases = append.events.iter().any(|it| &*it.name == "EntityReleased");
        releases && first()
    });
    let builder = with_drawers(world.builder(mood.over(world.journal())));
    let runtime = builder.start().await.expect("it starts");
    assert_eq!(all(&runtime.quarantine()).len(), 1);
    runtime.until_recovered().await;
    // It is in memory, and its release was not recorded.
    assert_eq!(all(&runtime.quarantine()).len(), 1);
    let (handle, caller) = (runtime.handle(), Caller::system());
    assert_eq!(handle.ask(&caller, Look("till".into())).await, Ok(13));
    assert_eq!(all(&runtime.quarantine()), []);
    drop(handle);
    runtime.stop().await.expect("it stops");
}

/// Catches: an operator who is told that an entity is released when the disk has lost that.
#[tokio::test(start_paused = true)]
async fn a_release_that_was_taken_back_is_not_told() {
    let world = TestWorld::new(1);
    with_poison(&world).await;
    let runtime = world.start(with_drawers).await;
    world.break_disk();
    let quarantine = runtime.quarantine();
    // In a task of its own, which goes on after the journal has failed.
    let retry = async move { quarantine.retry(&operator(), "drawers", "till").await };
    let retried = tokio::spawn(retry).await.expect("no panic");
    let is_away = matches!(
        retried,
        Err(QuarantineError::Failed(AskFailure::ReadOnly { .. }))
    );
    assert!(is_away, "{retried:?}");
    comes_back(&world, &runtime).await;
    runtime.stop().await;
}

/// Catches: whoever asks a command a second time and is told that it stands aside, when the disk has yet to take
/// that, and does not.
#[tokio::test(start_paused = true)]
async fn a_quarantine_that_is_not_durable_is_told_to_nobody() {
    let world = TestWorld::new(1);
    let runtime = world.start(counters).await;
    let handle = runtime.handle();
    let caller = Caller::system().keyed(CommandId::from_key("once"));
    world.faults().arm(Fault::at(Moment::Decide).times(3));
    // The second one comes when the first one stands aside, and the disk is at work on that.
    world.slow_disk(Duration::from_millis(100));
    world.break_disk();
    let ask = || handle.ask(&caller, add("a", 1));
    let (one, two) = tokio::join!(ask(), ask());
    for asked in [one, two] {
        let is_away = matches!(asked, Err(AskError::Failed(AskFailure::ReadOnly { .. })));
        assert!(is_away, "{asked:?}");
    }
    assert_eq!(world.faults().struck(), 3);
    comes_back(&world, &runtime).await;
    assert_eq!(handle.ask(&caller, add("a", 1)).await, Ok(1));
    drop(handle);
    runtime.stop().await;
}

fn was_lost<T: std::fmt::Debug>(outcome: &Result<T, QuarantineError>) -> bool {
    let failed = |failure: &AskFailure| matches!(failure, AskFailure::ReadOnly { .. });
    matches!(outcome, Err(QuarantineError::Failed(failure)) if failed(failure))
}

/// Catches: an operator whose task comes back to a release when the disk has lost it and is back, and who is
/// told that it stands.
#[tokio::test(start_paused = true)]
async fn a_release_that_was_lost_before_anybody_looked_is_not_told() {
    let world = TestWorld::new(1);
    with_poison(&world).await;
    let runtime = world.start(with_drawers).await;
    world.slow_disk(Duration::from_millis(100));
    world.break_disk();
    let (quarantine, operator) = (runtime.quarantine(), operator());
    let mut retry = Box::pin(quarantine.retry(&operator, "drawers", "till"));
    assert!(futures::poll!(&mut retry).is_pending());
    while runtime.health().read_only.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    comes_back(&world, &runtime).await;
    let retried = retry.await;
    assert!(was_lost(&retried), "{retried:?}");
    drop(quarantine);
    runtime.stop().await;
}

/// Catches: a replay that was answered before the disk failed, and is recorded after that by somebody who
/// cannot know whether its answer stands.
#[tokio::test(start_paused = true)]
async fn a_replay_is_recorded_in_the_epoch_of_its_answer_or_not_at_all() {
    let world = TestWorld::new(1);
    let runtime = world.start(counters).await;
    let command = CommandId::from_key("once");
    world.faults().arm(Fault::at(Moment::Decide).times(3));
    let caller = Caller::system().keyed(command);
    let asked = runtime.handle().ask(&caller, add("a", 1)).await;
    asked.expect_err("it stands aside");
    let (quarantine, operator) = (runtime.quarantine(), operator());
    let mut replay = Box::pin(quarantine.replay(&operator, "counters", command));
    assert!(futures::poll!(&mut replay).is_pending());
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.break_disk();
    runtime.ask(add("b", 1)).await.expect_err("the disk fails");
    comes_back(&world, &runtime).await;
    let replayed = replay.await;
    assert!(was_lost(&replayed), "{replayed:?}");
    assert_eq!(all(&quarantine).len(), 1, "it stands aside still");
    let replayed = quarantine.replay(&operator, "counters", command).await;
    assert_eq!(replayed, Ok(Replayed::Answered));
    assert_eq!(all(&quarantine), []);
    drop(quarantine);
    runtime.stop().await;
}
