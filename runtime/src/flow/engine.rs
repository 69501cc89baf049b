//! The engine under the orchestrator: one task for each flow, driven from the journal to its end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use futures::FutureExt;
use mercato_persistence::Position;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tracing::Instrument;
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
use crate::telemetry::{Outcome, TraceContext};

/// The end of a flow, or of our efforts: how it ended, or why it cannot go on here.
pub(super) type End = Option<Result<Ended, AskFailure>>;

/// How a flow ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    /// Its encoded result.
    pub(crate) outcome: Arc<[u8]>,
    /// What the result depends on.
    pub(crate) position: Position,
    /// The epoch of the journal that the position is of.
    pub(crate) epoch: u64,
}

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
    /// Whether its end was counted: one that is taken back comes a second time.
    counted: AtomicBool,
}

/// How one run of a flow's function came out.
enum Run {
    Ended,
    /// Somebody has started the flow anew.
    Anew,
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
    /// The epoch of the journal that it was joined in.
    epoch: u64,
    end: watch::Receiver<End>,
}

impl Engine {
    /// Starts a flow where it has not been started, and gives the way to learn its end.
    pub(super) fn join(
        self: &Arc<Self>,
        start: Start,
        trace: TraceContext,
    ) -> Result<Joined, AskFailure> {
        if *self.stopping.borrow() {
            return Err(AskFailure::Stopped);
        }
        let definition = self.definition(start.flow)?;
        let stream = stream_of_flow(start.flow, start.id.as_str());
        let input_hash = xxh3_128(&start.input);
        // The entry is held while the log is read, so that of two starts only one records.
        let entry = self.running.entry(stream.clone());
        let mut log = FlowLog::load(&*self.core.journal, &stream)?;
        // What has started goes on in the trace in which it did.
        log.trace = log.trace.or(Some(trace.into()));
        same_input(&log, input_hash)?;
        if let Some(outcome) = log.ended.take() {
            return Ok(Joined::ended(&log, outcome));
        }
        let (running, place) = match entry {
            Entry::Occupied(entry) => {
                let running = entry.get().clone();
                if log.started.is_none() {
                    // The disk failed, and the start was taken back. Its task runs the flow again, by
                    // this new start, unless it is about to let go.
                    if let Some(Err(failure)) = &*running.end.borrow() {
                        return Err(failure.clone());
                    }
                    self.record_start(&mut log, definition.version(), start, input_hash)?;
                }
                (running, None)
            }
            Entry::Vacant(entry) => {
                let Ok(place) = self.places.clone().try_acquire_owned() else {
                    return Err(AskFailure::Overloaded {
                        retry_after: STEP.initial,
                    });
                };
                if log.started.is_none() {
                    self.record_start(&mut log, definition.version(), start, input_hash)?;
                } else {
                    self.counters.resumed.add();
                }
                let running = Arc::new(Running::new());
                entry.insert(running.clone());
                (running, Some(place))
            }
        };
        let joined = Joined {
            started_at: log.position,
            epoch: log.epoch,
            end: running.end.subscribe(),
        };
        if place.is_some() {
            self.spawn(stream, running, place);
        }
        Ok(joined)
    }

    fn record_start(
        &self,
        log: &mut FlowLog,
        flow_version: u16,
        start: Start,
        input_hash: u128,
    ) -> Result<(), AskFailure> {
        let now = self.core.clock.now();
        let started = FlowStarted {
            flow_version,
            input: start.input,
            input_hash,
            unattended: start.unattended,
            principal: start.principal,
            deadline: start.budget.map(|budget| now.plus(budget)),
        };
        log.record(&*self.core.journal, now, started)?;
        self.counters.started.add();
        Ok(())
    }

