//! Policies where the runtime uses them: a flow's calls to ports, its steps, and a host's asks.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use mercato::{
    Activity, ActivityCall, ActivityError, ActivityErrorKind, Answer, Caller, Credentials,
    CredentialsError, Dependency, FailureKind, Flow, FlowError, FlowId, FlowType, PolicyBook,
    PolicyStats, Runtime, RuntimeBuilder, Token,
};

use crate::policy::world::even;
use crate::support::{Counters, add, memory, read, virtual_runtime};

const BUY: FlowType<u32, Result<String, ActivityError>, FlowError> = FlowType::new("buy", 1);
const PAY: Activity<u32, String> = Activity::new("payments.pay");
const LOOK_UP: Activity<u32, String> = Activity::new("payments.look_up").repeatable();

/// Pays; a second kind of instance only looks up.
async fn buy(flow: Flow, amount: u32) -> Result<Result<String, ActivityError>, FlowError> {
    Ok(match amount {
        0 => flow.perform("look up", LOOK_UP, 0).await,
        amount => flow.perform("pay", PAY, amount).await,
    })
}

/// What the port saw: the attempt, the key and the token.
type Seen = Arc<Mutex<Vec<(u32, String, Option<String>)>>>;

/// A port that does as `behave` says for the attempt with this number.
fn with_port(
    builder: RuntimeBuilder,
    seen: &Seen,
    behave: fn(u32) -> Result<&'static str, Option<ActivityErrorKind>>,
) -> RuntimeBuilder {
    let function = |seen: Seen| {
        move |call: ActivityCall, _: u32| {
            let token = call.token.as_ref().map(|token| token.expose().to_owned());
            let mut seen = seen.lock().expect("a lock");
            seen.push((call.attempt, call.key, token));
            let nth = u32::try_from(seen.len()).expect("a few");
            drop(seen);
            async move {
                match behave(nth) {
                    Ok(receipt) => Ok(receipt.to_owned()),
                    Err(Some(kind)) => Err(ActivityError::new(kind, "scripted", "as scripted")),
                    Err(None) => std::future::pending().await,
                }
            }
        }
    };
    builder
        .policies(Arc::new(PolicyBook::new(even()).expect("valid policies")))
        .activity(PAY, function(seen.clone()))
        .activity(LOOK_UP, function(seen.clone()))
        .flow(BUY, buy)
}

async fn run(runtime: &Runtime, id: &str, amount: u32) -> Result<String, ActivityError> {
    let patient = Caller::system().within(Duration::from_secs(300));
    let handle = runtime.handle();
    let ran = handle.run(&patient, BUY, FlowId::new(id), amount).await;
    ran.expect("the flow itself ends well")
}

fn payments(runtime: &Runtime) -> PolicyStats {
    runtime.handle().guard(Dependency::Port("payments")).stats()
}

/// Catches: a port call that goes past its policy, another key for another attempt, and activities
/// of one port that do not share a breaker.
#[tokio::test(start_paused = true)]
async fn a_port_call_goes_the_way_of_the_table() {
    let seen = Seen::default();
    let busy = |_| Err(Some(ActivityErrorKind::Transient));
    let runtime = with_port(virtual_runtime(memory()), &seen, busy);
    let runtime = runtime.start().await.expect("it starts");
    let error = run(&runtime, "b-1", 5).await.expect_err("busy");
    assert_eq!(
        (error.kind, &*error.code),
        (ActivityErrorKind::Transient, "scripted")
    );
    let attempts: Vec<_> = seen.lock().expect("a lock").clone();
    let key = "buy/b-1/pay".to_owned();
    let expected: Vec<_> = (1..=5).map(|nth| (nth, key.clone(), None)).collect();
    assert_eq!(attempts, expected);
    let error = run(&runtime, "b-2", 0).await.expect_err("left alone");
    assert_eq!(
        (error.kind, &*error.code),
        (ActivityErrorKind::Transient, "breaker_open")
    );
    assert_eq!(seen.lock().expect("a lock").len(), 5);
    let stats = payments(&runtime);
    assert_eq!(
        (stats.attempts, stats.breaker_opened, stats.breaker_refused),
        (5, 1, 1)
    );
    runtime.stop().await.expect("it stops");
}

