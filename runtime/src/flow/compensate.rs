//! Undoing what a failed flow has done: last step first, also after a crash.

use std::sync::Arc;

use tracing::Instrument;

use super::activity::ActivityErrorKind;
use super::context::{FOREVER, Flow};
use super::events::{StepUndone, Undo, UndoGivenUp};
use super::retry::UNDO;
use crate::core::Core;
use crate::error::{AskError, AskFailure};
use crate::stats::FlowCounters;
use crate::telemetry::TraceContext;

/// Runs every undo that is not settled yet. An undo that does not succeed goes to the work list
/// and the others go on.
///
/// # Errors
/// Only where the runtime itself goes away; the rest is done after the next start.
pub(crate) async fn compensate(
    core: &Arc<Core>,
    flow: &Flow,
    counters: &FlowCounters,
) -> Result<(), AskFailure> {
    let outstanding: Vec<_> = flow.with_log(|log| {
        let unsettled = log
            .undos
            .iter()
            .filter(|(step, _)| !log.settled.contains(step));
        unsettled.rev().cloned().collect()
    });
    for (step, undo) in outstanding {
        let traced = core.telemetry.spans.undo(flow.trace(), &step);
        let undone = patiently(core, flow, &step, &undo, traced.context);
        let undone = undone.instrument(traced.span.clone()).await?;
        traced.ended(if undone.is_ok() { "undone" } else { "given_up" });
        match undone {
            Ok(()) => {
                counters.undone.add();
                flow.record(StepUndone { step })?;
            }
            Err(error) => {
                counters.given_up.add();
                tracing::error!(?flow, %step, error, "an undo was given up and needs a person");
                flow.record(UndoGivenUp { step, error })?;
            }
        }
    }
    Ok(())
}

/// Tries one undo as often as undos are tried. The inner error is why it was given up.
async fn patiently(
    core: &Arc<Core>,
    flow: &Flow,
    step: &str,
    undo: &Undo,
    trace: TraceContext,
) -> Result<Result<(), String>, AskFailure> {
    let mut attempt = 1;
    loop {
        let (error, hopeless) = match once(core, flow, step, undo, trace).await? {
            Ok(()) => return Ok(Ok(())),
            Err(failed) => failed,
        };
        let Some(wait) = UNDO.wait_after(attempt).filter(|_| !hopeless) else {
            return Ok(Err(error));
        };
        tokio::time::sleep(wait).await;
        attempt += 1;
    }
}

/// Tries one undo. The inner error says whether trying again is hopeless.
async fn once(
    core: &Arc<Core>,
    flow: &Flow,
    step: &str,
    undo: &Undo,
    trace: TraceContext,
) -> Result<Result<(), (String, bool)>, AskFailure> {
    let step = format!("undo/{step}");
    match undo {
        Undo::Activity { name, input } => {
            // However late the flow is, its undos have time of their own.
            let performed = flow.perform_stored(&step, name, input, FOREVER, trace);
            let outcome = performed.await;
            if flow.is_interrupted() {
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
            let Some(service) = core.services.named(agent) else {
                return Ok(Err((format!("there is no agent `{agent}`"), true)));
            };
            let mut call = flow.call_of_undo(&step);
            call.trace = trace;
            let (outcome, depends_on) = service.send_stored(call, name, *version, body).await;
            flow.saw(depends_on);
            match outcome {
                Ok(()) => Ok(Ok(())),
                Err(AskError::Failed(failure)) if failure.is_interruption() => {
                    flow.heed(&failure);
                    Err(failure)
                }
                Err(AskError::Failed(failure)) => {
                    Ok(Err((failure.to_string(), !failure.is_transient())))
                }
                Err(AskError::Rejected(refusal)) => Ok(Err((refusal.to_string(), true))),
            }
        }
    }
}
