//! What each metric of calls, breakers and backlogs says while it is so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use mercato::{
    ActivityError, ActivityErrorKind as Kind, BreakerState, Credentials, CredentialsError,
    Dependency, Guard, Metrics, Occurred, Repeat, Request, Runtime, Subscription, Token,
    TokenKeeper, Trigger,
};

use crate::support::{COMMIT, CounterEvent, Counters, add, memory, virtual_runtime};
use crate::telemetry::desk::patient;

async fn counters() -> Runtime {
    let runtime = virtual_runtime(memory()).agent(Counters::default());
    runtime.start().await.expect("it starts")
}

fn of_port<'a>(guard: &Guard, port: &str, metrics: &'a Metrics) -> impl Fn(&str, &str) -> u64 + 'a {
    assert_eq!(guard.stats().dependency.to_string(), format!("port/{port}"));
    let port = format!("port/{port}");
    move |metric, label| match label {
        "" => metrics.counter(metric, &[&*port]),
        label => metrics.counter(metric, &[&*port, label]),
    }
}

/// Gives out any token that is asked for.
struct Desk;

impl Credentials for Desk {
    fn refresh<'a>(&'a self, _: &'a Token) -> BoxFuture<'a, Result<Token, CredentialsError>> {
        self.authenticate()
    }

    fn authenticate(&self) -> BoxFuture<'_, Result<Token, CredentialsError>> {
        std::future::ready(Ok(Token::new("t"))).boxed()
    }
}

/// A port that fails so often, and then answers.
fn failing(times: u32, kind: Kind) -> impl Fn() -> Result<i32, ActivityError> {
    let left = AtomicU32::new(times);
    move || {
        let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| it.checked_sub(1));
        match before {
            Ok(_) => Err(ActivityError::new(kind, "", "")),
            Err(_) => Ok(1),
        }
    }
}

/// Catches: a fallback that is counted as another one, as an error or not at all, and a token's refresh
/// that counts as a fallback.
#[tokio::test(start_paused = true)]
async fn a_fallback_is_counted_under_its_own_name() {
    let runtime = counters().await;
    let handle = runtime.handle();
    let keeper = TokenKeeper::new(Arc::new(Desk));
    let limited = Kind::RateLimited { retry_after_ms: 0 };
    let cases = [
        ("cached_response", Kind::TimedOut, 3),
        ("alternative_service", Kind::Transient, 5),
        ("queue_request", limited, 3),
        ("re_authenticate", Kind::Unauthenticated, 2),
    ];
    for (name, kind, times) in cases {
        let guard = handle.guard(Dependency::Port(name));
        let deadline = handle.clock().now().plus(Duration::from_secs(600));
        let request = Request::new(Repeat::Safe, deadline);
        let request = match name {
            "cached_response" => request.cached(|| Some((1, Duration::from_secs(1)))),
            "alternative_service" => request.alternative(|_| async { Ok(1) }),
            "re_authenticate" => request.credentials(&keeper),
            _ => request,
        };
        let port = failing(times, kind);
        let answer = guard.call(request, |_| std::future::ready(port())).await;
        answer.expect("the fallback helps");

        let metrics = runtime.metrics();
        let count = of_port(&guard, name, &metrics);
        for (other, ..) in cases {
            let counted = count("mercato_call_fallbacks_total", other);
            assert_eq!(counted, u64::from(other == name), "{other} by {name}");
        }
        let refreshed = u64::from(name == "re_authenticate");
        assert_eq!(count("mercato_tokens_refreshed_total", ""), refreshed);
        let errors = guard.stats().errors;
        assert!(errors.iter().all(|(_, many)| *many == 0), "{errors:?}");
    }
    runtime.stop().await.expect("it stops");
}

