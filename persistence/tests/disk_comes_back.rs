//! A disk that fails stops the journal; when it is back the journal goes on, in the same process,
//! with everything that it acknowledged, and with nothing that it took back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::common::{
    COMMIT, Pace, commanded, incarnation, log, one_event, settle, snapshot, version,
};
use mercato_persistence::simulated_disk::{CutMode, Fault, SimulatedDisk};
use mercato_persistence::{
    Append, AppendError, Journal, JournalOptions, Mark, Position, RedbJournal, StorageBackend,
    TimerChange, Vault, WrongEpoch,
};
use parking_lot::Mutex;
use uuid::Uuid;

fn with<B: StorageBackend>(
    disk: impl Fn() -> io::Result<B> + Send + Sync + 'static,
    options: JournalOptions,
) -> RedbJournal {
    let vault = Arc::new(Vault::in_memory().expect("memory"));
    RedbJournal::with_disk(disk, vault, options, Pace::default().writer()).expect("a sound disk")
}

fn on(disk: &SimulatedDisk) -> RedbJournal {
    let disk = disk.clone();
    with(move || Ok(disk.clone()), JournalOptions::default())
}

fn refuse_writes(disk: &SimulatedDisk) {
    disk.inject(Fault::WriteErrorAt {
        operation: disk.operations() + 1,
    });
}

/// Loses what waits, and comes back.
async fn fail_and_return(journal: &RedbJournal, disk: &SimulatedDisk) {
    refuse_writes(disk);
    while journal.failure().is_none() {
        tokio::time::sleep(COMMIT).await;
    }
    disk.heal();
    journal.until_writable().await.expect("the disk is back");
}

/// Acknowledges ten appends, lets the disk fail under an eleventh, and sees the journal go on once
/// the disk is back.
fn check_goes_on(fault: impl Fn(&SimulatedDisk) -> Fault) {
    let disk = SimulatedDisk::new(1);
    incarnation(async {
        let journal = on(&disk);
        for n in 0..10 {
            settle(&journal, commanded("a", n, n.into())).await;
        }
        disk.inject(fault(&disk));
        let lost = journal.append(commanded("a", 10, 10)).expect("it waits");
        let failed = journal.until_durable(lost.position).await;
        let failed = failed.expect_err("the disk failed");
        let refused = journal.append(one_event("b", 0));
        assert_eq!(refused, Err(AppendError::Failed(failed)));
        assert_eq!(log(&journal).len(), 10, "what is durable can be read");
        let epoch = journal.epoch();

        // For a while nothing changes; then the disk is back.
        let early = tokio::time::timeout(Duration::from_secs(60), journal.until_writable());
        if !matches!(fault(&disk), Fault::SyncErrorAt { .. }) {
            assert!(early.await.is_err(), "it cannot go on yet");
            disk.heal();
        }
        journal.until_writable().await.expect("the disk is back");
        assert_eq!(journal.failure(), None);
        assert!(journal.epoch() > epoch, "states must be loaded again");

        // The lost append may have reached the disk or not; its command tells which.
        let found = version(&journal, "a");
        assert_eq!(found == 11, journal.knows(Uuid::from_u128(10)));
        assert!((10..=11).contains(&found), "{found}");
        settle(&journal, one_event("a", found)).await;
        assert_eq!(journal.durable(), Position::new(found + 1));
        journal.close().await.expect("a good disk");
    });
    incarnation(async {
        let journal = on(&disk);
        let log = log(&journal);
        assert!(log.len() >= 11, "{}", log.len());
        assert_eq!(version(&journal, "a"), log.len() as u64);
    });
}

#[test]
fn after_write_errors() {
    check_goes_on(|disk| Fault::WriteErrorAt {
        operation: disk.operations() + 1,
    });
}

/// Catches: going on with what the system's cache shows after a sync that failed.
#[test]
fn after_a_sync_error_that_dropped_what_was_written() {
    check_goes_on(|disk| Fault::SyncErrorAt {
        operation: disk.operations() + 1,
    });
}

#[test]
fn after_the_disk_was_full() {
    check_goes_on(|_| Fault::FullAt { bytes: 16 << 10 });
}

/// Catches: a journal that hangs its callers, or never lets go, where the disk stays away.
#[test]
fn a_journal_can_be_closed_while_its_disk_is_away() {
    let disk = SimulatedDisk::new(1);
    incarnation(async {
        let journal = on(&disk);
        settle(&journal, one_event("a", 0)).await;
        refuse_writes(&disk);
        let lost = journal.append(one_event("a", 1)).expect("it waits");
        journal
            .until_durable(lost.position)
            .await
            .expect_err("the disk failed");
        journal.close().await.expect_err("not all was written");
        journal.until_writable().await.expect_err("it is closed");
    });
}

