//! Senders that wait for room are let in by turns and by the handful, and nobody overtakes them.

use std::time::Duration;

use futures::FutureExt;
use mercato_supervisor::{
    Bound, InHand, Mailbox, MailboxOptions, Strategy, Tag, Tree, Worker, WorkerOptions,
    worker_child,
};

use crate::common::{self, Log, refused, root, settle, start, still_mailbox};
use crate::fair_by_key::options;

/// Catches: a queue of senders in which those of a hot key stand before all others.
#[tokio::test(start_paused = true)]
async fn senders_that_wait_take_turns_by_key() {
    let mailbox: Mailbox<u32> = still_mailbox(options(4, 2, Some(4)));
    for n in 0..4 {
        mailbox.try_send_with(Tag::key(1), n).unwrap();
    }
    let wait = |key, n| {
        let mut sender = Box::pin(mailbox.send_with(Tag::key(key), n));
        assert!(sender.as_mut().now_or_never().is_none());
        sender
    };
    let mut hot: Vec<_> = (10..20).map(|n| wait(1, n)).collect();
    let mut cold = vec![wait(2, 30), wait(2, 31), wait(3, 40)];
    assert_eq!(mailbox.depth().senders, 13);
    assert_eq!(mailbox.take_rest(), [0, 1, 2, 3]);
    // Four places: one for each key, and the fourth for the first one again.
    assert_eq!(mailbox.depth().senders, 9);
    assert!(cold.remove(2).now_or_never().is_some());
    assert!(cold.remove(0).now_or_never().is_some());
    assert!(hot.remove(0).now_or_never().is_some());
    assert!(hot.remove(0).now_or_never().is_some());
    assert!(hot[0].as_mut().now_or_never().is_none());
    assert!(cold[0].as_mut().now_or_never().is_none());
    assert_eq!(mailbox.take_rest(), [40, 30, 10, 11]);
    assert!(cold.remove(0).now_or_never().is_some(), "and so on");
    assert!(hot.remove(0).now_or_never().is_some());
}

/// Catches: a key at its bound that holds up those behind it, and one that never gets on.
#[tokio::test(start_paused = true)]
async fn a_key_at_its_bound_waits_for_itself_alone() {
    let mailbox: Mailbox<u32> = still_mailbox(options(8, 2, Some(2)));
    mailbox.try_send_with(Tag::key(1), 0).unwrap();
    mailbox.try_send_with(Tag::key(1), 1).unwrap();
    let mut hot = Box::pin(mailbox.send_with(Tag::key(1), 2));
    assert!(hot.as_mut().now_or_never().is_none());
    for n in 3..6 {
        let sent = mailbox.send_with(Tag::key(u64::from(n)), n).now_or_never();
        assert!(matches!(sent, Some(Ok(()))), "{n} has room");
    }
    assert_eq!(
        refused(mailbox.try_send_with(Tag::key(1), 9)),
        Some((9, Bound::Key)),
        "nobody overtakes within a key"
    );
    assert_eq!(mailbox.take_rest(), [0, 3, 4, 5, 1]);
    assert_eq!(
        refused(mailbox.try_send_with(Tag::key(1), 9)),
        None,
        "one place is promised, and one is left"
    );
    assert_eq!(
        refused(mailbox.try_send_with(Tag::key(1), 10)),
        Some((10, Bound::Key)),
        "what is promised counts"
    );
    assert!(matches!(hot.now_or_never(), Some(Ok(()))));
    assert_eq!(mailbox.take_rest(), [9, 2]);
}

/// Takes 10 ms for each message.
struct Slow;

impl Worker for Slow {
    type Message = u32;

