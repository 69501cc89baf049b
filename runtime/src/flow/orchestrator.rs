//! Starts flows, runs them again after a crash, and hands out their results.

use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use futures::FutureExt;
use mercato_persistence::Position;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use xxhash_rust::xxh3::xxh3_128;

use super::activity::Activities;
use super::compensate::compensate;
use super::context::Flow;
use super::definition::{Definition, Definitions, FlowType};
use super::error::{FlowError, FlowFailure, RunError};
use super::events::{FlowEnded, FlowFailing, FlowStarted};
use super::log::{FLOW_STREAMS, FlowLog, parse_stream, stream_of_flow};
use super::retry::STEP;
use crate::clock::Timestamp;
use crate::codec;
use crate::core::Core;
use crate::envelope::Call;
use crate::error::AskFailure;
use crate::ids::FlowId;
use crate::principal::Principal;
use crate::stats::{FlowCounters, FlowStats};

/// Limits of the orchestrator.
#[derive(Debug, Clone, Copy)]
pub struct FlowOptions {
    /// How many flows may be on their way at once; beyond it a start is answered
    /// [`AskFailure::Overloaded`]. Default 65,536.
    pub in_flight_max: NonZeroUsize,
    /// How often a flow's function may panic before the flow is failed. Default 3.
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

/// An undo that did not succeed, and waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItem {
    /// The flow's name.
    pub flow: Box<str>,
    /// The instance.
    pub id: Box<str>,
    /// The step that is not undone.
    pub step: Box<str>,
    /// Why.
    pub error: String,
}

/// The end of a flow, or of our efforts: its encoded result and the position that it depends on, or
/// why it cannot go on here.
type End = Option<Result<(Arc<[u8]>, Position), AskFailure>>;

/// Runs the flows of one runtime. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Orchestrator {
    inner: Arc<Inner>,
}

struct Inner {
    core: Arc<Core>,
    definitions: Definitions,
    activities: Arc<Activities>,
    options: FlowOptions,
    places: Arc<Semaphore>,
    running: DashMap<Box<str>, Arc<Running>>,
    stopping: watch::Sender<bool>,
    counters: FlowCounters,
}

/// A flow on its way.
struct Running {
    end: watch::Sender<End>,
    crash: Notify,
}

/// How one run of a flow's function came out.
enum Run {
    Ended,
    Interrupted,
    Crashed,
    Panicked,
}

impl Orchestrator {
    pub(crate) fn new(
        core: Arc<Core>,
        definitions: Definitions,
        activities: Activities,
        options: FlowOptions,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                core,
                definitions,
                activities: Arc::new(activities),
                places: Arc::new(Semaphore::new(options.in_flight_max.get())),
                options,
                running: DashMap::new(),
                stopping: watch::Sender::new(false),
                counters: FlowCounters::default(),
            }),
        }
    }

    /// Starts a flow, or joins it, and waits for its end.
    pub(crate) async fn run<I, O, E>(
        &self,
        call: Call,
        flow: FlowType<I, O, E>,
        id: FlowId,
        input: &I,
    ) -> Result<(Result<O, E>, Position), RunError<E>>
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
        };
        let joined = self.inner.join(start).map_err(RunError::Unserved)?;
        let (outcome, position) = self
            .inner
            .await_end(joined, deadline)
            .await
            .map_err(RunError::Unserved)?;
        let outcome = codec::decode(&outcome)
            .map_err(|error| RunError::Unserved(AskFailure::storage(error)))?;
        Ok((outcome, position))
    }

    /// Starts a flow where it has not been started, and does not wait for it. Gives the position
    /// at which its start is recorded.
    pub(crate) fn start(&self, start: Start) -> Result<Position, AskFailure> {
        self.inner.join(start).map(|joined| joined.started_at)
    }

    /// Goes on with every flow that had not ended when the process did.
    pub(crate) fn resume(&self) {
        for stream in self.inner.core.journal.open_streams(FLOW_STREAMS) {
            let ended =
                FlowLog::load(&*self.inner.core.journal, &stream).map(|log| log.ended.is_some());
            match ended {
                // It waits for a person, not for us.
                Ok(true) => {}
                Ok(false) => {
                    self.inner.counters.resumed.add();
                    let running = Arc::new(Running::new());
                    self.inner.running.insert(stream.clone(), running.clone());
                    self.inner.spawn(stream, running, None);
                }
                Err(failure) => {
                    tracing::error!(%stream, %failure, "a flow cannot be read and stays open");
                }
            }
        }
    }

    /// The undos that did not succeed.
    pub(crate) fn work_list(&self) -> Result<Vec<WorkItem>, AskFailure> {
        let journal = &*self.inner.core.journal;
        let mut items = Vec::new();
        for stream in journal.open_streams(FLOW_STREAMS) {
            let log = FlowLog::load(journal, &stream)?;
            let Some((flow, id)) = parse_stream(&stream) else {
                continue;
            };
            items.extend(log.given_up.into_iter().map(|(step, error)| WorkItem {
                flow: flow.into(),
                id: id.into(),
                step,
                error,
            }));
        }
        Ok(items)
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

    /// Lets go of all flows where they are; they go on after the next start.
    pub(crate) fn stop(&self) {
        self.inner.stopping.send_replace(true);
    }

    pub(crate) fn stats(&self) -> FlowStats {
        self.inner.counters.stats(self.inner.running.len())
    }
}

