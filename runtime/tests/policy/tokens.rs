//! "Authentication | Token refresh | 1 attempt | Re-authenticate".

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use mercato::{
    Answer, CallError, Credentials, CredentialsError, FailureKind, Fallback, Notice, Token,
    TokenKeeper,
};

use crate::policy::world::{RATES, Step, World, even};

const REFUSED: Step = Step::Fail(FailureKind::Authentication);
const HIT: Step = Step::Answer("1.17");

/// Gives out numbered tokens, and takes 50 ms for each.
#[derive(Default)]
struct Desk {
    authenticated: AtomicU32,
    refreshed: AtomicU32,
    refuses_to_refresh: bool,
    refuses_to_authenticate_again: bool,
    /// So many tokens are given out, and who asks for another one waits for ever.
    falls_silent_after: Option<u32>,
}

impl Desk {
    async fn takes_its_time(&self) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (authenticated, refreshed) = self.counts();
        let silent = |after| authenticated + refreshed >= after;
        if self.falls_silent_after.is_some_and(silent) {
            std::future::pending::<()>().await;
        }
    }

    fn counts(&self) -> (u32, u32) {
        let authenticated = self.authenticated.load(Ordering::SeqCst);
        (authenticated, self.refreshed.load(Ordering::SeqCst))
    }
}

impl Credentials for Desk {
    fn refresh<'a>(&'a self, expired: &'a Token) -> BoxFuture<'a, Result<Token, CredentialsError>> {
        async move {
            self.takes_its_time().await;
            let nth = self.refreshed.fetch_add(1, Ordering::SeqCst) + 1;
            if self.refuses_to_refresh {
                return Err(CredentialsError {
                    code: "refresh_token_expired",
                });
            }
            Ok(Token::new(format!("{}-r{nth}", expired.expose())))
        }
        .boxed()
    }

    fn authenticate(&self) -> BoxFuture<'_, Result<Token, CredentialsError>> {
        async move {
            self.takes_its_time().await;
            let nth = self.authenticated.fetch_add(1, Ordering::SeqCst) + 1;
            if nth > 1 && self.refuses_to_authenticate_again {
                return Err(CredentialsError { code: "locked_out" });
            }
            Ok(Token::new(format!("t{nth}")))
        }
        .boxed()
    }
}

fn keeper(desk: Desk) -> (Arc<Desk>, TokenKeeper) {
    let desk = Arc::new(desk);
    (desk.clone(), TokenKeeper::new(desk))
}

/// Catches: a token that is not refreshed or is not shown, a wait before the second attempt, and a
/// refresh that is not counted.
#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_is_refreshed_and_the_call_made_once_more() {
    let world = World::new(even(), [REFUSED, HIT, HIT]);
    let (desk, keeper) = keeper(Desk::default());
    for _ in 0..2 {
        let request = world.request().credentials(&keeper);
        assert_eq!(world.call(request).await, Ok(Answer::Fresh("1.17")));
    }
    assert_eq!(world.tokens(), ["t1", "t1-r1", "t1-r1"]);
    assert_eq!(world.attempts(), [50, 100, 100]);
    assert_eq!(desk.counts(), (1, 1));
    let stats = world.guard().stats();
    assert_eq!((stats.tokens_refreshed, stats.re_authenticated), (1, 0));
    assert_eq!(stats.failures_of(FailureKind::Authentication), 1);
    assert_eq!(world.log(), Vec::<String>::new());
}

/// What is logged and told of a call that failed, or that was answered after all.
fn is_told(world: &World, attempts: u32, taken: Option<Fallback>) {
    let kind = "kind=authentication";
    let line = match taken {
        Some(it) => format!(
            "WARN a call fell back dependency=port/rates {kind} attempts={attempts} fallback={}",
            it.name()
        ),
        None => format!("WARN a call failed dependency=port/rates {kind} attempts={attempts}"),
    };
    assert_eq!(world.log(), [line]);
    let notice = Notice::CallFailed {
        dependency: RATES,
        kind: FailureKind::Authentication,
        attempts,
        fallback: taken,
    };
    assert_eq!(world.notices.all(), [notice]);
}

