//! What a shard's mailbox promises to those who ask: fairness by entity, a bound that says when to
//! try again, deadlines that are kept, and an answer at once from a tree that has given up.

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::{Counters, add, memory, read, virtual_runtime};
use futures::future::join_all;
use mercato::supervisor::{Intensity, MailboxOptions, RootState};
use mercato::{AgentOptions, AskError, AskFailure, Caller};

/// One shard, so that all entities share a mailbox.
fn one_shard() -> AgentOptions {
    AgentOptions {
        shards: NonZeroUsize::MIN,
        ..AgentOptions::default()
    }
}

/// Catches: an entity whose commands keep those of all others waiting.
#[tokio::test(start_paused = true)]
async fn a_hot_entity_does_not_keep_the_others_waiting() {
    let journal = memory();
    let options = AgentOptions {
        mailbox: MailboxOptions {
            batch_max: NonZeroUsize::new(8).expect("it is positive"),
            ..MailboxOptions::default()
        },
        ..one_shard()
    };
    let builder = virtual_runtime(journal.clone()).agent_with(Counters::default(), options);
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let caller = Caller::system();
    let hot = (0..400).map(|_| handle.ask(&caller, add("hot", 1)));
    let cold = (0..4).map(|n| handle.ask(&caller, add(&format!("cold{n}"), 1)));
    let (hot, cold) = tokio::join!(join_all(hot), join_all(cold));
    assert!(hot.into_iter().chain(cold).all(|answer| answer.is_ok()));
    let recorded = journal
        .read(mercato::persistence::Position::START, 1_000)
        .expect("it reads");
    let streams: Vec<_> = recorded.iter().map(|r| &*r.append.stream).collect();
    assert_eq!(streams.len(), 404);
    for n in 0..4 {
        let stream = format!("counters/cold{n}");
        let at = streams.iter().position(|s| *s == stream);
        // Those in hand already, and a turn of each.
        assert!(at.is_some_and(|at| at < 8 + 5), "{stream} at {at:?}");
    }
    runtime.stop().await.expect("it stops");
}

/// Catches: one entity that fills the mailbox for all, and an overload that does not say when to try
/// again.
#[tokio::test(start_paused = true)]
async fn one_entity_cannot_fill_the_mailbox() {
    let builder = virtual_runtime(memory()).agent_with(Counters::default(), one_shard());
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let eager = Caller::system().fail_fast();
    let hot = (0..2_000).map(|_| handle.ask(&eager, add("hot", 1)));
    let cold = (0..400).map(|n| handle.ask(&eager, add(&format!("cold{n}"), 1)));
    let (hot, cold) = tokio::join!(join_all(hot), join_all(cold));
    let taken = hot.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(taken, 512, "half of the places");
    for refused in hot.into_iter().filter_map(Result::err) {
        let AskError::Failed(AskFailure::Overloaded { retry_after }) = refused else {
            panic!("{refused:?}");
        };
        assert!(retry_after >= Duration::from_millis(1));
        assert!(retry_after <= Duration::from_secs(10));
    }
    assert!(cold.iter().all(Result::is_ok), "the others have room");
    runtime.stop().await.expect("it stops");
}

/// Catches: a command that runs although its caller has given up, while its shard was down.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_served_in_time_is_dropped_and_counted() {
    let agent = Counters::default();
    let journal = memory();
    let builder = virtual_runtime(journal.clone()).agent_with(agent.clone(), one_shard());
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    // Two crashes: the shard is down for 25 to 50 ms, and back after that.
    agent.fuse.store(2, Ordering::SeqCst);
    let hurried = Caller::system().within(Duration::from_millis(20));
    let patient = Caller::system();
    let before = handle.clock().elapsed();
    let (late, other) = tokio::join!(
        async {
            let late = handle.ask(&hurried, add("a", 1)).await;
            (late, handle.clock().elapsed() - before)
        },
        handle.ask(&patient, add("b", 1)),
    );
    let (late, waited) = late;
    assert_eq!(late, Err(AskError::Failed(AskFailure::DeadlineExceeded)));
    assert_eq!(waited, Duration::from_millis(20));
    assert_eq!(other, Ok(1));
    assert_eq!(handle.stats()[0].shed, 1);
    assert_eq!(handle.ask(&patient, read("a")).await, Ok(0), "it never ran");
    runtime.stop().await.expect("it stops");
}

/// Catches: callers who wait for their deadlines although nobody will ever serve them.
#[tokio::test(start_paused = true)]
async fn a_tree_that_is_down_answers_at_once() {
    let agent = Counters::default();
    let options = AgentOptions {
        attempts_max: 1_000.try_into().expect("it is positive"),
        intensity: Intensity {
            restarts_max: 0,
            ..Intensity::default()
        },
        ..one_shard()
    };
    let builder = virtual_runtime(memory()).agent_with(agent.clone(), options);
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    agent.fuse.store(u32::MAX, Ordering::SeqCst);
    let caller = Caller::system().within(Duration::from_secs(3_600));
    let asks = (0..2_000).map(|n| handle.ask(&caller, add(&format!("c{n}"), 1)));
    let answers = join_all(asks).await;
    let stopped = Err(AskError::Failed(AskFailure::Stopped));
    assert!(answers.iter().all(|answer| *answer == stopped));
    assert!(matches!(
        runtime.health().tree.state,
        RootState::Down { .. }
    ));
    let down = handle.clock().elapsed();
    assert!(
        down < Duration::from_secs(60),
        "{down:?}: at the end, not later"
    );
    assert_eq!(handle.ask(&caller, add("a", 1)).await, stopped);
    assert_eq!(handle.clock().elapsed(), down);
    runtime.stop().await.expect("it stops");
}
