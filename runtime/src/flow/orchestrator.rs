//! Starts flows, runs them again after a crash, and hands out their results.

use std::num::NonZeroUsize;
use std::sync::Arc;

use dashmap::DashMap;
use mercato_persistence::Position;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore, watch};

use super::activity::Activities;
use super::definition::{Definitions, FlowType};
use super::engine::{Ended, Engine, Running, Start};
use super::error::{FlowFailure, RunError};
use super::log::{FLOW_STREAMS, FlowLog, parse_stream, stream_of_flow};
use crate::codec;
use crate::core::Core;
use crate::envelope::Call;
use crate::error::AskFailure;
use crate::ids::FlowId;
use crate::stats::{FlowCounters, FlowStats};
use crate::telemetry::TraceContext;

/// Limits of the orchestrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlowOptions {
    /// How many flows may be on their way at once; beyond it a start is answered
    /// [`AskFailure::Overloaded`]. Default 65,536.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub in_flight_max: NonZeroUsize,
    /// How often a flow's function may panic before the flow is failed. Default 3.
    #[schemars(range(min = 1, max = 100))]
    pub panics_max: u32,
}

impl Default for FlowOptions {
    fn default() -> Self {
        const IN_FLIGHT_MAX: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();
        Self {
            in_flight_max: IN_FLIGHT_MAX,
            panics_max: 3,
        }
    }
}

/// Something that a flow could not do, and that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItem {
    /// The flow's name.
    pub flow: Box<str>,
    /// The instance.
    pub id: Box<str>,
    /// The step that is not undone; `None` where the flow itself failed and nobody waited for it.
    pub step: Option<Box<str>>,
    /// Why.
    pub error: String,
}

/// Runs the flows of one runtime. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Orchestrator {
    inner: Arc<Engine>,
}

impl Orchestrator {
    pub(crate) fn new(
        core: Arc<Core>,
        definitions: Definitions,
        activities: Activities,
        options: FlowOptions,
    ) -> Self {
        Self {
            inner: Arc::new(Engine {
                core,
                definitions,
                activities: Arc::new(activities),
                places: Arc::new(Semaphore::new(options.in_flight_max.get())),
                options,
                running: DashMap::new(),
                stopping: watch::Sender::new(false),
                let_go: Notify::new(),
                counters: FlowCounters::default(),
            }),
        }
    }

    /// Starts a flow, or joins it, and waits for its end, which may not be durable yet.
    pub(crate) async fn run<I, O, E>(
        &self,
        call: Call,
        flow: FlowType<I, O, E>,
        id: FlowId,
        input: &I,
    ) -> Result<(Result<O, E>, Ended), RunError<E>>
    where
        I: Serialize,
        O: DeserializeOwned,
        E: FlowFailure,
    {
        let deadline = call.deadline;
        let input =
            codec::encode(input).map_err(|error| RunError::Unserved(AskFailure::invalid(error)))?;
        let start = Start {
            flow: flow.name,
            budget: flow.budget,
            id,
            input,
            principal: call.principal,
            unattended: false,
        };
        let joined = self.inner.join(start, call.trace);
        let joined = joined.map_err(RunError::Unserved)?;
        let ended = self
            .inner
            .await_end(joined, deadline)
            .await
            .map_err(RunError::Unserved)?;
        let outcome = codec::decode(&ended.outcome)
            .map_err(|error| RunError::Unserved(AskFailure::storage(error)))?;
        Ok((outcome, ended))
    }

    /// Starts a flow where it has not been started, and does not wait for it. Gives the position
    /// at which its start is recorded.
    pub(crate) fn start(&self, start: Start, trace: TraceContext) -> Result<Position, AskFailure> {
        let joined = self.inner.join(start, trace);
        joined.map(|joined| joined.started_at)
    }

