//! The engine under the orchestrator: one task for each flow, driven from the journal to its end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use futures::FutureExt;
use mercato_persistence::Position;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use xxhash_rust::xxh3::xxh3_128;

use super::activity::Activities;
use super::compensate::compensate;
use super::context::Flow;
use super::definition::{Definition, Definitions};
use super::error::FlowError;
use super::events::{FlowEnded, FlowFailing, FlowStarted};
use super::log::{FlowLog, parse_stream, stream_of_flow};
use super::orchestrator::FlowOptions;
use super::retry::STEP;
use crate::clock::Timestamp;
use crate::core::Core;
use crate::error::AskFailure;
use crate::ids::FlowId;
use crate::principal::Principal;
use crate::stats::FlowCounters;

/// The end of a flow, or of our efforts: its encoded result and the position that it depends on, or
/// why it cannot go on here.
pub(super) type End = Option<Result<(Arc<[u8]>, Position), AskFailure>>;

/// The flows of one runtime, and those of them that are on their way.
pub(super) struct Engine {
    pub(super) core: Arc<Core>,
    pub(super) definitions: Definitions,
    pub(super) activities: Arc<Activities>,
    pub(super) options: FlowOptions,
    pub(super) places: Arc<Semaphore>,
    pub(super) running: DashMap<Arc<str>, Arc<Running>>,
    pub(super) stopping: watch::Sender<bool>,
    /// Told when a flow's task has let go.
    pub(super) let_go: Notify,
    pub(super) counters: FlowCounters,
}

/// A flow on its way.
pub(super) struct Running {
    pub(super) end: watch::Sender<End>,
    pub(super) crash: Notify,
}

/// How one run of a flow's function came out.
enum Run {
    Ended,
    Interrupted,
    Crashed,
    Panicked,
}

/// What a flow begins with.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) flow: &'static str,
    pub(crate) budget: Option<Duration>,
    pub(crate) id: FlowId,
    pub(crate) input: Vec<u8>,
    pub(crate) principal: Principal,
    /// Whether nobody waits for its end.
    pub(crate) unattended: bool,
}

/// A flow that somebody wants to know the end of.
pub(super) struct Joined {
    pub(super) started_at: Position,
    pub(super) end: watch::Receiver<End>,
}

impl Engine {
    /// Starts a flow where it has not been started, and gives the way to learn its end.
    pub(super) fn join(self: &Arc<Self>, start: Start) -> Result<Joined, AskFailure> {
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
                        unattended: start.unattended,
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

    /// Waits for the end of a flow.
    pub(super) async fn await_end(
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
    pub(super) fn spawn(
        self: &Arc<Self>,
        stream: Arc<str>,
        running: Arc<Running>,
        place: Option<OwnedSemaphorePermit>,
    ) {
        let inner = self.clone();
        tokio::spawn(async move {
            let mut stopping = inner.stopping.subscribe();
            let run = async {
                let _place = match place {
                    Some(place) => Some(place),
                    None => inner.places.clone().acquire_owned().await.ok(),
                };
                inner.drive(&stream, &running).await;
            };
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => {}
                () = run => {}
            }
            inner.running.remove(&stream);
            inner.let_go.notify_waiters();
        });
    }

    /// Runs a flow until it ends, however often its function panics or is crashed on the way.
    async fn drive(self: &Arc<Self>, stream: &str, running: &Running) {
        let mut panics = 0;
        loop {
            let epoch = self.core.journal.epoch();
            let crashed = running.crash.notified();
            let run = AssertUnwindSafe(self.run_once(stream, running, panics)).catch_unwind();
            let run = tokio::select! {
                biased;
                () = crashed => Ok(Run::Crashed),
                run = run => run.unwrap_or(Ok(Run::Panicked)),
            };
            let run = match run {
                Ok(run) => run,
                Err(failure) if failure.is_transient() => {
                    // The journal is behind; what was not recorded is done again from the log.
                    self.core.journal.room().await;
                    tokio::time::sleep(STEP.initial).await;
                    continue;
                }
                Err(AskFailure::ReadOnly { .. }) => Run::Interrupted,
                Err(failure) => {
                    tracing::error!(stream, %failure, "a flow cannot go on and stays open");
                    running.end.send_replace(Some(Err(failure)));
                    return;
                }
            };
            match run {
                Run::Interrupted if self.disk_is_back(epoch, running).await => {
                    self.counters.resumed.add();
                }
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

    /// Where the journal is read-only because its disk failed: tells whoever waits for the flow,
    /// and waits until the disk is back. `false` where it is not the disk that stopped the flow.
    async fn disk_is_back(&self, epoch: u64, running: &Running) -> bool {
        let journal = &self.core.journal;
        match journal.failure() {
            Some(failed) => {
                let told = Some(Err(AskFailure::read_only(failed)));
                running.end.send_replace(told);
            }
            // It may have come back in the meantime, but then the epoch has changed.
            None if journal.epoch() == epoch => return false,
            None => {}
        }
        let back = journal.until_writable().await.is_ok();
        if back {
            running.end.send_replace(None);
        }
        back
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
            work_left: flow.with_log(|log| log.failed_unattended() || !log.given_up.is_empty()),
        })?;
        let position = flow.with_log(|log| log.position);
        let end = Ok((outcome.into(), position));
        running.end.send_replace(Some(end));
        Ok(Run::Ended)
    }
}

impl Running {
    pub(super) fn new() -> Self {
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
