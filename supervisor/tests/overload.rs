//! A refusal says when it is worth trying again, from the rate at which the mailbox was drained.

use std::num::NonZeroUsize;
use std::time::Duration;

use mercato_supervisor::{
    InHand, Mailbox, MailboxOptions, SendError, Strategy, Worker, WorkerOptions, worker_child,
};

use crate::common::{Log, clock, root, start};

const MILLISECOND: Duration = Duration::from_millis(1);

/// Takes so many milliseconds for each message.
struct Slow;

impl Worker for Slow {
    type Message = u32;

    fn handle(&mut self, _: &mut InHand<'_, u32>) {}

    async fn ready(&mut self) {
        tokio::time::sleep(10 * MILLISECOND).await;
    }
}

fn options() -> MailboxOptions {
    let positive = |n| NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN);
    MailboxOptions {
        capacity: positive(40),
        batch_max: positive(10),
        ..MailboxOptions::default()
    }
}

fn retry_after(mailbox: &Mailbox<u32>) -> Duration {
    loop {
        match mailbox.try_send(0) {
            Ok(()) => {}
            Err(SendError::Overloaded { retry_after, .. }) => return retry_after,
            Err(closed) => unreachable!("{closed}"),
        }
    }
}

/// Catches: a fixed number, and a rate that is not the drainer's.
#[tokio::test(start_paused = true)]
async fn a_refusal_tells_when_those_before_it_will_be_worked_off() {
    let mailbox = Mailbox::new(options(), clock());
    assert_eq!(
        retry_after(&mailbox),
        20 * MILLISECOND,
        "nothing is measured"
    );
    let worker = worker_child(
        "a",
        mailbox.clone(),
        WorkerOptions::default(),
        || Ok(Slow),
        |_, _, _| {},
    );
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    // One batch of ten takes 100 ms; at 101 ms the second is in hand.
    tokio::time::sleep(101 * MILLISECOND).await;
    assert_eq!(mailbox.depth().in_hand, 10);
    assert_eq!(
        retry_after(&mailbox),
        400 * MILLISECOND,
        "forty wait, 10 ms each"
    );
    // Room for ten again, and the rate stays what it was.
    tokio::time::sleep(100 * MILLISECOND).await;
    assert_eq!(retry_after(&mailbox), 400 * MILLISECOND);
    let waiting: Vec<_> = (0..5)
        .map(|n| {
            let mailbox = mailbox.clone();
            tokio::spawn(async move { mailbox.send(n).await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(mailbox.depth().senders, 5);
    assert_eq!(
        retry_after(&mailbox),
        450 * MILLISECOND,
        "those who wait are before it too"
    );
    tree.stop().await;
    for sender in waiting {
        assert!(sender.await.is_ok());
    }
}

/// Catches: an estimate that stays as it was while the drainer stands still, and one without end.
#[tokio::test(start_paused = true)]
async fn a_drainer_that_stands_still_is_expected_to_stand_as_long_again() {
    /// Handles one batch in its time, and then waits for ever.
    struct Halting(u32);
    impl Worker for Halting {
        type Message = u32;
        fn handle(&mut self, _: &mut InHand<'_, u32>) {
            self.0 += 1;
        }
        async fn ready(&mut self) {
            if self.0 >= 10 {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(MILLISECOND).await;
        }
    }
    let mailbox = Mailbox::new(options(), clock());
    retry_after(&mailbox);
    let worker = worker_child(
        "a",
        mailbox.clone(),
        WorkerOptions::default(),
        || Ok(Halting(0)),
        |_, _, _| {},
    );
    let worker = worker.shutdown_grace(MILLISECOND);
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    tokio::time::sleep(10 * MILLISECOND).await;
    tokio::task::yield_now().await;
    assert_eq!(retry_after(&mailbox), 40 * MILLISECOND);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(retry_after(&mailbox), Duration::from_secs(3));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(retry_after(&mailbox), Duration::from_secs(10), "the most");
    tree.stop().await;
}

/// Catches: a refusal that says to try again at once.
#[tokio::test(start_paused = true)]
async fn no_refusal_asks_for_a_busy_loop() {
    struct Fast;
    impl Worker for Fast {
        type Message = u32;
        fn handle(&mut self, _: &mut InHand<'_, u32>) {}
    }
    let mailbox = Mailbox::new(options(), clock());
    let factory = || Ok(Fast);
    let worker = worker_child(
        "a",
        mailbox.clone(),
        WorkerOptions::default(),
        factory,
        |_, _, _| {},
    );
    retry_after(&mailbox);
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    crate::common::settle().await;
    assert!(mailbox.is_empty());
    assert_eq!(retry_after(&mailbox), MILLISECOND, "it took no time at all");
    tree.stop().await;
}

/// Catches: a key that may not have all the places there are, and one that may have more.
#[test]
fn a_key_may_have_as_many_places_as_there_are() {
    let of_key = |places| MailboxOptions {
        key_max: NonZeroUsize::new(places),
        ..options()
    };
    assert_eq!(of_key(40).contradictions(), []);
    let wrong = of_key(41).contradictions();
    assert_eq!(wrong.len(), 1);
    assert_eq!((wrong[0].0, &*wrong[0].1), ("key_max", "is 41"));
}
