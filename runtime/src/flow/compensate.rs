//! Undoing what does not count: last step first, also after a crash.

use tracing::Instrument;

use super::activity::ActivityErrorKind;
use super::context::{FOREVER, Flow};
use super::events::{StepUndone, Undo, UndoGivenUp};
use super::retry::UNDO;
use super::scope::branch_prefix;
use crate::clock::Timestamp;
use crate::error::{AskError, AskFailure};
use crate::telemetry::TraceContext;

type Outstanding = Vec<(Box<str>, Undo)>;

impl Flow {
    /// Runs every undo that is outstanding. One that does not succeed goes to the work list and the
    /// others go on.
    ///
    /// # Errors
    /// Only where the runtime itself goes away; the rest is done after the next start.
    pub(super) async fn compensate(&self) -> Result<(), AskFailure> {
        loop {
            let outstanding = self.with_log(|log| log.state.outstanding());
            // Somebody may have had one tried again that was given up meanwhile.
            if outstanding.is_empty() {
                return Ok(());
            }
            self.undo_each(outstanding).await?;
        }
    }

    /// Runs the outstanding undos of a branch that does not count.
    pub(super) async fn undo_branch(&self, group: &str, branch: &str) -> Result<(), AskFailure> {
        let prefix = branch_prefix(group, branch);
        let mut outstanding = self.with_log(|log| log.state.outstanding());
        outstanding.retain(|(step, _)| step.starts_with(&*prefix));
        self.undo_each(outstanding).await
    }

    async fn undo_each(&self, outstanding: Outstanding) -> Result<(), AskFailure> {
        let counters = &self.inner.engine.counters;
        for (step, undo) in outstanding {
            // Within a group that does not count there may be another one.
            if self.with_log(|log| log.state.is_settled(&step)) {
                continue;
            }
            let spans = &self.core().telemetry.spans;
            let traced = spans.undo(self.trace(), &step);
            let undone = self.undo_patiently(&step, &undo, traced.context);
            let undone = undone.instrument(traced.span.clone()).await?;
            traced.ended(if undone.is_ok() { "undone" } else { "given_up" });
            match undone {
                Ok(()) => {
                    counters.undone.add();
                    self.record(StepUndone { step })?;
                }
                Err(error) => {
                    counters.given_up.add();
                    // Why stands on the work list. The words of a port may name a person, and stay out of logs.
                    tracing::error!(flow = ?self, %step, "an undo was given up and needs a person");
                    self.record(UndoGivenUp { step, error })?;
                }
            }
        }
        Ok(())
    }

    /// Tries one undo as often as undos are tried, and for as long as the part of the budget lasts
    /// that is kept for it. The inner error is why it was given up.
    async fn undo_patiently(
        &self,
        step: &str,
        undo: &Undo,
        trace: TraceContext,
    ) -> Result<Result<(), String>, AskFailure> {
        let clock = self.core().clock;
        let until = self.undo_until();
        let mut attempt = 1;
        loop {
            let (error, hopeless) = match self.undo_once(step, undo, trace).await? {
                Ok(()) => return Ok(Ok(())),
                Err(failed) => failed,
            };
            if hopeless {
                return Ok(Err(error));
            }
            let wait = match UNDO.wait_after(attempt) {
                Some(wait) => wait,
                None if until.is_some_and(|it| it > clock.now().plus(UNDO.wait_max)) => {
                    UNDO.wait_max
                }
                None => return Ok(Err(error)),
            };
            tokio::time::sleep(wait).await;
            attempt = attempt.saturating_add(1);
        }
    }

    /// When the flow's budget is over, the part for undoing included.
    fn undo_until(&self) -> Option<Timestamp> {
        let inner = &self.inner;
        let definition = inner.engine.definitions.get(&inner.name, self.version())?;
        Some(inner.deadline?.plus(definition.kept()))
    }

    /// Tries one undo. The inner error says whether trying again is hopeless.
    async fn undo_once(
        &self,
        step: &str,
        undo: &Undo,
        trace: TraceContext,
    ) -> Result<Result<(), (String, bool)>, AskFailure> {
        #[cfg(feature = "planted-bugs")]
        if self.core().planted == Some(crate::planted::PlantedBug::ForgetUndos)
            && self
                .inner
                .unanswered
                .load(std::sync::atomic::Ordering::Relaxed)
        {
            return Ok(Ok(()));
        }
        let step = format!("undo/{step}");
        match undo {
            Undo::Activity { name, input } => {
                // However late the flow is, its undos have time of their own.
                let performed = self.perform_stored(&step, name, input, FOREVER, trace);
                let outcome = performed.await;
                if let Some(failure) = self.stalled() {
                    return Err(failure);
                }
                if self.is_interrupted() {
                    return Err(AskFailure::Stopped);
                }
                Ok(outcome.and_then(|inner| inner).map(drop).map_err(|error| {
                    // Undos are idempotent under their key, so an unknown outcome is asked again.
                    let hopeless = error.kind == ActivityErrorKind::Permanent;
                    (error.to_string(), hopeless)
                }))
            }
            Undo::Command {
                agent,
                name,
                version,
                body,
            } => {
                let Some(service) = self.core().services.named(agent) else {
                    return Ok(Err((format!("there is no agent `{agent}`"), true)));
                };
                let mut call = self.call_of_undo(&step);
                call.trace = trace;
                let (outcome, depends_on) = service.send_stored(call, name, *version, body).await;
                self.saw(depends_on);
                match outcome {
                    Ok(()) => Ok(Ok(())),
                    Err(AskError::Failed(failure)) => self.undo_failed(failure),
                    Err(AskError::Rejected(refusal)) => Ok(Err((refusal.to_string(), true))),
                }
            }
            Undo::Flow { name, id } => {
                let (engine, parent) = (&self.inner.engine, &self.inner.name);
                match Box::pin(engine.revoke(self.epoch(), name, id, parent)).await {
                    Ok(position) => {
                        self.saw(position);
                        Ok(Ok(()))
                    }
                    Err(failure) => self.undo_failed(failure),
                }
            }
        }
    }

    fn undo_failed(&self, failure: AskFailure) -> Result<Result<(), (String, bool)>, AskFailure> {
        if failure.is_interruption() {
            self.heed(&failure);
            return Err(failure);
        }
        Ok(Err((failure.to_string(), !failure.is_transient())))
    }
}
