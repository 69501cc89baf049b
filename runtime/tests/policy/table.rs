//! SPEC's error table, a test for each row: the attempts, the waits in virtual time, the fallback,
//! the count and the line in the log.

use std::time::Duration;

use mercato::{
    Answer, BreakerState, CallError, Dependency, FailureKind, Fallback, Policies, Policy,
};

use crate::policy::world::{PortError, RATES, Step, World, even};

const HIT: Step = Step::Answer("1.17");

/// How a notice about a failed call shows itself.
fn told(kind: FailureKind, attempts: u32, fallback: Option<Fallback>) -> String {
    format!(
        "CallFailed {{ dependency: {RATES:?}, kind: {kind:?}, attempts: {attempts}, fallback: \
         {fallback:?} }}"
    )
}

fn tellings(world: &World) -> Vec<String> {
    let notices = world.notices.all();
    notices.iter().map(|notice| format!("{notice:?}")).collect()
}

/// Catches: a default that is not SPEC's.
#[test]
fn the_defaults_are_the_error_table() {
    let policies = Policies::default();
    let policy: &Policy = policies.of(Dependency::Agent("inventory"));
    let row = |kind| {
        let row = policy.row(kind);
        (row.attempts_max, row.fallbacks.to_vec())
    };
    let table = [
        (FailureKind::NetworkTimeout, 3, Fallback::CachedResponse),
        (
            FailureKind::ServiceUnavailable,
            5,
            Fallback::AlternativeService,
        ),
        (FailureKind::InvalidInput, 1, Fallback::ErrorMessage),
        (FailureKind::RateLimiting, 3, Fallback::QueueRequest),
        (FailureKind::Authentication, 1, Fallback::ReAuthenticate),
    ];
    for (kind, attempts, fallback) in table {
        assert_eq!(row(kind), (attempts, vec![fallback]), "{kind}");
    }
    assert_eq!(policies.problems(), []);
}

/// "Network Timeout | Exponential backoff | 3 attempts | Cached response".
/// Catches: a fourth attempt or a missing third, waits that do not double, a cached answer that is
/// not labelled, and a failure that is not counted, logged or told.
#[tokio::test(start_paused = true)]
async fn a_network_timeout_backs_off_three_times_and_falls_back_to_what_was_cached() {
    let world = World::new(even(), [Step::Hang; 3]);
    let age = Duration::from_secs(90);
    let request = world.request().cached(|| Some(("1.16", age)));
    let answer = world.call(request).await;
    assert_eq!(answer, Ok(Answer::Stale { value: "1.16", age }));
    // Each attempt has 10 s; between them lie 100 and 200 ms.
    assert_eq!(world.attempts(), [0, 10_100, 20_300]);
    assert_eq!(world.now(), 30_300);
    let stats = world.guard().stats();
    assert_eq!((stats.calls, stats.attempts, stats.retries), (1, 3, 2));
    assert_eq!((stats.stale, stats.succeeded), (1, 0));
    assert_eq!(stats.failures_of(FailureKind::NetworkTimeout), 3);
    assert_eq!(stats.errors_of(FailureKind::NetworkTimeout), 0);
    let line = "WARN a call fell back dependency=port/rates kind=network_timeout attempts=3 \
                fallback=cached_response";
    assert_eq!(world.log(), [line]);
    let fallback = Some(Fallback::CachedResponse);
    assert_eq!(
        tellings(&world),
        [told(FailureKind::NetworkTimeout, 3, fallback)]
    );
}

