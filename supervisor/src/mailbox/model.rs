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

/// Some message: of one of so many keys or of none, and perhaps with a deadline.
fn drawn(rng: &mut ChaCha8Rng, number: u32, now: u64, (keys, dated): (u64, f64)) -> Message {
    let key = rng.random_range(0..keys);
    let is_dated = rng.random_bool(dated);
    Message {
        number,
        key: (key > 0).then_some(key),
        deadline: is_dated.then(|| Duration::from_nanos(now + rng.random_range(0..50))),
        came: 0,
    }
}

fn entry(message: Message) -> Entry<u32> {
    let Message { key, deadline, .. } = message;
    Entry::new(Tag { key, deadline }, message.number)
}

/// Catches: any message lost, doubled or out of turn, one included that is put back after others came; a
/// count or bound that is off; a deadline that is missed; over hundreds of random lanes, some of them tiny.
#[test]
fn the_lane_does_what_the_model_does() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (batch, key_max) = (rng.random_range(1..12), rng.random_range(1..20));
        let (keys, dated) = (rng.random_range(1..8), rng.random_range(0.0..1.0));
        let (crowd, sort_from) = ((keys, dated), batch.min(key_max));
        let mut queue = Queue::new(batch, key_max);
        let mut model = Model::default();
        // Whoever asks for what is late may hold some already.
        let mut dead = Vec::new();
        let mut now = 0;
        for number in 0..400 {
            now += rng.random_range(0..2u64);
            match rng.random_range(0..22) {
                0..12 => {
                    let message = drawn(&mut rng, number, now, crowd);
                    let (key, entry) = (message.key, entry(message));
                    let count = model.all().filter(|other| other.key == key).count();
                    for granted in 0..3 {
                        let room = key.is_none() || count + granted < key_max;
                        assert_eq!(queue.has_room_for(entry.key, granted), room, "seed {seed}");
                    }
                    queue.push(entry);
                    model.push(message, sort_from);
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
                    // While it is in hand, others come.
                    for later in (1..).take(rng.random_range(0..batch + 3)) {
                        let number = number + 1_000 * later;
                        let message = drawn(&mut rng, number, now, crowd);
                        queue.push(entry(message));
                        model.push(message, sort_from);
                    }
                    // The first is put off, and with it those of its key.
                    let first = taken.first().map(|message| message.key);
                    for (entry, message) in hand.into_iter().zip(taken).rev() {
                        if Some(message.key) == first {
                            queue.put_back(entry);
                            model.put_back(message, sort_from);
                        }
                    }
                }
                _ => {
                    let (count, before) = (rng.random_range(0..6), dead.len());
                    let moment = Duration::from_nanos(now);
                    queue.take_expired(Instant::at(moment), count, &mut dead);
                    if model.all().any(|message| message.deadline.is_some()) {
                        model.sort();
                    }
                    let late: Vec<_> = (0..count)
                        .map_while(|_| model.pop_expired(moment))
                        .collect();
                    same(&dead[before..], &late);
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
