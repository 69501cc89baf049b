//! Up to where everything is settled.

use std::collections::BTreeMap;

use mercato_persistence::Position;

use super::super::delivery::EventPlace;

#[derive(Debug, Default)]
pub(super) struct Prefix {
    /// Everything up to here was read.
    scanned: Position,
    /// What was read, from the first event that is not settled on; and whether each is settled.
    taken: BTreeMap<EventPlace, bool>,
}

impl Prefix {
    pub(super) fn after(scanned: Position) -> Self {
        Self {
            scanned,
            taken: BTreeMap::new(),
        }
    }

    pub(super) fn scanned(&self) -> Position {
        self.scanned
    }

    /// Everything up to here is settled. Of an append that is settled in part, nothing counts.
    pub(super) fn cursor(&self) -> Position {
        let first = self.taken.first_key_value();
        first.map_or(self.scanned, |(first, _)| {
            Position::new(first.position.get().saturating_sub(1))
        })
    }

    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    pub(super) fn take(&mut self, place: EventPlace) {
        self.taken.insert(place, false);
    }

    pub(super) fn scan(&mut self, position: Position) {
        self.scanned = position;
    }

    pub(super) fn settle(&mut self, place: EventPlace) {
        if let Some(settled) = self.taken.get_mut(&place) {
            *settled = true;
        }
        while let Some(first) = self.taken.first_entry().filter(|first| *first.get()) {
            first.remove();
        }
    }
}
