//! A mailbox keeps its bound, says so in its type, and is fair to those who wait.

use std::num::NonZeroUsize;
use std::time::Duration;

use futures::FutureExt;
use mercato_supervisor::{
    Bound, CONTROL_LANE_MAX, Depth, InHand, Mailbox, MailboxOptions, SendError, Strategy,
    WAITING_SENDERS_MAX, Worker, WorkerOptions, worker_child,
};
use tokio::time::timeout;

use crate::common::{Log, Tell, probe, refused, root, settle, start, still_mailbox};

fn mailbox(capacity: usize) -> Mailbox<u32> {
    let capacity = NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN);
    still_mailbox(MailboxOptions {
        capacity,
        ..MailboxOptions::default()
    })
}

/// Catches: a bound that is off by one, a message that is lost with its refusal, and one that shows
/// in it.
#[test]
fn a_full_lane_gives_the_message_back() {
    let mailbox = mailbox(2);
    mailbox.try_send(1).unwrap();
    mailbox.try_send(2).unwrap();
    let refusal = mailbox.try_send(3).unwrap_err();
    assert_eq!(
        format!("{refusal:?}: {refusal}"),
        "Overloaded { bound: Mailbox, retry_after: 20ms, .. }: the mailbox is full; try again in 20 ms",
        "without the message"
    );
    assert_eq!(refused(Err(refusal)), Some((3, Bound::Mailbox)));
    assert_eq!(
        mailbox.depth(),
        Depth {
            business: 2,
            ..Depth::default()
        }
    );
}

/// Catches: control that shares the bound of business, or has none.
#[test]
fn control_is_not_shed_when_business_is_but_has_a_bound_too() {
    let mailbox = mailbox(1);
    mailbox.try_send(0).unwrap();
    for n in 0..CONTROL_LANE_MAX {
        mailbox.send_control(u32::try_from(n).unwrap()).unwrap();
    }
    assert_eq!(
        refused(mailbox.send_control(7)),
        Some((7, Bound::ControlLane))
    );
    assert_eq!(mailbox.len(), CONTROL_LANE_MAX + 1);
}

/// Catches: waiting senders that hold places, or overtake each other.
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

/// Catches: a place that stays promised to who gave up.
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

    assert_eq!(refused(mailbox.try_send(5)), Some((5, Bound::Mailbox)));
    assert_eq!(mailbox.take_rest(), [4]);
    mailbox.try_send(6).unwrap();
}

/// Catches: senders that wait for ever at a closed mailbox, and messages thrown away with it.
#[tokio::test(start_paused = true)]
async fn closing_refuses_senders_and_wakes_those_who_wait() {
    let mailbox = mailbox(1);
    mailbox.try_send(1).unwrap();
    let mut waiter = Box::pin(mailbox.send(2));
    let mut next = Box::pin(mailbox.send(3));
    assert!(waiter.as_mut().now_or_never().is_none());
    assert!(next.as_mut().now_or_never().is_none());
    assert!(!mailbox.is_closed());
    let waiting = tokio::spawn({
        let mailbox = mailbox.clone();
        async move { mailbox.send(6).await }
    });
    settle().await;
    mailbox.close();
    assert!(mailbox.is_closed());
    assert!(matches!(waiting.await.unwrap(), Err(SendError::Closed(6))));
    assert!(matches!(waiter.await, Err(SendError::Closed(2))));
    drop(next);
    assert!(matches!(mailbox.try_send(3), Err(SendError::Closed(3))));
    assert!(matches!(mailbox.send_control(4), Err(SendError::Closed(4))));
    assert_eq!(mailbox.take_rest(), [1], "what was queued stays");
}

/// Catches: one queue for both lanes.
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

/// Catches: a drainer that works its mailbox off before anybody else has a turn.
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

/// Sends itself the next message as often as it is told to.
struct Chain(Mailbox<u32>);

impl Worker for Chain {
    type Message = u32;

