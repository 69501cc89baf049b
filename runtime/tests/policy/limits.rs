//! The rate limit and its queue.

use std::time::Duration;

use futures::future::{join, join_all};
use mercato::{Answer, CallError, CallRate, Dependency, FailureKind, Policies};

use crate::policy::world::{RATES, Step, World, even};

const HIT: Step = Step::Answer("1.17");

fn limited(calls: u32, burst_calls: u32) -> Policies {
    let mut policies = even();
    policies.default.rate_limiting.limit = Some(CallRate {
        calls,
        per: Duration::from_secs(1),
        burst_calls,
    });
    policies
}

/// Catches: a limit that does not hold, a burst that is not allowed or has no end, and a queue that
/// is not served in its order.
#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_rate_in_the_order_in_which_they_came() {
    let world = World::new(limited(10, 2), [HIT; 6]);
    let calls = (0..6).map(|nth| {
        let world = &world;
        async move {
            world.call(world.request()).await.expect("an answer");
            (world.now(), nth)
        }
    });
    let served = join_all(calls).await;
    assert_eq!(world.attempts(), [0, 0, 100, 200, 300, 400]);
    assert_eq!(
        served,
        [(0, 0), (0, 1), (100, 2), (200, 3), (300, 4), (400, 5)]
    );
    assert_eq!(world.guard().stats().queued, 4);
    assert_eq!(world.guard().stats().waiting, 0);
}

/// Catches: a queue without a bound, a refusal that does not say when to come again, and one that
/// sends something.
#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_and_says_when_to_come_again() {
    let mut policies = limited(10, 1);
    policies.default.rate_limiting.queue_calls_max = 2;
    let world = World::new(policies, [HIT; 3]);
    let calls = (0..4).map(|_| world.call(world.request()));
    let answers = join_all(calls).await;
    let refused = CallError::Overloaded {
        dependency: RATES,
        retry_after: Duration::from_millis(300),
    };
    assert_eq!(answers[..3], [const { Ok(Answer::Fresh("1.17")) }; 3]);
    assert_eq!(answers[3], Err(refused));
    let stats = world.guard().stats();
    assert_eq!((stats.attempts, stats.queue_refused), (3, 1));
    assert_eq!(stats.errors_of(FailureKind::RateLimiting), 1);
}

/// Catches: a caller who is let into the queue though its turn comes too late for it.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_turn_that_comes_too_late() {
    let world = World::new(limited(10, 1), [HIT; 3]);
    let calls = (0..4).map(|_| async {
        let hasty = world.request_within(Duration::from_millis(250));
        (world.call(hasty).await.is_ok(), world.now())
    });
    let told_at = join_all(calls).await;
    let expected = [(true, 0), (true, 100), (true, 200), (false, 0)];
    assert_eq!(told_at, expected, "the last one is refused at once");
}

/// Catches: a caller who waits for a turn and is told only then that the dependency is left alone, and
/// one who waits and is not counted.
#[tokio::test(start_paused = true)]
async fn nobody_queues_for_a_dependency_that_is_left_alone() {
    const BUSY: Step = Step::Fail(FailureKind::ServiceUnavailable);
    let mut policies = limited(1, 1);
    policies.default.service_unavailable.attempts_max = 1;
    let world = World::new(policies, [BUSY; 5]);
    for _ in 0..5 {
        world.call(world.request()).await.expect_err("busy");
    }
    let before = (world.now(), world.guard().stats().queued);
    let refused = world.call(world.request()).await;
    assert!(
        matches!(refused, Err(CallError::Open { .. })),
        "{refused:?}"
    );
    assert_eq!((world.now(), world.guard().stats().queued), before);

    let world = World::new(limited(1, 1), [HIT; 2]);
    world.call(world.request()).await.expect("an answer");
    let look = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.guard().stats().waiting
    };
    let (answer, waiting) = join(world.call(world.request()), look).await;
    assert_eq!((answer, waiting), (Ok(Answer::Fresh("1.17")), 1));
}

/// Catches: a newcomer who takes the turn of somebody who waits for it.
#[tokio::test(start_paused = true)]
async fn a_newcomer_does_not_overtake_those_who_wait() {
    let world = World::new(limited(10, 1), [HIT; 3]);
    world.call(world.request()).await.expect("an answer");
    let newcomer = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.call(world.request()).await.expect("an answer");
        world.now()
    };
    let waiting = async {
        world.call(world.request()).await.expect("an answer");
        world.now()
    };
    // When the turn comes, the newcomer is the first to run.
    assert_eq!(join(newcomer, waiting).await, (200, 100));
}

/// Catches: a wait that was told to one and not heeded by
/// the others.
#[tokio::test(start_paused = true)]
async fn what_one_call_is_told_holds_for_all() {
    let world = World::new(even(), [Step::Told(1_000), HIT, HIT, HIT]);
    let later = |ms| {
        let world = &world;
        async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            world.call(world.request()).await.expect("an answer");
            world.now()
        }
    };
    let served = tokio::join!(later(0), later(10), later(20));
    assert_eq!(served, (1_000, 1_000, 1_000));
    assert_eq!(world.attempts(), [0, 1_000, 1_000, 1_000]);
}

/// Catches: one key of an agent, or one of its shards, whose mailbox is full, and for which all others are
/// left waiting.
#[tokio::test(start_paused = true)]
async fn what_one_mailbox_says_does_not_hold_for_the_agent() {
    let world = World::new(even(), [Step::Told(1_000), HIT, HIT]);
    let guard = world.guards.of(Dependency::Agent("inventory"));
    let later = |ms| {
        let (world, guard) = (&world, &guard);
        async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            let called = guard.call(world.request(), |attempt| world.answer(attempt));
            called.await.expect("an answer");
            world.now()
        }
    };
    assert_eq!(tokio::join!(later(0), later(10)), (1_000, 10));
}

/// Catches: a dependency that can make everybody wait for as long as it likes.
#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_is_not_begun() {
    let world = World::new(even(), [Step::Told(40_000), HIT]);
    let error = world.call(world.request()).await.expect_err("an error");
    assert_eq!(error.kind(), FailureKind::RateLimiting);
    assert_eq!((world.attempts().len(), world.now()), (1, 0));
    // The next one looks again after 30 s.
    assert_eq!(world.call(world.request()).await, Ok(Answer::Fresh("1.17")));
    assert_eq!(world.attempts(), [0, 30_000]);
}

/// Catches: a place in the queue that a caller keeps after going away.
#[tokio::test(start_paused = true)]
async fn a_caller_who_goes_away_leaves_the_queue() {
    let mut policies = limited(1, 1);
    policies.default.rate_limiting.queue_calls_max = 1;
    let world = World::new(policies, [HIT; 2]);
    world.call(world.request()).await.expect("an answer");
    let impatient = world.call(world.request());
    let gone = tokio::time::timeout(Duration::from_millis(300), impatient).await;
    assert!(gone.is_err());
    world.call(world.request()).await.expect("there is a place");
    assert_eq!(world.attempts(), [0, 1_000]);
}
