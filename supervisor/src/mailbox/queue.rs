//! The business lane: first come first served while that is fair, by turns as soon as it is not.
//!
//! Turns cost a few lookups a message. They change nothing while only one key waits, nor while all
//! that waits fits into one batch, since the whole batch is taken in hand at once. So messages stand
//! in one plain row until a mixed row outgrows that; then they are sorted into turns, which stay
//! until the lane runs empty. The sorting is paid for by the messages that made the row grow.

use std::collections::VecDeque;

use super::fair::Fair;
use super::tag::{Entry, Instant, Key};

pub(super) struct Queue<M> {
    /// Empty while `fair` is not.
    plain: VecDeque<Entry<M>>,
    /// More than one key stands in `plain`.
    mixed: bool,
    fair: Fair<M>,
    /// The length from which on a mixed row is sorted; at most `key_max`, so that a shorter one
    /// holds too little of any key to ask.
    sort_from: usize,
    key_max: usize,
    /// How many have a deadline. Where none has, nothing is searched for those that passed it.
    dated: usize,
}

impl<M> Queue<M> {
    pub(super) fn new(batch_max: usize, key_max: usize) -> Self {
        Self {
            plain: VecDeque::new(),
            mixed: false,
            fair: Fair::new(),
            sort_from: batch_max.min(key_max),
            key_max,
            dated: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.plain.len() + self.fair.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether one more of `key` keeps within its bound, when `granted` more are on their way.
    #[inline]
    pub(super) fn has_room_for(&self, key: Key, granted: usize) -> bool {
        // No key can hold more than all of them together: mostly there is nothing to count.
        key.is_none()
            || self.len() + granted < self.key_max
            || self.waiting_of(key) + granted < self.key_max
    }

    /// The same with a quarter to spare, for those who have to be woken before they send.
    pub(super) fn has_ample_room_for(&self, key: Key, granted: usize) -> bool {
        self.has_room_for(key, granted + self.key_max / 4)
    }

    pub(super) fn waiting_of(&self, key: Key) -> usize {
        if !self.fair.is_empty() {
            self.fair.waiting_of(key)
        } else if self.mixed {
            // Shorter than `sort_from`.
            self.plain.iter().filter(|entry| entry.key == key).count()
        } else {
            let alone = self.plain.front().is_some_and(|entry| entry.key == key);
            if alone { self.plain.len() } else { 0 }
        }
    }

    #[inline]
    pub(super) fn push(&mut self, entry: Entry<M>) {
        self.dated += usize::from(entry.is_dated());
        let alone = !self.mixed && self.plain.back().is_some_and(|last| last.key == entry.key);
        if alone {
            self.plain.push_back(entry);
        } else {
            self.push_mixed(entry);
        }
    }

    /// The next to others, or to nothing.
    fn push_mixed(&mut self, entry: Entry<M>) {
        if self.fair.is_empty() {
            if self.plain.len() < self.sort_from {
                self.mixed = !self.plain.is_empty();
                self.plain.push_back(entry);
                return;
            }
            self.sort();
        }
        self.fair.push(entry);
    }

    /// Puts a message that was taken back before all others of its key.
    pub(super) fn put_back(&mut self, entry: Entry<M>) {
        self.dated += usize::from(entry.is_dated());
        if self.fair.is_empty() && self.plain.len() < self.sort_from {
            let alone = self.plain.iter().all(|other| other.key == entry.key);
            self.mixed = !alone;
            self.plain.push_front(entry);
            return;
        }
        self.sort();
        self.fair.put_back(entry);
    }

    fn sort(&mut self) {
        self.mixed = false;
        for entry in self.plain.drain(..) {
            self.fair.push(entry);
        }
    }

    /// Takes out up to `count`, each key in its turn.
    pub(super) fn take(&mut self, count: usize, hand: &mut VecDeque<Entry<M>>) {
        let already = hand.len();
        if self.fair.is_empty() {
            let count = count.min(self.plain.len());
            hand.extend(self.plain.drain(..count));
            self.mixed &= !self.plain.is_empty();
        } else {
            hand.extend(std::iter::from_fn(|| self.fair.pop()).take(count));
        }
        if self.dated > 0 {
            let taken = hand.iter().skip(already);
            self.dated -= taken.filter(|entry| entry.is_dated()).count();
        }
    }

    /// Takes out up to `count` whose deadline has passed, the earliest first.
    pub(super) fn take_expired(&mut self, now: Instant, count: usize, dead: &mut Vec<Entry<M>>) {
        if self.dated == 0 {
            return;
        }
        self.sort();
        let already = dead.len();
        dead.extend(std::iter::from_fn(|| self.fair.pop_expired(now)).take(count));
        self.dated -= dead.len() - already;
    }

    /// Whether the keys have their turns.
    #[cfg(test)]
    pub(super) fn is_sorted(&self) -> bool {
        !self.fair.is_empty()
    }

    /// How many deadlines are remembered, outdated ones included.
    #[cfg(test)]
    pub(super) fn deadlines_kept(&self) -> usize {
        self.fair.deadlines_kept()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::mailbox::tag::Tag;

    /// Catches: turns that are paid for though a single key waits, however many come and go.
    #[test]
    fn a_row_of_one_key_is_not_sorted() {
        let (mut queue, mut hand) = (Queue::new(4, 1_000), VecDeque::new());
        for number in 0..50 {
            queue.push(Entry::new(Tag::key(7), number));
            queue.push(Entry::new(Tag::key(7), number));
            queue.take(1, &mut hand);
            assert!(!queue.is_sorted(), "{number}");
        }
        queue.push(Entry::new(Tag::key(8), 50));
        assert!(queue.is_sorted(), "two keys, and more than a batch");
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
}
