//! What a flow waits for: shown to people, and what says whether it only sleeps.

use std::time::Duration;

use super::context::Flow;
use crate::clock::Timestamp;

/// What a step of a flow waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepKind {
    /// An agent's answer.
    Agent(Box<str>),
    /// A port, called by this activity.
    Port(Box<str>),
    /// A time.
    Sleep {
        /// When it is over.
        until: Timestamp,
    },
    /// The end of another flow.
    Flow {
        /// The other flow's name.
        name: Box<str>,
        /// Its instance.
        id: Box<str>,
    },
}

/// A step that has begun and not ended.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) kind: StepKind,
    pub(crate) since: Timestamp,
}

/// Takes the step off the list when it ends, however it does.
pub(super) struct WaitingGuard<'a> {
    flow: &'a Flow,
    step: &'a str,
}

impl Drop for WaitingGuard<'_> {
    fn drop(&mut self) {
        self.flow.inner.waiting.lock().remove(self.step);
    }
}

impl Flow {
    /// Says that the step waits for this, until the guard is dropped.
    pub(super) fn wait_for<'a>(&'a self, step: &'a str, kind: StepKind) -> WaitingGuard<'a> {
        let since = self.core().clock.now();
        let mut waiting = self.inner.waiting.lock();
        waiting.insert(step.into(), Waiting { kind, since });
        WaitingGuard { flow: self, step }
    }

    /// Whether it asks no agent and calls no port: it waits for a time or for another flow, and can
    /// begin to do so again.
    pub(super) fn only_rests(&self) -> bool {
        let waiting = self.inner.waiting.lock();
        let mut kinds = waiting.values().map(|step| &step.kind);
        kinds.all(|kind| matches!(kind, StepKind::Sleep { .. } | StepKind::Flow { .. }))
    }

    /// Until when it does nothing but sleep, where that is at least as long as this.
    pub(super) fn sleeps_for(&self, at_least: Duration) -> Option<Timestamp> {
        let waiting = self.inner.waiting.lock();
        let mut until = None;
        for step in waiting.values() {
            match step.kind {
                StepKind::Sleep { until: it } => {
                    until = Some(until.map_or(it, |until: Timestamp| until.min(it)));
                }
                _ => return None,
            }
        }
        until.filter(|until| *until >= self.core().clock.now().plus(at_least))
    }
}