/// Catches: an acknowledgement by another append that came to stand in the place of a lost one, and
/// an append, a cursor or a snapshot that follows from what was lost and is kept all the same.
#[test]
fn what_follows_from_a_lost_append_is_refused() {
    let disk = SimulatedDisk::new(1);
    incarnation(async {
        let journal = on(&disk);
        settle(&journal, one_event("a", 0)).await;
        let lost = journal.append(one_event("a", 1)).expect("it waits");
        assert_eq!((lost.epoch, lost.position), (0, Position::new(2)));
        fail_and_return(&journal, &disk).await;
        for n in 0..5 {
            settle(&journal, one_event("b", n)).await;
        }

        let over = journal.until_durable_in(lost.epoch, lost.position).await;
        over.expect_err("`b` stands there");
        let kept = journal.until_durable_in(lost.epoch, Position::new(1)).await;
        kept.expect("it was durable then");
        let refused = WrongEpoch {
            expected: lost.epoch,
            actual: journal.epoch(),
        };
        // The stream is at the expected version all right.
        assert_eq!(
            journal.append_in(lost.epoch, one_event("a", 1)),
            Err(AppendError::WrongEpoch(refused))
        );
        assert_eq!(
            journal.set_cursor_in(lost.epoch, "reader", Position::new(2), lost.position),
            Err(refused)
        );
        journal.offer_snapshot_in(lost.epoch, snapshot("a", 2, lost.position));
        settle(&journal, one_event("b", 5)).await;
        assert_eq!(journal.cursor("reader"), Position::START);
        assert_eq!(journal.snapshot("a").expect("it can be read"), None);

        let epoch = journal.epoch();
        let again = journal.append_in(epoch, one_event("a", 1)).expect("of now");
        let durable = journal.until_durable_in(epoch, again.position).await;
        durable.expect("a good disk");
    });
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
fn memory(journal: &RedbJournal) -> String {
    format!(
        "{:?} {:?} {:?} {:?} {}",
        journal.open_streams(""),
        journal.next_timer_ms(),
        journal.cursor("reader"),
        journal.cursor("other"),
        journal.durable(),
    )
}

fn timed(append: Append, timers: &[(&str, Option<u64>)]) -> Append {
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

fn marked(append: Append, mark: Mark) -> Append {
    Append {
        mark: Some(mark),
        ..append
    }
}

/// A journal with something of every kind, durable, and then changes to all of it that wait.
async fn changed_everywhere(journal: &RedbJournal) -> String {
    settle(journal, one_event("cold", 0)).await;
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
fn small() -> JournalOptions {
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

/// A disk that is exchanged for what the power left of it.
#[derive(Clone)]
struct Slot(Arc<Mutex<SimulatedDisk>>);

impl Slot {
    fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(SimulatedDisk::new(seed))))
    }

    fn journal(&self, options: JournalOptions) -> RedbJournal {
        let slot = self.clone();
        with(move || Ok(slot.0.lock().clone()), options)
    }

    /// From now on the disk in use answers nothing, and is found as this when it is opened anew.
    fn cut(&self) {
        let mut disk = self.0.lock();
        let found = disk.power_cycle(CutMode::DropAll);
        *disk = found;
    }
}

/// Catches: a journal that knows nothing more, or forgets what is unfinished, because its disk
/// cannot even be read.
#[test]
fn what_is_unfinished_is_known_without_the_disk() {
    let slot = Slot::new(1);
    incarnation(async {
        let journal = slot.journal(small());
        changed_everywhere(&journal).await;
        journal
            .until_durable(Position::new(19))
            .await
            .expect("a good disk");
        let before = memory(&journal);
        slot.cut();
        // Where it has to be looked up it is refused at once.
        let _ = journal.append(marked(one_event("e", 0), Mark::Open));
        while journal.failure().is_none() {
            tokio::time::sleep(COMMIT).await;
        }
        assert_eq!(memory(&journal), before);
        assert!(journal.knows(Uuid::from_u128(11)));
        journal.until_writable().await.expect("the disk is back");
        assert_eq!(memory(&journal), before);
    });
}

/// Catches: a disk that cannot be read any more and is believed to be well, because nothing is
/// written; and a failure that is told as damage, for which there would be no return.
#[test]
fn a_disk_that_cannot_be_read_stops_the_journal_until_it_is_back() {
    let slot = Slot::new(1);
    incarnation(async {
        let journal = slot.journal(small());
        for n in 0..20 {
            settle(&journal, one_event(&format!("s{n}"), 0)).await;
        }
        slot.cut();
        let cold = journal.append(one_event("s0", 1));
        assert!(
            matches!(&cold, Err(AppendError::Failed(_))),
            "it is not the stream that is at fault: {cold:?}"
        );
        assert!(journal.failure().is_some(), "it says so at once");
        let unread = journal.read_stream("s1", 0).expect_err("no disk");
        assert!(unread.is_away(), "{unread}");

        journal.until_writable().await.expect("the disk is back");
        assert_eq!(log(&journal).len(), 20);
        settle(&journal, one_event("s0", 1)).await;
        assert_eq!(version(&journal, "s1"), 1);
    });
}

/// A disk of which some reads fail.
struct Flaky {
    disk: SimulatedDisk,
    plan: Arc<Plan>,
}

#[derive(Default)]
struct Plan {
    /// How many reads succeed before one fails, again and again.
    every: AtomicU64,
    /// How many do before the next one fails.
    left: AtomicU64,
    /// How many are yet to fail.
    failures: AtomicU64,
}

impl Plan {
    fn fails(&self) -> bool {
        if self.failures.load(Ordering::SeqCst) == 0 {
            return false;
        }
        let left = self.left.load(Ordering::SeqCst);
        if left > 0 {
            self.left.store(left - 1, Ordering::SeqCst);
            return false;
        }
        self.left
            .store(self.every.load(Ordering::SeqCst), Ordering::SeqCst);
        self.failures.fetch_sub(1, Ordering::SeqCst);
        true
    }
}

impl std::fmt::Debug for Flaky {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Flaky")
    }
}

