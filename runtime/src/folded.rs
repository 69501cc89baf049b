//! A stream that the runtime keeps for itself, folded: what its events add up to, and a snapshot of
//! that from time to time. It has one writer at a time.

use std::sync::Arc;

use mercato_persistence::{Append, Journal, Mark, Position, Snapshot};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::{Clock, Timestamp};
use crate::codec;
use crate::error::AskFailure;
use crate::event::Event;
use crate::shard::{append_failure, event_data};

/// A snapshot is taken after so many events, so that a stream with much behind it is soon read.
const SNAPSHOT_EVENTS: u64 = 128;

/// What the events of a stream add up to.
pub(crate) trait Standing: Default + Serialize + DeserializeOwned {
    type Event: Event;
    /// The version of its layout.
    const STATE_VERSION: u16;

    /// Applies an event that stands at `position` and was recorded at `at`.
    fn apply(&mut self, event: Self::Event, position: Position, at: Timestamp);
}

/// A stream, and what its events add up to.
pub(crate) struct Folded<S> {
    journal: Arc<dyn Journal>,
    clock: Clock,
    stream: Arc<str>,
    /// The epoch of the journal that it was read in, taken before that. What it knows counts in no
    /// other.
    epoch: u64,
    version: u64,
    /// Its last append.
    position: Position,
    snapshot_version: u64,
    pub(crate) standing: S,
}

/// Something that was recorded, and whose durability somebody waits for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) epoch: u64,
    pub(crate) position: Position,
}

impl<S: Standing> Folded<S> {
    /// Reads the stream, from its snapshot on.
    pub(crate) fn open(
        journal: Arc<dyn Journal>,
        clock: Clock,
        stream: Arc<str>,
        epoch: u64,
    ) -> Result<Self, AskFailure> {
        let mut folded = Self {
            journal,
            clock,
            stream,
            epoch,
            version: 0,
            position: Position::START,
            snapshot_version: 0,
            standing: S::default(),
        };
        let snapshot = folded.journal.snapshot(&folded.stream);
        let snapshot = snapshot.map_err(AskFailure::unreadable)?;
        let snapshot = snapshot.filter(|snapshot| snapshot.state_version == S::STATE_VERSION);
        // One that does not decode only costs time: the events are all there.
        if let Some((standing, snapshot)) =
            snapshot.and_then(|it| Some((codec::decode(&it.state).ok()?, it)))
        {
            folded.standing = standing;
            folded.version = snapshot.stream_version;
            folded.snapshot_version = snapshot.stream_version;
            folded.position = snapshot.position;
        }
        let records = folded.journal.read_stream(&folded.stream, folded.version);
        for recorded in records.map_err(AskFailure::unreadable)? {
            let known = folded.version.saturating_sub(recorded.version_before);
            let known = usize::try_from(known).unwrap_or(usize::MAX);
            let at = Timestamp::from_millis(recorded.append.recorded_at_ms);
            for event in recorded.append.events.iter().skip(known) {
                let event = S::Event::decode(&event.name, event.version, &event.payload)
                    .map_err(AskFailure::storage)?;
                folded.apply(event, recorded.position, at);
            }
            folded.position = recorded.position;
        }
        Ok(folded)
    }

    pub(crate) fn stream(&self) -> &str {
        &self.stream
    }

    /// Its last append: what follows from it must not be durable before.
    pub(crate) fn made(&self) -> Made {
        Made {
            epoch: self.epoch,
            position: self.position,
        }
    }

    /// Records an event, and applies it.
    pub(crate) fn record(
        &mut self,
        event: impl Into<S::Event>,
        mark: Option<Mark>,
    ) -> Result<(), AskFailure> {
        let event = event.into();
        let now = self.clock.now();
        let append = Append {
            events: vec![event_data(&event).map_err(AskFailure::invalid)?],
            mark,
            ..Append::to(self.stream.clone(), self.version, now.as_millis())
        };
        let appended = self
            .journal
            .append_in(self.epoch, append)
            .map_err(append_failure)?;
        self.position = appended.position;
        self.apply(event, appended.position, now);
        self.snapshot_if_due();
        Ok(())
    }

    fn apply(&mut self, event: S::Event, position: Position, at: Timestamp) {
        self.version += 1;
        self.standing.apply(event, position, at);
    }

    fn snapshot_if_due(&mut self) {
        if self.version - self.snapshot_version < SNAPSHOT_EVENTS {
            return;
        }
        // Without it only the next opening takes longer.
        if let Ok(state) = codec::encode(&self.standing) {
            self.snapshot_version = self.version;
            let snapshot = Snapshot {
                stream: (&*self.stream).into(),
                state_version: S::STATE_VERSION,
                stream_version: self.version,
                position: self.position,
                state,
            };
            self.journal.offer_snapshot_in(self.epoch, snapshot);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::time::Duration;

    use mercato_persistence::{DiskPace, JournalOptions, RedbJournal, WriterPlace};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Ticked {}

    crate::events! { enum Tick { Ticked: 1 } }

    /// How many ticks there were, kept in this version.
    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Ticks<const VERSION: u16>(u64);

    impl<const VERSION: u16> Standing for Ticks<VERSION> {
        type Event = Tick;
        const STATE_VERSION: u16 = VERSION;

        fn apply(&mut self, _: Tick, _: Position, _: Timestamp) {
            self.0 += 1;
        }
    }

    struct EvenDisk;

    impl DiskPace for EvenDisk {
        fn commit_time(&mut self, _: usize) -> Duration {
            Duration::from_millis(2)
        }
    }

    fn open<const VERSION: u16>(journal: &Arc<dyn Journal>) -> Folded<Ticks<VERSION>> {
        let clock = Clock::starting_at(Timestamp::from_millis(0));
        Folded::open(journal.clone(), clock, "ticks".into(), journal.epoch()).unwrap()
    }

    /// Catches: a snapshot too early, too late or never, and one of another layout that is read as today's.
    #[tokio::test(start_paused = true)]
    async fn a_snapshot_is_taken_every_so_many_events_and_read_by_its_own_version() {
        let writer = WriterPlace::Task(Box::new(EvenDisk));
        let journal = RedbJournal::in_memory(JournalOptions::default(), writer).unwrap();
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let mut folded = open::<1>(&journal);
        let mut versions = Vec::new();
        for _ in 0..SNAPSHOT_EVENTS * 3 {
            folded.record(Ticked {}, None).unwrap();
            journal.until_durable(folded.position).await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
            let snapshot = journal.snapshot("ticks").unwrap();
            let version = snapshot.map_or(0, |it| it.stream_version);
            if versions.last() != Some(&version) {
                versions.push(version);
            }
        }
        let every = |times| SNAPSHOT_EVENTS * times;
        assert_eq!(versions, [0, every(1), every(2), every(3)]);
        for _ in 0..3 {
            folded.record(Ticked {}, None).unwrap();
        }
        let again = open::<1>(&journal);
        assert_eq!(
            (again.standing.0, again.snapshot_version),
            (every(3) + 3, every(3))
        );
        let newer = open::<2>(&journal);
        assert_eq!(
            (newer.standing.0, newer.snapshot_version),
            (every(3) + 3, 0)
        );
        journal.close().await.unwrap();
    }
}
