//! The end of the error flow: the column "Fallback", and then "Log Error", "Notify Monitoring" and
//! "Update Metrics".

use super::answer::Answer;
use super::call::Course;
use super::error::CallError;
use super::failure::{Failure, FailureKind};
use super::guard::Guard;
use super::monitor::Notice;
use super::request::{Attempt, Repeat, Request};
use super::rows::Fallback;

impl Guard {
    /// The column "Fallback": the first that gives an answer, and what it stands in for.
    pub(super) async fn fall_back<T, E, F, Fut>(
        &self,
        course: &mut Course<'_>,
        request: &mut Request<'_, T, E>,
        mut failed: CallError<E>,
        process_request: &F,
    ) -> (
        Option<Fallback>,
        Result<(Answer<T>, FailureKind), CallError<E>>,
    )
    where
        E: Failure,
        F: Fn(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let policy = course.policy.clone();
        let kind = failed.kind();
        for &fallback in policy.row(kind).fallbacks {
            let answer = match fallback {
                Fallback::AlternativeService => match self.alternative(course, request).await {
                    Ok(answer) => answer,
                    Err(unknown) => return (None, Err(unknown)),
                },
                Fallback::CachedResponse => request
                    .cached
                    .take()
                    .and_then(|cached| cached())
                    .map(|(value, age)| Answer::Stale { value, age }),
                Fallback::QueueRequest | Fallback::ReAuthenticate if failed.was_sent() => {
                    let once_more = match fallback {
                        Fallback::QueueRequest => {
                            self.queue_request(course, failed, process_request).await
                        }
                        _ => self.re_authenticate(course, failed, process_request).await,
                    };
                    match once_more {
                        Ok(value) => return (Some(fallback), Ok((Answer::Fresh(value), kind))),
                        Err(last) => failed = last,
                    }
                    // What went wrong at that turn is another matter, and it may have happened.
                    if failed.kind() != kind {
                        break;
                    }
                    None
                }
                Fallback::QueueRequest | Fallback::ReAuthenticate => None,
                Fallback::ErrorMessage => break,
            };
            if let Some(answer) = answer {
                return (Some(fallback), Ok((answer, kind)));
            }
        }
        (None, Err(failed))
    }

    /// Asks another service. That it does not help is no error of its own, but that it may have
    /// acted must not be lost.
    async fn alternative<T, E: Failure>(
        &self,
        course: &Course<'_>,
        request: &mut Request<'_, T, E>,
    ) -> Result<Option<Answer<T>>, CallError<E>> {
        let Some(alternative) = request.alternative.take() else {
            return Ok(None);
        };
        let until = self.clock.now().plus(course.policy.attempt_timeout);
        let attempt = Attempt {
            number: 1,
            deadline: until.min(course.deadline),
            token: None,
        };
        let until = self.clock.instant_of(attempt.deadline);
        let (dependency, attempts) = (self.dependency, course.attempts);
        match tokio::time::timeout_at(until, alternative(attempt)).await {
            Ok(Ok(value)) => Ok(Some(Answer::Alternative(value))),
            Ok(Err(error)) if error.kind() == FailureKind::UnknownOutcome => {
                Err(CallError::Failed {
                    dependency,
                    attempts,
                    kind: FailureKind::UnknownOutcome,
                    error,
                })
            }
            Err(_) if course.repeat == Repeat::Once => Err(CallError::TimedOut {
                dependency,
                attempts,
                may_have_happened: true,
            }),
            Ok(Err(_)) | Err(_) => Ok(None),
        }
    }

    /// Stands in the queue until the dependency may be asked again, and asks it once more.
    async fn queue_request<T, E, F, Fut>(
        &self,
        course: &mut Course<'_>,
        failed: CallError<E>,
        process_request: &F,
    ) -> Result<T, CallError<E>>
    where
        E: Failure,
        F: Fn(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let limits = &course.policy.rate_limiting;
        // Nothing told, and nothing to wait for, are the same.
        let told = failed.retry_after().filter(|told| !told.is_zero());
        let wait = self.draw_wait(&limits.backoff, course.attempts);
        let wait = wait.max(told.unwrap_or_default());
        if !course.waits_for(told) || self.clock.now().plus(wait) >= course.deadline {
            return Err(failed);
        }
        self.heed(course, told.or(Some(wait)));
        self.attempt(course, process_request).await
    }

    /// Shows the credentials anew, since the dependency took no token that could be had without, and
    /// asks it once more.
    async fn re_authenticate<T, E, F, Fut>(
        &self,
        course: &mut Course<'_>,
        failed: CallError<E>,
        process_request: &F,
    ) -> Result<T, CallError<E>>
    where
        E: Failure,
        F: Fn(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let (Some(keeper), Some(refused)) = (course.keeper, &course.token) else {
            return Err(failed);
        };
        let until = self.clock.instant_of(course.deadline);
        match tokio::time::timeout_at(until, keeper.authenticate_anew(refused)).await {
            Ok(Ok(_)) => self.attempt(course, process_request).await,
            Ok(Err(_)) | Err(_) => Err(failed),
        }
    }

    /// "Log Error".
    pub(super) fn log_error(&self, kind: FailureKind, attempts: u32, taken: Option<Fallback>) {
        let dependency = self.dependency;
        match taken {
            Some(fallback) => {
                let fallback = fallback.name();
                tracing::warn!(%dependency, %kind, attempts, fallback, "a call fell back");
            }
            // A refusal is an answer, and an everyday one.
            None if kind == FailureKind::InvalidInput => {
                tracing::info!(%dependency, %kind, attempts, "a call was refused");
            }
            None => tracing::warn!(%dependency, %kind, attempts, "a call failed"),
        }
    }

    /// "Notify Monitoring".
    pub(super) fn notify_monitoring(
        &self,
        kind: FailureKind,
        attempts: u32,
        fallback: Option<Fallback>,
    ) {
        self.monitor.notify(&Notice::CallFailed {
            dependency: self.dependency,
            kind,
            attempts,
            fallback,
        });
    }

    /// "Update Metrics".
    pub(super) fn update_metrics(&self, kind: FailureKind, taken: Option<Fallback>) {
        match taken {
            Some(fallback) => self.counters.fallback(fallback),
            None => self.counters.errors[kind.index()].add(),
        }
    }
}
