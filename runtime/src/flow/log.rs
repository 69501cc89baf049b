//! One flow's stream in the journal, and what it adds up to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mercato_persistence::{Append, Journal, Mark, Position, Trace};

use super::events::{FlowEvent, FlowStarted, Undo};
use crate::clock::Timestamp;
use crate::error::AskFailure;
use crate::event::Event;
use crate::shard::{append_failure, event_data};

/// The streams of all flows begin with this.
pub(crate) const FLOW_STREAMS: &str = "flow/";

pub(crate) struct FlowLog {
    pub(crate) stream: Arc<str>,
    /// The epoch of the journal that it was read in, taken before that. What it knows counts in no
    /// other.
    pub(crate) epoch: u64,
    pub(crate) started: Option<FlowStarted>,
    /// The trace that its start belongs to.
    pub(crate) trace: Option<Trace>,
    /// When it was started.
    pub(crate) began: Timestamp,
    pub(crate) notes: BTreeMap<Box<str>, Vec<u8>>,
    /// In the order in which they were put down.
    pub(crate) undos: Vec<(Box<str>, Undo)>,
    /// Steps whose undo ran, or was given up.
    pub(crate) settled: BTreeSet<Box<str>>,
    pub(crate) given_up: BTreeMap<Box<str>, String>,
    pub(crate) failing: Option<Vec<u8>>,
    pub(crate) ended: Option<Vec<u8>>,
    /// Its last append.
    pub(crate) position: Position,
    version: u64,
}

/// The stream of a flow instance.
pub(crate) fn stream_of_flow(flow: &str, id: &str) -> Arc<str> {
    format!("{FLOW_STREAMS}{flow}/{id}").into()
}

/// The flow's name and its instance's id.
pub(crate) fn parse_stream(stream: &str) -> Option<(&str, &str)> {
    stream.strip_prefix(FLOW_STREAMS)?.split_once('/')
}

impl FlowLog {
    pub(crate) fn load(journal: &dyn Journal, stream: &str) -> Result<Self, AskFailure> {
        let mut log = Self {
            stream: stream.into(),
            epoch: journal.epoch(),
            started: None,
            trace: None,
            began: Timestamp::default(),
            notes: BTreeMap::new(),
            undos: Vec::new(),
            settled: BTreeSet::new(),
            given_up: BTreeMap::new(),
            failing: None,
            ended: None,
            position: Position::START,
            version: 0,
        };
        for recorded in journal
            .read_stream(stream, 0)
            .map_err(AskFailure::unreadable)?
        {
            if log.version == 0 {
                log.trace = recorded.append.trace;
                log.began = Timestamp::from_millis(recorded.append.recorded_at_ms);
            }
            for event in recorded.append.events {
                let event = FlowEvent::decode(&event.name, event.version, &event.payload)
                    .map_err(AskFailure::storage)?;
                log.apply(event);
            }
            log.position = recorded.position;
        }
        Ok(log)
    }

    /// Whether it failed, or is failing, with nobody there to hear of it.
    pub(crate) fn failed_unattended(&self) -> bool {
        self.failing.is_some() && self.started.as_ref().is_some_and(|it| it.unattended)
    }

    /// Appends one event and moves on. Does not wait for the disk.
    pub(crate) fn record(
        &mut self,
        journal: &dyn Journal,
        now: Timestamp,
        event: impl Into<FlowEvent>,
    ) -> Result<(), AskFailure> {
        let event = event.into();
        let trace = self.trace.filter(|_| self.version == 0);
        let mark = match &event {
            FlowEvent::FlowStarted(_) => Some(Mark::Open),
            // What is left to people keeps the flow open: that is the work list.
            FlowEvent::FlowEnded(ended) if !ended.work_left => Some(Mark::Closed),
            _ => None,
        };
        let append = Append {
            stream: self.stream.clone(),
            expected_version: self.version,
            recorded_at_ms: now.as_millis(),
            events: vec![event_data(&event).map_err(AskFailure::invalid)?],
            command: None,
            mark,
            timers: Vec::new(),
            trace,
        };
        let appended = journal
            .append_in(self.epoch, append)
            .map_err(append_failure)?;
        self.position = appended.position;
        self.apply(event);
        Ok(())
    }

    fn apply(&mut self, event: FlowEvent) {
        self.version += 1;
        match event {
            FlowEvent::FlowStarted(started) => self.started = Some(started),
            FlowEvent::StepNoted(noted) => drop(self.notes.insert(noted.step, noted.value)),
            FlowEvent::UndoRegistered(put_down) => self.undos.push((put_down.step, put_down.undo)),
            FlowEvent::FlowFailing(failing) => self.failing = Some(failing.outcome),
            FlowEvent::StepUndone(undone) => drop(self.settled.insert(undone.step)),
            FlowEvent::UndoGivenUp(given_up) => {
                self.settled.insert(given_up.step.clone());
                self.given_up.insert(given_up.step, given_up.error);
            }
            FlowEvent::FlowEnded(ended) => self.ended = Some(ended.outcome),
        }
    }
}
