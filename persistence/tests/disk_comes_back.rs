//! A disk that fails stops the journal; when it is back the journal goes on, in the same process,
//! with everything that it acknowledged, and with nothing that it took back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::common::{COMMIT, commanded, incarnation, log, one_event, settle, snapshot, version};
use crate::only_what_is_durable_is_shown::{
    changed_everywhere, marked, memory, small, timed, with,
};
use futures::FutureExt;
use mercato_persistence::simulated_disk::{CutMode, Fault, SimulatedDisk};
use mercato_persistence::{
    AppendError, Journal, JournalOptions, Mark, Position, RedbJournal, StorageBackend, WrongEpoch,
};
use parking_lot::Mutex;
use uuid::Uuid;

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

/// Catches: a return that is told before the disk is back, or never, be it to somebody who looked while it was
/// away; and one that is told again to whoever has seen it.
#[test]
fn whoever_waits_for_a_later_epoch_is_told_when_it_begins() {
    let disk = SimulatedDisk::new(1);
    incarnation(async {
        let journal = on(&disk);
        settle(&journal, one_event("a", 0)).await;
        let before = journal.epoch();
        let mut back = journal.until_writable_after(before);
        assert!((&mut back).now_or_never().is_none(), "nothing has happened");
        refuse_writes(&disk);
        journal.append(one_event("a", 1)).expect("it waits");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(journal.failure().is_some());
        assert!((&mut back).now_or_never().is_none(), "it is not back yet");
        let since_it_failed = journal.until_writable_after(journal.epoch());
        disk.heal();
        back.await.expect("it is back");
        since_it_failed
            .now_or_never()
            .expect("for them too")
            .expect("it is back");
        assert_eq!(journal.failure(), None);
        let late = journal.until_writable_after(before);
        late.now_or_never()
            .expect("it is over")
            .expect("it is back");
        let next = journal.until_writable_after(journal.epoch());
        let (told, closed) = tokio::join!(next, journal.close());
        closed.expect("a good disk");
        told.expect_err("there will be none");
    });
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
        self.cut_leaving(CutMode::DropAll);
    }

    fn cut_leaving(&self, mode: CutMode) {
        let mut disk = self.0.lock();
        let found = disk.power_cycle(mode);
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

/// Catches: followers who pass over what the disk took in a commit that failed, since memory never had it.
#[test]
fn what_the_disk_took_in_a_commit_that_failed_is_followed_as_well() {
    let slot = Slot::new(1);
    incarnation(async {
        let journal = slot.journal(JournalOptions::default());
        settle(&journal, one_event("a", 0)).await;
        assert_eq!(log(&journal).len(), 1);
        settle(&journal, one_event("a", 1)).await;
        let operations = || slot.0.lock().operations();
        let before = operations();
        settle(&journal, one_event("a", 2)).await;
        // The power goes with the last operation of a commit, its sync, and all of it is found.
        let operation = 2 * operations() - before;
        slot.0.lock().inject(Fault::PowerCutAt { operation });
        let lost = journal.append(one_event("a", 3)).expect("it waits");
        let failed = journal.until_durable(lost.position).await;
        failed.expect_err("it was not synced");
        slot.cut_leaving(CutMode::KeepAll);
        journal.until_writable().await.expect("the disk is back");
        assert_eq!(version(&journal, "a"), 4, "it is there");
        settle(&journal, one_event("a", 4)).await;
        let positions = |from| -> Vec<u64> {
            let read = journal.read(Position::new(from), 9).expect("it reads");
            read.iter().map(|it| it.position.get()).collect()
        };
        for from in 0..5 {
            assert_eq!(positions(from), (from + 1..=5).collect::<Vec<_>>());
        }
        let stream = journal.read_stream("a", 0).expect("it reads");
        assert_eq!(stream.len(), 5);
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
