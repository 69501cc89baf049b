//! One flow's stream in the journal. It has one writer at a time.

use std::sync::Arc;

use mercato_persistence::{Append, Journal, Mark, Position, TimerChange, Trace};

use super::events::FlowEvent;
use super::history::FlowHistory;
use crate::clock::Timestamp;
use crate::error::AskFailure;
use crate::event::Event;
use crate::shard::{append_failure, event_data};

/// The streams of all flows begin with this.
pub(crate) const FLOW_STREAMS: &str = "flow/";

/// The timer that wakes a flow which sleeps.
pub(crate) const WAKE: &str = "wake";

pub(crate) struct FlowLog {
    pub(crate) stream: Arc<str>,
    /// The epoch of the journal that it was read in, taken before that. What it knows counts in no
    /// other.
    pub(crate) epoch: u64,
    /// The trace that its start belongs to.
    pub(crate) trace: Option<Trace>,
    pub(crate) state: FlowHistory,
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
            trace: None,
            state: FlowHistory::default(),
            position: Position::START,
            version: 0,
        };
        let appends = journal.read_stream(stream, 0);
        for recorded in appends.map_err(AskFailure::unreadable)? {
            let at = Timestamp::from_millis(recorded.append.recorded_at_ms);
            if log.version == 0 {
                log.trace = recorded.append.trace;
            }
            for event in recorded.append.events {
                let event = FlowEvent::decode(&event.name, event.version, &event.payload)
                    .map_err(AskFailure::storage)?;
                log.version += 1;
                log.state.apply(event, at);
            }
            log.position = recorded.position;
        }
        Ok(log)
    }

    /// Appends one event and moves on. Does not wait for the disk.
    pub(crate) fn record(
        &mut self,
        journal: &dyn Journal,
        now: Timestamp,
        event: impl Into<FlowEvent>,
    ) -> Result<(), AskFailure> {
        self.append(journal, now, vec![event.into()], Vec::new())
    }

    /// One append of all of it.
    pub(crate) fn append(
        &mut self,
        journal: &dyn Journal,
        now: Timestamp,
        events: Vec<FlowEvent>,
        timers: Vec<TimerChange>,
    ) -> Result<(), AskFailure> {
        let stored: Result<_, _> = events.iter().map(event_data).collect();
        let append = Append {
            stream: self.stream.clone(),
            expected_version: self.version,
            recorded_at_ms: now.as_millis(),
            events: stored.map_err(AskFailure::invalid)?,
            command: None,
            mark: self.mark_after(&events, now),
            timers,
            trace: self.trace.filter(|_| self.version == 0),
        };
        let appended = journal
            .append_in(self.epoch, append)
            .map_err(append_failure)?;
        self.position = appended.position;
        for event in events {
            self.version += 1;
            self.state.apply(event, now);
        }
        Ok(())
    }

    /// Clears the timer that wakes it, where that is set. Gives where its log ends then.
    pub(crate) fn clear_wake(
        &mut self,
        journal: &dyn Journal,
        now: Timestamp,
    ) -> Result<Position, AskFailure> {
        if journal.timer(&self.stream, WAKE).is_some() {
            let clear = TimerChange::Clear { name: WAKE.into() };
            self.append(journal, now, Vec::new(), vec![clear])?;
        }
        Ok(self.position)
    }

    /// What is left to people keeps a flow that has ended open: that is the work list.
    fn mark_after(&self, events: &[FlowEvent], now: Timestamp) -> Option<Mark> {
        match events {
            [FlowEvent::FlowStarted(_), ..] => Some(Mark::Open),
            [FlowEvent::FlowEnded(ended)] => (!ended.work_left).then_some(Mark::Closed),
            [] => None,
            events if self.state.ended.is_some() => {
                let mut after = self.state.clone();
                for event in events {
                    after.apply(event.clone(), now);
                }
                let is_done = after.ended.is_some() && !after.work_left();
                Some(if is_done { Mark::Closed } else { Mark::Open })
            }
            _ => None,
        }
    }
}
