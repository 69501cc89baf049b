//! Policies as data: read, checked as a whole, and exchanged while calls are on their way.

use std::time::Duration;

use mercato::{
    Answer, BreakerState, CallRate, Dependency, FailureKind, Fallback, Policies, Policy,
    PolicyBook, WindowSize,
};

use serde_json::Value;

use crate::policy::world::{RATES, Step, World, even};

const BUSY: Step = Step::Fail(FailureKind::ServiceUnavailable);

/// `"9ms"` in place of what a time is in JSON.
fn with_times(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(name, it)| (name, with_times(it)))
            .collect(),
        Value::String(text) => match text.strip_suffix("ms").map(str::parse) {
            Some(Ok(millis)) => {
                serde_json::to_value(Duration::from_millis(millis)).expect("a time")
            }
            _ => Value::String(text),
        },
        other => other,
    }
}

/// Catches: a check that ends at the first mistake, forgets a field, or does not say where it
/// stands.
#[test]
fn all_mistakes_are_told_at_once_each_with_its_place() {
    let text = r#"{
        "default": { "attempt_timeout": "0ms", "call_budget": "3600001ms" },
        "agents": { "Inventory": {} },
        "ports": { "payments": {
            "attempt_timeout": "9000ms",
            "call_budget": "8000ms",
            "network_timeout": {
                "attempts_max": 21,
                "backoff": { "first": "200ms", "max": "100ms", "growth_percent": 99,
                             "jitter_percent": 101 },
                "fallbacks": ["queue_request"]
            },
            "service_unavailable": {
                "attempts_max": 20,
                "fallbacks": ["alternative_service", "alternative_service"],
                "breaker": { "window": { "calls": 4 }, "failure_rate_percent": 0,
                             "slow_call": "9001ms", "slow_rate_percent": 101,
                             "open_first": "70000ms", "probes_max": 0 }
            },
            "rate_limiting": {
                "attempts_max": 0, "told_wait_max": "3600001ms", "queue_calls_max": 0,
                "limit": { "calls": 0, "per": "0ms", "burst_calls": 0 },
                "fallbacks": ["re_authenticate"]
            },
            "authentication": { "refreshes_max": 4, "fallbacks": ["cached_response"] },
            "retry_budget": { "earned_percent": 1001, "per_second": 10001, "saved_max": 0 }
        } }
    }"#;
    let policies: Policies =
        serde_json::from_value(with_times(serde_json::from_str(text).expect("it is JSON")))
            .expect("it reads");
    let invalid = PolicyBook::new(policies).expect_err("it is wrong");
    let paths: Vec<_> = invalid.problems.iter().map(|it| &*it.path).collect();
    let of_payments = [
        "attempt_timeout",
        "network_timeout.attempts_max",
        "network_timeout.backoff.first",
        "network_timeout.backoff.growth_percent",
        "network_timeout.backoff.jitter_percent",
        "network_timeout.fallbacks",
        "service_unavailable.attempts_max",
        "service_unavailable.breaker.calls_min",
        "service_unavailable.breaker.failure_rate_percent",
        "service_unavailable.breaker.slow_call",
        "service_unavailable.breaker.slow_rate_percent",
        "service_unavailable.breaker.open_first",
        "service_unavailable.breaker.probes_max",
        "service_unavailable.fallbacks",
        "rate_limiting.attempts_max",
        "rate_limiting.told_wait_max",
        "rate_limiting.queue_calls_max",
        "rate_limiting.limit.calls",
        "rate_limiting.limit.per",
        "rate_limiting.limit.burst_calls",
        "rate_limiting.fallbacks",
        "authentication.refreshes_max",
        "authentication.fallbacks",
        "retry_budget.earned_percent",
        "retry_budget.per_second",
        "retry_budget.saved_max",
    ];
    let first = ["default.attempt_timeout", "default.call_budget"];
    let expected: Vec<_> = first
        .map(str::to_owned)
        .into_iter()
        .chain([
            "default.service_unavailable.breaker.slow_call".into(),
            "agents".into(),
        ])
        .chain(of_payments.map(|field| format!("ports.payments.{field}")))
        .collect();
    assert_eq!(paths, expected);
    let text = invalid.to_string();
    assert!(
        text.starts_with(
            "the policies have 30 mistakes\n  default.attempt_timeout is 0ns: choose 1ms to 600s\n"
        ),
        "{text}"
    );
    let waits = "the waits between them can add up to";
    assert!(text.contains(waits), "{text}");
}