    fn handle(&mut self, left: &mut InHand<'_, u32>) {
        if let Some(left) = left.checked_sub(1) {
            self.0.try_send(left).unwrap();
        }
    }
}

/// Catches: a drainer that lets the others have their turn after every message, where each comes alone.
#[tokio::test(start_paused = true)]
async fn messages_that_come_one_by_one_are_worked_off_by_the_batch() {
    let batch = MailboxOptions::default().batch_max.get();
    let mailbox = mailbox(8);
    let own = mailbox.clone();
    let options = WorkerOptions::default();
    let factory = move || Ok(Chain(own.clone()));
    let child = worker_child("a", mailbox.clone(), options, factory, |_, _, _| {});
    let tree = start(root(Strategy::OneForOne, [child]), &Log::default())
        .await
        .unwrap();
    settle().await;
    mailbox
        .try_send(u32::try_from(10 * batch).unwrap())
        .unwrap();
    let mut turns = 0;
    while !mailbox.is_empty() {
        turns += 1;
        tokio::task::yield_now().await;
    }
    assert!((10..=12).contains(&turns), "{turns} turns");
    tree.stop().await;
}

/// Catches: a place that is lost, or given twice, when who was next gives up.
#[tokio::test(start_paused = true)]
async fn who_waits_is_counted_and_nobody_overtakes() {
    let mailbox = mailbox(2);
    mailbox.try_send(1).unwrap();
    mailbox.try_send(2).unwrap();
    let mut first = Box::pin(mailbox.send(3));
    let mut second = Box::pin(mailbox.send(4));
    assert!(first.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    assert_eq!(mailbox.depth().senders, 2);
    assert_eq!(mailbox.take_rest(), [1, 2]);
    assert_eq!(mailbox.depth().senders, 0, "both places are promised");
    assert_eq!(
        refused(mailbox.try_send(9)),
        Some((9, Bound::Mailbox)),
        "so nobody else gets one"
    );
    second.await.unwrap();
    assert_eq!(refused(mailbox.try_send(9)), Some((9, Bound::Mailbox)));
    drop(first);
    mailbox.try_send(5).unwrap();
    assert_eq!(mailbox.take_rest(), [4, 5]);
}

/// Catches: a sender that waits in a place of its own for every poll.
#[tokio::test(start_paused = true)]
async fn a_sender_that_is_polled_again_waits_once() {
    let mailbox = mailbox(1);
    mailbox.try_send(1).unwrap();
    let mut waiter = Box::pin(mailbox.send(2));
    for _ in 0..3 {
        assert!(waiter.as_mut().now_or_never().is_none());
    }
    assert_eq!(mailbox.depth().senders, 1);
    drop(waiter);
    assert_eq!(mailbox.depth().senders, 0);
    assert_eq!(mailbox.take_rest(), [1]);
    mailbox.try_send(3).unwrap();
}

/// Catches: a line of waiting senders without an end.
#[tokio::test(start_paused = true)]
async fn more_senders_than_the_bound_do_not_wait() {
    let mailbox = mailbox(1);
    mailbox.try_send(0).unwrap();
    let mut waiting = Vec::new();
    for n in 0..WAITING_SENDERS_MAX {
        let mut waiter = Box::pin(mailbox.send(u32::try_from(n).unwrap()));
        assert!(waiter.as_mut().now_or_never().is_none());
        waiting.push(waiter);
    }
    assert_eq!(
        refused(mailbox.send(7).await),
        Some((7, Bound::WaitingSenders))
    );
    drop(waiting.pop());
    assert!(
        mailbox.send(7).now_or_never().is_none(),
        "now there is room"
    );
}

/// Catches: a mailbox that shows what is in it.
#[test]
fn a_mailbox_shows_its_depth_and_no_message() {
    let mailbox = mailbox(2);
    mailbox.try_send(123_456).unwrap();
    let shown = format!("{mailbox:?}");
    assert!(
        shown.contains("capacity: 2") && shown.contains("business: 1"),
        "{shown}"
    );
    assert!(!shown.contains("123456"), "{shown}");
}
