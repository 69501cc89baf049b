//! How flows are, as values: one, or a page of those that are not over.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::context::Flow;
use super::engine::Engine;
use super::history::FlowHistory;
use super::log::{FLOW_STREAMS, FlowLog, WAKE, parse_stream, stream_of_flow};
use super::operate::{FlowOperationError, Flows, not_found};
use super::waiting::StepKind;
use crate::clock::Timestamp;
use crate::error::AskFailure;
use crate::ids::FlowId;
use crate::principal::Principal;

/// How many flows one page shows at most.
pub(super) const PAGE_MAX: usize = 256;

/// Where a flow is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlowState {
    /// It takes its steps.
    Running,
    /// It keeps nothing in memory, and a timer wakes it.
    Parked {
        /// When.
        until: Timestamp,
    },
    /// It failed, or was cancelled, and undoes itself.
    Undoing,
    /// It cannot go on here. It stands on the work list.
    Stuck {
        /// Why, and what to do about it.
        reason: String,
    },
    /// It ended well.
    Completed,
    /// It ended well, and was undone with the flow that it was a step of.
    Reverted,
    /// It failed. What it did is undone, or stands on the work list.
    Failed,
    /// It was cancelled. What it did is undone, or stands on the work list.
    Cancelled,
}

impl FlowState {
    /// Of a flow that has ended.
    pub(super) fn of_ended(state: &FlowHistory) -> Self {
        match (&state.failing, &state.cancel) {
            (None, _) if state.reverting => Self::Reverted,
            (None, _) => Self::Completed,
            (Some(_), None) => Self::Failed,
            (Some(_), Some(_)) => Self::Cancelled,
        }
    }
}

impl fmt::Display for FlowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("running"),
            Self::Parked { until } => write!(f, "parked until {until}"),
            Self::Undoing => f.write_str("undoing"),
            Self::Stuck { reason } => write!(f, "stuck: {reason}"),
            Self::Completed => f.write_str("completed"),
            Self::Reverted => f.write_str("reverted"),
            Self::Failed => f.write_str("failed"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// A step that a flow waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingStep {
    /// Its name.
    pub step: Box<str>,
    /// What it waits for.
    pub kind: StepKind,
    /// Since when, here: a flow that is run again begins to wait anew.
    pub since: Timestamp,
}

/// An undo that a flow has put down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoStatus {
    /// The step that it undoes.
    pub step: Box<str>,
    /// What became of it.
    pub state: UndoState,
}

/// What became of an undo.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UndoState {
    /// It is kept for the case that the flow fails.
    Kept,
    /// It is to run.
    Outstanding,
    /// It ran.
    Done,
    /// It did not succeed, and waits for a person.
    GivenUp {
        /// Why.
        error: String,
    },
    /// A person settled it.
    Resolved {
        /// As they said.
        reason: String,
    },
}

/// How one flow is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowStatus {
    /// The flow's name.
    pub flow: Box<str>,
    /// The instance.
    pub id: Box<str>,
    /// The version that it runs as.
    pub version: u16,
    /// Where it is on its way.
    pub state: FlowState,
    /// On whose behalf it was started.
    pub principal: Principal,
    /// When it began.
    pub started_at: Timestamp,
    /// When the last of it was recorded.
    pub recorded_at: Timestamp,
    /// Until when it may take steps.
    pub deadline: Option<Timestamp>,
    /// The flow that it is a step of: its name and its instance.
    pub parent: Option<(Box<str>, Box<str>)>,
    /// How often its function was run since it was taken up here; 0 where nobody is at it.
    pub runs: u32,
    /// How often it began anew from the work list.
    pub attempts: u32,
    /// What it waits for now. Empty where nobody is at it.
    pub waiting: Vec<WaitingStep>,
    /// The undos that it has put down, in that order.
    pub undos: Vec<UndoStatus>,
    /// Why it is cancelled, and by whom, where it is.
    pub cancelled: Option<(String, Principal)>,
}

/// A flow of which nothing but its name is known.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UnreadableFlow {
    /// The flow's name.
    pub flow: Box<str>,
    /// The instance.
    pub id: Box<str>,
    /// Why its log cannot be read.
    pub failure: AskFailure,
}

/// Some of the flows that are not over, in the order of their names and ids.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FlowPage {
    /// The flows.
    pub flows: Vec<FlowStatus>,
    /// Those among them whose logs cannot be read. They are on the [work list](Flows::work_list).
    pub unreadable: Vec<UnreadableFlow>,
    /// Where the next page begins, where there is one.
    pub next: Option<Arc<str>>,
}

impl UnreadableFlow {
    fn at(stream: &str, failure: AskFailure) -> Option<Self> {
        let (flow, id) = parse_stream(stream)?;
        Some(Self {
            flow: flow.into(),
            id: id.into(),
            failure,
        })
    }
}

impl Flows {
    /// How one flow is, be it over or not.
    ///
    /// # Errors
    /// Where it was never started, or the journal cannot be read.
    pub fn inspect(&self, flow: &str, id: &FlowId) -> Result<FlowStatus, FlowOperationError> {
        let stream = stream_of_flow(flow, id.as_str());
        let status = self.engine.status(&stream)?;
        status.ok_or_else(|| not_found(flow, id))
    }

