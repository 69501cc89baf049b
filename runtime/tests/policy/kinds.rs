//! What an error is to a policy, and what a call under a policy is to whoever asks without one.

use std::time::Duration;

use mercato::{
    AskError, AskFailure, CallError, CredentialsError, Dependency, Failure, FailureKind,
};

const SOON: Duration = Duration::from_millis(700);
const AGENT: Dependency = Dependency::Agent("counters");

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no")]
struct No;

impl Failure for No {
    fn kind(&self) -> FailureKind {
        FailureKind::Fault
    }
}

/// Catches: a failure of an ask that is taken for another row of the table, and a wait that an agent
/// asked for and nobody hears of.
#[test]
fn each_failure_of_an_ask_is_a_row_of_the_table() {
    let overloaded = AskFailure::Overloaded { retry_after: SOON };
    for (failure, kind, wait) in [
        (overloaded, FailureKind::RateLimiting, Some(SOON)),
        (
            AskFailure::DeadlineExceeded,
            FailureKind::NetworkTimeout,
            None,
        ),
        (AskFailure::IdReused, FailureKind::InvalidInput, None),
        (AskFailure::Stopped, FailureKind::Fault, None),
    ] {
        assert_eq!(failure.kind(), kind, "{failure}");
        assert_eq!(failure.retry_after(), wait, "{failure}");
        let asked = AskError::<No>::Failed(failure);
        assert_eq!((asked.kind(), asked.retry_after()), (kind, wait));
    }
    let rejected = AskError::Rejected(No);
    assert_eq!(rejected.kind(), FailureKind::InvalidInput);
    assert_eq!(rejected.retry_after(), None);
    assert_eq!(No.retry_after(), None, "where nothing was asked for");
}

/// Catches: a breaker, a queue, a time or a token of a guarded ask that is told as something else to
/// whoever knows only asks.
#[test]
fn a_guarded_ask_fails_as_an_ask_without_a_policy_would() {
    type Called = CallError<AskError<No>>;
    let overloaded = || AskError::Failed(AskFailure::Overloaded { retry_after: SOON });
    let open = Called::Open {
        dependency: AGENT,
        retry_after: SOON,
    };
    assert_eq!(open.into_ask_error(), overloaded());
    let crowded = Called::Overloaded {
        dependency: AGENT,
        retry_after: SOON,
    };
    assert_eq!(crowded.into_ask_error(), overloaded());
    let failed = Called::Failed {
        dependency: AGENT,
        attempts: 2,
        kind: FailureKind::InvalidInput,
        error: AskError::Rejected(No),
    };
    assert_eq!(failed.into_ask_error(), AskError::Rejected(No));
    for may_have_happened in [true, false] {
        let late = Called::TimedOut {
            dependency: AGENT,
            attempts: 1,
            may_have_happened,
        };
        let told = AskError::Failed(AskFailure::DeadlineExceeded);
        assert_eq!(late.into_ask_error(), told);
    }
    let token = Called::Unauthenticated {
        dependency: AGENT,
        error: CredentialsError { code: "none" },
    };
    let told = token.into_ask_error();
    assert!(
        matches!(&told, AskError::Failed(AskFailure::Invalid { .. })),
        "{told:?}"
    );
}
