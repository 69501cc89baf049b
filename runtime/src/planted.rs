//! Mistakes that are made on purpose, so that a simulation can show that its laws would find them.
//! They exist under the feature `planted-bugs` alone, and only where the builder is told.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use mercato_persistence::{
    Append, AppendError, Appended, FirstReply, Journal, JournalFailed, JournalMeters, Position,
    ReadError, Recorded, Snapshot, StreamPart, Timer, Vault, WrongEpoch,
};
use uuid::Uuid;

use crate::builder::RuntimeBuilder;

/// A mistake of the runtime's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlantedBug {
    /// Answers leave before what they depend on is durable.
    AcknowledgeEarly,
    /// A flow that failed after a port did not answer undoes nothing, and says that it did.
    ForgetUndos,
    /// With a snapshot, the first replies of its entity are forgotten.
    ForgetReplies,
    /// A snapshot holds one event more than it says.
    SnapshotLate,
    /// A trigger's cursor goes on before what follows from its events is recorded.
    CursorEarly,
    /// A start knows no timer that was set before it.
    TimersLost,
    /// An event leaves what a cache keeps as it is.
    StaleCache,
    /// A shard that crashed begins with an empty mailbox.
    MailboxDropped,
}

impl RuntimeBuilder {
    /// Makes this mistake. Default: none.
    #[must_use]
    pub fn planted(mut self, bug: Option<PlantedBug>) -> Self {
        self.planted = bug;
        self
    }
}

/// The journal as a runtime with such a mistake uses it.
pub(crate) fn journal(journal: Arc<dyn Journal>, bug: Option<PlantedBug>) -> Arc<dyn Journal> {
    match bug {
        Some(bug @ (PlantedBug::SnapshotLate | PlantedBug::TimersLost)) => {
            Arc::new(PlantedJournal::over(journal, bug))
        }
        _ => journal,
    }
}

/// So many timers are lost at most.
const TIMERS_MAX: usize = 1_000_000;

#[derive(Debug)]
struct PlantedJournal {
    journal: Arc<dyn Journal>,
    bug: PlantedBug,
    /// Timers that were set before the start.
    lost: BTreeSet<(Arc<str>, Box<str>, u64)>,
}

impl PlantedJournal {
    fn over(journal: Arc<dyn Journal>, bug: PlantedBug) -> Self {
        let lost = match bug {
            PlantedBug::TimersLost => journal.timers_due(u64::MAX, TIMERS_MAX),
            _ => Vec::new(),
        };
        let lost = lost.into_iter();
        Self {
            lost: lost.map(|it| (it.stream, it.name, it.due_at_ms)).collect(),
            journal,
            bug,
        }
    }

    fn is_lost(&self, timer: &Timer) -> bool {
        let key = (timer.stream.clone(), timer.name.clone(), timer.due_at_ms);
        self.lost.contains(&key)
    }
}

impl Journal for PlantedJournal {
    fn offer_snapshot_in(&self, epoch: u64, mut snapshot: Snapshot) {
        if self.bug == PlantedBug::SnapshotLate && snapshot.stream_version > 1 {
            snapshot.stream_version -= 1;
        }
        self.journal.offer_snapshot_in(epoch, snapshot);
    }

    fn timers_due(&self, now_ms: u64, most: usize) -> Vec<Timer> {
        let due = self.journal.timers_due(now_ms, most + self.lost.len());
        let kept = due.into_iter().filter(|timer| !self.is_lost(timer));
        kept.take(most).collect()
    }

    fn timer(&self, stream: &str, name: &str) -> Option<Timer> {
        let timer = self.journal.timer(stream, name);
        timer.filter(|timer| !self.is_lost(timer))
    }

    fn next_timer_ms(&self) -> Option<u64> {
        if self.lost.is_empty() {
            return self.journal.next_timer_ms();
        }
        let first = self.timers_due(u64::MAX, 1).pop();
        first.map(|timer| timer.due_at_ms)
    }

    // That of one which is lost wakes whoever waits for it once, to nothing.
    fn next_timer_after_ms(&self, now_ms: u64) -> Option<u64> {
        self.journal.next_timer_after_ms(now_ms)
    }

    fn read_stream(&self, stream: &str, after: u64) -> Result<Vec<Arc<Recorded>>, ReadError> {
        self.journal.read_stream(stream, after)
    }

    fn read_stream_part(
        &self,
        stream: &str,
        until: Option<Position>,
        after: u64,
        events_max: usize,
    ) -> Result<StreamPart, ReadError> {
        self.journal
            .read_stream_part(stream, until, after, events_max)
    }

    fn snapshot(&self, stream: &str) -> Result<Option<Snapshot>, ReadError> {
        self.journal.snapshot(stream)
    }

    fn read(&self, after: Position, records_max: usize) -> Result<Vec<Arc<Recorded>>, ReadError> {
        self.journal.read(after, records_max)
    }

    fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.journal.append(append)
    }

    fn append_in(&self, epoch: u64, append: Append) -> Result<Appended, AppendError> {
        self.journal.append_in(epoch, append)
    }

    fn has_room(&self) -> bool {
        self.journal.has_room()
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        self.journal.room()
    }

    fn durable(&self) -> Position {
        self.journal.durable()
    }

    fn meters(&self) -> JournalMeters {
        self.journal.meters()
    }

    fn until_durable_in(
        &self,
        epoch: u64,
        position: Position,
    ) -> BoxFuture<'_, Result<(), JournalFailed>> {
        self.journal.until_durable_in(epoch, position)
    }

    fn epoch(&self) -> u64 {
        self.journal.epoch()
    }

    fn failure(&self) -> Option<JournalFailed> {
        self.journal.failure()
    }

    fn until_writable(&self) -> BoxFuture<'_, Result<(), JournalFailed>> {
        self.journal.until_writable()
    }

    fn until_writable_after(&self, epoch: u64) -> BoxFuture<'_, Result<(), JournalFailed>> {
        self.journal.until_writable_after(epoch)
    }

    fn knows(&self, command: Uuid) -> bool {
        self.journal.knows(command)
    }

    fn first_reply(&self, command: Uuid) -> Result<Option<FirstReply>, ReadError> {
        self.journal.first_reply(command)
    }

    fn version(&self, stream: &str) -> Result<u64, ReadError> {
        self.journal.version(stream)
    }

    fn open_streams(&self, prefix: &str) -> Vec<Arc<str>> {
        self.journal.open_streams(prefix)
    }

    fn recent_streams(&self, prefix: &str, most: usize) -> Result<Vec<Arc<str>>, ReadError> {
        self.journal.recent_streams(prefix, most)
    }

    fn cursor(&self, name: &str) -> Position {
        self.journal.cursor(name)
    }

    fn set_cursor_in(
        &self,
        epoch: u64,
        name: &str,
        position: Position,
        after: Position,
    ) -> Result<(), WrongEpoch> {
        self.journal.set_cursor_in(epoch, name, position, after)
    }

    fn pass_cursor_in(&self, epoch: u64, name: &str, position: Position) -> Result<(), WrongEpoch> {
        self.journal.pass_cursor_in(epoch, name, position)
    }

    fn vault(&self) -> &Arc<Vault> {
        self.journal.vault()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), JournalFailed>> {
        self.journal.close()
    }
}