    /// Goes on with every flow that had not ended when the process did.
    pub(crate) fn resume(&self) {
        for stream in self.inner.core.journal.open_streams(FLOW_STREAMS) {
            let log = FlowLog::load(&*self.inner.core.journal, &stream);
            match log.map(|log| log.ended.is_some()) {
                // It waits for a person, not for us.
                Ok(true) => continue,
                Ok(false) => {}
                // The flow's task waits until the disk is back.
                Err(failure) if failure.is_interruption() => {}
                Err(failure) => {
                    tracing::error!(%stream, %failure, "a flow cannot be read and stays open");
                    continue;
                }
            }
            self.inner.counters.resumed.add();
            let running = Arc::new(Running::new());
            self.inner.running.insert(stream.clone(), running.clone());
            self.inner.spawn(stream, running, None);
        }
    }

    /// What waits for a person.
    pub(crate) fn work_list(&self) -> Result<Vec<WorkItem>, AskFailure> {
        let journal = &*self.inner.core.journal;
        let mut items = Vec::new();
        for stream in journal.open_streams(FLOW_STREAMS) {
            let log = FlowLog::load(journal, &stream)?;
            let Some((flow, id)) = parse_stream(&stream) else {
                continue;
            };
            let item = |step, error| WorkItem {
                flow: flow.into(),
                id: id.into(),
                step,
                error,
            };
            if let (true, Some(outcome)) = (log.failed_unattended(), &log.ended) {
                let known = self.inner.definitions.get(flow);
                let error = known.map_or_else(
                    || "this runtime does not know the flow".to_owned(),
                    |definition| definition.describe(outcome),
                );
                items.push(item(None, error));
            }
            let given_up = log.given_up.into_iter();
            items.extend(given_up.map(|(step, error)| item(Some(step), error)));
        }
        Ok(items)
    }

    /// How many flows stand on the work list: they are open, and nobody is on their way. Cheaper
    /// than [`work_list`](Self::work_list), which reads them.
    pub(crate) fn waiting_for_people(&self) -> usize {
        let open = self.inner.core.journal.open_streams(FLOW_STREAMS);
        let waits = |stream: &&Arc<str>| !self.inner.running.contains_key(*stream);
        open.iter().filter(waits).count()
    }

    /// How many flows have not ended.
    pub(crate) fn unfinished(&self) -> Result<usize, AskFailure> {
        let journal = &*self.inner.core.journal;
        let mut unfinished = 0;
        for stream in journal.open_streams(FLOW_STREAMS) {
            let log = FlowLog::load(journal, &stream)?;
            unfinished += usize::from(log.ended.is_none());
        }
        Ok(unfinished)
    }

    /// Crashes a flow's task, as a fault; it is run again from the journal.
    pub(crate) fn crash(&self, flow: &str, id: &FlowId) -> bool {
        let stream = stream_of_flow(flow, id.as_str());
        let running = self.inner.running.get(&stream);
        running
            .map(|running| running.crash.notify_waiters())
            .is_some()
    }

    /// Crashes every flow's task.
    pub(crate) fn crash_all(&self) -> usize {
        let flows = self.inner.running.iter();
        let mut flows: Vec<_> = flows
            .map(|flow| (flow.key().clone(), flow.clone()))
            .collect();
        // The map has no order of its own, and the order of crashes must repeat with the seed.
        flows.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (_, flow) in &flows {
            flow.crash.notify_waiters();
        }
        flows.len()
    }

    /// Lets go of all flows where they are.
    pub(crate) fn begin_stop(&self) {
        self.inner.stopping.send_replace(true);
    }

    /// Lets go of all flows where they are, and waits until all have been; they go on after the
    /// next start.
    pub(crate) async fn stop(&self) {
        self.begin_stop();
        loop {
            let let_go = self.inner.let_go.notified();
            if self.inner.running.is_empty() {
                return;
            }
            let_go.await;
        }
    }

    pub(crate) fn stats(&self) -> FlowStats {
        self.inner.counters.stats(self.inner.running.len())
    }
}
