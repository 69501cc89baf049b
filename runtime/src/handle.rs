//! What callers hold.

use std::pin::pin;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use crate::agent::{Command, Rejection};
use crate::chain::Hop;
use crate::clock::Clock;
use crate::core::{Caller, Core};
use crate::entropy::Entropy;
use crate::error::{AskError, AskFailure};
use crate::flow::{FlowFailure, FlowType, Flows, Orchestrator, RunError};
use crate::ids::{CommandId, FlowId};
use crate::scope::Scope;
use crate::stats::{AgentStats, FlowStats};
use crate::telemetry::TraceContext;

/// The way into a runtime from outside. Cheap to clone; it survives every restart inside.
///
/// Whatever comes out of it is durable: each answer waits until the journal is safe up to all that
/// the answer depends on.
#[derive(Clone)]
pub struct Handle {
    pub(crate) core: Arc<Core>,
    pub(crate) orchestrator: Orchestrator,
}

impl Handle {
    /// Asks one agent.
    ///
    /// # Errors
    /// The agent's refusal, or why it could not be served. After
    /// [`AskFailure::DeadlineExceeded`] a write may have happened: ask again under the same
    /// [`Caller::keyed`] id to learn its outcome.
    pub async fn ask<C: Command>(
        &self,
        caller: &Caller,
        command: C,
    ) -> Result<C::Reply, AskError<Rejection<C>>> {
        let mut call = self.core.first_call(caller);
        let traced = self.core.telemetry.spans.request(call.trace, "ask");
        call.trace = traced.context;
        let (epoch, deadline) = (call.epoch, call.deadline);
        let asked = pin!(async {
            let (answer, depends_on) = self.core.ask(call, caller.admission, command).await;
            self.core.release(epoch, depends_on, deadline).await?;
            answer
        });
        asked.instrument(traced.span).await
    }

    /// Runs a request/response workflow over several agents.
    ///
    /// # Errors
    /// The workflow's own error; an [`AskFailure`] where its answer could not be made durable, or it
    /// is [too deep](AskFailure::TooDeep) in other calls to be run.
    pub async fn serve<T, E, W>(&self, caller: &Caller, workflow: W) -> Result<T, E>
    where
        W: AsyncFnOnce(&Scope) -> Result<T, E>,
        E: From<AskFailure>,
    {
        let request = Hop::Request(std::any::type_name::<W>());
        let chain = self.core.waits.request(&caller.chain(), request)?;
        let mut call = self.core.first_call(caller);
        let traced = self.core.telemetry.spans.request(call.trace, "serve");
        call.trace = traced.context;
        let scope = Scope::new(self.clone(), call, chain);
        let served = async {
            let answer = workflow(&scope).await;
            let depends_on = scope.seen();
            self.core
                .release(scope.epoch(), depends_on, scope.deadline())
                .await?;
            answer
        };
        served.instrument(traced.span).await
    }

    /// Starts a durable flow, or joins the one that has this id, and waits for its end.
    ///
    /// The flow goes on when the caller stops waiting.
    ///
    /// # Errors
    /// The flow's own error, once it has undone what it did, or put it on the work list; or why its
    /// end is not known. A call that would wait [for itself](AskFailure::Cycle) is refused, and starts
    /// nothing.
    pub async fn run<I, O, E>(
        &self,
        caller: &Caller,
        flow: FlowType<I, O, E>,
        id: FlowId,
        input: I,
    ) -> Result<O, RunError<E>>
    where
        I: Serialize + DeserializeOwned + Send + 'static,
        O: Serialize + DeserializeOwned + Send + 'static,
        E: FlowFailure,
    {
        let mut call = self.core.first_call(caller);
        let spans = &self.core.telemetry.spans;
        let traced = spans.run(call.trace, call.id, flow.name);
        call.trace = traced.context;
        let deadline = call.deadline;
        let waits = &self.core.waits;
        let waiting = waits.wait_for(&caller.chain(), flow.name, &id);
        let _waiting = waiting.map_err(RunError::Unserved)?;
        if call.epoch != self.core.journal.epoch() {
            // What led here was taken back.
            return Err(RunError::Unserved(AskFailure::taken_back()));
        }
        let run = async {
            let (outcome, end) = self.orchestrator.run(call, flow, id, &input).await?;
            self.core
                .release(end.epoch, end.position, deadline)
                .await
                .map_err(RunError::Unserved)?;
            outcome.map_err(RunError::Failed)
        };
        run.instrument(traced.span).await
    }

    /// What operators can do with flows: look at them, cancel them, work off the work list.
    #[must_use]
    pub fn flows(&self) -> Flows {
        self.orchestrator.flows()
    }

    /// What each agent has done, in the order of their names.
    #[must_use]
    pub fn stats(&self) -> Vec<AgentStats> {
        self.core.services.each().map(|s| s.stats()).collect()
    }

    /// What the orchestrator has done.
    #[must_use]
    pub fn flow_stats(&self) -> FlowStats {
        self.orchestrator.stats()
    }

    /// A trace that begins here, for whoever wants to know its id before they ask: see
    /// [`Caller::traced`].
    #[must_use]
    pub fn new_trace(&self) -> TraceContext {
        TraceContext::begun_by(CommandId::from_uuid(self.core.entropy.uuid()))
    }

    /// The runtime's clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.core.clock
    }

    /// The runtime's randomness.
    #[must_use]
    pub fn entropy(&self) -> &Entropy {
        &self.core.entropy
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