/// What a flow begins with.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) flow: &'static str,
    pub(crate) budget: Option<Duration>,
    pub(crate) id: FlowId,
    pub(crate) input: Vec<u8>,
    pub(crate) principal: Principal,
}

/// A flow that somebody wants to know the end of.
struct Joined {
    started_at: Position,
    end: watch::Receiver<End>,
}

impl Inner {
    fn join(self: &Arc<Self>, start: Start) -> Result<Joined, AskFailure> {
        if *self.stopping.borrow() {
            return Err(AskFailure::Stopped);
        }
        let definition = self.definition(start.flow)?;
        let stream = stream_of_flow(start.flow, start.id.as_str());
        let input_hash = xxh3_128(&start.input);
        // The entry is held while the log is read, so that of two starts only one records.
        let (running, started_at, place) = match self.running.entry(stream.clone()) {
            Entry::Occupied(entry) => {
                let log = FlowLog::load(&*self.core.journal, &stream)?;
                same_input(&log, input_hash)?;
                return Ok(Joined {
                    started_at: log.position,
                    end: entry.get().end.subscribe(),
                });
            }
            Entry::Vacant(entry) => {
                let mut log = FlowLog::load(&*self.core.journal, &stream)?;
                same_input(&log, input_hash)?;
                let running = Arc::new(Running::new());
                if let Some(outcome) = log.ended {
                    running
                        .end
                        .send_replace(Some(Ok((outcome.into(), log.position))));
                    return Ok(Joined {
                        started_at: log.position,
                        end: running.end.subscribe(),
                    });
                }
                let Ok(place) = self.places.clone().try_acquire_owned() else {
                    return Err(AskFailure::Overloaded {
                        retry_after: STEP.initial,
                    });
                };
                if log.started.is_none() {
                    let now = self.core.clock.now();
                    let started = FlowStarted {
                        flow_version: definition.version(),
                        input: start.input,
                        input_hash,
                        principal: start.principal,
                        deadline: start.budget.map(|budget| now.plus(budget)),
                    };
                    log.record(&*self.core.journal, now, started)?;
                    self.counters.started.add();
                } else {
                    self.counters.resumed.add();
                }
                entry.insert(running.clone());
                (running, log.position, place)
            }
        };
        let end = running.end.subscribe();
        self.spawn(stream, running, Some(place));
        Ok(Joined { started_at, end })
    }

    async fn await_end(
        &self,
        mut joined: Joined,
        deadline: Timestamp,
    ) -> Result<(Arc<[u8]>, Position), AskFailure> {
        let ended = joined.end.wait_for(Option::is_some);
        match tokio::time::timeout_at(self.core.clock.instant_of(deadline), ended).await {
            Ok(Ok(end)) => end.clone().unwrap_or(Err(AskFailure::Stopped)),
            // The flow's task is gone without an end: the runtime is stopping.
            Ok(Err(_)) => Err(AskFailure::Stopped),
            Err(_) => Err(AskFailure::DeadlineExceeded),
        }
    }

    fn definition(&self, flow: &str) -> Result<&Arc<dyn Definition>, AskFailure> {
        self.definitions.get(flow).ok_or_else(|| {
            AskFailure::invalid(format_args!(
                "this runtime has no flow `{flow}`; add it with `RuntimeBuilder::flow`"
            ))
        })
    }

