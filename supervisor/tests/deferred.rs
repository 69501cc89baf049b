//! Work that is too long for one piece: its message is put off from turn to turn, its key waits with
//! it, and nobody else does.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use mercato_supervisor::{
    InHand, Mailbox, MailboxOptions, Strategy, Tag, Tree, Worker, WorkerOptions, worker_child,
};

use crate::common::{Log, clock, root, settle, start};
use crate::fair_by_key::options;

/// A message of a key, by its number.
#[derive(Debug, Clone, Copy)]
struct Note(u32, u32);

/// Has to see the first message of a key so often before it handles any of it.
struct Slow {
    log: Log,
    pieces: BTreeMap<u32, u32>,
    seen: BTreeMap<u32, u32>,
    /// Panics when a key is seen for this time, in its first incarnation.
    panics_at: Option<u32>,
}

impl Worker for Slow {
    type Message = Note;

    fn handle(&mut self, message: &mut InHand<'_, Note>) {
        let Note(key, n) = **message;
        let seen = self.seen.entry(key).or_default();
        let pieces = self.pieces.get(&key).copied().unwrap_or(0);
        if *seen < pieces {
            *seen += 1;
            if Some(*seen) == self.panics_at {
                panic!("in the middle");
            }
            self.log.push(format!("piece {seen} of {key}"));
            return message.defer();
        }
        let attempt = message.attempt();
        self.log.push(format!("{key}/{n} at attempt {attempt}"));
    }
}

async fn slow(log: &Log, bounds: MailboxOptions, panics_at: Option<u32>) -> (Mailbox<Note>, Tree) {
    let mailbox = Mailbox::new(bounds, clock());
    let (work, starts) = (log.clone(), Log::default());
    let factory = move || {
        starts.push("start");
        Ok(Slow {
            log: work.clone(),
            pieces: BTreeMap::from([(1, 3)]),
            seen: BTreeMap::new(),
            panics_at: panics_at.filter(|_| starts.len() == 1),
        })
    };
    let options = WorkerOptions {
        attempts_max: NonZeroU32::new(2).unwrap(),
        ..WorkerOptions::default()
    };
    let child = worker_child("slow", mailbox.clone(), options, factory, |_, _, _| {});
    for (key, n) in [(1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (2, 2)] {
        let sent = mailbox.try_send_with(Tag::key(u64::from(key)), Note(key, n));
        sent.unwrap();
    }
    let tree = start(root(Strategy::OneForOne, [child]), &Log::default()).await;
    (mailbox, tree.unwrap())
}

/// Catches: a message that is put off and lost, is overtaken by one of its key, keeps the others
/// waiting, or counts its pieces as attempts; in one row and in rows by key.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_put_off_keeps_its_place_and_delays_its_key_alone() {
    for batch in [64, 2] {
        let log = Log::default();
        let (mailbox, tree) = slow(&log, options(64, batch, None), None).await;
        settle().await;
        let lines = log.take();
        let of = |key: &str| {
            let of_key = lines.iter().filter(|line| line.starts_with(key));
            of_key.cloned().collect::<Vec<_>>()
        };
        let in_order = |key, n| (1..=n).map(move |n| format!("{key}/{n} at attempt 1"));
        assert_eq!(of("1/"), in_order(1, 3).collect::<Vec<_>>(), "{lines:?}");
        assert_eq!(of("2/"), in_order(2, 2).collect::<Vec<_>>());
        assert_eq!(of("piece").len(), 3);
        let place = |line: &str| lines.iter().position(|other| other == line);
        let others_first = place("2/1 at attempt 1") < place("piece 2 of 1");
        assert!(others_first, "batches of {batch}: {lines:?}");
        assert!(mailbox.is_empty());
        tree.stop().await;
    }
}

/// Catches: what waits behind a message that was put off, and goes with the worker.
#[tokio::test(start_paused = true)]
async fn a_crash_in_a_piece_loses_nothing_and_blames_the_message() {
    let log = Log::default();
    let (mailbox, tree) = slow(&log, options(64, 64, None), Some(2)).await;
    settle().await;
    let lines = log.take();
    let of_key = lines.iter().filter(|line| line.starts_with("1/"));
    let expected = ["1/1 at attempt 2", "1/2 at attempt 1", "1/3 at attempt 1"];
    assert_eq!(of_key.collect::<Vec<_>>(), expected, "{lines:?}");
    assert!(mailbox.is_empty());
    assert_eq!(mailbox.dead_letters().total(), 0);
    tree.stop().await;
}

/// Catches: messages that wait behind one that was put off, and do not count.
#[tokio::test(start_paused = true)]
async fn what_is_put_off_counts_against_the_bounds() {
    struct Never;
    impl Worker for Never {
        type Message = u32;
        fn handle(&mut self, message: &mut InHand<'_, u32>) {
            message.defer();
        }
    }
    let mailbox = Mailbox::new(options(8, 64, Some(4)), clock());
    let bounds = WorkerOptions::default();
    let child = worker_child("never", mailbox.clone(), bounds, || Ok(Never), |_, _, _| {});
    let tree = start(root(Strategy::OneForOne, [child]), &Log::default()).await;
    let tree = tree.unwrap();
    for n in 0..4 {
        mailbox.try_send_with(Tag::key(1), n).unwrap();
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    mailbox.try_send_with(Tag::key(1), 4).unwrap_err();
    mailbox.try_send_with(Tag::key(2), 5).unwrap();
    assert_eq!(mailbox.len(), 5);
    mailbox.close();
    drop(tree);
}
