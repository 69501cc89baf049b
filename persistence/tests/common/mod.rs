//! What the tests of the journal share.

mod disk;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mercato_persistence::{
    Append, DiskPace, EventData, FirstReply, Journal, JournalOptions, OpenError, Position,
    Recorded, RedbJournal, Snapshot, Timer, WriterPlace,
};
use uuid::Uuid;

pub use disk::{Disk, Fault};

/// What every commit takes on a paced disk.
pub const COMMIT: Duration = Duration::from_millis(7);

/// A disk that takes [`COMMIT`] for each commit and counts them.
#[derive(Debug, Clone, Default)]
pub struct Pace(Arc<AtomicUsize>);

impl Pace {
    pub fn commits(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub fn writer(&self) -> WriterPlace {
        WriterPlace::Task(Box::new(self.clone()))
    }
}

impl DiskPace for Pace {
    fn commit_time(&mut self, _bytes: usize) -> Duration {
        self.0.fetch_add(1, Ordering::Relaxed);
        COMMIT
    }
}

/// A journal in memory whose commits take virtual time.
pub fn paced(options: JournalOptions) -> RedbJournal {
    RedbJournal::in_memory(options, Pace::default().writer()).expect("a journal in memory")
}

/// Opens a journal file; its writer takes virtual time.
pub fn open(path: &Path) -> Result<RedbJournal, OpenError> {
    RedbJournal::open(path, JournalOptions::default(), Pace::default().writer())
}

/// Opens what a disk holds.
pub fn boot(disk: Disk, options: JournalOptions) -> RedbJournal {
    RedbJournal::with_backend(disk, options, Pace::default().writer()).expect("a sound disk")
}

/// One incarnation of a process: when it ends, whatever still runs in it is cut off.
pub fn incarnation<T>(life: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(life)
}

/// One event for a stream that has `version` of them.
pub fn one_event(stream: &str, version: u64) -> Append {
    Append {
        stream: stream.into(),
        expected_version: version,
        recorded_at_ms: 1_700_000_000_000 + version,
        events: vec![EventData {
            name: "Counted".into(),
            version: 1,
            payload: format!("{stream} {version}").into_bytes(),
        }],
        command: None,
        mark: None,
        timers: Vec::new(),
        trace: None,
    }
}

/// The same, as the outcome of a command.
pub fn commanded(stream: &str, version: u64, command: u128) -> Append {
    Append {
        command: Some(reply_to(command)),
        ..one_event(stream, version)
    }
}

pub fn reply_to(command: u128) -> FirstReply {
    FirstReply {
        command: Uuid::from_u128(command),
        body_hash: command.wrapping_mul(31),
        reply: command.to_le_bytes().to_vec(),
    }
}

/// A snapshot of a stream at the append that stands at `position`.
pub fn snapshot(stream: &str, version: u64, position: Position) -> Snapshot {
    Snapshot {
        stream: stream.into(),
        state_version: 1,
        stream_version: version,
        position,
        state: b"state".to_vec(),
    }
}

/// Appends, and waits until it is durable.
pub async fn settle(journal: &RedbJournal, append: Append) -> Position {
    let position = journal.append(append).expect("a good append").position;
    journal.until_durable(position).await.expect("a good disk");
    position
}

/// The whole durable log. A read gives so many bytes at most, so it is read until there is no more.
pub fn log(journal: &RedbJournal) -> Vec<Arc<Recorded>> {
    let mut log: Vec<Arc<Recorded>> = Vec::new();
    loop {
        let after = log.last().map_or(Position::START, |last| last.position);
        let more = journal.read(after, usize::MAX).expect("a sound journal");
        if more.is_empty() {
            return log;
        }
        log.extend(more);
    }
}

/// Everything that a journal at rest tells, but for which commands it knows.
#[derive(Debug, PartialEq)]
pub struct Told {
    pub log: Vec<Arc<Recorded>>,
    pub open: Vec<Arc<str>>,
    pub timers: Vec<Timer>,
    /// Of the subscribers that were asked for.
    pub cursors: Vec<Position>,
    /// By stream: its version, and its snapshot.
    pub streams: BTreeMap<Arc<str>, (u64, Option<Snapshot>)>,
}

/// Opens the journal at `path`, and gives all that it tells.
pub fn told(path: &Path, subscribers: &[&str]) -> Told {
    incarnation(async {
        let journal = open(path).expect("a journal");
        let log = log(&journal);
        let streams = log.iter().map(|recorded| recorded.append.stream.clone());
        let streams = streams.map(|stream| {
            let snapshot = journal.snapshot(&stream).expect("a sound journal");
            let told = (version(&journal, &stream), snapshot);
            (stream, told)
        });
        let told = Told {
            streams: streams.collect(),
            open: journal.open_streams(""),
            timers: journal.timers_due(u64::MAX, usize::MAX),
            cursors: subscribers
                .iter()
                .map(|name| journal.cursor(name))
                .collect(),
            log,
        };
        journal.close().await.expect("a good disk");
        told
    })
}

/// The first reply to a command, as the journal has it.
pub fn first_reply(journal: &RedbJournal, command: Uuid) -> Option<FirstReply> {
    journal.first_reply(command).expect("a sound journal")
}

/// How many events a stream has.
pub fn version(journal: &RedbJournal, stream: &str) -> u64 {
    journal.version(stream).expect("a sound journal")
}