/// Catches: an act that is done again though its outcome is unknown, and a question that is not.
#[tokio::test(start_paused = true)]
async fn only_what_is_safe_to_repeat_is_repeated_after_a_timeout() {
    let seen = Seen::default();
    let runtime = with_port(virtual_runtime(memory()), &seen, |_| Err(None));
    let runtime = runtime.start().await.expect("it starts");
    let error = run(&runtime, "b-1", 5).await.expect_err("nobody knows");
    assert_eq!(
        (error.kind, &*error.code),
        (ActivityErrorKind::Unknown, "timeout")
    );
    assert_eq!(seen.lock().expect("a lock").len(), 1);
    let error = run(&runtime, "b-2", 0).await.expect_err("no answer");
    assert_eq!(
        (error.kind, &*error.code),
        (ActivityErrorKind::TimedOut, "timeout")
    );
    assert_eq!(seen.lock().expect("a lock").len(), 1 + 3);
    runtime.stop().await.expect("it stops");
}

/// Catches: another service that is asked where the first may have acted, or is not asked at all.
#[tokio::test(start_paused = true)]
async fn another_service_acts_where_the_first_is_known_not_to_have() {
    let seen = Seen::default();
    let behave = |nth| match nth {
        1 => Err(Some(ActivityErrorKind::Unknown)),
        _ => Err(Some(ActivityErrorKind::Transient)),
    };
    let others = Arc::new(AtomicU32::new(0));
    let other = others.clone();
    let runtime = with_port(virtual_runtime(memory()), &seen, behave).alternative(
        PAY,
        move |call: ActivityCall, amount| {
            other.fetch_add(1, Ordering::SeqCst);
            async move { Ok(format!("{amount} elsewhere under {}", call.key)) }
        },
    );
    let runtime = runtime.start().await.expect("it starts");
    let error = run(&runtime, "b-1", 5).await.expect_err("nobody knows");
    assert_eq!(error.kind, ActivityErrorKind::Unknown);
    assert_eq!(others.load(Ordering::SeqCst), 0);
    let paid = run(&runtime, "b-2", 5).await;
    assert_eq!(paid, Ok("5 elsewhere under buy/b-2/pay".to_owned()));
    assert_eq!(others.load(Ordering::SeqCst), 1);
    assert_eq!(payments(&runtime).alternatives, 1);
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that was crashed while another service acted, and then lets the first act too.
#[tokio::test(start_paused = true)]
async fn after_a_crash_the_service_that_was_asked_last_is_asked_again() {
    let seen = Seen::default();
    let behave = |nth| match nth {
        1..=5 => Err(Some(ActivityErrorKind::Transient)),
        _ => Ok("paid by the first, which is back"),
    };
    let others = Arc::new(AtomicU32::new(0));
    let other = others.clone();
    let runtime = with_port(virtual_runtime(memory()), &seen, behave).alternative(
        PAY,
        move |_: ActivityCall, _| {
            other.fetch_add(1, Ordering::SeqCst);
            async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok("paid elsewhere".to_owned())
            }
        },
    );
    // A breaker that was open would hide whether the first is asked again.
    let mut policies = even();
    policies.default.service_unavailable.breaker.calls_min = 20;
    let book = PolicyBook::new(policies.clone()).expect("valid policies");
    let runtime = runtime.policies(Arc::new(book));
    let runtime = runtime.start().await.expect("it starts");
    assert_eq!(*runtime.handle().policies().policies(), policies);
    let crash = async {
        // Five attempts take 1.5 s; then the other has been asked, and takes its second.
        tokio::time::sleep(Duration::from_millis(2_000)).await;
        assert_eq!(others.load(Ordering::SeqCst), 1);
        assert!(runtime.crash_flow("buy", &FlowId::new("b-1")));
    };
    let (paid, ()) = tokio::join!(run(&runtime, "b-1", 5), crash);
    assert_eq!(paid, Ok("paid elsewhere".to_owned()));
    assert_eq!(others.load(Ordering::SeqCst), 2);
    assert_eq!(
        seen.lock().expect("a lock").len(),
        5,
        "the first was not asked again"
    );
    runtime.stop().await.expect("it stops");
}

