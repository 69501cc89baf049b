//! How far each subscriber has come.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::record::Position;

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
