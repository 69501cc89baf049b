//! A subscriber reads from any position, in chunks, at its own pace: it never holds up the writer,
//! and never makes the file keep what it would otherwise reuse.

use crate::common::{Pace, incarnation, one_event, open, settle, snapshot};
use mercato_persistence::simulated_disk::{CutMode, SimulatedDisk};
use mercato_persistence::{
    Append, EventData, Journal, JournalOptions, Position, READ_BYTES_MAX, RedbJournal, Snapshot,
};

/// Each commit replaces a snapshot of this size, so the room of the one before is free again.
const SNAPSHOT_BYTES: usize = 256 << 10;
const COMMITS: u64 = 60;

/// What a subscriber does while the journal works.
#[derive(Debug, Clone, Copy)]
enum Subscriber {
    Nobody,
    /// Reads one record of the beginning, and the rest when all is over.
    StandsStill,
    /// Reads after every commit, in every way that there is.
    ReadsAlong,
}

fn large(version: u64, bytes: usize) -> Append {
    Append {
        events: vec![EventData {
            name: "Large".into(),
            version: 1,
            payload: vec![7; bytes],
        }],
        ..one_event("a", version)
    }
}

fn read_everything(journal: &RedbJournal, after: Position) {
    journal.read(after, 2).expect("a sound journal");
    journal.read_stream("a", 0).expect("a sound journal");
    journal.snapshot("a").expect("a sound journal");
    journal.recent_streams("", 5).expect("a sound journal");
}

/// How large the file is after commits that keep replacing what is large.
fn file_bytes(subscriber: Subscriber) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.journal");
    incarnation(async {
        let journal = open(&path).expect("a journal");
        let mut at = settle(&journal, one_event("a", 0)).await;
        if !matches!(subscriber, Subscriber::Nobody) {
            read_everything(&journal, Position::START);
        }
        for version in 1..=COMMITS {
            journal.offer_snapshot(Snapshot {
                state: vec![1; SNAPSHOT_BYTES],
                ..snapshot("a", version, at)
            });
            at = settle(&journal, one_event("a", version)).await;
            if matches!(subscriber, Subscriber::ReadsAlong) {
                read_everything(&journal, Position::new(version - 1));
            }
        }
        if matches!(subscriber, Subscriber::StandsStill) {
            // It goes on from where it stood, whenever it likes.
            let rest = journal.read(Position::new(1), usize::MAX);
            assert_eq!(rest.expect("a sound journal").len() as u64, COMMITS);
        }
        journal.close().await.expect("a good disk");
    });
    std::fs::metadata(&path).expect("a file").len()
}

/// Catches: a read whose transaction outlives it, so that no page which was in use then is ever
/// used again.
#[test]
fn no_reader_makes_the_file_grow() {
    let unread = file_bytes(Subscriber::Nobody);
    let written = COMMITS * SNAPSHOT_BYTES as u64;
    assert!(
        unread * 2 < written,
        "the file of {unread} bytes reuses too little of {written} for this test to tell anything"
    );
    for subscriber in [Subscriber::StandsStill, Subscriber::ReadsAlong] {
        let bytes = file_bytes(subscriber);
        assert!(
            bytes <= unread + unread / 4,
            "{subscriber:?}: {bytes} bytes, and {unread} where nobody reads"
        );
    }
}

/// Catches: a read that takes as much memory as the journal is large.
#[test]
fn one_read_is_bounded_in_bytes_and_loses_nothing() {
    incarnation(async {
        let journal = crate::common::paced(JournalOptions::default());
        for version in 0..40 {
            settle(&journal, large(version, 300_000)).await;
        }
        let (mut after, mut seen, mut reads) = (Position::START, 0, 0);
        loop {
            let chunk = journal.read(after, usize::MAX).expect("a sound journal");
            let Some(last) = chunk.last() else { break };
            let bytes = chunk.len() * 300_000;
            assert!(bytes <= READ_BYTES_MAX + 300_000, "{bytes}");
            after = last.position;
            seen += chunk.len();
            reads += 1;
        }
        assert_eq!(seen, 40);
        assert!(reads >= 2, "{reads}");
    });
}

/// Catches: whoever follows the log and makes the disk read what was written a moment ago, and a stream
/// that is read from memory alone although it began before that.
#[test]
fn what_was_written_a_moment_ago_is_read_from_memory() {
    let disk = SimulatedDisk::new(1);
    incarnation(async {
        let options = JournalOptions {
            cache_bytes: 0,
            ..JournalOptions::default()
        };
        let writer = Pace::default().writer();
        let journal = RedbJournal::with_backend(disk.clone(), options, writer);
        let journal = journal.expect("a sound disk");
        settle(&journal, one_event("older", 0)).await;
        settle(&journal, one_event("both", 0)).await;
        // From here on somebody follows.
        let before = journal.read(Position::START, 9);
        assert_eq!(before.expect("a sound journal").len(), 2);
        for version in 0..3 {
            settle(&journal, one_event("newer", version)).await;
        }
        settle(&journal, one_event("both", 1)).await;
        let versions = |stream| {
            let read = journal.read_stream(stream, 0).ok()?;
            Some(read.iter().map(|it| it.version_before).collect::<Vec<_>>())
        };
        assert_eq!(versions("both"), Some(vec![0, 1]));
        // The disk answers nothing more.
        drop(disk.power_cycle(CutMode::DropAll));
        assert_eq!(versions("newer"), Some(vec![0, 1, 2]));
        assert_eq!(versions("both"), None, "it began on the disk");
        assert_eq!(versions("newer"), Some(vec![0, 1, 2]));
    });
}