/// Catches: a name that no dependency can have, one of them too many, and a bound that is off by one.
#[test]
fn names_are_checked_too() {
    let named = |names: &[&str]| {
        let mut policies = Policies::default();
        for name in names {
            policies.ports.insert((*name).into(), Policy::default());
        }
        policies.problems().len()
    };
    let (longest, too_long) = ("a".repeat(64), "a".repeat(65));
    assert_eq!(named(&["pay-1_b", &longest]), 0);
    for wrong in ["", &too_long, "Pay", "pay.now", "päy"] {
        assert_eq!(named(&[wrong]), 1, "{wrong:?}");
    }
    let many: Vec<_> = (0..=1_000).map(|nth| format!("port-{nth}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(named(&many[1..]), 0, "a thousand");
    assert_eq!(named(&many), 1, "one more");
    let more: Vec<_> = (0..10).map(|nth| format!("more-{nth}")).collect();
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    assert_eq!(named(&[&many[..], &more[..]].concat()), 1, "and yet more");
}

/// Catches: limits that are as large as they may be, and are called too large.
#[test]
fn what_is_as_large_as_it_may_be_is_no_mistake() {
    let mut policies = Policies::default();
    let policy = &mut policies.default;
    policy.attempt_timeout = Duration::from_secs(8);
    policy.call_budget = policy.attempt_timeout;
    let backoff = &mut policy.network_timeout.backoff;
    backoff.first = Duration::from_millis(50);
    backoff.max = backoff.first;
    let breaker = &mut policy.service_unavailable.breaker;
    breaker.slow_call = policy.attempt_timeout;
    breaker.open_max = breaker.open_first;
    breaker.window = WindowSize::Calls(breaker.calls_min);
    let problems = policies.problems();
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(
        *PolicyBook::new(policies.clone()).expect("right").policies(),
        policies
    );
}

/// Catches: a key with a typing error that is passed over in silence.
#[test]
fn an_unknown_key_is_an_error() {
    for text in [
        r#"{ "default": { "retries": 3 } }"#,
        r#"{ "port": {} }"#,
        r#"{ "ports": { "mail": { "network_timeout": { "attempts": 3 } } } }"#,
    ] {
        let read: Result<Policies, _> = serde_json::from_str(text);
        assert!(read.is_err(), "{text}");
    }
}

/// Catches: a row that takes the defaults of another one where it is named in part, and settings
/// that do not come back as they were written.
#[test]
fn a_row_that_is_named_in_part_keeps_its_own_defaults() {
    let text = r#"{ "service_unavailable": { "attempts_max": 4 },
                    "rate_limiting": { "queue_calls_max": 7 } }"#;
    let policy: Policy = serde_json::from_str(text).expect("it reads");
    assert_eq!(
        policy.service_unavailable.fallbacks,
        [Fallback::AlternativeService]
    );
    assert_eq!(policy.rate_limiting.attempts_max, 3);
    assert_eq!(policy.rate_limiting.fallbacks, [Fallback::QueueRequest]);
    let written = serde_json::to_string(&policy).expect("it has a form");
    assert_eq!(
        serde_json::from_str::<Policy>(&written).expect("it reads"),
        policy
    );
}

/// Catches: a reload that needs a restart, one that changes a call on its way, and one that is half
/// done.
#[tokio::test(start_paused = true)]
async fn a_reload_takes_effect_with_the_next_call() {
    let world = World::new(even(), [BUSY; 3]);
    let book = world.guards.book().clone();
    let mut fewer = even();
    fewer.default.service_unavailable.attempts_max = 1;
    let reload = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(book.reload(fewer.clone()), Ok(2));
    };
    let request = world.request_within(Duration::from_millis(150));
    let (call, ()) = tokio::join!(world.call(request), reload);
    call.expect_err("busy");
    assert_eq!(
        world.attempts(),
        [0, 100],
        "it goes on under the policy that it began with"
    );
    world.call(world.request()).await.expect_err("busy");
    assert_eq!(world.attempts().len(), 3);
    fewer.default.retry_budget.saved_max = 0;
    book.reload(fewer).expect_err("it is wrong");
    assert_eq!(book.version(), 2);
    assert_eq!(book.policy(RATES).service_unavailable.attempts_max, 1);
}

