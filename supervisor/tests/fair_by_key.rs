//! Keys take turns: one that sends a thousand keeps nobody else waiting, and none fills the mailbox.

use std::num::NonZeroUsize;

use mercato_supervisor::{Bound, MailboxOptions, Strategy, Tag};

use crate::common::{Log, Tell, probe_with, refused, root, settle, start, still_mailbox};

/// Bounds of these sizes.
pub(crate) fn options(capacity: usize, batch_max: usize, key_max: Option<usize>) -> MailboxOptions {
    let positive = |n| NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN);
    MailboxOptions {
        capacity: positive(capacity),
        batch_max: positive(batch_max),
        key_max: key_max.map(positive),
        ..MailboxOptions::default()
    }
}

/// Catches: first come first served across keys, and an order within a key that is not that.
#[tokio::test(start_paused = true)]
async fn a_hot_key_does_not_keep_the_others_waiting() {
    let log = Log::default();
    let few = options(1024, 4, Some(1024));
    let (mailbox, child) = probe_with("a", &log, few, Default::default(), |_| Ok(()));
    let send = |key, n| mailbox.try_send_with(Tag::key(key), Tell::Note(n)).unwrap();
    for n in 0..100 {
        send(1, n);
    }
    for n in 0..3 {
        send(2, 200 + n);
    }
    send(3, 300);
    mailbox.try_send(Tell::Note(400)).unwrap();
    mailbox.try_send(Tell::Note(401)).unwrap();
    let tree = start(root(Strategy::OneForOne, [child]), &Log::default())
        .await
        .unwrap();
    settle().await;
    let handled = log.take();
    let turns = [0, 200, 300, 400, 1, 201, 401, 2, 202, 3, 4, 5].map(|n| format!("a {n}"));
    assert_eq!(handled[..turns.len()], turns);
    assert_eq!(handled.len(), 106);
    tree.stop().await;
}

/// Catches: turns that begin anew with every batch, so that a key's place in the round is lost.
#[tokio::test(start_paused = true)]
async fn a_key_that_comes_late_waits_for_one_message_of_each_other() {
    let log = Log::default();
    let few = options(1024, 2, Some(1024));
    let (mailbox, child) = probe_with("a", &log, few, Default::default(), |_| Ok(()));
    for key in 1..=5u32 {
        for n in 0..10 {
            let tag = Tag::key(u64::from(key));
            mailbox
                .try_send_with(tag, Tell::Note(key * 100 + n))
                .unwrap();
        }
    }
    // Crashes for a moment, so that the late one comes in the middle of it.
    mailbox.send_control(Tell::PanicBefore(3)).unwrap();
    let tree = start(root(Strategy::OneForOne, [child]), &Log::default())
        .await
        .unwrap();
    settle().await;
    assert_eq!(log.len(), 0, "it waits for its second restart");
    mailbox.try_send_with(Tag::key(9), Tell::Note(900)).unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let handled = log.take();
    let at = handled.iter().position(|line| line == "a 900").unwrap();
    // The crash, one message that was in hand with it, and then one of each key.
    assert!(at <= 1 + 1 + 5, "at {at} in {:?}", &handled[..12]);
    tree.stop().await;
}

/// Catches: a key that takes every place, and a bound that hits those without a key.
#[test]
fn one_key_cannot_fill_the_mailbox() {
    let mailbox = still_mailbox(options(10, 64, None));
    for n in 0..5 {
        mailbox.try_send_with(Tag::key(1), n).unwrap();
    }
    assert_eq!(
        refused(mailbox.try_send_with(Tag::key(1), 5)),
        Some((5, Bound::Key)),
        "half is the most by default"
    );
    let refusal = mailbox.try_send_with(Tag::key(1), 5).unwrap_err();
    assert!(
        refusal
            .to_string()
            .starts_with("too many messages of this key wait; try again in")
    );
    for n in 10..15 {
        mailbox.try_send_with(Tag::default(), n).unwrap();
    }
    assert_eq!(
        refused(mailbox.try_send_with(Tag::key(2), 6)),
        Some((6, Bound::Mailbox))
    );
    assert_eq!(
        refused(mailbox.try_send_with(Tag::key(1), 6)),
        Some((6, Bound::Mailbox)),
        "both are full, and the larger one is named"
    );

    let free = still_mailbox(options(10, 64, None));
    for n in 0..10 {
        free.try_send(n).unwrap();
    }
    assert_eq!(refused(free.try_send(10)), Some((10, Bound::Mailbox)));
    let odd = still_mailbox(options(3, 64, Some(1_000)));
    for n in 0..3 {
        odd.try_send_with(Tag::key(1), n).unwrap();
    }
    assert_eq!(
        refused(odd.try_send_with(Tag::key(1), 3)),
        Some((3, Bound::Mailbox)),
        "a bound above the capacity says nothing"
    );
}

/// Catches: a bound that is counted by what was sent, not by what waits.
#[test]
fn a_key_has_room_again_when_its_messages_have_left() {
    let mailbox = still_mailbox(options(8, 2, Some(2)));
    for round in 0..3 {
        for n in 0..2 {
            mailbox.try_send_with(Tag::key(1), round * 10 + n).unwrap();
            mailbox
                .try_send_with(Tag::key(2), round * 10 + n + 5)
                .unwrap();
        }
        for key in [1, 2] {
            let sent = mailbox.try_send_with(Tag::key(key), 99);
            assert_eq!(refused(sent), Some((99, Bound::Key)));
        }
        let taken = [0, 5, 1, 6].map(|n| round * 10 + n);
        assert_eq!(mailbox.take_rest(), taken);
    }
}

/// Catches: a key 0 that is taken for no key at all, and so has no bound.
#[test]
fn key_zero_is_a_key() {
    let mailbox = still_mailbox(options(8, 2, Some(1)));
    mailbox.try_send_with(Tag::key(0), 1).unwrap();
    let sent = mailbox.try_send_with(Tag::key(0), 2);
    assert_eq!(refused(sent), Some((2, Bound::Key)));
}