/// Catches: a token that does not reach the port, and one that is not refreshed when the port
/// refuses it.
#[tokio::test(start_paused = true)]
async fn a_port_is_shown_its_token() {
    struct Desk;
    impl Credentials for Desk {
        fn refresh<'a>(&'a self, _: &'a Token) -> BoxFuture<'a, Result<Token, CredentialsError>> {
            async { Ok(Token::new("second")) }.boxed()
        }

        fn authenticate(&self) -> BoxFuture<'_, Result<Token, CredentialsError>> {
            async { Ok(Token::new("first")) }.boxed()
        }
    }
    let seen = Seen::default();
    let behave = |nth| match nth {
        1 => Err(Some(ActivityErrorKind::Unauthenticated)),
        _ => Ok("paid"),
    };
    let runtime =
        with_port(virtual_runtime(memory()), &seen, behave).credentials("payments", Arc::new(Desk));
    let runtime = runtime.start().await.expect("it starts");
    assert_eq!(run(&runtime, "b-1", 5).await, Ok("paid".to_owned()));
    let tokens: Vec<_> = seen
        .lock()
        .expect("a lock")
        .iter()
        .map(|it| it.2.clone())
        .collect();
    assert_eq!(
        tokens,
        [Some("first".to_owned()), Some("second".to_owned())]
    );
    runtime.stop().await.expect("it stops");
}

/// Catches: a push back whose wait does not reach the policy.
#[tokio::test(start_paused = true)]
async fn a_port_that_pushes_back_is_left_alone_for_as_long_as_it_says() {
    let seen = Seen::default();
    let behave = |nth| match nth {
        1 => Err(Some(ActivityErrorKind::RateLimited {
            retry_after_ms: 7_000,
        })),
        _ => Ok("paid"),
    };
    let runtime = with_port(virtual_runtime(memory()), &seen, behave);
    let runtime = runtime.start().await.expect("it starts");
    let began = runtime.handle().clock().now();
    assert_eq!(run(&runtime, "b-1", 5).await, Ok("paid".to_owned()));
    let took = runtime.handle().clock().now().since(began);
    assert!((7_000..7_050).contains(&took.as_millis()), "{took:?}");
    assert_eq!(payments(&runtime).failures_of(FailureKind::RateLimiting), 1);
    runtime.stop().await.expect("it stops");
}

/// Catches: an ask under a policy that is done twice, one that is not counted, and a refusal that is
/// held against the agent.
#[tokio::test(start_paused = true)]
async fn a_host_asks_an_agent_under_its_policy() {
    let runtime = virtual_runtime(memory()).agent(Counters::default());
    let runtime = runtime.start().await.expect("it starts");
    let handle = runtime.handle();
    let caller = Caller::system();
    assert_eq!(
        handle.ask_guarded(&caller, add("a", 3)).await,
        Ok(Answer::Fresh(3))
    );
    let refused = handle.ask_guarded(&caller, add("a", -5)).await;
    let refused = refused.expect_err("refused");
    assert_eq!(refused.kind(), FailureKind::InvalidInput);
    assert!(refused.into_ask_error().rejection().is_some());
    assert_eq!(handle.ask(&caller, read("a")).await, Ok(3));
    let stats = handle.policy_stats();
    assert_eq!(
        stats.len(),
        1,
        "an ask without a policy is not counted: {stats:?}"
    );
    assert_eq!(stats[0].dependency, Dependency::Agent("counters"));
    assert_eq!((stats[0].calls, stats[0].succeeded), (2, 1));
    runtime.stop().await.expect("it stops");
}
