//! What operators do with flows: look at them, cancel them, and work off what waits for a person.

use std::sync::Arc;

use super::change::{Changed, Then};
use super::engine::Engine;
use super::events::{FlowCancelRequested, WorkResolved, WorkRetried};
use super::inspect::FlowState;
use super::log::stream_of_flow;
use crate::core::Caller;
use crate::error::AskFailure;
use crate::ids::FlowId;

/// The longest reason that is kept, in bytes.
const REASON_BYTES_MAX: usize = 1_024;

/// What operators can do with flows. Cheap to clone; from [`Runtime::flows`](crate::Runtime::flows).
///
/// Everything that it does is durable before it is answered, says on whose behalf it was done, and
/// has no second effect when it is asked for again.
#[derive(Clone)]
pub struct Flows {
    pub(super) engine: Arc<Engine>,
}

/// Why an operator's request was not carried out. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlowOperationError {
    /// There is no such flow.
    #[error("no flow `{flow}` with the id `{id}` was ever started")]
    NotFound {
        /// The flow's name.
        flow: Box<str>,
        /// The instance.
        id: Box<str>,
    },
    /// It is finished, and can not be cancelled any more.
    #[error("the flow is finished ({state}); what it did stands")]
    Finished {
        /// How.
        state: FlowState,
    },
    /// Nothing of this flow, or of this step of it, waits for a person.
    #[error("it is not on the work list")]
    NotOnWorkList,
    /// A flow begins anew only from where nothing is left of it.
    #[error("undos of it are on the work list; retry or resolve these first: {}", steps.join(", "))]
    UndosLeft {
        /// The steps that are not undone.
        steps: Vec<Box<str>>,
    },
    /// A reason is missing, or too long.
    #[error("a reason has 1 to {REASON_BYTES_MAX} bytes, and this one has {bytes}")]
    BadReason {
        /// How many it had.
        bytes: usize,
    },
    /// The runtime could not do it.
    #[error(transparent)]
    Failed(#[from] AskFailure),
}

/// What came of an operator's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlowOperation {
    /// It is recorded, and being carried out.
    Accepted,
    /// It was asked for before. Nothing was recorded this time.
    AlreadyAccepted,
}

type Operated = Result<FlowOperation, FlowOperationError>;

impl Flows {
    /// Cancels a flow that is on its way, whatever it waits for. The step that it is in comes to its
    /// end, no further one is taken, and it undoes itself; whoever waits for it is told
    /// [`FlowError::Cancelled`](crate::FlowError::Cancelled). Once this is answered it happens,
    /// whatever crashes. A flow that fails already is undoing itself, and is left to that.
    ///
    /// It is also the way out for a flow whose function is not registered any more: undos are data
    /// and need no function.
    ///
    /// # Errors
    /// Where it is finished, or the request could not be recorded.
    pub async fn cancel(&self, caller: &Caller, flow: &str, id: &FlowId, reason: &str) -> Operated {
        check_reason(reason)?;
        let changed = self
            .engine
            .change(&stream_of_flow(flow, id.as_str()), |desk| {
                let state = &desk.log.state;
                if state.started.is_none() {
                    return Err(not_found(flow, id));
                }
                if state.ended.is_some() {
                    let state = FlowState::of_ended(state);
                    return Err(FlowOperationError::Finished { state });
                }
                if state.failing.is_some() || state.cancel.is_some() {
                    return Ok((FlowOperation::AlreadyAccepted, Then::Attend));
                }
                desk.record(FlowCancelRequested {
                    reason: reason.to_owned(),
                    principal: caller.principal.clone(),
                })?;
                self.engine.counters.cancelled.add();
                Ok((FlowOperation::Accepted, Then::Stop))
            });
        self.release(caller, changed?).await
    }

