//! A snapshot is never durable before the events it sums up, nor a cursor before the appends that
//! its subscriber made. The power is cut after every single sync to see it.

#![allow(clippy::expect_used, reason = "helpers of tests, which may")]

mod common;

use common::{Disk, Pace, boot, incarnation, one_event, settle, snapshot};
use mercato_persistence::{Journal, JournalOptions, Position, RedbJournal};

/// One record a commit, so that there is a cut between any two of them.
fn one_by_one() -> JournalOptions {
    JournalOptions {
        group_bytes_max: 1,
        ..JournalOptions::default()
    }
}

/// Lives once, then looks at what each power cut would have left. Gives how many cuts `holds` saw
/// with the thing there (it must be there at some), and fails where `holds` says so.
fn check_every_cut(
    life: impl FnOnce(&RedbJournal),
    mut holds: impl AsyncFnMut(&RedbJournal) -> bool,
) {
    let disk = Disk::default();
    incarnation(async {
        let journal = boot(disk.clone(), one_by_one());
        life(&journal);
        journal.close().await.expect("a good disk");
    });
    let mut seen = 0;
    // What was synced before the first append is the creation, which a file does under another name.
    for cut in disk.at_syncs() {
        incarnation(async {
            let journal = RedbJournal::with_backend(cut, one_by_one(), Pace::default().writer());
            if let Ok(journal) = journal {
                seen += usize::from(holds(&journal).await);
            }
        });
    }
    assert!(seen > 0, "it never became durable");
}

fn append_five(journal: &RedbJournal) {
    for version in 0..5 {
        journal
            .append(one_event("a", version))
            .expect("a good append");
    }
}

#[test]
fn a_snapshot_waits_for_its_events() {
    check_every_cut(
        |journal| {
            append_five(journal);
            journal.offer_snapshot(snapshot("a", 3, Position::new(3)));
        },
        async |journal| {
            let reached = journal.durable() >= Position::new(3);
            // What takes the place of the lost events must not bring the snapshot to light.
            for version in 0..3 {
                settle(journal, one_event("b", version)).await;
            }
            let there = journal.snapshot("a").expect("a sound journal").is_some();
            assert!(!there || reached);
            there
        },
    );
}

#[test]
fn a_cursor_waits_for_what_was_made_of_what_it_read() {
    check_every_cut(
        |journal| {
            append_five(journal);
            journal.set_cursor("mailer", Position::new(1), Position::new(4));
        },
        async |journal| {
            let there = journal.cursor("mailer") > Position::START;
            assert!(!there || journal.durable() >= Position::new(4));
            there
        },
    );
}

#[test]
fn a_cursor_that_moves_on_still_waits_for_its_earlier_moves() {
    check_every_cut(
        |journal| {
            append_five(journal);
            journal.set_cursor("mailer", Position::new(1), Position::new(4));
            // Nothing followed from the second record.
            journal.set_cursor("mailer", Position::new(2), Position::START);
        },
        async |journal| {
            let there = journal.cursor("mailer") == Position::new(2);
            assert!(!there || journal.durable() >= Position::new(4));
            there
        },
    );
}

#[test]
fn a_cursor_never_goes_back() {
    incarnation(async {
        let journal = boot(Disk::default(), one_by_one());
        append_five(&journal);
        journal.set_cursor("mailer", Position::new(2), Position::START);
        journal.set_cursor("mailer", Position::new(1), Position::START);
        assert_eq!(journal.cursor("mailer"), Position::new(2));
    });
}
