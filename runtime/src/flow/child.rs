//! Flows that wait for flows.

use std::any::TypeId;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::{FOREVER, Flow};
use super::error::{FlowError, FlowFailure, RunError};
use super::events::{FlowAdopted, Undo};
use super::flow_type::FlowType;
use super::running::Ended;
use super::start::Start;
use super::waiting::StepKind;
use crate::chain::{Chain, Hop};
use crate::clock::Timestamp;
use crate::codec;
use crate::error::AskFailure;
use crate::ids::FlowId;
use crate::telemetry::TraceContext;

/// How many flows may stand above one: a flow that starts itself without end is refused here.
const DEPTH_MAX: u16 = 16;
/// How often the start of a flow is tried that there is no room for.
const STARTS_MAX: u32 = 8;

impl Flow {
    /// Runs another flow as the step `step`, and waits for its end.
    ///
    /// The child is part of this flow. It is on its way under an id that derives from this flow and
    /// the step, has no more time than this flow has, and is undone with it: where this flow fails or
    /// is cancelled, or its branch does not count, a child that is on its way is cancelled, and one
    /// that ended well is undone by its own undos.
    ///
    /// # Errors
    /// The child's own error, once it has undone what it did; or why its end is not known.
    pub async fn run<I, O, E>(
        &self,
        step: &str,
        flow: FlowType<I, O, E>,
        input: I,
    ) -> Result<O, RunError<E>>
    where
        I: Serialize,
        O: DeserializeOwned + 'static,
        E: FlowFailure,
    {
        let inner = &self.inner;
        let name = self.begin(step).map_err(RunError::Unserved)?;
        let id = FlowId::new(format!("{}/{}/{name}", inner.name, inner.key));
        let depth = inner.depth + 1;
        if depth > DEPTH_MAX {
            return Err(RunError::Unserved(AskFailure::invalid(format_args!(
                "`{}` would stand under {DEPTH_MAX} other flows, and may not; does it start itself?",
                flow.name
            ))));
        }
        let undo = Undo::Flow {
            name: flow.name.into(),
            id: id.as_str().into(),
        };
        self.put_down(step, undo).map_err(unserved)?;
        let parent = FlowAdopted {
            flow: inner.name.clone(),
            id: inner.id.as_str().into(),
            depth,
        };
        self.wait_for_end(&name, flow, id, &input, Some(parent))
            .await
    }

    /// Starts another flow, or joins the one that has this id, and waits for its end, as the step
    /// `step`. The other flow stands for itself: whatever becomes of this one, it goes on.
    ///
    /// # Errors
    /// The other flow's own error; or why its end is not known. [`AskFailure::Cycle`] where it waits
    /// for this one.
    pub async fn join<I, O, E>(
        &self,
        step: &str,
        flow: FlowType<I, O, E>,
        id: FlowId,
        input: I,
    ) -> Result<O, RunError<E>>
    where
        I: Serialize,
        O: DeserializeOwned + 'static,
        E: FlowFailure,
    {
        let name = self.begin(step).map_err(RunError::Unserved)?;
        self.wait_for_end(&name, flow, id, &input, None).await
    }

    async fn wait_for_end<I, O, E>(
        &self,
        step: &str,
        flow: FlowType<I, O, E>,
        id: FlowId,
        input: &I,
        parent: Option<FlowAdopted>,
    ) -> Result<O, RunError<E>>
    where
        I: Serialize,
        O: DeserializeOwned + 'static,
        E: FlowFailure,
    {
        // Of a flow that ended well its own log tells the outcome again. Anything else may be
        // otherwise when it is asked for again.
        if let Some(outcome) = self.noted::<Vec<u8>>(step).map_err(RunError::Unserved)? {
            return outcome_of(&outcome);
        }
        let failed = format!("{step}#failed");
        if let Some(failure) = self.noted(&failed).map_err(RunError::Unserved)? {
            return Err(RunError::Unserved(failure));
        }
        let me = Hop::flow(&self.inner.name, &self.inner.id);
        let waits = &self.core().waits;
        let wait = waits.wait_for(&Chain::default().then(me), flow.name, &id);
        let _wait = match wait {
            Ok(wait) => wait,
            Err(failure) => {
                self.write_note(&failed, &failure)
                    .map_err(RunError::Unserved)?;
                return Err(RunError::Unserved(failure));
            }
        };
        let kind = StepKind::Flow {
            name: flow.name.into(),
            id: id.as_str().into(),
        };
        let _waiting = self.wait_for(step, kind);
        let is_child = parent.is_some();
        let start = Start {
            principal: self.inner.principal.clone(),
            parent,
            deadline_max: self.inner.deadline.filter(|_| is_child),
            ..Start::of(flow, id, input, TypeId::of::<Result<O, E>>())
                .map_err(RunError::Unserved)?
        };
        // A child ends by the deadline that it shares, and undoes itself after that.
        let deadline = self.inner.deadline.filter(|_| !is_child);
        let traced = self.core().telemetry.spans.step(self.trace(), step);
        let ended = tokio::select! {
            biased;
            ended = self.end_of(start, deadline, traced.context) => ended,
            () = self.scope.until_stopped() => return Err(RunError::Unserved(AskFailure::Cancelled)),
        };
        traced.ended(if ended.is_ok() { "answered" } else { "failed" });
        match ended {
            Ok(ended) => {
                self.saw(ended.position);
                let outcome = outcome_of(&ended.outcome);
                if outcome.is_err() {
                    self.write_note(step, &ended.outcome.to_vec())
                        .map_err(RunError::Unserved)?;
                }
                outcome
            }
            Err(failure) => {
                match failure.is_interruption() {
                    true => self.heed(&failure),
                    false => self
                        .write_note(&failed, &failure)
                        .map_err(RunError::Unserved)?,
                }
                Err(RunError::Unserved(failure))
            }
        }
    }

    async fn end_of(
        &self,
        start: Start,
        deadline: Option<Timestamp>,
        trace: TraceContext,
    ) -> Result<Ended, AskFailure> {
        let engine = &self.inner.engine;
        let mut attempt = 1;
        let joined = loop {
            match engine.join(start.clone(), trace) {
                Ok(joined) => break joined,
                Err(AskFailure::Overloaded { retry_after }) if attempt < STARTS_MAX => {
                    tokio::time::sleep(retry_after * 2u32.saturating_pow(attempt)).await;
                    attempt += 1;
                }
                Err(failure) => return Err(failure),
            }
        };
        self.saw(joined.started_at);
        let deadline = deadline.unwrap_or(FOREVER);
        engine.await_end(joined, deadline).await
    }
}

fn outcome_of<O: DeserializeOwned, E: FlowFailure>(outcome: &[u8]) -> Result<O, RunError<E>> {
    match codec::decode::<Result<O, E>>(outcome) {
        Ok(outcome) => outcome.map_err(RunError::Failed),
        Err(error) => Err(RunError::Unserved(AskFailure::storage(error))),
    }
}

fn unserved<E: FlowFailure>(error: FlowError) -> RunError<E> {
    RunError::Unserved(match error {
        FlowError::Failed(failure) => failure,
        other => AskFailure::invalid(other),
    })
}
