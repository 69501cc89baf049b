//! What was acknowledged is there when the file is opened again, however the last process ended.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::common::{
    commanded, first_reply, incarnation, log, one_event, open, reply_to, settle, snapshot, version,
};
use mercato_persistence::{
    Append, AppendError, Journal, JournalOptions, Mark, Position, Recorded, RedbJournal, Snapshot,
    WriterPlace,
};
use tempfile::TempDir;
use uuid::Uuid;

fn new_file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.journal");
    (folder, path)
}

/// Everything that a journal tells.
#[derive(Debug, PartialEq)]
struct Told {
    log: Vec<Arc<Recorded>>,
    durable: Position,
    versions: [u64; 2],
    open: Vec<Arc<str>>,
    cursor: Position,
    snapshot: Option<Snapshot>,
    known: Vec<u128>,
}

fn told(journal: &RedbJournal) -> Told {
    Told {
        log: log(journal),
        durable: journal.durable(),
        versions: ["flow/a", "flow/b"].map(|stream| version(journal, stream)),
        open: journal.open_streams("flow/"),
        cursor: journal.cursor("mailer"),
        snapshot: journal.snapshot("flow/a").expect("a sound journal"),
        known: (0..10)
            .filter(|n| first_reply(journal, Uuid::from_u128(*n)) == Some(reply_to(*n)))
            .collect(),
    }
}

fn marked(append: Append, mark: Mark) -> Append {
    Append {
        mark: Some(mark),
        timers: Vec::new(),
        ..append
    }
}

/// A little of everything, acknowledged.
async fn live(journal: &RedbJournal) {
    settle(journal, marked(commanded("flow/a", 0, 1), Mark::Open)).await;
    settle(journal, marked(commanded("flow/b", 0, 2), Mark::Open)).await;
    let last = settle(journal, commanded("flow/a", 1, 3)).await;
    journal.offer_snapshot(snapshot("flow/a", 2, last));
    journal.set_cursor("mailer", Position::new(2), last);
    settle(journal, marked(one_event("flow/b", 1), Mark::Closed)).await;
}

/// What a journal told after `life`, and what it tells when it is opened again.
fn check_survives(path: &Path, life: impl AsyncFnOnce(RedbJournal) -> Told) {
    let before = incarnation(async { life(open(path).expect("a journal")).await });
    let after = incarnation(async { told(&open(path).expect("a journal")) });
    assert_eq!(after, before);
    assert_eq!(after.versions, [2, 2]);
    assert_eq!(after.open, ["flow/a".into()]);
    assert_eq!(after.cursor, Position::new(2));
    assert_eq!(
        after.snapshot,
        Some(snapshot("flow/a", 2, Position::new(3)))
    );
    assert_eq!(after.known, [1, 2, 3]);
}

#[test]
fn everything_is_there_after_closing() {
    let (_folder, path) = new_file();
    check_survives(&path, async |journal| {
        live(&journal).await;
        journal.close().await.expect("a good disk");
        told(&journal)
    });
}

#[test]
fn everything_is_there_after_dropping_it_unclosed() {
    let (_folder, path) = new_file();
    check_survives(&path, async |journal| {
        live(&journal).await;
        told(&journal)
    });
}

#[test]
fn closing_writes_what_waits_and_takes_nothing_more() {
    let (_folder, path) = new_file();
    incarnation(async {
        let journal = open(&path).expect("a journal");
        for version in 0..100 {
            journal
                .append(one_event("a", version))
                .expect("a good append");
        }
        journal.close().await.expect("a good disk");
        let refusal = journal.append(one_event("a", 100));
        assert!(
            matches!(refusal, Err(AppendError::Failed(_))),
            "{refusal:?}"
        );
        journal.close().await.expect("closing twice is closing");
    });
    let found = incarnation(async { log(&open(&path).expect("a journal")) });
    assert_eq!(found.len(), 100);
}

#[test]
fn cursors_and_snapshots_are_written_by_closing_alone() {
    let (_folder, path) = new_file();
    incarnation(async {
        let journal = open(&path).expect("a journal");
        let last = settle(&journal, one_event("a", 0)).await;
        journal.set_cursor("mailer", last, Position::START);
        journal.offer_snapshot(snapshot("a", 1, last));
        journal.close().await.expect("a good disk");
    });
    incarnation(async {
        let journal = open(&path).expect("a journal");
        assert_eq!(journal.cursor("mailer"), Position::new(1));
        assert!(journal.snapshot("a").expect("a sound journal").is_some());
    });
}

#[test]
fn only_the_newest_replies_are_kept() {
    let (_folder, path) = new_file();
    let three = JournalOptions {
        replies_max: 3,
        ..JournalOptions::default()
    };
    let known = |journal: &RedbJournal| -> Vec<u128> {
        (0..10)
            .filter(|n| journal.knows(Uuid::from_u128(*n)))
            .collect()
    };
    incarnation(async {
        let journal = RedbJournal::open(&path, three.clone(), WriterPlace::Thread);
        let journal = journal.expect("a journal");
        for n in 0..10 {
            let version = u64::try_from(n).expect("a small number");
            journal
                .append(commanded("a", version, n))
                .expect("a good append");
        }
        assert_eq!(known(&journal), [7, 8, 9]);
        journal.close().await.expect("a good disk");
    });
    incarnation(async {
        let journal = RedbJournal::open(&path, three, WriterPlace::Thread);
        assert_eq!(known(&journal.expect("a journal")), [7, 8, 9]);
    });
}

#[test]
fn a_closed_file_can_be_opened_at_once() {
    let (_folder, path) = new_file();
    for version in 0..20 {
        incarnation(async {
            let journal = RedbJournal::open(&path, JournalOptions::default(), WriterPlace::Thread);
            let journal = journal.expect("the last writer has let go of it");
            journal
                .append(one_event("a", version))
                .expect("a good append");
            journal.close().await.expect("a good disk");
        });
    }
}
