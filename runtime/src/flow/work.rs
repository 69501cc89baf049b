//! The work list: what flows could not do, and what waits for a person.

use std::sync::Arc;

use super::engine::Engine;
use super::log::{FLOW_STREAMS, FlowLog, WAKE, parse_stream};
use super::operate::Flows;
use crate::clock::Timestamp;
use crate::error::AskFailure;

/// Something that a flow could not do, and that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkItem {
    /// The flow's name.
    pub flow: Box<str>,
    /// The instance.
    pub id: Box<str>,
    /// What it is.
    pub kind: WorkKind,
    /// The step that is not undone; `None` where it is the flow itself.
    pub step: Option<Box<str>>,
    /// Why.
    pub error: String,
    /// Since when it waits.
    pub since: Timestamp,
}

/// What waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WorkKind {
    /// An undo was given up. [Retry](Flows::retry) it, or [resolve](Flows::resolve) it.
    UndoFailed,
    /// A flow that an event started failed, and nobody waited for it. Retry it, or resolve it.
    FlowFailed,
    /// A flow cannot go on here: nobody registered its version, or its log cannot be read. It goes on
    /// when that is mended, and with the next start at the latest; or [cancel](Flows::cancel) it.
    FlowStuck,
}

/// Some of the work list, in the order of flows and ids.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkPage {
    /// What waits.
    pub items: Vec<WorkItem>,
    /// Where the next page begins, where there is one.
    pub next: Option<Arc<str>>,
}

impl Flows {
    /// What waits for a person: of one flow, or all of them, beginning at `after`, the
    /// [`WorkPage::next`] of the page before. Looks at no more than `most` flows, and at no more than
    /// 256, so a page may be empty and not be the last one.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn work_list(
        &self,
        flow: Option<&str>,
        after: Option<&str>,
        most: usize,
    ) -> Result<WorkPage, AskFailure> {
        let (streams, next) = self.engine.page(flow, after, most);
        let mut items = Vec::new();
        for stream in &streams {
            self.engine.work_of(stream, &mut items)?;
        }
        Ok(WorkPage { items, next })
    }
}

impl Engine {
    /// All that waits for a person.
    pub(super) fn work_list(&self) -> Result<Vec<WorkItem>, AskFailure> {
        let mut items = Vec::new();
        for stream in self.core.journal.open_streams(FLOW_STREAMS) {
            self.work_of(&stream, &mut items)?;
        }
        Ok(items)
    }

    fn work_of(&self, stream: &Arc<str>, items: &mut Vec<WorkItem>) -> Result<(), AskFailure> {
        let Some((flow, id)) = parse_stream(stream) else {
            return Ok(());
        };
        let item = |kind, step, error, since| WorkItem {
            flow: flow.into(),
            id: id.into(),
            kind,
            step,
            error,
            since,
        };
        let journal = &*self.core.journal;
        // Asked before the log is read: a flow that lets go meanwhile is not stuck.
        let is_attended =
            self.running.contains_key(stream) || journal.timer(stream, WAKE).is_some();
        let log = match FlowLog::load(journal, stream) {
            Ok(log) => log,
            Err(failure) if failure.is_interruption() => return Err(failure),
            Err(failure) => {
                let error = failure.to_string();
                let since = self.core.clock.now();
                items.push(item(WorkKind::FlowStuck, None, error, since));
                return Ok(());
            }
        };
        let state = log.state;
        match &state.ended {
            None if !is_attended && !self.rests(flow, &state) => {
                let error = self.why_stuck(stream, &state);
                items.push(item(WorkKind::FlowStuck, None, error, state.last_at));
            }
            Some(outcome) if state.failure_waits() => {
                let known = self.definitions.get(flow, state.version);
                let error = known.map_or_else(
                    || "this runtime does not know the flow".to_owned(),
                    |definition| definition.describe(outcome),
                );
                items.push(item(WorkKind::FlowFailed, None, error, state.last_at));
            }
            _ => {}
        }
        let given_up = state.given_up.into_iter();
        items.extend(given_up.map(|(step, given_up)| {
            item(
                WorkKind::UndoFailed,
                Some(step),
                given_up.error,
                given_up.at,
            )
        }));
        Ok(())
    }
}