/// Catches: an error that is lost where there is nothing to fall back on.
#[tokio::test(start_paused = true)]
async fn a_network_timeout_without_a_cached_response_is_an_error() {
    let world = World::new(even(), [Step::Hang; 3]);
    let answer = world.call(world.request()).await;
    let error = CallError::TimedOut {
        dependency: RATES,
        attempts: 3,
        may_have_happened: false,
    };
    assert_eq!(answer, Err(error));
    let stats = world.guard().stats();
    assert_eq!(stats.errors_of(FailureKind::NetworkTimeout), 1);
    assert_eq!(stats.stale, 0);
    let line = "WARN a call failed dependency=port/rates kind=network_timeout attempts=3";
    assert_eq!(world.log(), [line]);
    assert_eq!(
        tellings(&world),
        [told(FailureKind::NetworkTimeout, 3, None)]
    );
}

/// Catches: a retry whose success is thrown away, or that is logged as a failure.
#[tokio::test(start_paused = true)]
async fn a_retry_that_succeeds_is_a_success() {
    let world = World::new(
        even(),
        [Step::Hang, Step::Fail(FailureKind::NetworkTimeout), HIT],
    );
    assert_eq!(world.call(world.request()).await, Ok(Answer::Fresh("1.17")));
    assert_eq!(world.attempts(), [0, 10_100, 10_300]);
    assert_eq!((world.log(), tellings(&world)), (vec![], vec![]));
    assert_eq!(world.guard().stats().succeeded, 1);
}

/// "Service Unavailable | Circuit breaker | 5 attempts | Alternative service".
/// Catches: another number of attempts, a breaker that does not open with the fifth or lets the next
/// call through, and an alternative that is asked late, twice or not at all.
#[tokio::test(start_paused = true)]
async fn an_unavailable_service_opens_its_breaker_at_the_fifth_attempt_and_another_answers() {
    let world = World::new(even(), [Step::Fail(FailureKind::ServiceUnavailable); 5]);
    let with_alternative = || {
        let request = world.request();
        request.alternative(|_| async { Ok::<_, PortError>("1.18") })
    };
    assert_eq!(
        world.call(with_alternative()).await,
        Ok(Answer::Alternative("1.18"))
    );
    assert_eq!(world.attempts(), [0, 100, 300, 700, 1_500]);
    assert!(matches!(world.guard().breaker(), BreakerState::Open { .. }));
    // The next call does not ask it at all.
    assert_eq!(
        world.call(with_alternative()).await,
        Ok(Answer::Alternative("1.18"))
    );
    let open = world.call(world.request()).await;
    let error = CallError::Open {
        dependency: RATES,
        retry_after: Duration::from_secs(5),
    };
    assert_eq!(open, Err(error));
    assert_eq!((world.attempts().len(), world.now()), (5, 1_500));
    let stats = world.guard().stats();
    assert_eq!((stats.calls, stats.attempts, stats.retries), (3, 5, 4));
    assert_eq!(
        (
            stats.alternatives,
            stats.breaker_opened,
            stats.breaker_refused
        ),
        (2, 1, 2)
    );
    assert_eq!(stats.failures_of(FailureKind::ServiceUnavailable), 5);
    assert_eq!(stats.errors_of(FailureKind::ServiceUnavailable), 1);
    let kind = FailureKind::ServiceUnavailable;
    let fell_back = "WARN a call fell back dependency=port/rates kind=service_unavailable";
    let lines = [
        "WARN a circuit breaker opened dependency=port/rates from=closed until=1006500ms".into(),
        format!("{fell_back} attempts=5 fallback=alternative_service"),
        format!("{fell_back} attempts=0 fallback=alternative_service"),
        "WARN a call failed dependency=port/rates kind=service_unavailable attempts=0".into(),
    ];
    assert_eq!(world.log(), lines);
    let fallback = Some(Fallback::AlternativeService);
    let notices = tellings(&world);
    assert!(notices[0].starts_with("BreakerChanged"), "{notices:?}");
    let failures = [
        told(kind, 5, fallback),
        told(kind, 0, fallback),
        told(kind, 0, None),
    ];
    assert_eq!(notices[1..], failures);
}