/// Catches: a second refresh in one call, and a fallback that is not taken, taken twice, or not told.
#[tokio::test(start_paused = true)]
async fn where_a_fresh_token_is_refused_too_credentials_are_shown_anew() {
    let world = World::new(even(), [REFUSED, REFUSED, HIT]);
    let (desk, keeper_one) = keeper(Desk::default());
    let answer = world.call(world.request().credentials(&keeper_one)).await;
    assert_eq!(answer, Ok(Answer::Fresh("1.17")));
    assert_eq!(world.tokens(), ["t1", "t1-r1", "t2"]);
    // Each token takes 50 ms, and nothing is waited for besides.
    assert_eq!(world.attempts(), [50, 100, 150]);
    assert_eq!(desk.counts(), (2, 1));
    let stats = world.guard().stats();
    assert_eq!((stats.re_authenticated, stats.tokens_refreshed), (1, 1));
    assert_eq!(stats.failures_of(FailureKind::Authentication), 2);
    assert_eq!(stats.errors_of(FailureKind::Authentication), 0);
    is_told(&world, 3, Some(Fallback::ReAuthenticate));

    let world = World::new(even(), [REFUSED; 3]);
    let (desk, keeper_two) = keeper(Desk::default());
    let answer = world.call(world.request().credentials(&keeper_two)).await;
    let error = answer.expect_err("an error");
    assert_eq!(error.kind(), FailureKind::Authentication);
    assert_eq!((desk.counts(), world.attempts().len()), ((2, 1), 3));
    let stats = world.guard().stats();
    assert_eq!(stats.errors_of(FailureKind::Authentication), 1);
    assert_eq!(stats.re_authenticated, 0);
    is_told(&world, 3, None);
}

/// Catches: a fallback that is not taken, and one that is taken though the policy does not want it.
#[tokio::test(start_paused = true)]
async fn where_no_token_can_be_refreshed_credentials_are_shown_anew() {
    let expired = || Desk {
        refuses_to_refresh: true,
        ..Desk::default()
    };
    let world = World::new(even(), [REFUSED, HIT]);
    let (desk, keeper_one) = keeper(expired());
    let answer = world.call(world.request().credentials(&keeper_one)).await;
    assert_eq!(answer, Ok(Answer::Fresh("1.17")));
    assert_eq!(world.tokens(), ["t1", "t2"]);
    assert_eq!(desk.counts(), (2, 1));
    // The first token, a refresh that failed, and another token: 50 ms each.
    assert_eq!(world.attempts(), [50, 150]);
    let stats = world.guard().stats();
    assert_eq!((stats.re_authenticated, stats.tokens_refreshed), (1, 0));
    assert_eq!(stats.failures_of(FailureKind::Authentication), 1);
    assert_eq!((stats.succeeded, stats.retries), (0, 0));
    is_told(&world, 2, Some(Fallback::ReAuthenticate));

    let mut policies = even();
    policies.default.authentication.fallbacks = vec![Fallback::ErrorMessage];
    let world = World::new(policies, [REFUSED]);
    let (desk, keeper_two) = keeper(expired());
    let answer = world.call(world.request().credentials(&keeper_two)).await;
    answer.expect_err("an error");
    assert_eq!((desk.counts(), world.attempts().len()), ((1, 1), 1));
    let stats = world.guard().stats();
    assert_eq!(stats.errors_of(FailureKind::Authentication), 1);
    is_told(&world, 1, None);
}

/// Catches: a call that waits for a token beyond its deadline.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_token_beyond_the_deadline() {
    // For a refresh, and for credentials that are shown anew.
    for given in [1, 2] {
        let world = World::new(even(), [REFUSED; 2]);
        let (_, keeper) = keeper(Desk {
            falls_silent_after: Some(given),
            ..Desk::default()
        });
        let request = world.request_within(Duration::from_secs(5));
        let answer = world.call(request.credentials(&keeper)).await;
        let error = answer.expect_err("an error");
        assert_eq!(error.kind(), FailureKind::Authentication);
        assert_eq!(world.now(), 5_000);
        assert_eq!(world.attempts().len(), given as usize);
    }
}

