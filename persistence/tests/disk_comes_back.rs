//! A disk that fails stops the journal; when it is back the journal goes on, in the same process,
//! with everything that it acknowledged.

#![allow(clippy::expect_used, reason = "helpers of tests, which may")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Pace, commanded, incarnation, log, one_event, settle, version};
use mercato_persistence::simulated_disk::{Fault, SimulatedDisk};
use mercato_persistence::{AppendError, Journal, JournalOptions, Position, RedbJournal, Vault};

fn on(disk: &SimulatedDisk) -> RedbJournal {
    let disk = disk.clone();
    RedbJournal::with_disk(
        move || Ok(disk.clone()),
        Arc::new(Vault::in_memory().expect("memory")),
        JournalOptions::default(),
        Pace::default().writer(),
    )
    .expect("a sound disk")
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
        assert_eq!(found == 11, journal.knows(uuid::Uuid::from_u128(10)));
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
        disk.inject(Fault::WriteErrorAt {
            operation: disk.operations() + 1,
        });
        let lost = journal.append(one_event("a", 1)).expect("it waits");
        journal
            .until_durable(lost.position)
            .await
            .expect_err("the disk failed");
        journal.close().await.expect_err("not all was written");
        journal.until_writable().await.expect_err("it is closed");
    });
}
