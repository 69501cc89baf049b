//! The business lane held against a model that is too simple to be wrong, over random sends.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::queue::Queue;
use super::tag::{Entry, Instant, Tag};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Message {
    number: u32,
    key: Option<u64>,
    deadline: Option<Duration>,
    /// When it came into its row: of two with one deadline, the first goes first.
    came: u32,
}

/// One row for all while that is fair; rows in the order of their turns from then on.
#[derive(Default)]
struct Model {
    plain: VecDeque<Message>,
    /// Of several keys, since it was empty the last time.
    mixed: bool,
    rows: VecDeque<(Option<u64>, VecDeque<Message>)>,
    came: u32,
}

impl Model {
    fn all(&self) -> impl Iterator<Item = &Message> {
        self.plain
            .iter()
            .chain(self.rows.iter().flat_map(|(_, row)| row))
    }

    fn push(&mut self, message: Message, sort_from: usize) {
        if self.rows.is_empty() {
            self.mixed |= self.differs(message.key);
            self.plain.push_back(message);
            if self.mixed && self.plain.len() > sort_from {
                self.sort();
            }
        } else {
            self.put(message);
        }
    }

    /// Before all others of its key.
    fn put_back(&mut self, mut message: Message, sort_from: usize) {
        if self.rows.is_empty() && self.plain.len() < sort_from {
            self.mixed = self.differs(message.key);
            self.plain.push_front(message);
            return;
        }
        self.sort();
        message.came = self.next();
        match self.rows.iter_mut().find(|(key, _)| *key == message.key) {
            Some((_, row)) => row.push_front(message),
            None => self.rows.push_back((message.key, [message].into())),
        }
    }

    fn differs(&self, key: Option<u64>) -> bool {
        self.plain.iter().any(|other| other.key != key)
    }

    fn sort(&mut self) {
        self.mixed = false;
        for message in std::mem::take(&mut self.plain) {
            self.put(message);
        }
    }

    fn next(&mut self) -> u32 {
        self.came += 1;
        self.came
    }

    fn put(&mut self, mut message: Message) {
        message.came = self.next();
        match self.rows.iter_mut().find(|(key, _)| *key == message.key) {
            Some((_, row)) => row.push_back(message),
            None => self.rows.push_back((message.key, [message].into())),
        }
    }

    fn pop(&mut self) -> Option<Message> {
        let Some((key, mut row)) = self.rows.pop_front() else {
            let message = self.plain.pop_front();
            self.mixed &= !self.plain.is_empty();
            return message;
        };
        let message = row.pop_front();
        if !row.is_empty() {
            self.rows.push_back((key, row));
        }
        message
    }

    fn pop_expired(&mut self, now: Duration) -> Option<Message> {
        let late = |message: &&Message| message.deadline.is_some_and(|at| at <= now);
        let first = *self
            .all()
            .filter(late)
            .min_by_key(|message| (message.deadline, message.came))?;
        for (_, row) in &mut self.rows {
            row.retain(|message| *message != first);
        }
        self.rows.retain(|(_, row)| !row.is_empty());
        Some(first)
    }
}

fn same(entries: &[Entry<u32>], messages: &[Message]) {
    let entries: Vec<_> = entries.iter().map(|entry| entry.message).collect();
    let messages: Vec<_> = messages.iter().map(|message| message.number).collect();
    assert_eq!(entries, messages);
}

/// Catches: any message lost, doubled or out of turn, one that is put back included; a count or bound
/// that is off; a deadline that is missed; over hundreds of random lanes, among them tiny ones.
#[test]
fn the_lane_does_what_the_model_does() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (batch, key_max) = (rng.random_range(1..12), rng.random_range(1..20));
        let (keys, dated) = (rng.random_range(1..8), rng.random_range(0.0..1.0));
        let mut queue = Queue::new(batch, key_max);
        let mut model = Model::default();
        let mut now = 0;
        for number in 0..400 {
            now += rng.random_range(0..2u64);
            match rng.random_range(0..22) {
                0..12 => {
                    let key = rng.random_range(0..keys);
                    let message = Message {
                        number,
                        key: (key > 0).then_some(key),
                        deadline: rng
                            .random_bool(dated)
                            .then(|| Duration::from_nanos(now + rng.random_range(0..50))),
                        came: 0,
                    };
                    let Message { key, deadline, .. } = message;
                    let tag = Tag { key, deadline };
                    let entry = Entry::new(tag, number);
                    let count = model.all().filter(|other| other.key == key).count();
                    for granted in 0..3 {
                        let room = key.is_none() || count + granted < key_max;
                        assert_eq!(queue.has_room_for(entry.key, granted), room, "seed {seed}");
                    }
                    queue.push(entry);
                    model.push(message, batch.min(key_max));
                }
                12..18 => {
                    let count = rng.random_range(0..batch + 3);
                    let mut hand = VecDeque::new();
                    queue.take(count, &mut hand);
                    let taken: Vec<_> = (0..count).map_while(|_| model.pop()).collect();
                    same(hand.make_contiguous(), &taken);
                }
                20.. => {
                    let mut hand = VecDeque::new();
                    queue.take(rng.random_range(1..batch + 3), &mut hand);
                    let taken: Vec<_> = hand.iter().map_while(|_| model.pop()).collect();
                    same(hand.make_contiguous(), &taken);
                    // The first is put off, and with it those of its key.
                    let first = taken.first().map(|message| message.key);
                    for (entry, message) in hand.into_iter().zip(taken).rev() {
                        if Some(message.key) == first {
                            queue.put_back(entry);
                            model.put_back(message, batch.min(key_max));
                        }
                    }
                }
                _ => {
                    let count = rng.random_range(0..6);
                    let mut dead = Vec::new();
                    let moment = Duration::from_nanos(now);
                    queue.take_expired(Instant::at(moment), count, &mut dead);
                    if model.all().any(|message| message.deadline.is_some()) {
                        model.sort();
                    }
                    let late: Vec<_> = (0..count)
                        .map_while(|_| model.pop_expired(moment))
                        .collect();
                    same(&dead, &late);
                }
            }
            assert_eq!(queue.len(), model.all().count(), "seed {seed}");
            assert_eq!(queue.is_empty(), model.all().next().is_none());
            for key in 0..keys {
                let key = (key > 0).then_some(key);
                let tag = Tag {
                    key,
                    deadline: None,
                };
                let waiting = queue.waiting_of(Entry::new(tag, 0).key);
                let count = model.all().filter(|other| other.key == key).count();
                assert_eq!(waiting, count, "of {key:?}, seed {seed}");
            }
        }
    }
}

