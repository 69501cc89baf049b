//! A journal that measures how long it takes to be read: the queries of the store.
//!
//! Appends never wait, and what a commit takes the journal's writer measures itself.

use std::sync::Arc;

use futures::future::BoxFuture;
use mercato_persistence::{
    Append, AppendError, Appended, FirstReply, Histogram, Journal, JournalFailed, JournalMeters,
    Position, ReadError, Recorded, Snapshot, StreamPart, Timer, Vault, WrongEpoch,
};
use uuid::Uuid;

use crate::clock::Clock;

/// How long reads took, by what was read.
#[derive(Debug)]
pub(crate) struct StoreReads {
    /// An entity's or a flow's own events.
    pub(crate) stream: Histogram,
    /// An entity's latest snapshot.
    pub(crate) snapshot: Histogram,
    /// The log in its order, for triggers and subscribers.
    pub(crate) log: Histogram,
}

impl Default for StoreReads {
    fn default() -> Self {
        Self {
            stream: Histogram::of_durations(),
            snapshot: Histogram::of_durations(),
            log: Histogram::of_durations(),
        }
    }
}

/// A journal whose reads are timed.
#[derive(Debug)]
pub(crate) struct TimedJournal {
    journal: Arc<dyn Journal>,
    reads: Arc<StoreReads>,
    clock: Clock,
}

impl TimedJournal {
    pub(crate) fn over(journal: Arc<dyn Journal>, reads: Arc<StoreReads>, clock: Clock) -> Self {
        Self {
            journal,
            reads,
            clock,
        }
    }

    fn timed<T>(&self, histogram: &Histogram, read: impl FnOnce() -> T) -> T {
        let began = self.clock.elapsed();
        let done = read();
        histogram.record_duration(self.clock.elapsed().saturating_sub(began));
        done
    }
}

impl Journal for TimedJournal {
    fn read_stream(&self, stream: &str, after: u64) -> Result<Vec<Arc<Recorded>>, ReadError> {
        self.timed(&self.reads.stream, || {
            self.journal.read_stream(stream, after)
        })
    }

    fn read_stream_part(
        &self,
        stream: &str,
        until: Option<Position>,
        after: u64,
        events_max: usize,
    ) -> Result<StreamPart, ReadError> {
        self.timed(&self.reads.stream, || {
            self.journal
                .read_stream_part(stream, until, after, events_max)
        })
    }

    fn snapshot(&self, stream: &str) -> Result<Option<Snapshot>, ReadError> {
        self.timed(&self.reads.snapshot, || self.journal.snapshot(stream))
    }

    fn read(&self, after: Position, records_max: usize) -> Result<Vec<Arc<Recorded>>, ReadError> {
        self.timed(&self.reads.log, || self.journal.read(after, records_max))
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

    fn offer_snapshot_in(&self, epoch: u64, snapshot: Snapshot) {
        self.journal.offer_snapshot_in(epoch, snapshot);
    }

    fn open_streams(&self, prefix: &str) -> Vec<Arc<str>> {
        self.journal.open_streams(prefix)
    }

    fn recent_streams(&self, prefix: &str, most: usize) -> Result<Vec<Arc<str>>, ReadError> {
        self.journal.recent_streams(prefix, most)
    }

    fn timers_due(&self, now_ms: u64, most: usize) -> Vec<Timer> {
        self.journal.timers_due(now_ms, most)
    }

    fn timer(&self, stream: &str, name: &str) -> Option<Timer> {
        self.journal.timer(stream, name)
    }

    fn next_timer_ms(&self) -> Option<u64> {
        self.journal.next_timer_ms()
    }

    fn next_timer_after_ms(&self, now_ms: u64) -> Option<u64> {
        self.journal.next_timer_after_ms(now_ms)
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::time::Duration;

    use mercato_persistence::{DiskPace, EventData, JournalOptions, RedbJournal, WriterPlace};

    use super::*;

    struct EvenDisk;

    impl DiskPace for EvenDisk {
        fn commit_time(&mut self, _: usize) -> Duration {
            Duration::from_secs(1)
        }
    }

    /// Catches: a journal that is asked through its clock and says something else than it would by itself of
    /// its streams, or of whether it has room.
    #[tokio::test(start_paused = true)]
    async fn what_is_timed_says_what_the_journal_says() {
        let options = JournalOptions {
            queue_bytes_max: 1_024,
            record_bytes_max: 512,
            ..JournalOptions::default()
        };
        let writer = WriterPlace::Task(Box::new(EvenDisk));
        let journal = Arc::new(RedbJournal::in_memory(options, writer).unwrap());
        let clock = Clock::starting_at(crate::clock::Timestamp::from_millis(0));
        let timed = TimedJournal::over(journal, Arc::default(), clock);
        assert!(timed.has_room());
        let mut version = 0;
        while timed.has_room() {
            let mut append = Append::to("counters/a", version, 0);
            append.events.push(EventData {
                name: "Added".into(),
                version: 1,
                payload: vec![0; 200],
            });
            timed.append(append).unwrap();
            version += 1;
            assert_eq!(timed.version("counters/a").unwrap(), version);
        }
        assert!(version > 1, "{version}");
        timed.room().await;
        assert!(timed.has_room());
        timed.close().await.unwrap();
    }
}
