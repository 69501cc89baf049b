//! A snapshot is never durable before the events it sums up, nor a cursor before the appends that
//! its subscriber made, and no command is forgotten before those are durable that crowd it out. The power is cut after every single sync to see it.

use crate::common::{Disk, Pace, boot, commanded, incarnation, one_event, settle, snapshot};
use mercato_persistence::{Journal, JournalOptions, Position, RedbJournal};
use uuid::Uuid;

const REPLIES_MAX: u64 = 20;

/// One record a commit, so that there is a cut between any two of them, and known commands listed
/// in chunks of two.
fn one_by_one() -> JournalOptions {
    JournalOptions {
        group_bytes_max: 1,
        tail_records_max: 8,
        replies_max: usize::try_from(REPLIES_MAX).expect("a small number"),
        ..JournalOptions::default()
    }
}

/// Lives once, then looks at what each power cut would have left. Gives how many cuts `holds` saw
/// with the thing there (it must be there at some), and fails where `holds` says so.
fn check_every_cut(
    life: impl AsyncFnOnce(&RedbJournal),
    mut holds: impl AsyncFnMut(&RedbJournal) -> bool,
) {
    let disk = Disk::default();
    incarnation(async {
        let journal = boot(disk.clone(), one_by_one());
        life(&journal).await;
        journal.close().await.expect("a good disk");
    });
    let (mut seen, mut is_created) = (0, false);
    for cut in disk.at_syncs() {
        incarnation(async {
            let journal = RedbJournal::with_backend(cut, one_by_one(), Pace::default().writer());
            match journal {
                Ok(journal) => {
                    is_created = true;
                    seen += usize::from(holds(&journal).await);
                }
                // What is synced before that a file does under another name.
                Err(error) => assert!(!is_created, "it no longer opens: {error}"),
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
        async |journal| {
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
        async |journal| {
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
        async |journal| {
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

/// Catches: a chunk of known commands that goes with the first commit after appends which are not
/// durable have crowded it out. A cut takes them back, and the commands come again.
#[test]
fn a_command_is_forgotten_only_with_what_crowds_it_out() {
    check_every_cut(
        async |journal| {
            for n in 0..30 {
                settle(journal, commanded("a", n, n.into())).await;
            }
            for n in 30..42 {
                let append = commanded("a", n, n.into());
                journal.append(append).expect("a good append");
            }
        },
        async |journal| {
            let durable = journal.durable().get();
            for n in durable.saturating_sub(REPLIES_MAX)..durable {
                let known = journal.knows(Uuid::from_u128(n.into()));
                assert!(known, "command {n} of {durable} is forgotten");
            }
            durable > 30
        },
    );
}