/// Catches: what went wrong at the last turn, and may have happened, told as a token that was refused.
#[tokio::test(start_paused = true)]
async fn what_goes_wrong_with_the_last_token_is_told() {
    let silent = Step::Fail(FailureKind::UnknownOutcome);
    let world = World::new(even(), [REFUSED, REFUSED, silent]);
    let (_, keeper) = keeper(Desk::default());
    let answer = world.call(world.request().credentials(&keeper)).await;
    let error = answer.expect_err("an error");
    assert_eq!(error.kind(), FailureKind::UnknownOutcome);
    assert_eq!(world.attempts().len(), 3);
}

/// Catches: as many refreshes as there are calls, and calls that go on with the token that was
/// refused.
#[tokio::test(start_paused = true)]
async fn many_calls_share_one_refresh() {
    let script = [REFUSED; 10].into_iter().chain([HIT; 10]);
    let world = World::new(even(), script);
    let (desk, keeper) = keeper(Desk::default());
    let calls = (0..10).map(|_| world.call(world.request().credentials(&keeper)));
    let answers = join_all(calls).await;
    assert_eq!(answers, [const { Ok(Answer::Fresh("1.17")) }; 10]);
    assert_eq!(desk.counts(), (1, 1));
    let tokens = world.tokens();
    assert_eq!(
        (&*tokens[9], &*tokens[10], &*tokens[19]),
        ("t1", "t1-r1", "t1-r1")
    );
    assert_eq!(world.guard().stats().tokens_refreshed, 1);
}

/// Catches: calls that waited for a refresh and, when it failed, each ask again.
#[tokio::test(start_paused = true)]
async fn many_calls_share_one_failure_and_the_next_call_begins_anew() {
    let world = World::new(even(), [REFUSED; 10]);
    let (desk, keeper) = keeper(Desk {
        refuses_to_refresh: true,
        refuses_to_authenticate_again: true,
        ..Desk::default()
    });
    let calls = (0..10).map(|_| world.call(world.request().credentials(&keeper)));
    for answer in join_all(calls).await {
        assert_eq!(
            answer.expect_err("an error").kind(),
            FailureKind::Authentication
        );
    }
    assert_eq!(desk.counts(), (2, 1));
    let answer = world.call(world.request().credentials(&keeper)).await;
    let error = CredentialsError { code: "locked_out" };
    assert_eq!(
        answer,
        Err(CallError::Unauthenticated {
            dependency: RATES,
            error
        })
    );
    assert_eq!(desk.counts(), (3, 1), "nothing is sent without a token");
}

/// Catches: a refresh that dies with the call that began it.
#[tokio::test(start_paused = true)]
async fn a_call_that_goes_away_leaves_the_refresh_to_the_next() {
    let world = World::new(even(), [REFUSED, REFUSED, HIT]);
    let (desk, keeper) = keeper(Desk::default());
    let gone = world.call(world.request().credentials(&keeper));
    let gone = tokio::time::timeout(Duration::from_millis(70), gone).await;
    assert!(gone.is_err(), "it goes away in the middle of the refresh");
    let answer = world.call(world.request().credentials(&keeper)).await;
    assert_eq!(answer, Ok(Answer::Fresh("1.17")));
    assert_eq!((desk.counts(), world.tokens().len()), ((1, 1), 3));
}

/// Catches: a token that shows itself.
#[test]
fn a_token_does_not_show_itself() {
    let token = Token::new("s3cret");
    assert_eq!(format!("{token:?}"), "Token(redacted)");
    let (_, keeper) = keeper(Desk::default());
    assert_eq!(format!("{keeper:?}"), "TokenKeeper { .. }");
}