    /// Waits for the end of a flow.
    pub(super) async fn await_end(
        &self,
        mut joined: Joined,
        deadline: Timestamp,
    ) -> Result<Ended, AskFailure> {
        // An end of an epoch before may have been taken back; the flow's task has yet to see it.
        let counts = |end: &End| match end {
            None => false,
            Some(Ok(ended)) => ended.epoch >= joined.epoch,
            Some(Err(_)) => true,
        };
        let ended = joined.end.wait_for(counts);
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
            // Where the flow was started anew meanwhile, that is another one's.
            inner
                .running
                .remove_if(&stream, |_, it| Arc::ptr_eq(it, &running));
            inner.let_go.notify_waiters();
        });
    }

    /// Runs a flow until its end is durable, however often its function panics, is crashed on the
    /// way, or loses its way to a disk that failed.
    async fn drive(self: &Arc<Self>, stream: &Arc<str>, running: &Running) {
        let mut panics = 0;
        loop {
            // Taken before anything is read: whatever comes of an epoch that is over may come of
            // what never was.
            let epoch = self.core.journal.epoch();
            let crashed = running.crash.notified();
            let run = AssertUnwindSafe(self.run_once(stream, running, panics)).catch_unwind();
            let run = tokio::select! {
                biased;
                () = crashed => Ok(Run::Crashed),
                run = run => run.unwrap_or(Ok(Run::Panicked)),
            };
            let run = match run {
                Ok(Run::Panicked) | Err(_) if self.core.went_back(epoch) => Run::Interrupted,
                Ok(run) => run,
                Err(failure) if failure.is_transient() => {
                    // The journal is behind; what was not recorded is done again from the log.
                    self.core.journal.room().await;
                    tokio::time::sleep(STEP.initial).await;
                    continue;
                }
                Err(AskFailure::ReadOnly { .. }) => Run::Interrupted,
                Err(failure) => {
                    tracing::error!(stream = %stream, %failure, "a flow cannot go on and stays open");
                    running.end.send_replace(Some(Err(failure)));
                    return;
                }
            };
            match run {
                Run::Interrupted if self.disk_is_back(epoch, running).await => {
                    self.counters.resumed.add();
                }
                Run::Ended | Run::Interrupted => return,
                Run::Anew => {}
                Run::Crashed => self.counters.resumed.add(),
                Run::Panicked => {
                    panics += 1;
                    self.counters.resumed.add();
                    tracing::error!(stream = %stream, panics, "a flow panicked and is run again");
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
        stream: &Arc<str>,
        running: &Running,
        panics: u32,
    ) -> Result<Run, AskFailure> {
        let mut log = FlowLog::load(&*self.core.journal, stream)?;
        let (name, id) = parse_stream(stream)
            .ok_or_else(|| AskFailure::storage("the stream's name is not that of a flow"))?;
        let definition = self.definition(name)?;
        let Some(started) = log.started.clone() else {
            return self.start_was_taken_back(stream, running);
        };
        if let Some(outcome) = log.ended.take() {
            // An earlier run was cut off before it saw that durable.
            return self.end(running, &log, outcome).await;
        }
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
            None => {
                let run = definition.run(flow.clone(), started.input);
                run.instrument(flow.span().clone()).await
            }
        };
        if flow.is_interrupted() {
            return Ok(Run::Interrupted);
        }
        let outcome = match failing {
            Ok(outcome) => outcome,
            Err(outcome) => {
                if flow.with_log(|log| log.failing.is_none()) {
                    let outcome = outcome.clone();
                    flow.record(FlowFailing { outcome })?;
                }
                let undone = compensate(&self.core, &flow, &self.counters);
                undone.instrument(flow.span().clone()).await?;
                outcome
            }
        };
        flow.record(FlowEnded {
            outcome: outcome.clone(),
            work_left: flow.with_log(|log| log.failed_unattended() || !log.given_up.is_empty()),
        })?;
        let (end, failed, began) = flow.with_log(|log| {
            let end = self.end(running, log, outcome);
            (end, log.failing.is_some(), log.began)
        });
        if !running.counted.swap(true, Ordering::AcqRel) {
            let went = match failed {
                true => {
                    self.counters.failed.add();
                    Outcome::Failed
                }
                false => {
                    self.counters.completed.add();
                    Outcome::Answered
                }
            };
            flow.span().record("outcome", went.name());
            let took = self.core.clock.now().since(began);
            self.core.telemetry.flows.record(name, went, 0, took);
        }
        end.await
    }

    /// Tells the end to whoever waits, and stays until that is durable: an end that is taken back is
    /// none.
    fn end(
        &self,
        running: &Running,
        log: &FlowLog,
        outcome: Vec<u8>,
    ) -> impl Future<Output = Result<Run, AskFailure>> + Send + use<> {
        let (epoch, position) = (log.epoch, log.position);
        running.end.send_replace(Some(Ok(Ended {
            outcome: outcome.into(),
            position,
            epoch,
        })));
        let journal = self.core.journal.clone();
        async move {
            let durable = journal.until_durable_in(epoch, position).await;
            durable.map_err(AskFailure::read_only)?;
            Ok(Run::Ended)
        }
    }

    /// What is to be done where the journal does not know the flow: the disk failed before its start
    /// was durable, and nobody was told that it began.
    fn start_was_taken_back(
        &self,
        stream: &Arc<str>,
        running: &Running,
    ) -> Result<Run, AskFailure> {
        // The entry is held while the log is read, since somebody may be starting the flow anew.
        let entry = self.running.entry(stream.clone());
        let log = FlowLog::load(&*self.core.journal, stream)?;
        if log.started.is_some() {
            return Ok(Run::Anew);
        }
        // A disk that is away may still hold the start.
        if self.core.went_back(log.epoch) {
            return Err(AskFailure::taken_back());
        }
        running
            .end
            .send_replace(Some(Err(AskFailure::taken_back())));
        if let Entry::Occupied(entry) = entry {
            entry.remove();
        }
        Ok(Run::Ended)
    }
}

impl Joined {
    /// Of a flow whose end the journal knows already.
    fn ended(log: &FlowLog, outcome: Vec<u8>) -> Self {
        let ended = Ended {
            outcome: outcome.into(),
            position: log.position,
            epoch: log.epoch,
        };
        Self {
            started_at: log.position,
            epoch: log.epoch,
            end: watch::Sender::new(Some(Ok(ended))).subscribe(),
        }
    }
}

impl Running {
    pub(super) fn new() -> Self {
        Self {
            end: watch::Sender::new(None),
            crash: Notify::new(),
            counted: AtomicBool::new(false),
        }
    }
}

fn same_input(log: &FlowLog, input_hash: u128) -> Result<(), AskFailure> {
    match &log.started {
        Some(started) if started.input_hash != input_hash => Err(AskFailure::IdReused),
        _ => Ok(()),
    }
}
