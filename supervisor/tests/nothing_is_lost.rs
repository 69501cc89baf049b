//! A panic costs one incarnation; the messages go on, each handled once, the culprit tried again.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mercato_supervisor::{
    ChildState, Depth, InHand, MailboxOptions, Restart, RootState, SendError, Strategy, Worker,
    WorkerOptions, worker_child,
};

use crate::common::{Log, Tell, child, probe, root, settle, start, still_mailbox};

/// Catches: messages in hand that are lost with their worker, or handled again.
#[tokio::test(start_paused = true)]
async fn each_message_is_handled_exactly_once_across_restarts() {
    let log = Log::default();
    let (mailbox, worker) = probe("a", &log);
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    let mut expected = Vec::new();
    for n in 0..1000 {
        if n % 200 == 100 {
            mailbox.send(Tell::PanicBefore(2)).await.unwrap();
            expected.push("a at attempt 2".to_owned());
        }
        mailbox.send(Tell::Note(n)).await.unwrap();
        expected.push(format!("a {n}"));
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(log.take(), expected);
    assert!(mailbox.is_empty());
    assert_eq!(child(&tree, "root/a").restarts, 5);
    tree.stop().await;
}

/// Catches: a poison that is tried for ever, and attempts that are counted against its neighbours.
#[tokio::test(start_paused = true)]
async fn a_poison_message_goes_to_quarantine_and_the_others_go_on() {
    let log = Log::default();
    let (mailbox, worker) = probe("a", &log);
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    for message in [
        Tell::Note(1),
        Tell::Panic,
        Tell::PanicBefore(3),
        Tell::Note(2),
    ] {
        mailbox.try_send(message).unwrap();
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(
        log.take(),
        [
            "a 1",
            "a quarantined Panic after 3: a was told to",
            "a at attempt 3", // The attempts of its neighbour were not counted against it.
            "a 2",
        ]
    );
    assert_eq!(child(&tree, "root/a").restarts, 5);
    tree.stop().await;
}

/// Catches: a panic in the quarantine that takes the worker or the batch with it.
#[tokio::test(start_paused = true)]
async fn a_sink_that_panics_loses_its_message_and_no_other() {
    struct Fragile(Log);
    impl Worker for Fragile {
        type Message = u32;
        fn handle(&mut self, message: &mut InHand<'_, u32>) {
            assert_ne!(**message, 0, "zero");
            self.0.push(message.to_string());
        }
    }
    let log = Log::default();
    let mailbox = still_mailbox(MailboxOptions::default());
    let options = WorkerOptions {
        attempts_max: NonZeroU32::MIN,
        ..WorkerOptions::default()
    };
    let factory = {
        let log = log.clone();
        move || Ok(Fragile(log.clone()))
    };
    let worker = worker_child("a", mailbox.clone(), options, factory, |_, _, panic| {
        panic!("sink: {panic}")
    });
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    for n in [1, 0, 2] {
        mailbox.try_send(n).unwrap();
    }
    settle().await;
    assert_eq!(log.take(), ["1", "2"]);
    assert_eq!(child(&tree, "root/a").state, ChildState::Running);
    tree.stop().await;
}

/// Catches: what is in hand of a worker that is killed between two messages.
#[tokio::test(start_paused = true)]
async fn a_worker_killed_while_it_waits_loses_nothing() {
    let log = Log::default();
    let (stuck, first) = probe("stuck", &log);
    let (healthy, second) = probe("healthy", &log);
    let first = first.shutdown_grace(Duration::from_millis(100));
    let tree = start(root(Strategy::OneForAll, [first, second]), &Log::default())
        .await
        .unwrap();
    for message in [Tell::Stall, Tell::Note(1), Tell::Note(2)] {
        stuck.try_send(message).unwrap();
    }
    settle().await;
    assert_eq!(
        stuck.depth(),
        Depth {
            in_hand: 2,
            ..Depth::default()
        }
    );

    healthy.try_send(Tell::PanicBefore(2)).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(log.take(), ["stuck 1", "stuck 2", "healthy at attempt 2"]);
    let error = child(&tree, "root/stuck").last_error.unwrap();
    assert_eq!(error, "did not stop within 100ms, and was killed");
    tree.stop().await;
}

/// Catches: a second panic, while the first is cleared away, that ends the process or the
/// supervisor.
#[tokio::test(start_paused = true)]
async fn a_panic_in_drop_is_survived() {
    let log = Log::default();
    let (mailbox, worker) = probe("a", &log);
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    mailbox.try_send(Tell::PanicTwice).unwrap();
    mailbox.try_send(Tell::Note(1)).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        log.take(),
        [
            "a quarantined PanicTwice after 3: a was told to, twice",
            "a 1"
        ]
    );
    assert_eq!(tree.health().state, RootState::Running);
    tree.stop().await;
}

/// Catches: a last batch without its `after_batch`.
#[tokio::test(start_paused = true)]
async fn what_was_handled_is_flushed_before_the_worker_ends() {
    struct Flusher(Arc<AtomicUsize>, usize);
    impl Worker for Flusher {
        type Message = ();
        fn handle(&mut self, _: &mut InHand<'_, ()>) {
            self.1 += 1;
        }
        fn after_batch(&mut self) {
            self.0
                .fetch_add(std::mem::take(&mut self.1), Ordering::Relaxed);
        }
    }
    let flushed = Arc::new(AtomicUsize::new(0));
    let mailbox = still_mailbox(MailboxOptions::default());
    let counter = flushed.clone();
    let factory = move || Ok(Flusher(counter.clone(), 0));
    let worker = worker_child(
        "a",
        mailbox.clone(),
        WorkerOptions::default(),
        factory,
        |(), _, _| {},
    );
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    for _ in 0..100 {
        mailbox.try_send(()).unwrap();
    }
    tree.stop().await;
    assert_eq!(flushed.load(Ordering::Relaxed), 100);
}

/// Catches: a mailbox that takes messages for nobody.
#[tokio::test(start_paused = true)]
async fn messages_of_a_worker_that_has_ended_are_refused_or_handed_back() {
    let log = Log::default();
    let (mailbox, worker) = probe("a", &log);
    let worker = worker.restart(Restart::Transient);
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    mailbox.try_send(Tell::Finish).unwrap();
    mailbox.try_send(Tell::Note(1)).unwrap();
    settle().await;
    assert_eq!(child(&tree, "root/a").state, ChildState::Stopped);
    assert!(matches!(
        mailbox.try_send(Tell::Note(2)),
        Err(SendError::Closed(_))
    ));
    assert_eq!(log.take(), ["a lost Note(1): Ended"]);
    assert!(mailbox.is_empty());
    tree.stop().await;
}
