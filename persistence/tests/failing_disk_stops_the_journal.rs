//! A commit that the disk refuses ends it: nothing acknowledged is lost, nothing else is kept, and
//! everybody is told.

use crate::common::{
    Disk, Fault, boot, commanded, first_reply, incarnation, log, one_event, reply_to, settle,
    version,
};
use mercato_persistence::{
    Append, AppendError, Journal, JournalOptions, Mark, Position, RedbJournal,
};
use uuid::Uuid;

fn opening(stream: &str, command: u128) -> Append {
    Append {
        mark: Some(Mark::Open),
        timers: Vec::new(),
        ..commanded(stream, 0, command)
    }
}

/// Acknowledges one append, breaks the disk under three more, and looks at what is left.
async fn check_fail_stop(journal: &RedbJournal, disk: &Disk, fault: Fault) {
    settle(journal, commanded("a", 0, 1)).await;
    let acknowledged = log(journal);
    disk.breaks(fault);
    journal.append(commanded("a", 1, 2)).expect("it waits");
    journal.append(opening("b", 3)).expect("it waits");
    let last = journal.append(one_event("a", 2)).expect("it waits");
    let failed = journal.until_durable(last.position).await;
    let failed = failed.expect_err("the disk is broken");

    assert_eq!(journal.failure(), Some(failed.clone()));
    assert_eq!(
        journal.epoch(),
        1,
        "what was built on the lost appends is stale"
    );
    assert_eq!((version(journal, "a"), version(journal, "b")), (1, 0));
    assert_eq!(first_reply(journal, Uuid::from_u128(1)), Some(reply_to(1)));
    assert_eq!(first_reply(journal, Uuid::from_u128(2)), None);
    assert!(journal.open_streams("").is_empty());
    assert_eq!(journal.durable(), Position::new(1));
    assert_eq!(log(journal), acknowledged);
    assert_eq!(
        journal.read_stream("a", 0).expect("it can be read"),
        acknowledged
    );

    let refusal = journal.append(one_event("a", 1));
    assert_eq!(refusal, Err(AppendError::Failed(failed.clone())));
    assert_eq!(journal.until_durable(Position::new(1)).await, Ok(()));
    assert_eq!(
        journal.until_durable(last.position).await,
        Err(failed.clone())
    );
    journal.room().await;
    assert_eq!(journal.close().await, Err(failed));
}

#[test]
fn an_error_of_the_disk() {
    let disk = Disk::default();
    incarnation(async {
        let journal = boot(disk.clone(), JournalOptions::default());
        check_fail_stop(&journal, &disk, Fault::Refuses).await;
    });
}

#[test]
fn a_panic_under_the_journal() {
    let disk = Disk::default();
    incarnation(async {
        let journal = boot(disk.clone(), JournalOptions::default());
        check_fail_stop(&journal, &disk, Fault::Panics).await;
    });
}

#[test]
fn what_was_acknowledged_is_there_once_the_disk_is_back() {
    let disk = Disk::default();
    incarnation(async {
        let journal = boot(disk.clone(), JournalOptions::default());
        check_fail_stop(&journal, &disk, Fault::Refuses).await;
    });
    incarnation(async {
        let journal = boot(disk.after_power_cut(), JournalOptions::default());
        assert_eq!(log(&journal).len(), 1);
        assert_eq!(journal.epoch(), 0);
        settle(&journal, commanded("a", 1, 2)).await;
    });
}

#[test]
fn the_durable_prefix_is_readable_beyond_the_page_cache() {
    let disk = Disk::default();
    let uncached = JournalOptions {
        cache_bytes: 0,
        ..JournalOptions::default()
    };
    incarnation(async {
        let journal = boot(disk.clone(), uncached);
        check_fail_stop(&journal, &disk, Fault::Refuses).await;
    });
}
