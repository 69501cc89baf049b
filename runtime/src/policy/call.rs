//! The error flow: one call from "Agent Request" to its answer or its error.
//!
//! The functions have the names of the boxes.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;

use super::answer::Answer;
use super::breaker::CallOutcome;
use super::error::CallError;
use super::failure::{Class, Failure, FailureKind};
use super::guard::Guard;
use super::request::{Attempt, Repeat, Request};
use super::settings::Policy;
use super::token::{Issued, TokenKeeper};

/// How far a call has come. It holds no error and no fallback, so that it may be shared.
pub(super) struct Course<'a> {
    pub(super) policy: Arc<Policy>,
    pub(super) deadline: Timestamp,
    pub(super) attempts: u32,
    pub(super) refreshes: u32,
    pub(super) repeat: Repeat,
    pub(super) keeper: Option<&'a TokenKeeper>,
    /// The token of the last attempt.
    pub(super) token: Option<Issued>,
}

impl Course<'_> {
    /// Whether the dependency may ask to be left alone for so long.
    pub(super) fn waits_for(&self, told: Option<Duration>) -> bool {
        told.is_none_or(|told| told <= self.told_wait_max())
    }

    pub(super) fn told_wait_max(&self) -> Duration {
        self.policy.rate_limiting.told_wait_max
    }
}

impl Guard {
    /// Calls the dependency, and does about a failure what the policy says.
    ///
    /// `process_request` is one attempt. It is called again for each of them, and dropped where it
    /// takes longer than an attempt may.
    ///
    /// # Errors
    /// See [`CallError`]: neither an attempt nor a fallback gave an answer.
    pub async fn call<T, E, F, Fut>(
        &self,
        mut request: Request<'_, T, E>,
        process_request: F,
    ) -> Result<Answer<T>, CallError<E>>
    where
        E: Failure,
        F: Fn(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let policy = self.policy();
        let now = self.clock.now();
        let mut course = Course {
            deadline: request.deadline.min(now.plus(policy.call_budget)),
            policy,
            attempts: 0,
            refreshes: 0,
            repeat: request.repeat,
            keeper: request.credentials,
            token: None,
        };
        self.counters.calls.add();
        self.earn_retry(now);
        let failed = loop {
            let failed = match self.attempt(&mut course, &process_request).await {
                Ok(value) => return Ok(self.succeed(Answer::Fresh(value))),
                Err(failed) => failed,
            };
            // Where nothing was sent, the breaker or the queue has spoken for the dependency.
            let again = failed.was_sent()
                && match failed.kind().class() {
                    Class::Transient => self.retry_with_backoff(&course, failed.kind()).await,
                    Class::Recoverable => {
                        let told = failed.retry_after();
                        self.attempt_recovery(&mut course, failed.kind(), told)
                            .await
                    }
                    Class::Permanent => false,
                };
            if !again {
                break failed;
            }
        };
        let (taken, outcome) = self
            .fall_back(&mut course, &mut request, failed, &process_request)
            .await;
        let kind = match &outcome {
            Ok((_, kind)) => *kind,
            Err(error) => error.kind(),
        };
        self.log_error(kind, course.attempts, taken);
        self.notify_monitoring(kind, course.attempts, taken);
        self.update_metrics(kind, taken);
        outcome.map(|(answer, _)| answer)
    }

    fn succeed<T>(&self, answer: Answer<T>) -> Answer<T> {
        self.counters.succeeded.add();
        answer
    }

    /// One attempt: in its turn, with a token, past the breaker.
    pub(super) async fn attempt<T, E, F, Fut>(
        &self,
        course: &mut Course<'_>,
        process_request: &F,
    ) -> Result<T, CallError<E>>
    where
        E: Failure,
        F: Fn(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let dependency = self.dependency;
        // Nobody stands in a queue for a door that is shut.
        self.would_refuse()
            .map_err(|refused| self.open(refused.retry_after))?;
        let limits = &course.policy.rate_limiting;
        match self.throttle.admit(limits, course.deadline).await {
            Ok(false) => {}
            Ok(true) => self.counters.queued.add(),
            Err(crowded) => {
                self.counters.queue_refused.add();
                return Err(CallError::Overloaded {
                    dependency,
                    retry_after: crowded.retry_after,
                });
            }
        }
        course.token = self.token(course).await?;
        let begun = self
            .begin_attempt()
            .map_err(|refused| self.open(refused.retry_after))?;
        course.attempts += 1;
        self.counters.attempts.add();
        let until = self.clock.now().plus(course.policy.attempt_timeout);
        let attempt = Attempt {
            number: course.attempts,
            deadline: until.min(course.deadline),
            token: course.token.as_ref().map(|issued| issued.token.clone()),
        };
        // What the caller had no time for says nothing about the dependency.
        let cut_short = attempt.deadline < until;
        let until = self.clock.instant_of(attempt.deadline);
        let failed = match tokio::time::timeout_at(until, process_request(attempt)).await {
            Ok(Ok(value)) => {
                begun.end(CallOutcome::Succeeded);
                return Ok(value);
            }
            Ok(Err(error)) => CallError::Failed {
                dependency,
                attempts: course.attempts,
                kind: error.kind(),
                error,
            },
            Err(_) => CallError::TimedOut {
                dependency,
                attempts: course.attempts,
                may_have_happened: course.repeat == Repeat::Once,
            },
        };
        self.counters.failures[failed.kind().index()].add();
        let late = matches!(failed, CallError::TimedOut { .. })
            || failed.kind() == FailureKind::NetworkTimeout;
        begun.end(match late && cut_short {
            true => CallOutcome::Ignored,
            false => outcome_of(failed.kind()),
        });
        Err(failed)
    }

    /// The token to call with, where the dependency wants one.
    async fn token<E>(&self, course: &Course<'_>) -> Result<Option<Issued>, CallError<E>> {
        let Some(keeper) = course.keeper else {
            return Ok(None);
        };
        let dependency = self.dependency;
        let until = self.clock.instant_of(course.deadline);
        match tokio::time::timeout_at(until, keeper.token()).await {
            Ok(Ok(issued)) => Ok(Some(issued)),
            Ok(Err(error)) => Err(CallError::Unauthenticated { dependency, error }),
            Err(_) => Err(CallError::TimedOut {
                dependency,
                attempts: course.attempts,
                may_have_happened: false,
            }),
        }
    }

    fn open<E>(&self, retry_after: Duration) -> CallError<E> {
        self.counters.breaker_refused.add();
        CallError::Open {
            dependency: self.dependency,
            retry_after,
        }
    }
}

/// What a failure says about the dependency's health.
fn outcome_of(kind: FailureKind) -> CallOutcome {
    match kind {
        FailureKind::NetworkTimeout
        | FailureKind::ServiceUnavailable
        | FailureKind::UnknownOutcome => CallOutcome::Failed,
        // It is well, and says no.
        FailureKind::InvalidInput => CallOutcome::Succeeded,
        FailureKind::RateLimiting | FailureKind::Authentication | FailureKind::Fault => {
            CallOutcome::Ignored
        }
    }
}
