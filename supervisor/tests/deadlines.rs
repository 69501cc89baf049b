//! What nobody waits for any more is not handled, and makes room for the living.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use mercato_supervisor::{
    DeadLetter, DeadReason, Mailbox, MailboxOptions, SendError, Strategy, Tag, WorkerOptions,
};

use crate::common::{Log, Tell, child, probe, probe_with, root, settle, start};

const SECOND: Duration = Duration::from_secs(1);

fn until(seconds: u32) -> Tag {
    Tag::default().until(SECOND * seconds)
}

/// A mailbox of this capacity, its clock in seconds, and what became of dead letters.
fn timed(capacity: usize) -> (Mailbox<u32>, Arc<AtomicU64>, Log) {
    let seconds = Arc::new(AtomicU64::new(0));
    let (clock, log) = (seconds.clone(), Log::default());
    let sink = log.clone();
    let mailbox = Mailbox::with_dead_letters(
        MailboxOptions {
            capacity: NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN),
            dead_letters_max: 3,
            ..MailboxOptions::default()
        },
        move || Duration::from_secs(clock.load(Ordering::Relaxed)),
        move |letter: DeadLetter, n| sink.push(format!("{n} {:?}", letter.reason)),
    );
    (mailbox, seconds, log)
}

/// Catches: a message that runs although its deadline has passed, and one dropped a moment early.
#[tokio::test(start_paused = true)]
async fn what_is_too_late_is_dropped_before_it_runs() {
    let log = Log::default();
    let (mailbox, worker) = probe("a", &log);
    mailbox.try_send_with(until(5), Tell::Panic).unwrap();
    mailbox.try_send_with(until(6), Tell::Note(2)).unwrap();
    mailbox.try_send(Tell::Note(3)).unwrap();
    tokio::time::sleep(5 * SECOND).await;
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    settle().await;
    assert_eq!(log.take(), ["a lost Panic: Expired", "a 2", "a 3"]);
    let dead = mailbox.dead_letters();
    assert_eq!((dead.expired, dead.total()), (1, 1));
    assert_eq!(
        dead.latest,
        [DeadLetter {
            at: 5 * SECOND,
            key: None,
            attempts: 0,
            reason: DeadReason::Expired
        }]
    );
    assert!(mailbox.is_empty());
    assert_eq!(child(&tree, "root/a").restarts, 0);
    tree.stop().await;
}

/// Catches: a message that is tried again although its deadline passed while its worker was down,
/// and attempts that are not told.
#[tokio::test(start_paused = true)]
async fn a_message_that_crashed_its_worker_is_not_tried_again_too_late() {
    let log = Log::default();
    let (mailbox, worker) = probe("a", &log);
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    let tag = Tag::key(7).until(Duration::from_millis(40));
    mailbox.try_send_with(tag, Tell::PanicBefore(3)).unwrap();
    tokio::time::sleep(SECOND).await;
    assert_eq!(
        log.take(),
        ["a lost PanicBefore(3): Expired"],
        "its third try would have been after 50 ms"
    );
    let letter = mailbox.dead_letters().latest[0];
    assert_eq!((letter.key, letter.attempts), (Some(7), 2));
    tree.stop().await;
}

/// Catches: refusing the living while the dead hold the places, and shedding the living.
#[test]
fn a_full_mailbox_sheds_what_is_too_late_first() {
    let (mailbox, clock, dead) = timed(4);
    mailbox.try_send_with(until(9), 0).unwrap();
    mailbox.try_send_with(until(2), 1).unwrap();
    mailbox.try_send(2).unwrap();
    mailbox.try_send_with(until(1), 3).unwrap();
    assert!(matches!(
        mailbox.try_send(4),
        Err(SendError::Overloaded { message: 4, .. })
    ));
    assert_eq!(dead.take(), [""; 0], "nothing is late yet");
    clock.store(1, Ordering::Relaxed);
    mailbox.try_send(5).unwrap();
    assert_eq!(dead.take(), ["3 Expired"]);
    assert!(mailbox.try_send(6).is_err(), "there was one place");
    clock.store(3, Ordering::Relaxed);
    mailbox.try_send_with(until(20), 7).unwrap();
    assert_eq!(dead.take(), ["1 Expired"]);
    clock.store(9, Ordering::Relaxed);
    mailbox.try_send_with(until(10), 8).unwrap();
    assert_eq!(dead.take(), ["0 Expired"]);
    clock.store(30, Ordering::Relaxed);
    mailbox.try_send(9).unwrap();
    mailbox.try_send(10).unwrap();
    assert_eq!(
        dead.take(),
        ["8 Expired", "7 Expired"],
        "the earliest first"
    );
    assert_eq!(mailbox.take_rest(), [2, 5, 9, 10]);
    let letters = mailbox.dead_letters();
    assert_eq!(letters.expired, 5);
    assert_eq!(letters.latest.len(), 3, "of which the latest are kept");
    assert_eq!(letters.latest[0].at, 9 * SECOND);
}

/// Catches: room made by shedding that goes to who came last.
#[test]
fn the_room_of_what_is_too_late_goes_to_those_who_wait_first() {
    let (mailbox, clock, dead) = timed(1);
    mailbox.try_send_with(until(1), 0).unwrap();
    let mut waiter = Box::pin(mailbox.send(1));
    assert!(waiter.as_mut().now_or_never().is_none());
    clock.store(1, Ordering::Relaxed);
    assert!(mailbox.try_send(2).is_err());
    assert_eq!(dead.take(), ["0 Expired"]);
    assert!(matches!(waiter.now_or_never(), Some(Ok(()))));
    assert_eq!(mailbox.take_rest(), [1]);
}

/// Catches: waits of a batch that a probe's options do not follow.
#[tokio::test(start_paused = true)]
async fn a_whole_batch_that_is_too_late_costs_no_turn() {
    let log = Log::default();
    let options = MailboxOptions::default();
    let (mailbox, worker) = probe_with("a", &log, options, WorkerOptions::default(), |_| Ok(()));
    for _ in 0..200 {
        mailbox.try_send_with(until(1), Tell::Panic).unwrap();
    }
    mailbox.try_send(Tell::Note(1)).unwrap();
    tokio::time::sleep(SECOND).await;
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    settle().await;
    assert_eq!(mailbox.dead_letters().expired, 200);
    assert_eq!(log.take().last().map(String::as_str), Some("a 1"));
    tree.stop().await;
}