    /// The flows that have not ended, and those that have and of which something waits for a person:
    /// of one name, or all of them, beginning at `after`, the [`FlowPage::next`] of the page before.
    /// At most 256 and at most `most`.
    ///
    /// # Errors
    /// When the journal cannot be read at all.
    pub fn list(
        &self,
        flow: Option<&str>,
        after: Option<&str>,
        most: usize,
    ) -> Result<FlowPage, AskFailure> {
        let (streams, next) = self.engine.page(flow, after, most);
        let (mut flows, mut unreadable) = (Vec::new(), Vec::new());
        for stream in &streams {
            match self.engine.status(stream) {
                // It may have come to its end a moment ago.
                Ok(status) => flows.extend(status),
                Err(failure) if failure.is_interruption() => return Err(failure),
                Err(failure) => unreadable.extend(UnreadableFlow::at(stream, failure)),
            }
        }
        Ok(FlowPage {
            flows,
            unreadable,
            next,
        })
    }
}

impl Engine {
    /// Streams that are open, and where the next page begins.
    pub(super) fn page(
        &self,
        flow: Option<&str>,
        after: Option<&str>,
        most: usize,
    ) -> (Vec<Arc<str>>, Option<Arc<str>>) {
        let prefix = match flow {
            Some(flow) => stream_of_flow(flow, ""),
            None => FLOW_STREAMS.into(),
        };
        let mut streams = self.core.journal.open_streams(&prefix);
        if let Some(after) = after {
            streams.drain(..streams.partition_point(|stream| **stream <= *after));
        }
        let most = most.clamp(1, PAGE_MAX);
        let more = streams.len() > most;
        streams.truncate(most);
        let next = streams.last().filter(|_| more).cloned();
        (streams, next)
    }

    fn status(&self, stream: &Arc<str>) -> Result<Option<FlowStatus>, AskFailure> {
        let running = self.running.get(stream).map(|it| it.clone());
        let runs = running
            .as_ref()
            .map_or(0, |it| it.runs.load(Ordering::Relaxed));
        let current = running.as_ref().and_then(|it| it.current.lock().clone());
        let known = |state: &FlowHistory| {
            let (flow, id) = parse_stream(stream)?;
            let started = state.started.as_ref()?;
            Some(FlowStatus {
                flow: flow.into(),
                id: id.into(),
                version: state.version,
                state: self.state_of(stream, running.is_some(), state),
                principal: started.principal.clone(),
                started_at: state.started_at,
                recorded_at: state.last_at,
                deadline: started.deadline,
                parent: state
                    .parent
                    .as_ref()
                    .map(|it| (it.flow.clone(), it.id.clone())),
                runs,
                attempts: state.attempt,
                waiting: current.as_ref().map(Flow::waits).unwrap_or_default(),
                undos: undos_of(state),
                cancelled: state
                    .cancel
                    .as_ref()
                    .map(|it| (it.reason.clone(), it.principal.clone())),
            })
        };
        match &current {
            Some(flow) => Ok(flow.with_log(|log| known(&log.state))),
            None => Ok(known(&FlowLog::load(&*self.core.journal, stream)?.state)),
        }
    }

    pub(super) fn state_of(
        &self,
        stream: &Arc<str>,
        is_running: bool,
        state: &FlowHistory,
    ) -> FlowState {
        if state.ended.is_some() {
            let undoes = is_running || self.at_rest;
            return match undoes && !state.outstanding().is_empty() {
                true => FlowState::Undoing,
                false => FlowState::of_ended(state),
            };
        }
        let name = parse_stream(stream).map(|(name, _)| name);
        let goes_on = is_running || name.is_some_and(|name| self.rests(name, state));
        let timer = self.core.journal.timer(stream, WAKE);
        match timer.filter(|_| !is_running) {
            Some(timer) => FlowState::Parked {
                until: Timestamp::from_millis(timer.due_at_ms),
            },
            None if !goes_on => FlowState::Stuck {
                reason: self.why_stuck(stream, state),
            },
            None if state.failing.is_some() || state.cancel.is_some() => FlowState::Undoing,
            None => FlowState::Running,
        }
    }

    /// Why nobody is at a flow that has not ended.
    pub(super) fn why_stuck(&self, stream: &Arc<str>, state: &FlowHistory) -> String {
        let known = self.stuck.lock().get(stream).cloned();
        let name = parse_stream(stream).map(|(name, _)| name);
        let missing = name.and_then(|name| self.why_missing(name, state));
        let failure = known.or(missing);
        failure.map_or_else(
            || "it goes on after the next start of the runtime".to_owned(),
            |failure| failure.to_string(),
        )
    }
}

impl Flow {
    fn waits(&self) -> Vec<WaitingStep> {
        let waiting = self.inner.waiting.lock();
        let steps = waiting.iter().map(|(step, waiting)| WaitingStep {
            step: step.clone(),
            kind: waiting.kind.clone(),
            since: waiting.since,
        });
        steps.collect()
    }
}

fn undos_of(state: &FlowHistory) -> Vec<UndoStatus> {
    let outstanding = state.outstanding();
    let undos = state.undos.iter().map(|(step, _)| {
        let resolved = state.resolved.get(&Some(step.clone()));
        let became = if state.undone.contains(step) {
            UndoState::Done
        } else if let Some(given_up) = state.given_up.get(step) {
            UndoState::GivenUp {
                error: given_up.error.clone(),
            }
        } else if let Some(reason) = resolved {
            UndoState::Resolved {
                reason: reason.clone(),
            }
        } else if outstanding.iter().any(|(it, _)| it == step) {
            UndoState::Outstanding
        } else {
            UndoState::Kept
        };
        UndoStatus {
            step: step.clone(),
            state: became,
        }
    });
    undos.collect()
}
