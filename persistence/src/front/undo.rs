//! How the front goes back to what is durable.
//!
//! A disk that failed shows a commit that never was, or cannot be read at all. So nothing is read
//! from it: what waits to be written is in memory, and each of its records tells how its stream stood
//! before. Marks and timers are put down here as they were.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::timers::{TimerKey, TimerRow, Timers};
use super::{Front, Head, set_mark};
use crate::error::JournalFailed;
use crate::record::{Append, Position, TimerChange};
use crate::stored::outline;

/// What marks and timers were before the appends that are not durable yet.
#[derive(Debug, Default)]
pub(super) struct Undo {
    /// In the order of the appends.
    before: VecDeque<(Position, Before)>,
}

#[derive(Debug)]
enum Before {
    Mark(Arc<str>, bool),
    Timer(TimerKey, TimerRow),
}

impl Undo {
    /// The append at `position` changes whether `stream` is unfinished, which it `was_open`.
    pub(super) fn mark(&mut self, position: Position, stream: &Arc<str>, was_open: bool) {
        let before = Before::Mark(stream.clone(), was_open);
        self.before.push_back((position, before));
    }

    /// The append at `position` changes these of its stream's timers.
    pub(super) fn timers(&mut self, position: Position, append: &Append, timers: &Timers) {
        for change in &append.timers {
            let (TimerChange::Set { name, .. } | TimerChange::Clear { name }) = change;
            let key = (append.stream.clone(), name.clone());
            let row = timers.row(&key);
            self.before.push_back((position, Before::Timer(key, row)));
        }
    }

    /// What is durable is not taken back any more.
    pub(super) fn durable(&mut self, last: Position) {
        while self.before.pop_front_if(|(at, _)| *at <= last).is_some() {}
    }

    fn take_back(&mut self, open: &mut BTreeSet<Arc<str>>, timers: &mut Timers) {
        while let Some((_, before)) = self.before.pop_back() {
            match before {
                Before::Mark(stream, was_open) => set_mark(open, &stream, was_open),
                Before::Timer(key, row) => timers.put_back(key, row),
            }
        }
    }
}

impl Front {
    /// Shows what is durable and nothing else, and takes nothing more.
    pub(crate) fn roll_back(&mut self, epoch: u64, failed: JournalFailed) {
        let durable = Position::new(self.queue.first().get() - 1);
        self.undo.take_back(&mut self.open, &mut self.timers);
        let (heads, open) = (&mut self.heads, &self.open);
        self.queue.each(|link, record| {
            // Of each stream the first record that is lost tells how it stood before. What was never
            // out of memory can be read.
            if link.previous > durable {
                return;
            }
            if let Ok(lost) = outline(record) {
                let head = Head {
                    version: lost.version_before,
                    last: link.previous,
                    open: open.contains(lost.stream),
                };
                heads.roll_back(lost.stream, head);
            }
        });
        self.heads.evictions_go_on();
        self.queue.clear(durable.next());
        self.replies.roll_back(durable);
        self.cursors.roll_back();
        self.snapshots.clear();
        self.snapshot_bytes = 0;
        self.epoch = epoch;
        self.failed = Some(failed);
    }
}
