//! Drives one flow from the journal to its end, however often it must be run for that.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use dashmap::mapref::entry::Entry;
use futures::FutureExt;
use tracing::Instrument;
use xxhash_rust::xxh3::xxh3_128;

use super::attend::Attended;
use super::context::Flow;
use super::definition::Definition;
use super::engine::Engine;
use super::error::FlowError;
use super::events::{FlowEnded, FlowFailing, FlowMigrated};
use super::log::{FlowLog, parse_stream};
use super::migration::NotMigrated;
use super::retry::STEP;
use super::running::{Ended, Running, Unended};
use crate::error::AskFailure;
use crate::telemetry::Outcome;

/// How one run of a flow's function came out.
enum Run {
    Ended,
    /// It sleeps, and its task may go.
    Parked,
    /// Somebody has started the flow anew.
    Anew,
    Interrupted,
    Crashed,
    Panicked,
}

impl Engine {
    /// Runs a flow until its end is durable, however often its function panics, is crashed on the
    /// way, or loses its way to a disk that failed.
    pub(super) async fn drive(self: &Arc<Self>, stream: &Arc<str>, running: &Running) {
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
                    self.stuck.lock().insert(stream.clone(), failure.clone());
                    let told = Unended::for_good(failure);
                    running.end.send_replace(Some(Err(told)));
                    return;
                }
            };
            match run {
                Run::Interrupted if self.disk_is_back(epoch, running).await => {
                    self.counters.resumed.add();
                }
                Run::Ended | Run::Parked | Run::Interrupted => return,
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
        let until = journal.epoch();
        match journal.failure() {
            Some(failed) => {
                let failure = AskFailure::read_only(failed);
                let told = Unended { failure, until };
                running.end.send_replace(Some(Err(told)));
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
        let Some(flow) = self.take_up(stream, running)? else {
            return self.start_was_taken_back(stream, running);
        };
        if let Some(outcome) = flow.with_log(|log| log.state.ended.clone()) {
            // An earlier run was cut off before it saw that durable, or some of it is undone later.
            flow.compensate().await?;
            return self.end(running, &flow, outcome).await;
        }
        let definition = self.definitions.get(&flow.inner.name, flow.version());
        let (failing, stopped) = flow.with_log(|log| {
            let state = &log.state;
            (state.failing.clone(), state.cancel.is_some())
        });
        let outcome = match (failing, definition) {
            (Some(outcome), _) => Err(outcome),
            // Its undos are data, and need no function.
            (None, _) if stopped => Err(Vec::new()),
            (None, None) => {
                return Err(self.definitions.missing(&flow.inner.name, flow.version()));
            }
            (None, Some(definition)) if panics >= self.options.panics_max => {
                Err(definition.failed(FlowError::Panicked { attempts: panics }))
            }
            (None, Some(definition)) => {
                running.runs.fetch_add(1, Ordering::Relaxed);
                let input = flow.with_log(|log| log.state.input().map(<[u8]>::to_vec));
                let run = definition.run(flow.clone(), input.unwrap_or_default());
                let span = flow.inner.span.clone();
                match self.attend(&flow, running, run).instrument(span).await? {
                    Attended::Returned(outcome) => outcome,
                    Attended::Parked => return Ok(Run::Parked),
                }
            }
        };
        if let Some(failure) = flow.stalled() {
            return Err(failure);
        }
        if flow.is_interrupted() {
            return Ok(Run::Interrupted);
        }
        let outcome = match self.conclude(&flow, definition, outcome)? {
            Ok(outcome) => outcome,
            Err(outcome) => {
                let undone = flow.compensate();
                undone.instrument(flow.inner.span.clone()).await?;
                while !self.record_end(&flow, &outcome)? {
                    flow.compensate().await?;
                }
                outcome
            }
        };
        if running.counts() {
            let (failed, began) =
                flow.with_log(|log| (log.state.failing.is_some(), log.state.started_at));
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
            flow.inner.span.record("outcome", went.name());
            let took = self.core.clock.now().since(began);
            let flows = &self.core.telemetry.flows;
            flows.record(&flow.inner.name, went, 0, took);
        }
        self.end(running, &flow, outcome).await
    }

    /// Reads what the journal knows of the flow. From here on the run is its log's one writer.
    /// `None` where the journal does not know it.
    fn take_up(
        self: &Arc<Self>,
        stream: &Arc<str>,
        running: &Running,
    ) -> Result<Option<Flow>, AskFailure> {
        let (name, id) = parse_stream(stream)
            .ok_or_else(|| AskFailure::storage("the stream's name is not that of a flow"))?;
        let mut current = running.current.lock();
        *current = None;
        let mut log = FlowLog::load(&*self.core.journal, stream)?;
        self.parked.lock().remove(stream);
        if log.state.started.is_none() {
            return Ok(None);
        }
        self.stuck.lock().remove(stream);
        log.clear_wake(&*self.core.journal, self.core.clock.now())?;
        self.migrate(name, &mut log)?;
        let flow = Flow::new(self.clone(), name, id, log, running.is_first_run());
        *current = Some(flow.clone());
        Ok(Some(flow))
    }

    /// Moves an instance that is on its way to a later version, where that is registered.
    pub(super) fn migrate(&self, name: &str, log: &mut FlowLog) -> Result<(), AskFailure> {
        let state = &log.state;
        let is_moving = state.failing.is_none() && state.ended.is_none() && state.cancel.is_none();
        // Each goes to a later version, so this ends.
        while let (true, Some(migration)) = (
            is_moving,
            self.definitions.migration(name, log.state.version),
        ) {
            let input = match migration.input(&log.state) {
                Ok(input) => input,
                Err(NotMigrated::Left) => return Ok(()),
                Err(NotMigrated::Broken(error)) => {
                    return Err(AskFailure::invalid(format_args!(
                        "the flow cannot be moved from version {} to {}: {error}",
                        log.state.version, migration.to
                    )));
                }
            };
            let migrated = FlowMigrated {
                flow_version: migration.to,
                input_hash: xxh3_128(&input),
                input,
            };
            log.record(&*self.core.journal, self.core.clock.now(), migrated)?;
        }
        Ok(())
    }

    /// Records that the flow has ended well, or that it fails. A cancellation that was recorded
    /// before counts, however the function came out.
    fn conclude(
        &self,
        flow: &Flow,
        definition: Option<&Arc<dyn Definition>>,
        outcome: Result<Vec<u8>, Vec<u8>>,
    ) -> Result<Result<Vec<u8>, Vec<u8>>, AskFailure> {
        let now = self.core.clock.now();
        let concluded = flow.with_log(|log| {
            if let Some(outcome) = &log.state.failing {
                return Ok(Err(outcome.clone()));
            }
            let outcome = match &log.state.cancel {
                Some(cancel) => Err(definition.map_or_else(Vec::new, |definition| {
                    let reason = cancel.reason.clone();
                    definition.failed(FlowError::Cancelled { reason })
                })),
                None => outcome,
            };
            match &outcome {
                Ok(well) => {
                    let ended = FlowEnded {
                        outcome: well.clone(),
                        work_left: log.state.work_left(),
                    };
                    log.record(&*self.core.journal, now, ended)?;
                }
                Err(failing) => {
                    let outcome = failing.clone();
                    log.record(&*self.core.journal, now, FlowFailing { outcome })?;
                }
            }
            Ok(outcome)
        });
        concluded.inspect_err(|failure| flow.heed(failure))
    }

    /// Records the end of a flow that failed. `false` where there is something to undo again.
    fn record_end(&self, flow: &Flow, outcome: &[u8]) -> Result<bool, AskFailure> {
        let now = self.core.clock.now();
        let recorded = flow.with_log(|log| {
            if !log.state.outstanding().is_empty() {
                return Ok(false);
            }
            let ended = FlowEnded {
                outcome: outcome.to_vec(),
                work_left: log.state.work_left(),
            };
            log.record(&*self.core.journal, now, ended).map(|()| true)
        });
        recorded.inspect_err(|failure| flow.heed(failure))
    }

    /// Tells the end to whoever waits, and stays until that is durable: an end that is taken back is
    /// none.
    fn end(
        &self,
        running: &Running,
        flow: &Flow,
        outcome: Vec<u8>,
    ) -> impl Future<Output = Result<Run, AskFailure>> + Send + use<> {
        let (epoch, position) = flow.with_log(|log| (log.epoch, log.position));
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
        if log.state.started.is_some() {
            return Ok(Run::Anew);
        }
        // A disk that is away may still hold the start.
        if self.core.went_back(log.epoch) {
            return Err(AskFailure::taken_back());
        }
        let told = Unended::for_good(AskFailure::taken_back());
        running.end.send_replace(Some(Err(told)));
        if let Entry::Occupied(entry) = entry {
            entry.remove();
        }
        Ok(Run::Ended)
    }
}
