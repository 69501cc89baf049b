//! From a disk's failure to its return a journal tells what is durable, and nothing that it took back.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mercato_persistence::simulated_disk::{Fault, SimulatedDisk};
use mercato_persistence::{
    Append, Journal, JournalOptions, Mark, Position, RedbJournal, StorageBackend, TimerChange,
    Vault,
};
use uuid::Uuid;

use crate::common::{Pace, commanded, incarnation, log, one_event, settle, snapshot, version};

pub(crate) fn with<B: StorageBackend>(
    disk: impl Fn() -> io::Result<B> + Send + Sync + 'static,
    options: JournalOptions,
) -> RedbJournal {
    let vault = Arc::new(Vault::in_memory().expect("memory"));
    RedbJournal::with_disk(disk, vault, options, Pace::default().writer()).expect("a sound disk")
}

/// Everything that a journal tells, but for the numbers of its epoch.
fn view(journal: &RedbJournal) -> String {
    let streams = ["a", "b", "c", "d", "cold", "new"];
    let of_streams = streams.map(|stream| {
        let read = journal.read_stream(stream, 0).expect("it can be read");
        // A snapshot only saves time, and the one before it may be gone.
        let snapshot = journal.snapshot(stream).expect("it can be read");
        assert!(snapshot.is_none_or(|snapshot| snapshot.position <= journal.durable()));
        format!("{stream} {} {read:?}", version(journal, stream))
    });
    let replies: Vec<_> = (0..20)
        .map(Uuid::from_u128)
        .map(|id| {
            (
                journal.knows(id),
                journal.first_reply(id).expect("it can be read"),
            )
        })
        .collect();
    let recent = journal.recent_streams("", 99).expect("it can be read");
    let lines = [
        of_streams.join("\n"),
        format!("{replies:?}\n{recent:?}\n{:?}", log(journal)),
        memory(journal),
    ];
    lines.join("\n")
}

/// Names the first thing that differs.
fn check_same(journal: &RedbJournal, before: &str) {
    for (now, before) in view(journal).lines().zip(before.lines()) {
        assert_eq!(now, before);
    }
}

/// What a journal tells of what is in its memory alone.
pub(crate) fn memory(journal: &RedbJournal) -> String {
    format!(
        "{:?} {:?} {:?} {:?} {}",
        journal.open_streams(""),
        journal.next_timer_ms(),
        journal.cursor("reader"),
        journal.cursor("other"),
        journal.durable(),
    )
}

pub(crate) fn timed(append: Append, timers: &[(&str, Option<u64>)]) -> Append {
    let change = |(name, due): &(&str, Option<u64>)| match due {
        Some(due_at_ms) => TimerChange::Set {
            name: (*name).into(),
            due_at_ms: *due_at_ms,
            payload: Vec::new(),
        },
        None => TimerChange::Clear {
            name: (*name).into(),
        },
    };
    let timers = timers.iter().map(change).collect();
    Append { timers, ..append }
}

pub(crate) fn marked(append: Append, mark: Mark) -> Append {
    Append {
        mark: Some(mark),
        ..append
    }
}

/// A journal with something of every kind, durable, and then changes to all of it that wait.
pub(crate) async fn changed_everywhere(journal: &RedbJournal) -> String {
    settle(journal, one_event("cold", 0)).await;
    // From here on somebody follows, and memory holds the end of the log.
    assert_eq!(log(journal).len(), 1);
    for n in 0..6 {
        settle(journal, commanded("a", n, n.into())).await;
    }
    settle(journal, marked(one_event("b", 0), Mark::Open)).await;
    settle(journal, marked(one_event("c", 0), Mark::Open)).await;
    journal.set_cursor("reader", Position::new(3), Position::START);
    settle(
        journal,
        timed(one_event("d", 0), &[("x", Some(50)), ("y", Some(60))]),
    )
    .await;
    journal.offer_snapshot(snapshot("a", 6, Position::new(7)));
    settle(journal, one_event("a", 6)).await;
    let before = view(journal);

    let append = |append| journal.append(append).expect("it waits").position;
    append(commanded("a", 7, 10));
    append(marked(commanded("b", 1, 11), Mark::Closed));
    append(marked(one_event("b", 2), Mark::Open));
    append(marked(one_event("b", 3), Mark::Closed));
    append(marked(one_event("new", 0), Mark::Open));
    append(timed(one_event("d", 1), &[("x", Some(5)), ("z", Some(1))]));
    append(timed(
        one_event("d", 2),
        &[("x", None), ("x", Some(2)), ("y", None)],
    ));
    append(one_event("cold", 1));
    journal.offer_snapshot(snapshot("a", 8, Position::new(13)));
    journal.set_cursor("reader", Position::new(9), Position::new(14));
    journal.set_cursor("other", Position::new(9), Position::START);
    assert_ne!(view(journal), before, "what waits is shown");
    before
}

/// Heads are written as soon as they can be, those of the commit that fails included.
pub(crate) fn small() -> JournalOptions {
    JournalOptions {
        replies_max: 100,
        tail_records_max: 1,
        streams_in_memory_max: 2,
        cache_bytes: 0,
        ..JournalOptions::default()
    }
}

/// Catches: parts of a commit that failed, and of what waited behind it, that are shown as if they
/// had been: marks, timers, cursors, heads, replies, snapshots.
#[test]
fn from_the_failure_to_the_return_what_is_durable_is_shown_and_nothing_else() {
    type Failure = fn(u64) -> Fault;
    let write: Failure = |operation| Fault::WriteErrorAt { operation };
    let sync: Failure = |operation| Fault::SyncErrorAt { operation };
    // Before anything of the commit is on the disk, in the middle of it, and at its end.
    for (fault, after) in [(write, 1), (write, 2), (write, 4), (sync, 1)] {
        let disk = SimulatedDisk::new(1);
        incarnation(async {
            let journal = {
                let disk = disk.clone();
                with(move || Ok(disk.clone()), small())
            };
            let before = changed_everywhere(&journal).await;
            let durable = journal.durable();
            disk.inject(fault(disk.operations() + after));
            let minute = Duration::from_secs(60);
            let failed = tokio::time::timeout(minute, journal.until_durable(Position::new(99)));
            failed
                .await
                .expect("the commit met the fault")
                .expect_err("the disk failed");
            check_same(&journal, &before);
            // What is noted now is not shown either: nothing of it is written.
            journal.set_cursor("reader", Position::new(10), Position::START);
            check_same(&journal, &before);
            assert!(journal.timers_due(u64::MAX, 9).is_empty());
            disk.heal();
            journal.until_writable().await.expect("the disk is back");
            assert_eq!(journal.durable(), durable, "nothing of it was written");
            check_same(&journal, &before);
            settle(&journal, one_event("new", 0)).await;
        });
    }
}