/// "Invalid Input | Input validation | No retry | Error message".
/// Catches: a refusal that is asked again, answered by somebody else, held against the dependency, or
/// counted as another failure too; and an error whose text gets into the log.
#[tokio::test(start_paused = true)]
async fn an_invalid_input_is_not_retried_and_gives_its_error() {
    let world = World::new(even(), [Step::Fail(FailureKind::InvalidInput); 6]);
    for _ in 0..6 {
        let request = world
            .request()
            .cached(|| panic!("nobody asks the cache"))
            .alternative(|_| async { panic!("nobody asks another") });
        let error = world.call(request).await.expect_err("an error");
        let CallError::Failed {
            attempts,
            kind,
            error,
            ..
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!((attempts, kind), (1, FailureKind::InvalidInput));
        assert_eq!(error.kind, FailureKind::InvalidInput);
    }
    assert_eq!(world.attempts(), [0; 6]);
    assert_eq!(world.guard().breaker(), BreakerState::Closed);
    let stats = world.guard().stats();
    assert_eq!((stats.attempts, stats.retries), (6, 0));
    let six = FailureKind::ALL.map(|kind| (kind, 6 * u64::from(kind == FailureKind::InvalidInput)));
    assert_eq!((stats.failures, stats.errors), (six, six));
    let line = "INFO a call was refused dependency=port/rates kind=invalid_input attempts=1";
    assert_eq!(world.log(), [line; 6]);
    assert_eq!(
        tellings(&world)[5],
        told(FailureKind::InvalidInput, 1, None)
    );
}

/// "Rate Limiting | Wait and retry | 3 attempts | Queue request".
/// Catches: a wait shorter than told, another number of attempts, a request that is not queued, and
/// pushing back taken for a defect.
#[tokio::test(start_paused = true)]
async fn a_rate_limited_call_waits_as_told_three_times_and_then_stands_in_the_queue() {
    let told_to_wait = Step::Told(150);
    let world = World::new(even(), [told_to_wait, told_to_wait, told_to_wait, HIT]);
    assert_eq!(world.call(world.request()).await, Ok(Answer::Fresh("1.17")));
    // It is told 150 ms each time; its own second wait is 200, its third 400.
    assert_eq!(world.attempts(), [0, 150, 350, 500]);
    let stats = world.guard().stats();
    assert_eq!(
        (stats.attempts, stats.retries, stats.queue_turns),
        (4, 2, 1)
    );
    assert_eq!(stats.queued, 1, "the last turn was waited for in the queue");
    assert_eq!(stats.failures_of(FailureKind::RateLimiting), 3);
    assert_eq!(stats.breaker, BreakerState::Closed);
    let line = "WARN a call fell back dependency=port/rates kind=rate_limiting attempts=4 \
                fallback=queue_request";
    assert_eq!(world.log(), [line]);
    let fallback = Some(Fallback::QueueRequest);
    assert_eq!(
        tellings(&world),
        [told(FailureKind::RateLimiting, 4, fallback)]
    );
}

/// Catches: a queue that gives more turns than one, and an error at its end that nobody hears of.
#[tokio::test(start_paused = true)]
async fn a_queued_call_that_is_pushed_back_again_is_an_error() {
    let world = World::new(even(), [Step::Told(0); 4]);
    let error = world.call(world.request()).await.expect_err("an error");
    assert_eq!(error.kind(), FailureKind::RateLimiting);
    assert_eq!(world.attempts(), [0, 100, 300, 700]);
    let stats = world.guard().stats();
    assert_eq!(
        (
            stats.queue_turns,
            stats.errors_of(FailureKind::RateLimiting)
        ),
        (0, 1)
    );
    assert_eq!(stats.failures_of(FailureKind::RateLimiting), 4);
    let line = "WARN a call failed dependency=port/rates kind=rate_limiting attempts=4";
    assert_eq!(world.log(), [line]);
    assert_eq!(tellings(&world), [told(FailureKind::RateLimiting, 4, None)]);
}
