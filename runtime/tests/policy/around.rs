//! What stands around the table: deadlines, the retry budget, outcomes that nobody knows.

use std::time::Duration;

use mercato::{
    Answer, BreakerState, CallError, FailureKind, Fallback, Policies, Repeat, Request,
    RetryBudgetSettings, WindowSize,
};

use crate::policy::world::{PortError, Step, World, even};

const BUSY: Step = Step::Fail(FailureKind::ServiceUnavailable);
const HIT: Step = Step::Answer("1.17");

/// Catches: a wait that goes beyond the deadline, and one that is begun though the next attempt
/// could not be made any more.
#[tokio::test(start_paused = true)]
async fn no_wait_goes_beyond_the_deadline() {
    let world = World::new(even(), [BUSY; 3]);
    let error = world
        .call(world.request_within(Duration::from_millis(650)))
        .await;
    assert!(
        matches!(error, Err(CallError::Failed { attempts: 3, .. })),
        "{error:?}"
    );
    assert_eq!(world.attempts(), [0, 100, 300]);
    assert_eq!(world.now(), 300, "the wait of 400 ms is not begun");
    // An attempt ends with the deadline, and then nothing follows.
    let world = World::new(even(), [Step::Hang]);
    let error = world
        .call(world.request_within(Duration::from_millis(650)))
        .await;
    assert!(
        matches!(error, Err(CallError::TimedOut { attempts: 1, .. })),
        "{error:?}"
    );
    assert_eq!(world.now(), 650);
}

/// Catches: a dependency that is held to account for callers who had no time.
#[tokio::test(start_paused = true)]
async fn callers_without_time_do_not_open_the_breaker() {
    let world = World::new(even(), [Step::Hang; 30]);
    for _ in 0..30 {
        let hasty = world.request_within(Duration::from_millis(5));
        world.call(hasty).await.expect_err("no answer in time");
    }
    assert_eq!(world.guard().breaker(), BreakerState::Closed);
}

/// Catches: the same where the call must not be repeated, so that its outcome is unknown.
#[tokio::test(start_paused = true)]
async fn nor_do_they_where_the_outcome_is_unknown() {
    let world = World::new(even(), [Step::Hang; 30]);
    for _ in 0..30 {
        let deadline = world.clock.now().plus(Duration::from_millis(5));
        let hasty = Request::new(Repeat::Once, deadline);
        world.call(hasty).await.expect_err("no answer in time");
    }
    assert_eq!(world.guard().breaker(), BreakerState::Closed);
}

/// Catches: a dependency that never answers and is called on and on, because its silence is held
/// against the callers.
#[tokio::test(start_paused = true)]
async fn silence_opens_the_breaker() {
    let world = World::new(even(), [Step::Hang; 5]);
    for _ in 0..2 {
        world.call(world.request()).await.expect_err("silence");
    }
    let state = world.guard().breaker();
    assert!(matches!(state, BreakerState::Open { .. }), "{state:?}");
    assert_eq!(world.attempts().len(), 5, "the sixth is refused");
}

/// Catches: a call whose outcome is unknown that is made again, or answered by another service.
#[tokio::test(start_paused = true)]
async fn a_call_that_may_have_happened_is_not_made_again() {
    for step in [Step::Hang, Step::Fail(FailureKind::UnknownOutcome)] {
        let world = World::new(even(), [step]);
        let deadline = world.clock.now().plus(Duration::from_secs(50));
        let request = Request::new(Repeat::Once, deadline)
            .cached(|| panic!("nobody asks the cache"))
            .alternative(|_| async { panic!("nobody asks another") });
        let error = world.call(request).await.expect_err("nobody knows");
        assert_eq!(error.kind(), FailureKind::UnknownOutcome);
        assert_eq!(world.attempts(), [0]);
        let stats = world.guard().stats();
        assert_eq!(stats.errors_of(FailureKind::UnknownOutcome), 1);
    }
}