/// The place of a message's key among those that are counted.
fn place(entry: &Entry<u32>) -> usize {
    let key = entry.key.get().expect("a key");
    usize::try_from(key).expect("few") - 1
}

/// Catches: a message that is put back behind others of its key, or is counted wrongly; in one row
/// and in rows by key.
#[test]
fn what_is_put_back_stands_before_all_others_of_its_key() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (batch, keys) = (rng.random_range(1..12), rng.random_range(1..6));
        let mut queue = Queue::new(batch, 1_000);
        let mut sent = vec![0u32; keys];
        let mut handled = vec![0u32; keys];
        let mut hand = VecDeque::new();
        for _ in 0..400 {
            let key = rng.random_range(0..keys);
            queue.push(Entry::new(Tag::key(key as u64 + 1), sent[key]));
            sent[key] += 1;
            if rng.random_bool(0.4) {
                let before = queue.len();
                queue.take(rng.random_range(1..4), &mut hand);
                let taken = hand.len();
                assert_eq!(queue.len(), before - taken);
                // The first is put off, and with it those of its key; the others are handled.
                let first = hand[0].key;
                let (mut off, on): (Vec<_>, Vec<_>) =
                    hand.drain(..).partition(|entry| entry.key == first);
                if rng.random_bool(0.3) {
                    for entry in off.drain(..).rev() {
                        queue.put_back(entry);
                    }
                }
                for entry in off.into_iter().chain(on) {
                    let key = place(&entry);
                    assert_eq!(entry.message, handled[key], "seed {seed}");
                    handled[key] += 1;
                }
            }
        }
        queue.take(usize::MAX, &mut hand);
        for entry in hand {
            let key = place(&entry);
            assert_eq!(entry.message, handled[key], "seed {seed}");
            handled[key] += 1;
        }
        assert_eq!(sent, handled, "seed {seed}");
    }
}

/// Catches: places of messages that have left and are kept for ever, or are tidied away at every message;
/// and deadlines that are kept before anybody asks, twice, or after the mailbox has run empty.
#[test]
fn deadlines_are_kept_from_the_first_question_on_and_do_not_add_up() {
    let dated = |number: u32| {
        let tag = Tag::key(u64::from(number % 3)).until(Duration::from_secs(1));
        Entry::new(tag, number)
    };
    let mut queue = Queue::new(4, 1_000);
    let mut dead = Vec::new();
    let mut hand = VecDeque::new();
    (0..=100).for_each(|number| queue.push(dated(number)));
    assert_eq!(queue.deadlines_kept(), 0, "nobody has asked");
    for _ in 0..2 {
        queue.take_expired(Instant::at(Duration::ZERO), 1, &mut dead);
        assert_eq!(queue.deadlines_kept(), 101, "once each");
    }
    let mut kept = Vec::new();
    for number in 101..100_000 {
        queue.push(dated(number));
        queue.take(1, &mut hand);
        hand.clear();
        kept.push(queue.deadlines_kept());
    }
    assert_eq!(queue.len(), 101);
    assert!(dead.is_empty());
    // 102 are there when one is pushed. The outdated go when they are more than those, and 64.
    let bounds = (kept.iter().min(), kept.iter().max());
    assert_eq!(bounds, (Some(&102), Some(&(2 * 102 + 64))));
    queue.take_expired(Instant::at(Duration::from_secs(1)), 1_000, &mut dead);
    assert_eq!((dead.len(), queue.deadlines_kept()), (101, 0));
    (0..100).for_each(|number| queue.push(dated(number)));
    assert_eq!(queue.deadlines_kept(), 0, "it is another crowd");
}
