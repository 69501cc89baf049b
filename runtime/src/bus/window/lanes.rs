//! Events that wait for each other, and which of them may go.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::delivery::EventPlace;

#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_name: BTreeMap<Arc<str>, Lane>,
    /// Heads of lanes that may be handed out.
    ready: BTreeSet<EventPlace>,
}

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<EventPlace>,
    /// Somebody still works on an event of before a restart: until they are done nobody else may
    /// work on this lane.
    orphan: bool,
}

impl Lanes {
    /// Forgets everything but that somebody works on the lanes named.
    pub(super) fn restart<'a>(&mut self, orphans: impl Iterator<Item = &'a Arc<str>>) {
        self.ready.clear();
        self.by_name.clear();
        for name in orphans {
            self.by_name.entry(name.clone()).or_default().orphan = true;
        }
    }

    /// Takes its place behind the others of its lane.
    pub(super) fn push(&mut self, name: &Arc<str>, place: EventPlace) {
        let lane = self.by_name.entry(name.clone()).or_default();
        lane.queue.push_back(place);
        if lane.queue.len() == 1 && !lane.orphan {
            self.ready.insert(place);
        }
    }

    /// The first event that may go. It stays the head of its lane.
    pub(super) fn next(&mut self) -> Option<EventPlace> {
        self.ready.pop_first()
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The head of a lane may go again.
    pub(super) fn again(&mut self, head: EventPlace) {
        self.ready.insert(head);
    }

    /// The head of a lane is done.
    pub(super) fn advance(&mut self, name: &Arc<str>) {
        if let Some(lane) = self.by_name.get_mut(name) {
            lane.queue.pop_front();
        }
        self.release(name);
    }

    /// Nobody works on this lane: its head may go.
    pub(super) fn release(&mut self, name: &Arc<str>) {
        let Some(lane) = self.by_name.get_mut(name) else {
            return;
        };
        lane.orphan = false;
        match lane.queue.front() {
            Some(head) => drop(self.ready.insert(*head)),
            None => drop(self.by_name.remove(name)),
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}