/// Catches: a call that is known not to have happened, and is not made again for its kind.
#[tokio::test(start_paused = true)]
async fn a_call_that_did_not_happen_is_made_again_whatever_it_is() {
    let world = World::new(even(), [BUSY, HIT]);
    let deadline = world.clock.now().plus(Duration::from_secs(50));
    let answer = world.call(Request::new(Repeat::Once, deadline)).await;
    assert_eq!(answer, Ok(Answer::Fresh("1.17")));
}

/// Catches: a budget that does not hold retries back, is spent on calls that have no time left, or
/// is not shared.
#[tokio::test(start_paused = true)]
async fn retries_are_held_to_the_budget_of_all_calls() {
    let mut policies = even();
    policies.default.retry_budget = RetryBudgetSettings {
        earned_percent: 20,
        per_second: 0,
        saved_max: 3,
    };
    policies.default.service_unavailable.breaker.calls_min = 1_000;
    policies.default.service_unavailable.breaker.window = WindowSize::Calls(1_000);
    let world = World::new(policies, [BUSY; 100]);
    // A retry that would come after the deadline costs nothing.
    let hasty = world.request_within(Duration::from_millis(50));
    world.call(hasty).await.expect_err("busy");
    assert_eq!(world.guard().stats().retries_left, 3);
    // The first call takes three retries, and is denied the fourth.
    world.call(world.request()).await.expect_err("busy");
    assert_eq!(world.attempts().len(), 1 + 4);
    // Each of ten further ones earns a fifth of a retry.
    for _ in 0..10 {
        world.call(world.request()).await.expect_err("busy");
    }
    assert_eq!(world.attempts().len(), 5 + 10 + 2);
    let stats = world.guard().stats();
    assert_eq!((stats.retries, stats.retries_denied), (5, 11));
}

/// Catches: waits that do not keep to their half, that are the same for all, or that a seed does not
/// repeat.
#[tokio::test(start_paused = true)]
async fn by_default_half_of_each_wait_is_left_to_the_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let world = World::new(Policies::default(), [BUSY; 5]);
        world.call(world.request()).await.expect_err("busy");
        let attempts = world.attempts();
        let waits: Vec<_> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for (wait, longest) in waits.iter().zip([100, 200, 400, 800]) {
            assert!((longest / 2..=longest).contains(wait), "{waits:?}");
        }
        assert_ne!(waits, [100, 200, 400, 800]);
        runs.push(waits);
    }
    assert_eq!(runs[0], runs[1]);
}

/// Catches: kinds that are counted apart, so that a call is tried without end.
#[tokio::test(start_paused = true)]
async fn all_attempts_of_a_call_count_for_the_row_of_the_last_failure() {
    let slow = Step::Fail(FailureKind::NetworkTimeout);
    let world = World::new(even(), [BUSY, BUSY, slow]);
    let error = world.call(world.request()).await.expect_err("an error");
    assert_eq!(error.kind(), FailureKind::NetworkTimeout);
    assert_eq!(world.attempts().len(), 3);
}

/// Catches: an order of fallbacks that is not kept, and an alternative whose failure hides what was
/// there to be said.
#[tokio::test(start_paused = true)]
async fn fallbacks_are_taken_in_their_order() {
    let mut policies = even();
    policies.default.service_unavailable.attempts_max = 1;
    policies.default.service_unavailable.fallbacks =
        vec![Fallback::AlternativeService, Fallback::CachedResponse];
    let world = World::new(policies, [BUSY, BUSY]);
    let busy_too = |_| async {
        Err(PortError {
            kind: FailureKind::ServiceUnavailable,
            retry_after: None,
        })
    };
    let age = Duration::from_secs(1);
    let request = world
        .request()
        .alternative(busy_too)
        .cached(|| Some(("1.16", age)));
    let answer = world.call(request).await;
    assert_eq!(answer, Ok(Answer::Stale { value: "1.16", age }));
    let error = world.call(world.request().alternative(busy_too)).await;
    assert!(
        matches!(error, Err(CallError::Failed { attempts: 1, .. })),
        "{error:?}"
    );
    let stats = world.guard().stats();
    assert_eq!((stats.alternatives, stats.stale), (0, 1));
}

