//! The timers that are set.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::record::{Position, Timer, TimerChange};

/// A stream, and a timer's name within it.
pub(crate) type TimerKey = (Arc<str>, Box<str>);
/// What a timer's row becomes: when it is due and its payload; nothing where it is cleared.
pub(crate) type TimerRow = Option<(u64, Vec<u8>)>;

#[derive(Debug, Default)]
pub(crate) struct Timers {
    set: BTreeMap<TimerKey, (u64, Vec<u8>)>,
    by_due: BTreeSet<(u64, TimerKey)>,
    /// Changes that no commit holds yet. Timers are few beside events, so they are not written
    /// behind but with the append that changes them.
    unwritten: VecDeque<(Position, TimerKey, TimerRow)>,
}

impl Timers {
    pub(crate) fn restore(&mut self, timer: Timer) {
        let key = (timer.stream, timer.name);
        self.put(key, Some((timer.due_at_ms, timer.payload)));
    }

    /// Carries out the changes of the append at `position`.
    pub(crate) fn change(
        &mut self,
        position: Position,
        stream: &Arc<str>,
        changes: Vec<TimerChange>,
    ) {
        for change in changes {
            let (name, row) = match change {
                TimerChange::Set {
                    name,
                    due_at_ms,
                    payload,
                } => (name, Some((due_at_ms, payload))),
                TimerChange::Clear { name } => (name, None),
            };
            let key = (stream.clone(), name);
            self.unwritten
                .push_back((position, key.clone(), row.clone()));
            self.put(key, row);
        }
    }

    /// What a timer is, nothing where it is not set.
    pub(crate) fn row(&self, key: &TimerKey) -> TimerRow {
        self.set.get(key).cloned()
    }

    /// Makes a timer what it was before changes that are lost.
    pub(crate) fn put_back(&mut self, key: TimerKey, row: TimerRow) {
        self.unwritten.clear();
        self.put(key, row);
    }

    /// Up to `most` timers that are due at `now_ms`, the earliest first.
    pub(crate) fn due(&self, now_ms: u64, most: usize) -> Vec<Timer> {
        let due = self.by_due.iter().take_while(|(due, _)| *due <= now_ms);
        due.take(most)
            .filter_map(|(due_at_ms, key)| {
                let (_, payload) = self.set.get(key)?;
                Some(Timer {
                    stream: key.0.clone(),
                    name: key.1.clone(),
                    due_at_ms: *due_at_ms,
                    payload: payload.clone(),
                })
            })
            .collect()
    }

    /// The timer `name` of `stream`.
    pub(crate) fn get(&self, stream: &str, name: &str) -> Option<Timer> {
        let key = (Arc::from(stream), Box::from(name));
        let (due_at_ms, payload) = self.set.get(&key)?;
        Some(Timer {
            stream: key.0,
            name: key.1,
            due_at_ms: *due_at_ms,
            payload: payload.clone(),
        })
    }

    /// When the next timer is due.
    pub(crate) fn next_due_ms(&self) -> Option<u64> {
        self.by_due.first().map(|(due, _)| *due)
    }

    /// When the next timer is due of those that are due later than `now_ms`.
    pub(crate) fn next_due_after_ms(&self, now_ms: u64) -> Option<u64> {
        let later = (now_ms.checked_add(1)?, TimerKey::default());
        self.by_due.range(later..).next().map(|(due, _)| *due)
    }

    /// What a commit up to `last` writes: the last change of each timer.
    pub(crate) fn take_due(&mut self, last: Position) -> BTreeMap<TimerKey, TimerRow> {
        let mut rows = BTreeMap::new();
        while let Some((_, key, row)) = self.unwritten.pop_front_if(|(at, ..)| *at <= last) {
            rows.insert(key, row);
        }
        rows
    }

    fn put(&mut self, key: TimerKey, row: TimerRow) {
        if let Some((due, _)) = self.set.remove(&key) {
            self.by_due.remove(&(due, key.clone()));
        }
        if let Some((due, payload)) = row {
            self.by_due.insert((due, key.clone()));
            self.set.insert(key, (due, payload));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, due_at_ms: u64) -> TimerChange {
        TimerChange::Set {
            name: name.into(),
            due_at_ms,
            payload: Vec::new(),
        }
    }

    fn clear(name: &str) -> TimerChange {
        TimerChange::Clear { name: name.into() }
    }

    fn due(timers: &Timers, now_ms: u64) -> Vec<String> {
        let due = timers.due(now_ms, 10);
        due.iter()
            .map(|t| format!("{}/{}", t.stream, t.name))
            .collect()
    }

    #[test]
    fn timers_come_when_they_are_due_until_they_are_cleared() {
        let mut timers = Timers::default();
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        timers.change(Position::new(1), &a, vec![set("x", 30), set("y", 10)]);
        timers.change(Position::new(2), &b, vec![set("x", 20)]);
        assert_eq!(timers.next_due_ms(), Some(10));
        assert_eq!(due(&timers, 20), ["a/y", "b/x"]);
        timers.change(
            Position::new(3),
            &a,
            vec![clear("y"), set("x", 5), clear("z")],
        );
        assert_eq!(due(&timers, 100), ["a/x", "b/x"]);
    }

    /// Catches: a change written before its append, and one that an older change overwrites.
    #[test]
    fn each_commit_writes_the_last_change_of_each_timer_up_to_its_end() {
        let mut timers = Timers::default();
        let a: Arc<str> = "a".into();
        timers.change(Position::new(1), &a, vec![set("x", 30)]);
        timers.change(Position::new(2), &a, vec![set("x", 40)]);
        timers.change(Position::new(3), &a, vec![clear("x")]);
        let key = (a, "x".into());
        let rows = timers.take_due(Position::new(2));
        assert_eq!(rows.get(&key), Some(&Some((40, Vec::new()))));
        assert_eq!(timers.take_due(Position::new(3)).get(&key), Some(&None));
        assert!(timers.take_due(Position::new(9)).is_empty());
    }
}
