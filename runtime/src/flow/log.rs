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
            for event in &recorded.append.events {
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

#[cfg(test)]
mod tests {
    use super::super::events::{
        FlowEnded, FlowFailing, FlowStarted, StepNoted, UndoGivenUp, WorkResolved, WorkRetried,
    };
    use super::*;
    use crate::principal::Principal;

    fn started() -> FlowEvent {
        let started = FlowStarted {
            flow_version: 1,
            input: Vec::new(),
            input_hash: 0,
            principal: Principal::System,
            deadline: None,
            unattended: true,
        };
        started.into()
    }

    fn ended(work_left: bool) -> FlowEvent {
        let outcome = Vec::new();
        FlowEnded { outcome, work_left }.into()
    }

    fn resolved(step: Option<Box<str>>) -> FlowEvent {
        let (reason, principal) = ("by hand".to_owned(), Principal::System);
        let resolved = WorkResolved {
            step,
            reason,
            principal,
        };
        resolved.into()
    }

    fn retried(step: Option<Box<str>>) -> FlowEvent {
        let retried = WorkRetried {
            step,
            principal: Principal::System,
            deadline: None,
        };
        retried.into()
    }

    /// The marks of these appends, one after the other.
    fn marks(appends: impl IntoIterator<Item = Vec<FlowEvent>>) -> Vec<Option<Mark>> {
        let mut log = FlowLog {
            stream: stream_of_flow("trip", "t"),
            epoch: 0,
            trace: None,
            state: FlowHistory::default(),
            position: Position::START,
            version: 0,
        };
        let now = Timestamp::from_millis(1);
        let appends = appends.into_iter().map(|events| {
            let mark = log.mark_after(&events, now);
            for event in events {
                log.state.apply(event, now);
            }
            mark
        });
        appends.collect()
    }

    /// Catches: a flow that is on its way, or has begun anew, and that the next start does not find; one
    /// that is found for ever although nothing of it is left; and one that is not found any more although
    /// something of it waits for a person.
    #[test]
    fn a_flow_is_open_from_its_start_until_nothing_of_it_is_left() {
        let (open, closed) = (Some(Mark::Open), Some(Mark::Closed));
        let noted = StepNoted {
            step: "a".into(),
            value: Vec::new(),
        };
        let well = [vec![started(), noted.clone().into()], vec![noted.into()]];
        let well = well.into_iter().chain([vec![], vec![ended(false)]]);
        assert_eq!(marks(well), [open, None, None, closed]);

        let outcome = Vec::new();
        let failing = FlowEvent::from(FlowFailing { outcome });
        let (step, error) = (Box::<str>::from("a"), "no".to_owned());
        let given_up = UndoGivenUp {
            step: step.clone(),
            error,
        };
        let failed = [
            vec![started()],
            vec![failing],
            vec![given_up.into()],
            vec![ended(true)],
        ];
        let begun = [open, None, None, None];
        // The failure is settled, and then the undo that was given up; a timer is cleared in between.
        let settled = [
            vec![resolved(None)],
            vec![],
            vec![resolved(Some(step.clone()))],
        ];
        let settled = failed.clone().into_iter().chain(settled);
        assert_eq!(marks(settled), [&begun[..], &[open, None, closed]].concat());
        // The undo is tried again, and the flow itself then: it has not ended any more.
        let anew = [
            vec![retried(Some(step))],
            vec![retried(None)],
            vec![ended(false)],
        ];
        let anew = failed.into_iter().chain(anew);
        assert_eq!(marks(anew), [&begun[..], &[open, open, closed]].concat());
    }
}
