//! A subscriber reads from any position, in chunks, at its own pace: it never holds up the writer,
//! and never makes the file keep what it would otherwise reuse.

#![allow(clippy::expect_used, reason = "helpers of tests, which may")]

mod common;

use common::{incarnation, one_event, settle};
use mercato_persistence::{
    Append, EventData, Journal, JournalOptions, Position, READ_BYTES_MAX, RedbJournal, WriterPlace,
};

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

/// Writes 200 commits of 16 KiB while a subscriber stands still after its first chunk, or reads
/// along. Gives the size of the file.
fn file_size(reads_along: bool) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.journal");
    incarnation(async {
        let journal = RedbJournal::open(&path, JournalOptions::default(), WriterPlace::Thread);
        let journal = journal.expect("a journal");
        settle(&journal, large(0, 16 << 10)).await;
        let mut chunk = journal.read(Position::START, 1).expect("a sound journal");
        for version in 1..200 {
            settle(&journal, large(version, 16 << 10)).await;
            if reads_along {
                let after = chunk.last().expect("a record").position;
                chunk = journal.read(after, 1).expect("a sound journal");
            }
        }
        // It goes on from where it stood, whenever it likes.
        let after = chunk.last().expect("a record").position;
        let next = journal.read(after, 5).expect("a sound journal");
        let expected = if reads_along {
            None
        } else {
            Some(after.next())
        };
        assert_eq!(next.first().map(|record| record.position), expected);
        journal.close().await.expect("a good disk");
    });
    std::fs::metadata(&path).expect("a file").len()
}

/// Catches: a reader that pins pages of the store for as long as it works on what it has read.
#[test]
fn a_slow_one_does_not_make_the_file_grow() {
    assert_eq!(file_size(false), file_size(true));
}

/// Catches: a read that takes as much memory as the journal is large.
#[test]
fn one_read_is_bounded_in_bytes_and_loses_nothing() {
    incarnation(async {
        let journal = common::paced(JournalOptions::default());
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