impl StorageBackend for Flaky {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.plan.fails() {
            return Err(io::Error::other("not now"));
        }
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.write(offset, data)
    }
}

/// Catches: reads that fail while the journal is opened anew and are taken for damage, so that the
/// journal gives up on a disk that is sound.
#[test]
fn a_disk_that_stumbles_on_its_way_back_is_tried_again() {
    const STUMBLES: u64 = 3;
    let disk = SimulatedDisk::new(1);
    let plan = Arc::new(Plan::default());
    incarnation(async {
        let journal = {
            let (disk, plan) = (disk.clone(), plan.clone());
            let disk = move || {
                let (disk, plan) = (disk.clone(), plan.clone());
                Ok(Flaky { disk, plan })
            };
            with(disk, small())
        };
        let mut met = 0;
        for reads in 0..60 {
            settle(&journal, commanded("a", reads, reads.into())).await;
            refuse_writes(&disk);
            journal.append(one_event("b", 0)).expect("it waits");
            while journal.failure().is_none() {
                tokio::time::sleep(COMMIT).await;
            }
            plan.every.store(reads, Ordering::SeqCst);
            plan.left.store(reads, Ordering::SeqCst);
            plan.failures.store(STUMBLES, Ordering::SeqCst);
            disk.heal();
            journal.until_writable().await.expect("the disk is back");
            met += STUMBLES - plan.failures.swap(0, Ordering::SeqCst);
        }
        assert!(met > 20 * STUMBLES, "only {met} reads failed");
        assert_eq!(log(&journal).len(), 60);
    });
}

/// Catches: going on with a disk that lost what was acknowledged.
#[test]
fn a_disk_that_comes_back_without_what_was_acknowledged_is_refused() {
    let disk = SimulatedDisk::new(1);
    let exchanged = Arc::new(AtomicBool::new(false));
    incarnation(async {
        let journal = {
            let (disk, exchanged) = (disk.clone(), exchanged.clone());
            let disk = move || {
                let empty = exchanged.load(Ordering::SeqCst);
                Ok(if empty {
                    SimulatedDisk::new(2)
                } else {
                    disk.clone()
                })
            };
            with(disk, JournalOptions::default())
        };
        settle(&journal, one_event("a", 0)).await;
        refuse_writes(&disk);
        journal.append(one_event("a", 1)).expect("it waits");
        while journal.failure().is_none() {
            tokio::time::sleep(COMMIT).await;
        }
        exchanged.store(true, Ordering::SeqCst);
        disk.heal();
        let refused = journal.until_writable().await.expect_err("another disk");
        assert!(refused.to_string().contains("damaged"), "{refused}");
        journal.close().await.expect_err("it gave up");
    });
}

/// Catches: a hot backup that holds a commit which the disk refused, taken before the writer told.
#[test]
fn a_backup_holds_no_commit_that_failed() {
    let disk = SimulatedDisk::new(1);
    let folder = tempfile::tempdir().expect("a folder");
    incarnation(async {
        let journal = on(&disk);
        settle(&journal, one_event("a", 0)).await;
        refuse_writes(&disk);
        journal.append(one_event("a", 1)).expect("it waits");
        tokio::time::sleep(COMMIT / 2).await;
        assert_eq!(journal.failure(), None, "the writer has not told yet");
        let refused = journal.backup(folder.path().join("copy"));
        refused.expect_err("it would hold what never was");
    });
}

/// Catches: a timer that is kept under another stream's name.
#[test]
fn a_stream_with_a_zero_byte_in_its_name_carries_no_timers() {
    let disk = SimulatedDisk::new(1);
    incarnation(async {
        let journal = on(&disk);
        let refused = journal.append(timed(one_event("a\0b", 0), &[("x", Some(1))]));
        let refused = refused.expect_err("it would be read back as another");
        assert!(
            refused.to_string().contains(r#""a\0b" has a zero byte"#),
            "{refused}"
        );
        settle(&journal, one_event("a\0b", 0)).await;
        settle(&journal, timed(one_event("a", 0), &[("x\0y", Some(1))])).await;
        assert_eq!(&*journal.timers_due(9, 9)[0].name, "x\0y");
    });
}
