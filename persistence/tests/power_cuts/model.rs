//! What the journal was told, and what it may hold after a cut.

use std::collections::{BTreeMap, BTreeSet};

use mercato_persistence::{Append, Journal, Mark, Position, RedbJournal, Snapshot, TimerChange};

/// Everything handed to the journal that may still be found in it.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// The appends in their order; the first stands at position 1.
    pub(crate) appends: Vec<Append>,
    /// How many of them are promised to survive.
    pub(crate) acknowledged: usize,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) cursors: BTreeMap<&'static str, Cursor>,
}

#[derive(Debug, Default)]
pub(crate) struct Cursor {
    /// Where it was found last; it never goes back.
    pub(crate) floor: Position,
    /// Where it was set since, each with the append that must be durable before it.
    pub(crate) moves: Vec<(Position, Position)>,
}

/// The failure, where `holds` does not.
pub(crate) fn ensure(holds: bool, failure: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(failure()) }
}

impl Model {
    pub(crate) fn acknowledge(&mut self, position: Position) {
        let position = usize::try_from(position.get()).expect("a small journal");
        self.acknowledged = self.acknowledged.max(position);
    }

    /// The last position of a stream.
    pub(crate) fn last_of(&self, stream: &str) -> Option<Position> {
        let last = self
            .appends
            .iter()
            .rposition(|append| *append.stream == *stream);
        last.map(|index| Position::new(index as u64 + 1))
    }

    /// Holds a journal that was just opened against everything that was handed in, and forgets
    /// what it lost. Gives how many unacknowledged appends survived.
    pub(crate) fn check_reopened(&mut self, journal: &RedbJournal) -> Result<usize, String> {
        let found = self.check_log(journal)?;
        let survived = found - self.acknowledged;
        self.check_replies(journal, found)?;
        self.appends.truncate(found);
        self.acknowledged = found;
        ensure(journal.durable() == Position::new(found as u64), || {
            format!("{} is said to be durable, not {found}", journal.durable())
        })?;
        self.check_streams(journal)?;
        self.check_timers(journal)?;
        self.check_snapshots(journal)?;
        self.check_cursors(journal)?;
        Ok(survived)
    }

    /// The durable log: whole appends, in order, from the first on, and none that was
    /// acknowledged missing. Gives its length.
    pub(crate) fn check_log(&self, journal: &RedbJournal) -> Result<usize, String> {
        let log = journal
            .read(Position::START, usize::MAX)
            .map_err(|error| format!("the log cannot be read: {error}"))?;
        for (index, (recorded, expected)) in log.iter().zip(&self.appends).enumerate() {
            let position = Position::new(index as u64 + 1);
            ensure(recorded.position == position, || {
                format!("position {} stands at place {position}", recorded.position)
            })?;
            ensure(recorded.append == *expected, || {
                format!("at position {position} stands what was not appended there")
            })?;
            ensure(recorded.version_before == expected.expected_version, || {
                format!("the version at position {position} is wrong")
            })?;
        }
        ensure(log.len() <= self.appends.len(), || {
            format!("{} of {} appends are found", log.len(), self.appends.len())
        })?;
        ensure(log.len() >= self.acknowledged, || {
            format!(
                "{} appends were acknowledged, and {} are left",
                self.acknowledged,
                log.len()
            )
        })?;
        Ok(log.len())
    }

    /// An append's reply is there with it, and gone with it.
    fn check_replies(&self, journal: &RedbJournal, found: usize) -> Result<(), String> {
        for (index, append) in self.appends.iter().enumerate() {
            let Some(reply) = &append.command else {
                continue;
            };
            let expected = (index < found).then_some(reply);
            let kept = journal
                .first_reply(reply.command)
                .map_err(|error| format!("a first reply cannot be read: {error}"))?;
            ensure(kept.as_ref() == expected, || {
                format!("the reply of position {} of {found} is wrong", index + 1)
            })?;
        }
        Ok(())
    }

    fn check_streams(&self, journal: &RedbJournal) -> Result<(), String> {
        let mut versions = BTreeMap::<&str, u64>::new();
        let mut open = BTreeSet::new();
        for append in &self.appends {
            *versions.entry(&append.stream).or_default() += append.events.len() as u64;
            match append.mark {
                Some(Mark::Open) => drop(open.insert(append.stream.clone())),
                Some(Mark::Closed) => drop(open.remove(&append.stream)),
                None => {}
            }
        }
        for (stream, version) in versions {
            let found = journal
                .version(stream)
                .map_err(|error| format!("stream {stream} has no version: {error}"))?;
            ensure(found == version, || {
                format!("stream {stream} is at {found}, not {version}")
            })?;
            let read = journal
                .read_stream(stream, 0)
                .map_err(|error| format!("stream {stream} cannot be read: {error}"))?;
            let expected = self
                .appends
                .iter()
                .filter(|append| *append.stream == *stream);
            ensure(
                read.iter().map(|recorded| &recorded.append).eq(expected),
                || format!("stream {stream} is not what was appended to it"),
            )?;
        }
        let found = journal.open_streams("");
        ensure(found.iter().eq(&open), || {
            format!("{found:?} are open, not {open:?}")
        })
    }

    fn check_timers(&self, journal: &RedbJournal) -> Result<(), String> {
        let mut set = BTreeSet::new();
        for append in &self.appends {
            for change in &append.timers {
                let stream = append.stream.clone();
                match change {
                    TimerChange::Set { name, .. } => drop(set.insert((stream, name.clone()))),
                    TimerChange::Clear { name } => drop(set.remove(&(stream, name.clone()))),
                }
            }
        }
        let found = journal.timers_due(u64::MAX, usize::MAX).into_iter();
        let found: BTreeSet<_> = found.map(|timer| (timer.stream, timer.name)).collect();
        ensure(found == set, || {
            format!("the timers {found:?} are set, not {set:?}")
        })
    }

    fn check_snapshots(&mut self, journal: &RedbJournal) -> Result<(), String> {
        let last = Position::new(self.appends.len() as u64);
        self.snapshots.retain(|snapshot| snapshot.position <= last);
        let streams: BTreeSet<_> = self.appends.iter().map(|append| &append.stream).collect();
        for stream in streams {
            let found = journal
                .snapshot(stream)
                .map_err(|error| format!("no snapshot of {stream} can be read: {error}"))?;
            let is_known = found
                .as_ref()
                .is_none_or(|found| self.snapshots.contains(found));
            ensure(is_known, || {
                let position = found.map(|found| found.position);
                format!("{stream} has a snapshot at {position:?} of {last}, where none was left")
            })?;
        }
        Ok(())
    }

    fn check_cursors(&mut self, journal: &RedbJournal) -> Result<(), String> {
        let last = Position::new(self.appends.len() as u64);
        for (name, cursor) in &mut self.cursors {
            let found = journal.cursor(name);
            let may_stand = cursor
                .moves
                .iter()
                .take_while(|(_, after)| *after <= last)
                .any(|(position, _)| *position == found);
            ensure(may_stand || found == cursor.floor, || {
                format!("cursor {name} stands at {found} of {last}: {cursor:?}")
            })?;
            cursor.floor = found;
            cursor.moves.clear();
        }
        Ok(())
    }
}