    /// Tries something on the work list again: the undo of `step`; or, with `None`, the flow itself.
    ///
    /// An undo runs again under the same id or key, so it has one effect. A flow that failed begins
    /// anew, with the input it had, and with ids of their own for all its steps, because those of
    /// before were undone. A flow that could not go on is looked at again.
    ///
    /// # Errors
    /// Where that is not on the work list, undos of the flow are, or it could not be recorded.
    pub async fn retry(
        &self,
        caller: &Caller,
        flow: &str,
        id: &FlowId,
        step: Option<&str>,
    ) -> Operated {
        let stream = stream_of_flow(flow, id.as_str());
        let changed = self.engine.change(&stream, |desk| {
            let state = &desk.log.state;
            let Some(started) = &state.started else {
                return Err(not_found(flow, id));
            };
            let accepted = FlowOperation::Accepted;
            let retried = WorkRetried {
                step: step.map(Into::into),
                principal: caller.principal.clone(),
                deadline: None,
            };
            if let Some(step) = step {
                if state.given_up.contains_key(step) {
                    let then = match state.ended.is_some() {
                        true => Then::Reopen,
                        false => Then::Attend,
                    };
                    desk.record(retried)?;
                    return Ok((accepted, then));
                }
                let known = state.undos.iter().any(|(it, _)| **it == *step);
                let was_begun = state.undone.contains(step) || state.is_outstanding(step);
                return match known && was_begun {
                    true => Ok((FlowOperation::AlreadyAccepted, Then::Nothing)),
                    false => Err(FlowOperationError::NotOnWorkList),
                };
            }
            if state.ended.is_none() {
                let on_its_way = desk.is_running
                    || self.engine.parked.lock().contains(&stream)
                    || self.engine.rests(flow, state);
                return match (on_its_way, state.attempt) {
                    (true, 0) => Err(FlowOperationError::NotOnWorkList),
                    (true, _) => Ok((FlowOperation::AlreadyAccepted, Then::Nothing)),
                    (false, _) => match self.engine.why_missing(flow, state) {
                        Some(missing) => Err(missing.into()),
                        None => Ok((accepted, Then::Attend)),
                    },
                };
            }
            if !state.failure_waits() {
                return Err(FlowOperationError::NotOnWorkList);
            }
            let left = state.outstanding().into_iter().map(|(step, _)| step);
            let left = left.chain(state.given_up.keys().cloned());
            let steps: Vec<_> = left.collect();
            if !steps.is_empty() {
                return Err(FlowOperationError::UndosLeft { steps });
            }
            if let Some(missing) = self.engine.why_missing(flow, state) {
                return Err(missing.into());
            }
            let budget = started.deadline.map(|it| it.since(state.attempt_at));
            let deadline = budget.map(|budget| desk.now.plus(budget));
            desk.record(WorkRetried {
                deadline,
                ..retried
            })?;
            Ok((accepted, Then::BeginAnew))
        });
        self.release(caller, changed?).await
    }

    /// Takes something off the work list that a person has settled: the undo of `step`; or, with
    /// `None`, the flow that failed.
    ///
    /// # Errors
    /// Where that is not on the work list, or it could not be recorded.
    pub async fn resolve(
        &self,
        caller: &Caller,
        flow: &str,
        id: &FlowId,
        step: Option<&str>,
        reason: &str,
    ) -> Operated {
        check_reason(reason)?;
        let changed = self
            .engine
            .change(&stream_of_flow(flow, id.as_str()), |desk| {
                let state = &desk.log.state;
                if state.started.is_none() {
                    return Err(not_found(flow, id));
                }
                let step: Option<Box<str>> = step.map(Into::into);
                if state.resolved.contains_key(&step) {
                    return Ok((FlowOperation::AlreadyAccepted, Then::Nothing));
                }
                let waits = match &step {
                    Some(step) => state.given_up.contains_key(step),
                    None => state.ended.is_some() && state.failure_waits(),
                };
                if !waits {
                    return Err(FlowOperationError::NotOnWorkList);
                }
                desk.record(WorkResolved {
                    step,
                    reason: reason.to_owned(),
                    principal: caller.principal.clone(),
                })?;
                Ok((FlowOperation::Accepted, Then::Nothing))
            });
        self.release(caller, changed?).await
    }

    /// The output rule: the answer leaves when what it says is durable.
    async fn release(&self, caller: &Caller, changed: Changed<FlowOperation>) -> Operated {
        let core = &self.engine.core;
        let deadline = core.clock.now().plus(caller.budget);
        core.release(changed.epoch, changed.position, deadline)
            .await?;
        Ok(changed.value)
    }
}

fn check_reason(reason: &str) -> Result<(), FlowOperationError> {
    let bytes = reason.len();
    match (1..=REASON_BYTES_MAX).contains(&bytes) {
        true => Ok(()),
        false => Err(FlowOperationError::BadReason { bytes }),
    }
}

pub(super) fn not_found(flow: &str, id: &FlowId) -> FlowOperationError {
    FlowOperationError::NotFound {
        flow: flow.into(),
        id: id.as_str().into(),
    }
}

impl std::fmt::Debug for Flows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flows").finish_non_exhaustive()
    }
}