/// Catches: a fallback that is taken after a turn in the queue whose outcome nobody knows, so that it
/// happens twice.
#[tokio::test(start_paused = true)]
async fn nobody_else_acts_after_a_turn_whose_outcome_is_unknown() {
    let mut policies = even();
    policies.default.rate_limiting.attempts_max = 1;
    policies.default.rate_limiting.fallbacks =
        vec![Fallback::QueueRequest, Fallback::AlternativeService];
    let world = World::new(policies, [Step::Told(10), Step::Hang]);
    let deadline = world.clock.now().plus(Duration::from_secs(50));
    let request = Request::new(Repeat::Once, deadline)
        .alternative(|_| async { panic!("nobody asks another") });
    let error = world.call(request).await.expect_err("nobody knows");
    assert_eq!(error.kind(), FailureKind::UnknownOutcome);
    assert_eq!(world.attempts(), [0, 10]);
}

/// Catches: another service that may have acted, and an error that says that nothing happened.
#[tokio::test(start_paused = true)]
async fn what_another_service_may_have_done_is_not_lost() {
    let mut policies = even();
    policies.default.service_unavailable.attempts_max = 1;
    let unknown = |_| async {
        Err(PortError {
            kind: FailureKind::UnknownOutcome,
            retry_after: None,
        })
    };
    let world = World::new(policies, [BUSY; 3]);
    let deadline = || world.clock.now().plus(Duration::from_secs(50));
    let once = || Request::new(Repeat::Once, deadline());
    let error = world.call(once().alternative(unknown)).await;
    assert_eq!(
        error.expect_err("nobody knows").kind(),
        FailureKind::UnknownOutcome
    );
    let error = world
        .call(once().alternative(|_| std::future::pending()))
        .await;
    assert_eq!(
        error.expect_err("nobody knows").kind(),
        FailureKind::UnknownOutcome
    );
    let safe = Request::new(Repeat::Safe, deadline());
    let error = world
        .call(safe.alternative(|_| std::future::pending()))
        .await;
    assert_eq!(
        error.expect_err("busy").kind(),
        FailureKind::ServiceUnavailable
    );
}

/// Catches: a place of a probe that is lost with a caller who goes away, so that the breaker never
/// closes.
#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_gives_its_place_back() {
    let mut policies = even();
    policies.default.service_unavailable.breaker.probes_max = 1;
    let world = World::new(policies, [BUSY, BUSY, BUSY, BUSY, BUSY, Step::Hang, HIT]);
    world.call(world.request()).await.expect_err("busy");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let gone = tokio::time::timeout(Duration::from_secs(1), world.call(world.request())).await;
    assert!(gone.is_err(), "the caller goes away");
    assert_eq!(world.guard().breaker(), BreakerState::HalfOpen);
    assert_eq!(world.call(world.request()).await, Ok(Answer::Fresh("1.17")));
    assert_eq!(world.guard().breaker(), BreakerState::Closed);
}

/// Catches: text of an error, which may name a person, in a log line or a notice.
#[tokio::test(start_paused = true)]
async fn no_text_of_an_error_is_logged_or_told() {
    let kinds = FailureKind::ALL.map(Step::Fail);
    let world = World::new(even(), kinds.into_iter().flat_map(|step| [step; 6]));
    for _ in FailureKind::ALL {
        // Some of them are open to the breaker by then; what counts is what is written.
        let _ = world.call(world.request()).await;
    }
    let written = format!("{:?}{:?}", world.log(), world.notices.all());
    assert!(written.contains("service_unavailable"), "{written}");
    assert!(!written.contains("Miller"), "{written}");
}
