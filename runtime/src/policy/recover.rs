//! The error flow between two attempts: "Retry with Backoff" and "Attempt Recovery".

use std::time::Duration;

use super::call::Course;
use super::dependency::Dependency;
use super::failure::FailureKind;
use super::guard::Guard;
use super::token::Renewed;

impl Guard {
    /// "Retry with Backoff": whether the call is to be tried again, now.
    pub(super) async fn retry_with_backoff(&self, course: &Course<'_>, kind: FailureKind) -> bool {
        let Some(wait) = self.wait_before_retry(course, kind, Duration::ZERO) else {
            return false;
        };
        tokio::time::sleep(wait).await;
        true
    }

    /// How long to wait before the next attempt, where there is one: within the row's attempts, the
    /// deadline and the budget, in this order, so that the budget is not spent for nothing.
    fn wait_before_retry(
        &self,
        course: &Course<'_>,
        kind: FailureKind,
        at_least: Duration,
    ) -> Option<Duration> {
        let row = course.policy.row(kind);
        let backoff = row.backoff?;
        if course.attempts >= row.attempts_max {
            return None;
        }
        let wait = self.draw_wait(backoff, course.attempts).max(at_least);
        let now = self.clock.now();
        if now.plus(wait) >= course.deadline {
            return None;
        }
        if !self.take_retry(now) {
            self.counters.retries_denied.add();
            return None;
        }
        self.counters.retries.add();
        let (dependency, attempt) = (self.dependency, course.attempts);
        let wait_ms = wait.as_millis();
        tracing::debug!(%dependency, %kind, attempt, wait_ms, "a call is tried again");
        Some(wait)
    }

    /// "Attempt Recovery": waits as told, or gets a new token. Whether it succeeded, so that the call
    /// is to be tried again.
    pub(super) async fn attempt_recovery(
        &self,
        course: &mut Course<'_>,
        kind: FailureKind,
        told: Option<Duration>,
    ) -> bool {
        match kind {
            FailureKind::RateLimiting => self.wait_as_told(course, told).await,
            FailureKind::Authentication => self.refresh_token(course).await,
            // The caller knows how to ask what became of it, and we do not.
            _ => false,
        }
    }

    async fn wait_as_told(&self, course: &Course<'_>, told: Option<Duration>) -> bool {
        // What one call was told holds for all: they wait in the queue until then.
        self.heed(course, told);
        if !course.waits_for(told) {
            return false;
        }
        let at_least = told.unwrap_or_default();
        let wait = self.wait_before_retry(course, FailureKind::RateLimiting, at_least);
        let Some(wait) = wait else { return false };
        tokio::time::sleep(wait).await;
        true
    }

    /// Lets nobody through for as long as the dependency asked, and as it may ask.
    /// An agent speaks for one mailbox, or one key of it, and not for its other shards.
    pub(super) fn heed(&self, course: &Course<'_>, told: Option<Duration>) {
        let is_agent = matches!(self.dependency, Dependency::Agent(_));
        if let Some(told) = told.filter(|_| !is_agent) {
            let pause = told.min(course.told_wait_max());
            self.throttle.pause_until(self.clock.now().plus(pause));
        }
    }

    async fn refresh_token(&self, course: &mut Course<'_>) -> bool {
        let (Some(keeper), Some(refused)) = (course.keeper, &course.token) else {
            return false;
        };
        if course.refreshes >= course.policy.authentication.refreshes_max {
            return false;
        }
        course.refreshes += 1;
        let until = self.clock.instant_of(course.deadline);
        match tokio::time::timeout_at(until, keeper.refresh(refused)).await {
            Ok(Ok(Renewed::Shared)) => true,
            Ok(Ok(Renewed::Got)) => {
                self.counters.tokens_refreshed.add();
                true
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }
}
