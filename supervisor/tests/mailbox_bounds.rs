//! A mailbox keeps its bound, says so in its type, and is fair to those who wait.

use std::num::NonZeroUsize;
use std::time::Duration;

use futures::FutureExt;
use mercato_supervisor::{CONTROL_LANE_MAX, Depth, Mailbox, MailboxOptions, SendError, Strategy};
use tokio::time::timeout;

mod common;
use common::{Log, Tell, probe, root, settle, start};

fn mailbox(capacity: usize) -> Mailbox<u32> {
    let capacity = NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN);
    Mailbox::new(MailboxOptions {
        capacity,
        ..MailboxOptions::default()
    })
}

#[test]
fn a_full_lane_gives_the_message_back() {
    let mailbox = mailbox(2);
    mailbox.try_send(1).unwrap();
    mailbox.try_send(2).unwrap();
    let refused = mailbox.try_send(3).unwrap_err();
    assert!(matches!(refused, SendError::Full(3)));
    assert_eq!(
        format!("{refused:?}: {refused}"),
        "Full(..): the mailbox is full"
    );
    assert_eq!(
        mailbox.depth(),
        Depth {
            business: 2,
            control: 0,
            in_hand: 0
        }
    );
}

#[test]
fn control_is_not_shed_when_business_is_but_has_a_bound_too() {
    let mailbox = mailbox(1);
    mailbox.try_send(0).unwrap();
    for n in 0..CONTROL_LANE_MAX {
        mailbox.send_control(u32::try_from(n).unwrap()).unwrap();
    }
    assert!(matches!(mailbox.send_control(7), Err(SendError::Full(7))));
    assert_eq!(mailbox.len(), CONTROL_LANE_MAX + 1);
}

#[tokio::test(start_paused = true)]
async fn waiters_get_room_first_come_first_served() {
    let log = Log::default();
    let (mailbox, child) = probe("a", &log);
    for _ in 0..mailbox.capacity() {
        mailbox.try_send(Tell::Note(0)).unwrap();
    }
    for n in 1..=5 {
        let mailbox = mailbox.clone();
        tokio::spawn(async move { mailbox.send(Tell::Note(n)).await.unwrap() });
    }
    settle().await;
    assert_eq!(mailbox.len(), mailbox.capacity(), "waiters hold no place");

    let tree = start(root(Strategy::OneForOne, [child]), &Log::default())
        .await
        .unwrap();
    settle().await;
    let handled = log.take();
    assert_eq!(
        handled[mailbox.capacity()..],
        ["a 1", "a 2", "a 3", "a 4", "a 5"]
    );
    tree.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_waiter_leaks_neither_place_nor_message() {
    let mailbox = mailbox(1);
    mailbox.try_send(1).unwrap();
    assert!(
        timeout(Duration::from_secs(1), mailbox.send(2))
            .await
            .is_err()
    );

    // One gives up after room was assigned to it but before it could use it.
    let mut assigned = Box::pin(mailbox.send(3));
    assert!(assigned.as_mut().now_or_never().is_none());
    let mut next = Box::pin(mailbox.send(4));
    assert!(next.as_mut().now_or_never().is_none());
    assert_eq!(mailbox.take_rest(), [1]);
    drop(assigned);
    next.await.unwrap();

    assert!(matches!(mailbox.try_send(5), Err(SendError::Full(5))));
    assert_eq!(mailbox.take_rest(), [4]);
    mailbox.try_send(6).unwrap();
}

#[tokio::test(start_paused = true)]
async fn closing_refuses_senders_and_wakes_those_who_wait() {
    let mailbox = mailbox(1);
    mailbox.try_send(1).unwrap();
    let mut waiter = Box::pin(mailbox.send(2));
    assert!(waiter.as_mut().now_or_never().is_none());
    mailbox.close();
    assert!(matches!(waiter.await, Err(SendError::Closed(2))));
    assert!(matches!(mailbox.try_send(3), Err(SendError::Closed(3))));
    assert!(matches!(mailbox.send_control(4), Err(SendError::Closed(4))));
    assert_eq!(mailbox.take_rest(), [1], "what was queued stays");
}

#[tokio::test(start_paused = true)]
async fn control_overtakes_business() {
    let log = Log::default();
    let (mailbox, child) = probe("a", &log);
    for n in 1..=3 {
        mailbox.try_send(Tell::Note(n)).unwrap();
    }
    mailbox.send_control(Tell::Note(10)).unwrap();
    mailbox.send_control(Tell::Note(11)).unwrap();
    let tree = start(root(Strategy::OneForOne, [child]), &Log::default())
        .await
        .unwrap();
    settle().await;
    assert_eq!(log.take(), ["a 10", "a 11", "a 1", "a 2", "a 3"]);
    tree.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_busy_mailbox_lets_others_have_their_turn() {
    let log = Log::default();
    let (busy, first) = probe("busy", &log);
    let (other, second) = probe("other", &log);
    for n in 0..1000 {
        busy.try_send(Tell::Note(n)).unwrap();
    }
    other.try_send(Tell::Note(0)).unwrap();
    let tree = start(root(Strategy::OneForOne, [first, second]), &Log::default())
        .await
        .unwrap();
    settle().await;
    let turn = log
        .take()
        .iter()
        .position(|line| line == "other 0")
        .unwrap();
    let batch = MailboxOptions::default().batch_max.get();
    assert!(turn <= 2 * batch, "the other waited for {turn} messages");
    tree.stop().await;
}
