//! What nobody waits for any more is not handled, and whoever still waits is answered at once.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use mercato_supervisor::{
    DeadLetter, DeadReason, InHand, Intensity, Mailbox, MailboxOptions, Restart, RootState,
    SendError, Strategy, Tag, Worker, WorkerOptions, supervisor_child, worker_child,
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

/// Catches: callers of a tree that has given up who wait for their deadlines.
#[tokio::test(start_paused = true)]
async fn a_tree_that_is_down_answers_at_once() {
    let (log, notices) = (Log::default(), Log::default());
    let (a, first) = probe("a", &log);
    let (b, second) = probe("b", &log);
    let second = second.shutdown_grace(Duration::from_millis(10));
    let mut nested = root(Strategy::OneForOne, [second]);
    nested.name = "nested".into();
    let mut spec = root(Strategy::OneForOne, [supervisor_child(nested), first]);
    spec.intensity = Intensity {
        restarts_max: 0,
        ..Intensity::default()
    };
    let tree = start(spec, &notices).await.unwrap();
    b.try_send(Tell::Stall).unwrap();
    b.try_send_with(Tag::key(3), Tell::Note(3)).unwrap();
    a.try_send(Tell::Panic).unwrap();
    a.try_send(Tell::Note(1)).unwrap();
    a.send_control(Tell::Note(2)).unwrap();
    let waiting = tokio::spawn({
        let a = a.clone();
        async move {
            loop {
                a.send(Tell::Note(9)).await?;
            }
            #[allow(unreachable_code, reason = "it names the error")]
            Ok::<(), SendError<Tell>>(())
        }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(matches!(tree.health().state, RootState::Down { .. }));
    let ended = waiting.now_or_never();
    assert!(
        matches!(ended, Some(Ok(Err(SendError::Closed(_))))),
        "at once"
    );
    let lines = log.take();
    assert_eq!(
        lines[..4],
        [
            "a 2",
            "b lost Note(3): Down",
            "a lost Panic: Down",
            "a lost Note(1): Down"
        ]
    );
    assert!(a.is_closed() && b.is_closed() && a.is_empty() && b.is_empty());
    assert!(matches!(
        a.try_send(Tell::Note(4)),
        Err(SendError::Closed(_))
    ));
    assert!(matches!(
        a.send(Tell::Note(4)).await,
        Err(SendError::Closed(_))
    ));
    assert!(matches!(
        a.send_control(Tell::Note(4)),
        Err(SendError::Closed(_))
    ));
    let dead = b.dead_letters();
    assert_eq!((dead.down, dead.total()), (1, 1));
    assert_eq!(dead.latest[0].key, Some(3));
    let lost = lines.iter().filter(|line| line.starts_with("a lost"));
    assert_eq!(a.dead_letters().down, lost.count() as u64);
    tree.stop().await;
}

/// Catches: a child that is not restarted and leaves its callers waiting.
#[tokio::test(start_paused = true)]
async fn a_child_that_is_gone_for_good_answers_for_its_messages() {
    let log = Log::default();
    let (a, first) = probe("a", &log);
    let spec = root(Strategy::OneForOne, [first.restart(Restart::Temporary)]);
    let tree = start(spec, &Log::default()).await.unwrap();
    a.try_send(Tell::Panic).unwrap();
    a.try_send(Tell::Note(1)).unwrap();
    settle().await;
    assert_eq!(log.take(), ["a lost Panic: Ended", "a lost Note(1): Ended"]);
    assert_eq!(a.dead_letters().ended, 2);
    tree.stop().await;
}

/// Catches: messages that a stop leaves behind without a word, and healthy ones that it drops.
#[tokio::test(start_paused = true)]
async fn what_a_stop_cannot_work_off_is_answered_for() {
    let log = Log::default();
    let (a, first) = probe("a", &log);
    let (b, second) = probe("b", &log);
    let mut spec = root(Strategy::OneForOne, [first, second]);
    spec.intensity.restarts_max = 1;
    let tree = start(spec, &Log::default()).await.unwrap();
    b.try_send(Tell::Note(1)).unwrap();
    a.try_send(Tell::Unready).unwrap();
    a.try_send(Tell::Note(2)).unwrap();
    // Every incarnation that works it off panics before the next message.
    a.try_send(Tell::Unready).unwrap();
    a.try_send(Tell::Note(3)).unwrap();
    a.try_send(Tell::Unready).unwrap();
    a.try_send(Tell::Note(4)).unwrap();
    tree.stop().await;
    assert_eq!(
        log.take(),
        [
            "b 1",
            "a 2",
            "a lost Note(3): Stopped",
            "a lost Unready: Stopped",
            "a lost Note(4): Stopped"
        ]
    );
    assert_eq!(a.dead_letters().stopped, 3);
    assert_eq!(b.dead_letters().total(), 0);
}

/// Catches: a taker of dead letters that brings down whom it happens to.
#[tokio::test(start_paused = true)]
async fn a_taker_of_dead_letters_that_panics_harms_nobody() {
    struct Noter(Log);
    impl Worker for Noter {
        type Message = u32;
        fn handle(&mut self, message: &mut InHand<'_, u32>) {
            self.0.push(message.to_string());
        }
    }
    let log = Log::default();
    let mailbox = Mailbox::with_dead_letters(
        MailboxOptions::default(),
        || SECOND,
        |_, n: u32| panic!("over {n}"),
    );
    let factory = {
        let log = log.clone();
        move || Ok(Noter(log.clone()))
    };
    let options = WorkerOptions::default();
    let worker = worker_child("a", mailbox.clone(), options, factory, |_, _, _| {});
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    for n in 0..3 {
        mailbox.try_send_with(until(n), n).unwrap();
    }
    settle().await;
    assert_eq!(log.take(), ["2"]);
    assert_eq!(mailbox.dead_letters().expired, 2);
    assert_eq!(child(&tree, "root/a").restarts, 0);
    tree.stop().await;
}

/// Catches: a list of dead letters that is kept although none was asked for.
#[test]
fn dead_letters_are_counted_even_where_none_are_kept() {
    let options = MailboxOptions {
        capacity: NonZeroUsize::MIN,
        dead_letters_max: 0,
        ..MailboxOptions::default()
    };
    let mailbox = Mailbox::new(options, || SECOND);
    for n in 0..5 {
        mailbox.try_send_with(until(1), n).unwrap();
    }
    let dead = mailbox.dead_letters();
    assert_eq!((dead.expired, dead.latest.len()), (4, 0));
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
