//! A call to a port, under the port's policy.

use std::sync::Arc;
use std::time::Duration;

use mercato_persistence::Vault;

use super::activity::{Activities, ActivityCall, ActivityError, ActivityErrorKind};
use crate::clock::Clock;
use crate::core::{Caller, Whole};
use crate::error::AskFailure;
use crate::policy::{
    Attempt, CallError, Dependency, Failure, FailureKind, Guards, Repeat, Request,
};
use crate::principal::Principal;
use crate::telemetry::{Outcome, Timings, TraceContext};

/// A call to a port that waits to be made.
pub(crate) struct Performance<'a> {
    /// The activity.
    pub(crate) name: &'a str,
    pub(crate) input: &'a [u8],
    /// The idempotency key.
    pub(crate) key: String,
    pub(crate) vault: &'a Arc<Vault>,
    pub(crate) clock: Clock,
    pub(crate) trace: TraceContext,
    pub(crate) timings: &'a Timings,
    pub(crate) principal: Principal,
    /// The flow that waits for it, and until when.
    pub(crate) whole: Whole,
    /// An earlier run of the flow may have made it, and learnt no answer.
    pub(crate) may_have_acted: bool,
    /// Another service was asked before a crash: it alone may be asked again, because it may have
    /// acted.
    pub(crate) elsewhere: bool,
}

impl Activities {
    /// Calls a port under its policy. `settle` comes before each attempt: the output rule.
    /// `note_elsewhere` comes before another service is asked. The outer error is one of theirs, and
    /// then the port was not called.
    pub(crate) async fn perform<S, Fut, N>(
        &self,
        guards: &Guards,
        performance: Performance<'_>,
        settle: S,
        note_elsewhere: N,
    ) -> Result<Result<Vec<u8>, ActivityError>, AskFailure>
    where
        S: Fn() -> Fut + Sync,
        Fut: Future<Output = Result<(), AskFailure>> + Send,
        N: Fn() -> Result<(), AskFailure> + Sync,
    {
        let Performance { name, input, .. } = performance;
        let Some((&name, registered)) = self.by_name.get_key_value(name) else {
            let message =
                format!("no activity `{name}`; register it with `RuntimeBuilder::activity`");
            return Ok(Err(ActivityError::permanent("unknown-activity", message)));
        };
        let call = |attempt: Attempt| ActivityCall {
            key: performance.key.clone(),
            attempt: attempt.number,
            deadline: attempt.deadline,
            token: attempt.token,
            trace: performance.trace,
            vault: performance.vault.clone(),
            caller: Caller::part_of(
                performance.principal.clone(),
                performance.trace,
                Whole {
                    deadline: attempt.deadline,
                    ..performance.whole.clone()
                },
            ),
        };
        // The policy's own budget bounds the call too.
        let mut request = Request::new(registered.repeat, performance.whole.deadline);
        let dependency = Dependency::of_activity(name);
        let guard = guards.of(dependency);
        // What led here may take its time to become durable; that is no fault of the port's.
        settle().await?;
        let began = performance.clock.elapsed();
        let unsure = performance.may_have_acted && registered.repeat == Repeat::Once;
        let counted = |outcome: Result<Vec<u8>, ActivityError>| {
            let outcome = outcome.map_err(|error| match unsure {
                true => error.after_a_cut(),
                false => error,
            });
            let took = performance.clock.elapsed().saturating_sub(began);
            let timings = performance.timings;
            timings.record(name, of_port(&outcome), 0, took);
            outcome
        };
        if let Dependency::Port(port) = dependency
            && let Some(keeper) = self.tokens.get(port)
        {
            request = request.credentials(keeper);
        }
        let alternative = self.alternatives.get(name);
        if let (Some(alternative), true) = (alternative, performance.elsewhere) {
            let limit = guard.policy().attempt_timeout;
            let clock = performance.clock;
            let deadline = clock.now().plus(limit).min(performance.whole.deadline);
            let call = call(Attempt {
                number: 1,
                deadline,
                token: None,
            });
            let answered = alternative(call, input);
            let answered = tokio::time::timeout_at(clock.instant_of(deadline), answered).await;
            let answered = answered.unwrap_or_else(|_| Err(timed_out(registered.repeat)));
            return Ok(counted(answered));
        }
        if let Some(alternative) = alternative {
            let (settle, note_elsewhere) = (&settle, &note_elsewhere);
            request = request.alternative(move |attempt| async move {
                note_elsewhere().map_err(PortFailure::Interrupted)?;
                settle().await.map_err(PortFailure::Interrupted)?;
                alternative(call(attempt), input)
                    .await
                    .map_err(PortFailure::Port)
            });
        }
        let answer = guard.call(request, |attempt| {
            let settled = settle();
            let call = call(attempt);
            async move {
                settled.await.map_err(PortFailure::Interrupted)?;
                let answered = (registered.function)(call, input);
                answered.await.map_err(PortFailure::Port)
            }
        });
        match answer.await {
            Ok(answer) => Ok(counted(Ok(answer.into_value()))),
            Err(CallError::Failed { error, .. }) => match error {
                PortFailure::Interrupted(failure) => Err(failure),
                PortFailure::Port(error) => Ok(counted(Err(error))),
            },
            Err(error) => Ok(counted(Err(of_policy(&error)))),
        }
    }
}

