//! Starts flows, runs them again after a crash, and hands out their results.

use std::any::TypeId;
use std::sync::Arc;

use dashmap::mapref::entry::Entry;
use mercato_persistence::{Position, Timer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::activity::Activities;
use super::definition::Definitions;
use super::engine::Engine;
use super::error::{FlowFailure, RunError};
use super::flow_type::FlowType;
use super::log::{FLOW_STREAMS, FlowLog, WAKE, stream_of_flow};
use super::operate::Flows;
use super::options::FlowOptions;
use super::running::{Ended, Running};
use super::start::Start;
use super::work::WorkItem;
use crate::codec;
use crate::core::Core;
use crate::envelope::Call;
use crate::error::AskFailure;
use crate::ids::FlowId;
use crate::stats::FlowStats;
use crate::telemetry::TraceContext;
use crate::timer::Bell;

/// Runs the flows of one runtime. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Orchestrator {
    engine: Arc<Engine>,
}

impl Orchestrator {
    pub(crate) fn new(
        core: Arc<Core>,
        definitions: Definitions,
        activities: Activities,
        options: FlowOptions,
        bell: Arc<Bell>,
    ) -> Self {
        Self {
            engine: Arc::new(Engine::new(core, definitions, activities, options, bell)),
        }
    }

    /// What operators can do.
    pub(crate) fn flows(&self) -> Flows {
        Flows {
            engine: self.engine.clone(),
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
        O: DeserializeOwned + 'static,
        E: FlowFailure,
    {
        let start = Start::of(flow, id, input, TypeId::of::<Result<O, E>>());
        let start = Start {
            principal: call.principal,
            ..start.map_err(RunError::Unserved)?
        };
        let joined = self.engine.join(start, call.trace);
        let joined = joined.map_err(RunError::Unserved)?;
        let ended = self.engine.await_end(joined, call.deadline).await;
        let ended = ended.map_err(RunError::Unserved)?;
        let outcome = codec::decode(&ended.outcome)
            .map_err(|error| RunError::Unserved(AskFailure::storage(error)))?;
        Ok((outcome, ended))
    }

    /// Starts a flow where it has not been started, and does not wait for it. Gives the position
    /// at which its start is recorded.
    pub(crate) fn start(&self, start: Start, trace: TraceContext) -> Result<Position, AskFailure> {
        let joined = self.engine.join(start, trace);
        joined.map(|joined| joined.started_at)
    }

    /// Goes on with every flow that had not ended when the process did, and leaves to their timers
    /// those that sleep.
    pub(crate) fn resume(&self) {
        let engine = &self.engine;
        let journal = &*engine.core.journal;
        for stream in journal.open_streams(FLOW_STREAMS) {
            if journal.timer(&stream, WAKE).is_some() {
                engine.parked.lock().insert(stream);
                continue;
            }
            let log = match FlowLog::load(journal, &stream) {
                Ok(log) => Some(log),
                // The flow's task waits until the disk is back.
                Err(failure) if failure.is_interruption() => None,
                Err(failure) => {
                    tracing::error!(%stream, %failure, "a flow cannot be read and stays open");
                    engine.stuck.lock().insert(stream, failure);
                    continue;
                }
            };
            let waits_for_a_person = log
                .as_ref()
                .is_some_and(|log| log.state.ended.is_some() && log.state.outstanding().is_empty());
            if waits_for_a_person {
                continue;
            }
            let running = Running::again();
            engine.running.insert(stream.clone(), running.clone());
            engine.take_on(&stream, log.as_ref(), running);
        }
    }

    /// Wakes a flow whose timer is due.
    pub(crate) fn wake(&self, timer: &Timer) -> Result<(), AskFailure> {
        let engine = &self.engine;
        if *engine.stopping.borrow() {
            return Err(AskFailure::Stopped);
        }
        let (journal, now) = (&*engine.core.journal, engine.core.clock.now());
        match engine.running.entry(timer.stream.clone()) {
            // It is at it, or about to read its log, and clears the timer with that.
            Entry::Occupied(entry) => {
                let running = entry.get().clone();
                let current = running.current.lock();
                if engine.parked.lock().contains(&timer.stream) {
                    running.go_on();
                }
                match &*current {
                    Some(flow) => flow.with_log(|log| log.clear_wake(journal, now))?,
                    None => FlowLog::load(journal, &timer.stream)?.clear_wake(journal, now)?,
                };
                Ok(())
            }
            Entry::Vacant(entry) => {
                let mut log = FlowLog::load(journal, &timer.stream)?;
                log.clear_wake(journal, now)?;
                let running = Running::again();
                entry.insert(running.clone());
                engine.take_on(&timer.stream, Some(&log), running);
                Ok(())
            }
        }
    }

    /// What waits for a person.
    pub(crate) fn work_list(&self) -> Result<Vec<WorkItem>, AskFailure> {
        self.engine.work_list()
    }

    /// How many flows stand on the work list: they are open, and nobody is on their way. Cheaper
    /// than [`work_list`](Self::work_list), which reads them.
    pub(crate) fn waiting_for_people(&self) -> usize {
        let engine = &self.engine;
        let open = engine.core.journal.open_streams(FLOW_STREAMS);
        let parked = engine.parked.lock();
        let waits =
            |stream: &&Arc<str>| !engine.running.contains_key(*stream) && !parked.contains(*stream);
        open.iter().filter(waits).count()
    }

    /// How many flows have not ended.
    pub(crate) fn unfinished(&self) -> Result<usize, AskFailure> {
        let journal = &*self.engine.core.journal;
        let mut unfinished = 0;
        for stream in journal.open_streams(FLOW_STREAMS) {
            let log = FlowLog::load(journal, &stream)?;
            unfinished += usize::from(log.state.ended.is_none());
        }
        Ok(unfinished)
    }

    /// Crashes a flow's task, as a fault; it is run again from the journal.
    pub(crate) fn crash(&self, flow: &str, id: &FlowId) -> bool {
        let stream = stream_of_flow(flow, id.as_str());
        let running = self.engine.running.get(&stream);
        running
            .map(|running| running.crash.notify_waiters())
            .is_some()
    }

    /// Crashes every flow's task.
    pub(crate) fn crash_all(&self) -> usize {
        let flows = self.engine.running.iter();
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
        self.engine.stopping.send_replace(true);
    }

    /// Lets go of all flows where they are, and waits until all have been; they go on after the
    /// next start.
    pub(crate) async fn stop(&self) {
        self.begin_stop();
        loop {
            let let_go = self.engine.let_go.notified();
            if self.engine.running.is_empty() {
                return;
            }
            let_go.await;
        }
    }

    pub(crate) fn stats(&self) -> FlowStats {
        let engine = &self.engine;
        let parked = engine.parked.lock().len();
        engine.counters.stats(engine.running.len(), parked)
    }
}