    /// Runs a flow in a task of its own. A flow that goes on after a start waits for its place; a
    /// new one has it already, or was turned away.
    fn spawn(
        self: &Arc<Self>,
        stream: Box<str>,
        running: Arc<Running>,
        place: Option<OwnedSemaphorePermit>,
    ) {
        let inner = self.clone();
        tokio::spawn(async move {
            let mut stopping = inner.stopping.subscribe();
            let place = match place {
                Some(place) => Some(place),
                None => inner.places.clone().acquire_owned().await.ok(),
            };
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => {}
                () = inner.drive(&stream, &running) => {}
            }
            inner.running.remove(&stream);
            drop(place);
        });
    }

    /// Runs a flow until it ends, however often its function panics or is crashed on the way.
    async fn drive(self: &Arc<Self>, stream: &str, running: &Running) {
        let mut panics = 0;
        loop {
            let crashed = running.crash.notified();
            let run = AssertUnwindSafe(self.run_once(stream, running, panics)).catch_unwind();
            let run = tokio::select! {
                biased;
                () = crashed => Ok(Run::Crashed),
                run = run => run.unwrap_or(Ok(Run::Panicked)),
            };
            let run = run.unwrap_or_else(|failure| {
                tracing::error!(stream, %failure, "a flow cannot go on and stays open");
                running.end.send_replace(Some(Err(failure)));
                Run::Interrupted
            });
            match run {
                Run::Ended | Run::Interrupted => return,
                Run::Crashed => self.counters.resumed.add(),
                Run::Panicked => {
                    panics += 1;
                    self.counters.resumed.add();
                    tracing::error!(stream, panics, "a flow panicked and is run again");
                    if let Some(wait) = STEP.wait_after(panics) {
                        tokio::time::sleep(wait).await;
                    }
                }
            }
        }
    }

    /// One run, from what the journal knows to the end or the next obstacle.
    async fn run_once(
        self: &Arc<Self>,
        stream: &str,
        running: &Running,
        panics: u32,
    ) -> Result<Run, AskFailure> {
        let log = FlowLog::load(&*self.core.journal, stream)?;
        let (name, id) = parse_stream(stream)
            .ok_or_else(|| AskFailure::storage("the stream's name is not that of a flow"))?;
        let definition = self.definition(name)?;
        let started = log
            .started
            .clone()
            .ok_or_else(|| AskFailure::storage("the flow has no start"))?;
        if started.flow_version != definition.version() {
            return Err(AskFailure::invalid(format_args!(
                "the flow began as version {} and the code has version {}; keep the old function \
                 registered until its instances have ended",
                started.flow_version,
                definition.version()
            )));
        }
        let failing = log.failing.clone();
        let flow = Flow::new(
            self.core.clone(),
            self.activities.clone(),
            name,
            FlowId::new(id),
            log,
        );
        let failing = match failing {
            Some(outcome) => Err(outcome),
            None if panics >= self.options.panics_max => {
                Err(definition.failed(FlowError::Panicked { attempts: panics }))
            }
            None => definition.run(flow.clone(), started.input).await,
        };
        if flow.is_interrupted() {
            return Ok(Run::Interrupted);
        }
        let outcome = match failing {
            Ok(outcome) => {
                self.counters.completed.add();
                outcome
            }
            Err(outcome) => {
                if flow.with_log(|log| log.failing.is_none()) {
                    let outcome = outcome.clone();
                    flow.record(FlowFailing { outcome })?;
                }
                compensate(&self.core, &flow, &self.counters).await?;
                self.counters.failed.add();
                outcome
            }
        };
        flow.record(FlowEnded {
            outcome: outcome.clone(),
        })?;
        let position = flow.with_log(|log| log.position);
        let end = Ok((outcome.into(), position));
        running.end.send_replace(Some(end));
        Ok(Run::Ended)
    }
}

impl Running {
    fn new() -> Self {
        Self {
            end: watch::Sender::new(None),
            crash: Notify::new(),
        }
    }
}

fn same_input(log: &FlowLog, input_hash: u128) -> Result<(), AskFailure> {
    match &log.started {
        Some(started) if started.input_hash != input_hash => Err(AskFailure::IdReused),
        _ => Ok(()),
    }
}