/// Why one attempt at a port gave nothing.
#[derive(Debug, thiserror::Error)]
enum PortFailure {
    /// What led here did not become durable.
    #[error(transparent)]
    Interrupted(AskFailure),
    #[error(transparent)]
    Port(ActivityError),
}

impl Failure for PortFailure {
    fn kind(&self) -> FailureKind {
        match self {
            Self::Interrupted(_) => FailureKind::Fault,
            Self::Port(error) => error.kind(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Interrupted(_) => None,
            Self::Port(error) => error.retry_after(),
        }
    }
}

/// How a call to a port went, for metrics and spans.
pub(crate) fn of_port(outcome: &Result<Vec<u8>, ActivityError>) -> Outcome {
    match outcome.as_ref().map_err(|error| error.kind) {
        Ok(_) => Outcome::Answered,
        Err(ActivityErrorKind::Permanent) => Outcome::Refused,
        Err(ActivityErrorKind::TimedOut) => Outcome::Expired,
        Err(ActivityErrorKind::RateLimited { .. }) => Outcome::Overloaded,
        Err(ActivityErrorKind::Unknown) => Outcome::Unknown,
        Err(_) => Outcome::Failed,
    }
}

fn timed_out(repeat: Repeat) -> ActivityError {
    let kind = match repeat {
        Repeat::Once => ActivityErrorKind::Unknown,
        Repeat::Safe => ActivityErrorKind::TimedOut,
    };
    let message = "the other service did not answer in time";
    ActivityError::new(kind, "timeout", message)
}

/// What the policy found, in the words of activities.
fn of_policy(error: &CallError<PortFailure>) -> ActivityError {
    let (kind, code) = match error {
        CallError::TimedOut {
            may_have_happened, ..
        } => match may_have_happened {
            true => (ActivityErrorKind::Unknown, "timeout"),
            false => (ActivityErrorKind::TimedOut, "timeout"),
        },
        CallError::Open { .. } => (ActivityErrorKind::Transient, "breaker_open"),
        CallError::Overloaded { retry_after, .. } => {
            let retry_after_ms = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
            (
                ActivityErrorKind::RateLimited { retry_after_ms },
                "overloaded",
            )
        }
        CallError::Unauthenticated { .. } => (ActivityErrorKind::Unauthenticated, "no_token"),
        CallError::Failed { .. } => (ActivityErrorKind::Unknown, "unexpected"),
    };
    ActivityError::new(kind, code, error.to_string())
}
