//! How far each subscriber has come.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::record::Position;

/// A cursor that passed by so many records which did not concern its subscriber is written; up to
/// then a crash costs it another look at them, and every commit the row of every idle subscriber.
pub(crate) const PASSED_MAX: u64 = 256;

#[derive(Debug, Clone, Copy)]
struct Cursor {
    position: Position,
    /// Where the cursor is not written yet: the last append that its subscriber made of what it
    /// read. Written any sooner, a crash would lose that append and never make it again.
    unwritten: Option<Position>,
    /// Where it stands on the disk.
    written: Position,
}

#[derive(Debug, Default)]
pub(crate) struct Cursors {
    by_name: BTreeMap<Box<str>, Cursor>,
}

impl Cursors {
    pub(crate) fn restore(&mut self, name: Box<str>, position: Position) {
        let cursor = Cursor {
            position,
            unwritten: None,
            written: position,
        };
        self.by_name.insert(name, cursor);
    }

    pub(crate) fn get(&self, name: &str) -> Position {
        self.by_name
            .get(name)
            .map_or(Position::START, |cursor| cursor.position)
    }

    pub(crate) fn set(&mut self, name: &str, position: Position, after: Position) {
        match self.by_name.entry(name.into()) {
            Entry::Vacant(entry) => {
                entry.insert(Cursor {
                    position,
                    unwritten: Some(after),
                    written: Position::START,
                });
            }
            Entry::Occupied(mut entry) if entry.get().position < position => {
                let cursor = entry.get_mut();
                cursor.position = position;
                // What an earlier move waits for, this one waits for too: it covers the same reads.
                cursor.unwritten = cursor.unwritten.max(Some(after));
            }
            Entry::Occupied(_) => {}
        }
    }

    /// Moves a cursor past records that did not concern its subscriber.
    pub(crate) fn pass(&mut self, name: &str, position: Position) {
        let known = self.by_name.get_mut(name);
        let written = known.as_ref().map_or(Position::START, |it| it.written);
        if position.get().saturating_sub(written.get()) >= PASSED_MAX {
            return self.set(name, position, Position::START);
        }
        if let Some(cursor) = known {
            cursor.position = cursor.position.max(position);
            return;
        }
        let cursor = Cursor {
            position,
            unwritten: None,
            written,
        };
        self.by_name.insert(name.into(), cursor);
    }

    /// What a commit up to `last` may write.
    pub(crate) fn take_due(&mut self, last: Position) -> Vec<(Box<str>, Position)> {
        let mut written = Vec::new();
        for (name, cursor) in &mut self.by_name {
            if cursor.unwritten.take_if(|after| *after <= last).is_some() {
                written.push((name.clone(), cursor.position));
            }
        }
        written
    }

    /// These are on the disk now.
    pub(crate) fn written(&mut self, cursors: &[(Box<str>, Position)]) {
        for (name, position) in cursors {
            if let Some(cursor) = self.by_name.get_mut(name) {
                cursor.written = *position;
            }
        }
    }

    /// Back to where they stand on the disk.
    pub(crate) fn roll_back(&mut self) {
        for cursor in self.by_name.values_mut() {
            cursor.position = cursor.written;
            cursor.unwritten = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a cursor of an idle subscriber in every commit, one that is never written, and one
    /// that moves back.
    #[test]
    fn a_cursor_that_only_passed_by_is_written_now_and_then() {
        let mut cursors = Cursors::default();
        let mut written = Vec::new();
        for at in (1..=2 * PASSED_MAX).map(Position::new) {
            cursors.pass("idle", at);
            assert_eq!(cursors.get("idle"), at);
            let due = cursors.take_due(at);
            cursors.written(&due);
            written.extend(due.into_iter().map(|(_, position)| position.get()));
        }
        assert_eq!(written, [PASSED_MAX, 2 * PASSED_MAX]);
        cursors.pass("idle", Position::new(3));
        assert_eq!(cursors.get("idle").get(), 2 * PASSED_MAX);
    }

    /// Catches: a cursor that passes by, and is written before what its subscriber made is durable.
    #[test]
    fn what_was_made_before_is_still_waited_for() {
        let mut cursors = Cursors::default();
        cursors.set("busy", Position::new(1), Position::new(9));
        cursors.pass("busy", Position::new(2 * PASSED_MAX));
        assert_eq!(cursors.take_due(Position::new(8)), []);
        let due = cursors.take_due(Position::new(9));
        assert_eq!(due, [("busy".into(), Position::new(2 * PASSED_MAX))]);
    }
}