    fn handle(&mut self, _: &mut InHand<'_, u32>) {}

    async fn ready(&mut self) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A mailbox with a slow worker that takes one message at a time.
async fn slow(options: MailboxOptions) -> (Mailbox<u32>, Tree) {
    let mailbox = Mailbox::new(options, common::clock());
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
    (mailbox, tree)
}

async fn batches(count: u64) {
    tokio::time::sleep(Duration::from_millis(10 * count)).await;
}

/// Catches: a wake-up for every message, somebody who overtakes those who wait for the next one, and
/// a mailbox that stays shut.
#[tokio::test(start_paused = true)]
async fn senders_that_wait_for_room_are_let_in_by_the_quarter() {
    let (mailbox, tree) = slow(options(8, 1, None)).await;
    mailbox.try_send(0).unwrap();
    settle().await;
    for n in 0..8 {
        mailbox.try_send(n).unwrap();
    }
    let senders: Vec<_> = (10..13)
        .map(|n| {
            let mailbox = mailbox.clone();
            tokio::spawn(async move { mailbox.send(n).await })
        })
        .collect();
    settle().await;
    let depth = || (mailbox.depth().business, mailbox.depth().senders);
    assert_eq!(depth(), (8, 3));
    batches(1).await;
    assert_eq!(depth(), (7, 3));
    assert_eq!(refused(mailbox.try_send(9)), Some((9, Bound::Mailbox)));
    assert_eq!(
        refused(mailbox.try_send_with(Tag::key(7), 9)),
        Some((9, Bound::Mailbox)),
        "another key is no way in"
    );
    batches(1).await;
    assert_eq!(depth(), (8, 1), "two at a time");
    batches(1).await;
    assert_eq!(depth(), (7, 1));
    batches(1).await;
    assert_eq!(depth(), (7, 0));
    assert_eq!(refused(mailbox.try_send(20)), None, "and it is open again");
    tree.stop().await;
    for sender in senders {
        assert!(matches!(sender.await, Ok(Ok(()))));
    }
}

/// Catches: a mailbox that stays shut for somebody who does not wait any more.
#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_keeps_nobody_out() {
    let (mailbox, tree) = slow(options(8, 1, None)).await;
    settle().await;
    for n in 0..8 {
        mailbox.try_send(n).unwrap();
    }
    let mut waiting = Box::pin(mailbox.send(10));
    assert!(waiting.as_mut().now_or_never().is_none());
    settle().await;
    assert_eq!(mailbox.depth().business, 7);
    assert!(mailbox.try_send(9).is_err());
    drop(waiting);
    assert!(mailbox.try_send(9).is_ok());
    tree.stop().await;
}

/// Catches: a mailbox that stays shut until a quarter of it is free, although whoever it was shut for
/// went away while it was full.
#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_at_a_full_mailbox_keeps_nobody_out() {
    let (mailbox, tree) = slow(options(8, 1, None)).await;
    mailbox.try_send(0).unwrap();
    settle().await;
    for n in 0..8 {
        mailbox.try_send(n).unwrap();
    }
    let mut waiting = Box::pin(mailbox.send(10));
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(waiting);
    assert_eq!(refused(mailbox.try_send(9)), Some((9, Bound::Mailbox)));
    batches(1).await;
    assert_eq!(mailbox.depth().business, 7);
    assert_eq!(refused(mailbox.try_send(9)), None);
    tree.stop().await;
}

/// Catches: one key's waiting senders that keep those of other keys out of a mailbox that has room.
#[tokio::test(start_paused = true)]
async fn who_waits_for_its_key_keeps_no_other_key_out() {
    let (mailbox, tree) = slow(options(64, 1, Some(8))).await;
    settle().await;
    for n in 0..9 {
        mailbox.try_send_with(Tag::key(1), n).unwrap();
        settle().await;
    }
    let mut waiting = Box::pin(mailbox.send_with(Tag::key(1), 10));
    assert!(waiting.as_mut().now_or_never().is_none());
    batches(1).await;
    assert!(waiting.as_mut().now_or_never().is_none(), "it has no room");
    assert_eq!(refused(mailbox.try_send_with(Tag::key(2), 20)), None);
    drop(waiting);
    tree.stop().await;
}

/// Catches: a sender that waits for its key and starves, because others keep the mailbox full.
#[tokio::test(start_paused = true)]
async fn who_waits_for_its_key_is_let_in_however_full_it_is() {
    let (mailbox, tree) = slow(options(8, 1, Some(2))).await;
    settle().await;
    let fill = || while mailbox.try_send(0).is_ok() {};
    for n in 0..3 {
        mailbox.try_send_with(Tag::key(1), n).unwrap();
        settle().await;
    }
    let mut waiting = Box::pin(mailbox.send_with(Tag::key(1), 3));
    assert!(waiting.as_mut().now_or_never().is_none());
    fill();
    let mut waited = 0;
    while waiting.as_mut().now_or_never().is_none() {
        batches(1).await;
        fill();
        waited += 1;
        assert!(waited < 20, "it starves");
    }
    tree.stop().await;
}

/// Catches: one key's waiting senders that are woken for every message of it.
#[tokio::test(start_paused = true)]
async fn senders_of_a_key_are_let_in_by_a_quarter_of_its_share() {
    let (mailbox, tree) = slow(options(64, 1, Some(8))).await;
    settle().await;
    for n in 0..9 {
        mailbox.try_send_with(Tag::key(1), n).unwrap();
        settle().await;
    }
    let mut waiting = Box::pin(mailbox.send_with(Tag::key(1), 10));
    assert!(waiting.as_mut().now_or_never().is_none());
    let mut waited = 0;
    while waiting.as_mut().now_or_never().is_none() {
        batches(1).await;
        waited += 1;
    }
    assert_eq!(waited, 3, "fewer than six of eight wait");
    tree.stop().await;
}