/// Catches: a reload that closes a breaker, or forgets what it has seen.
#[tokio::test(start_paused = true)]
async fn a_reload_keeps_what_a_dependency_has_shown_of_itself() {
    let world = World::new(even(), [BUSY; 5]);
    world.call(world.request()).await.expect_err("busy");
    let mut shorter = even();
    shorter.default.service_unavailable.breaker.open_first = Duration::from_secs(1);
    shorter.default.service_unavailable.breaker.open_max = Duration::from_secs(2);
    world.guards.book().reload(shorter).expect("it is right");
    world.call(world.request()).await.expect_err("open");
    let until = world.clock.now().plus(Duration::from_secs(2));
    assert_eq!(
        world.guard().breaker(),
        BreakerState::Open { until },
        "not beyond the new bound"
    );

    let world = World::new(even(), [BUSY; 5]);
    let hasty = || world.request_within(Duration::from_millis(50));
    for _ in 0..4 {
        world.call(hasty()).await.expect_err("busy");
    }
    let mut other = even();
    other.default.network_timeout.attempts_max = 2;
    world
        .guards
        .book()
        .reload(other.clone())
        .expect("it is right");
    world.call(hasty()).await.expect_err("busy");
    assert!(
        matches!(world.guard().breaker(), BreakerState::Open { .. }),
        "the fifth of five"
    );

    let world = World::new(even(), [BUSY; 5]);
    let hasty = || world.request_within(Duration::from_millis(50));
    for _ in 0..4 {
        world.call(hasty()).await.expect_err("busy");
    }
    other.default.service_unavailable.breaker.window = WindowSize::Seconds(10);
    world.guards.book().reload(other).expect("it is right");
    world.call(hasty()).await.expect_err("busy");
    assert_eq!(
        world.guard().breaker(),
        BreakerState::Closed,
        "another window begins empty"
    );
}

/// Catches: a changed limit that lets a burst through each time, and one that is not taken off.
#[tokio::test(start_paused = true)]
async fn a_changed_rate_limit_begins_without_its_burst() {
    let rate = |calls| {
        let mut policies = even();
        policies.default.rate_limiting.limit = Some(CallRate {
            calls,
            per: Duration::from_secs(1),
            burst_calls: 5,
        });
        policies
    };
    let world = World::new(rate(10), [Step::Answer("1.17"); 5]);
    let book = world.guards.book().clone();
    let call = || async {
        let answer = world.call(world.request()).await;
        assert_eq!(answer, Ok(Answer::Fresh("1.17")));
        world.now()
    };
    assert_eq!(call().await, 0);
    book.reload(rate(2)).expect("it is right");
    assert_eq!(call().await, 500);
    assert_eq!(call().await, 1_000);
    book.reload(even()).expect("it is right");
    assert_eq!(call().await, 1_000);
    assert_eq!(call().await, 1_000);
}

/// Catches: somebody at the head of the queue who sleeps as long as the limit before would have it, and
/// everybody behind with him.
#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_turn_waits_as_the_new_limit_has_it() {
    let rate = |per| {
        let mut policies = even();
        policies.default.rate_limiting.limit = Some(CallRate {
            calls: 1,
            per: Duration::from_secs(per),
            burst_calls: 1,
        });
        policies
    };
    let world = World::new(rate(40), [Step::Answer("1.17"); 3]);
    let book = world.guards.book().clone();
    let call = || async {
        world.call(world.request()).await.expect("an answer");
        world.now()
    };
    // The next call brings the new limit along, which begins without its burst.
    let reload = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        book.reload(rate(2)).expect("it is right");
        call().await
    };
    assert_eq!(call().await, 0);
    assert_eq!(tokio::join!(call(), reload), (12_000, 14_000));
}

/// Catches: dependencies that share what is each one's own, or calls of one port that do not share.
#[tokio::test(start_paused = true)]
async fn each_dependency_has_a_policy_and_a_breaker_of_its_own() {
    let mut policies = even();
    let mut once = Policy::default();
    once.service_unavailable.attempts_max = 1;
    policies.agents.insert("rates".into(), once);
    let world = World::new(policies, [BUSY; 5]);
    world.call(world.request()).await.expect_err("busy");
    let agent = world.guards.of(Dependency::Agent("rates"));
    assert_eq!(agent.policy().service_unavailable.attempts_max, 1);
    assert_eq!(agent.breaker(), BreakerState::Closed);
    let of_activity = world.guards.of(Dependency::of_activity("rates.today"));
    assert!(matches!(of_activity.breaker(), BreakerState::Open { .. }));
    let named: Vec<_> = world
        .guards
        .stats()
        .iter()
        .map(|it| it.dependency.to_string())
        .collect();
    assert_eq!(named, ["agent/rates", "port/rates"]);
}