/// Catches: retries, openings and refusals that are counted elsewhere, and a breaker that is on probation and
/// shows itself as open or closed.
#[tokio::test(start_paused = true)]
async fn retries_and_what_a_breaker_does_are_counted() {
    let runtime = counters().await;
    let handle = runtime.handle();
    let guard = handle.guard(Dependency::Port("down"));
    let request = || {
        let deadline = handle.clock().now().plus(Duration::from_secs(600));
        Request::new(Repeat::Safe, deadline)
    };
    let down = || std::future::ready(Err::<i32, _>(ActivityError::new(Kind::Transient, "", "")));
    let failed = guard.call(request(), |_| down()).await;
    failed.expect_err("it is down");
    let refused = guard.call(request(), |_| down()).await;
    refused.expect_err("the breaker is open");
    let state =
        |metrics: &Metrics, state| metrics.gauge("mercato_breaker_state", &["port/down", state]);
    let metrics = runtime.metrics();
    let count = of_port(&guard, "down", &metrics);
    assert_eq!(count("mercato_breaker_opened_total", ""), 1);
    assert_eq!(count("mercato_breaker_refused_total", ""), 1);
    assert_eq!(count("mercato_call_retries_total", "yes"), 4);
    assert_eq!(count("mercato_call_retries_total", "no"), 0);
    assert_eq!(state(&metrics, "open"), Some(1.0));

    let BreakerState::Open { until } = guard.stats().breaker else {
        panic!("it is open");
    };
    tokio::time::sleep(until.since(handle.clock().now())).await;
    let second = Duration::from_secs(1);
    let probe = guard.call(request(), |_| {
        tokio::time::sleep(second).map(|()| Ok::<_, ActivityError>(1))
    });
    let look = async {
        tokio::time::sleep(second / 2).await;
        let metrics = runtime.metrics();
        ["closed", "half_open", "open"].map(|it| state(&metrics, it))
    };
    let (answer, states) = futures::join!(probe, look);
    answer.expect("it is up again");
    assert_eq!(states, [Some(0.0), Some(1.0), Some(0.0)]);
    runtime.stop().await.expect("it stops");
}

/// Catches: retries that the budget denies and nobody sees, and a queue whose length is not told.
#[tokio::test(start_paused = true)]
async fn denied_retries_and_calls_that_wait_are_told() {
    let runtime = counters().await;
    let handle = runtime.handle();
    let guard = handle.guard(Dependency::Port("busy"));
    let call = |kind, wait| {
        let deadline = handle.clock().now().plus(Duration::from_secs(60));
        let request = Request::new(Repeat::Safe, deadline);
        guard.call(request, move |_| async move {
            tokio::time::sleep(wait).await;
            Err::<i32, _>(ActivityError::new(kind, "", ""))
        })
    };
    let pushes_back = Kind::RateLimited {
        retry_after_ms: 5_000,
    };
    let first = call(pushes_back, Duration::ZERO);
    let look = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let second = call(Kind::Permanent, Duration::ZERO);
        let depth = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let metrics = runtime.metrics();
            metrics.gauge("mercato_call_queue_depth", &["port/busy"])
        };
        let (answer, depth) = futures::join!(second, depth);
        answer.expect_err("it is refused in the end");
        depth
    };
    let (answer, depth) = futures::join!(first, look);
    answer.expect_err("it is pushed back each time");
    assert_eq!(depth, Some(1.0));

    // All at once, so that they find the same few retries.
    let many = (0..200).map(|_| call(Kind::TimedOut, Duration::from_millis(1)));
    futures::future::join_all(many).await;
    let metrics = runtime.metrics();
    let count = of_port(&guard, "busy", &metrics);
    let (allowed, denied) = (
        count("mercato_call_retries_total", "yes"),
        count("mercato_call_retries_total", "no"),
    );
    assert!(allowed > 0 && denied > 0, "{allowed} and {denied}");
    let stats = guard.stats();
    assert_eq!((allowed, denied), (stats.retries, stats.retries_denied));
    runtime.stop().await.expect("it stops");
}

/// Catches: a backlog that is always told as nothing: of the disk, of a trigger, of a subscriber.
#[tokio::test(start_paused = true)]
async fn what_lags_behind_is_told_while_it_does() {
    let stuck = Trigger::on::<Counters>("stuck", |_: &Occurred<CounterEvent>| panic!("never"));
    let runtime = virtual_runtime(memory())
        .agent(Counters::default())
        .trigger(stuck.in_order())
        .start()
        .await
        .expect("it starts");
    let slow = |_| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok(())
    };
    let subscribed = runtime
        .bus()
        .subscribe(Subscription::new("slow"), slow)
        .await;
    subscribed.expect("it is attached");
    let handle = runtime.handle();
    let caller = patient();
    let lag = |name: &str, labels: &[&str]| runtime.metrics().gauge(name, labels);
    let look = async {
        tokio::time::sleep(COMMIT / 2).await;
        lag("mercato_durable_lag_records", &[])
    };
    let (added, in_commit) = futures::join!(handle.ask(&caller, add("a", 1)), look);
    added.expect("an answer");
    assert_eq!(in_commit, Some(1.0));
    handle.ask(&caller, add("a", 1)).await.expect("an answer");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(lag("mercato_durable_lag_records", &[]), Some(0.0));
    assert_eq!(lag("mercato_trigger_lag_records", &["stuck"]), Some(2.0));
    assert_eq!(lag("mercato_subscriber_lag_records", &["slow"]), Some(2.0));
    runtime.stop().await.expect("it stops");
}
