//! Who waits for room, and who is next.
//!
//! Senders wait in a line for each key, and lines take turns as keys do inside: a thousand senders
//! of a hot key keep nobody of another one waiting. A sender that is next is *granted* a place, which
//! counts as taken until it is used or given back.

use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;

use super::tag::Key;

#[derive(Default)]
pub(super) struct Gate {
    /// A line exists while somebody stands in it.
    lines: BTreeMap<Key, Line>,
    /// The lines with senders who wait, in the order of their turns.
    turns: BTreeMap<u64, Key>,
    turns_given: u64,
    tickets_given: u64,
    waiting: usize,
    granted: usize,
}

#[derive(Default)]
struct Line {
    waiting: BTreeMap<u64, Waker>,
    granted: BTreeSet<u64>,
    turn: Option<u64>,
}

impl Gate {
    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether nobody waits, and no place is promised.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many places are granted and not used yet.
    pub(super) fn granted(&self) -> usize {
        self.granted
    }

    /// How many of them belong to `key`; `None` if somebody of that key still waits, whom no other
    /// may overtake.
    pub(super) fn granted_of(&self, key: Key) -> Option<usize> {
        match self.lines.get(&key) {
            None => Some(0),
            Some(line) if line.waiting.is_empty() => Some(line.granted.len()),
            Some(_) => None,
        }
    }

    /// Joins the line of `key`; the ticket says who it was.
    pub(super) fn join(&mut self, key: Key, waker: Waker) -> u64 {
        self.tickets_given += 1;
        self.waiting += 1;
        let line = self.lines.entry(key).or_default();
        line.waiting.insert(self.tickets_given, waker);
        if line.turn.is_none() {
            self.turns_given += 1;
            line.turn = Some(self.turns_given);
            self.turns.insert(self.turns_given, key);
        }
        self.tickets_given
    }

    /// Goes on waiting, with a waker that may be another one.
    pub(super) fn stay(&mut self, key: Key, ticket: u64, waker: &Waker) {
        let line = self.lines.get_mut(&key);
        if let Some(kept) = line.and_then(|line| line.waiting.get_mut(&ticket)) {
            kept.clone_from(waker);
        }
    }

    /// Uses the place that was granted, if one was.
    pub(super) fn claim(&mut self, key: Key, ticket: u64) -> bool {
        let Some(line) = self.lines.get_mut(&key) else {
            return false;
        };
        if !line.granted.remove(&ticket) {
            return false;
        }
        self.granted -= 1;
        self.close_if_empty(key);
        true
    }

    /// Leaves without having sent; says whether that gives a place back.
    pub(super) fn leave(&mut self, key: Key, ticket: u64) -> bool {
        if self.claim(key, ticket) {
            return true;
        }
        let line = self.lines.get_mut(&key);
        if line.is_some_and(|line| line.waiting.remove(&ticket).is_some()) {
            self.waiting -= 1;
            self.close_if_empty(key);
        }
        false
    }

    /// Grants `places` in all, those granted before included, each line in its turn.
    pub(super) fn grant(
        &mut self,
        places: usize,
        has_room_for: impl Fn(Key, usize) -> bool,
        wakers: &mut Vec<Waker>,
    ) {
        // Lines of keys that are at their bound are passed over. There are few of them, because
        // such a key holds its share of the mailbox.
        let mut passed_over = 0;
        while self.granted < places && passed_over < self.turns.len() {
            let Some((_, key)) = self.turns.pop_first() else {
                return;
            };
            let Some(line) = self.lines.get_mut(&key) else {
                continue;
            };
            line.turn = None;
            if !has_room_for(key, line.granted.len()) {
                passed_over += 1;
            } else if let Some((ticket, waker)) = line.waiting.pop_first() {
                passed_over = 0;
                line.granted.insert(ticket);
                wakers.push(waker);
                self.granted += 1;
                self.waiting -= 1;
            }
            if !line.waiting.is_empty() {
                self.turns_given += 1;
                line.turn = Some(self.turns_given);
                self.turns.insert(self.turns_given, key);
            }
        }
    }

    /// Sends everybody away.
    pub(super) fn close(&mut self) -> Vec<Waker> {
        let lines = std::mem::take(self).lines;
        lines
            .into_values()
            .flat_map(|line| line.waiting.into_values())
            .collect()
    }

    fn close_if_empty(&mut self, key: Key) {
        let Some(line) = self.lines.get(&key) else {
            return;
        };
        if !line.waiting.is_empty() {
            return;
        }
        if let Some(turn) = line.turn {
            self.turns.remove(&turn);
        }
        if line.granted.is_empty() {
            self.lines.remove(&key);
        } else if let Some(line) = self.lines.get_mut(&key) {
            line.turn = None;
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::task::Wake;

    use rand::Rng;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::super::tag::{Entry, Tag};
    use super::*;

    struct Bed;

    impl Wake for Bed {
        fn wake(self: Arc<Self>) {}
    }

    fn sleeper() -> Waker {
        Arc::new(Bed).into()
    }

    fn key(key: u64) -> Key {
        Entry::new(Tag::key(key), ()).key
    }

    /// Catches: a newcomer who overtakes senders of its key, one who is held up by a place that is
    /// granted already, and a gate that takes a promised place for a free one.
    #[test]
    fn a_key_says_who_waits_and_what_is_promised() {
        let (mut gate, mut wakers) = (Gate::default(), Vec::new());
        let (hot, other) = (key(7), key(8));
        assert!(gate.is_empty());
        assert_eq!(gate.granted_of(hot), Some(0));
        let first = gate.join(hot, sleeper());
        assert_eq!(gate.granted_of(hot), None, "somebody waits");
        assert_eq!(gate.granted_of(other), Some(0));
        assert!(!gate.is_empty());
        gate.grant(1, |_, _| true, &mut wakers);
        assert_eq!(gate.granted_of(hot), Some(1));
        assert!(!gate.is_empty(), "a place is promised");
        let second = gate.join(hot, sleeper());
        assert_eq!(gate.granted_of(hot), None, "somebody waits again");
        assert!(gate.claim(hot, first));
        assert!(!gate.leave(hot, second), "it had no place to give back");
        assert_eq!(gate.granted_of(hot), Some(0));
        assert!(gate.is_empty());
    }

    /// Catches: a sender who is polled by another task meanwhile, and whose first one is woken.
    #[test]
    fn the_latest_waker_is_woken() {
        let (mut gate, mut wakers) = (Gate::default(), Vec::new());
        let (first, latest) = (sleeper(), sleeper());
        let ticket = gate.join(key(7), first.clone());
        gate.stay(key(7), ticket, &latest);
        gate.grant(1, |_, _| true, &mut wakers);
        let woken = wakers.pop().expect("somebody is woken");
        assert!(woken.will_wake(&latest) && !woken.will_wake(&first));
    }

    /// Senders in the order in which they came, and keys in the order of their turns.
    #[derive(Default)]
    struct Model {
        waiting: Vec<(Key, u64, Waker)>,
        granted: Vec<(Key, u64)>,
        turns: VecDeque<Key>,
    }

    impl Model {
        fn granted_of(&self, key: Key) -> usize {
            self.granted.iter().filter(|(it, _)| *it == key).count()
        }

        fn waits(&self, key: Key) -> bool {
            self.waiting.iter().any(|(it, _, _)| *it == key)
        }

        fn join(&mut self, key: Key, ticket: u64, waker: Waker) {
            self.waiting.push((key, ticket, waker));
            if !self.turns.contains(&key) {
                self.turns.push_back(key);
            }
        }

        fn claim(&mut self, ticket: u64) -> bool {
            let before = self.granted.len();
            self.granted.retain(|(_, it)| *it != ticket);
            self.granted.len() < before
        }

        fn leave(&mut self, ticket: u64) -> bool {
            let is_granted = self.claim(ticket);
            self.waiting.retain(|(_, it, _)| *it != ticket);
            self.no_turns_for_nobody();
            is_granted
        }

        fn no_turns_for_nobody(&mut self) {
            let mut turns = std::mem::take(&mut self.turns);
            turns.retain(|key| self.waits(*key));
            self.turns = turns;
        }

        /// Whoever is let in, in that order: always the first of the first key that has room.
        fn grant(&mut self, places: usize, key_max: usize) -> Vec<Waker> {
            let mut woken = Vec::new();
            while self.granted.len() < places {
                let has_room = |key: &Key| self.granted_of(*key) < key_max;
                let Some(at) = self.turns.iter().position(has_room) else {
                    break;
                };
                // Those who were passed over have had their turn as well.
                self.turns.rotate_left(at + 1);
                let key = self.turns[self.turns.len() - 1];
                let first = self.waiting.iter().position(|(it, _, _)| *it == key);
                let (_, ticket, waker) = self.waiting.remove(first.expect("somebody waits"));
                self.granted.push((key, ticket));
                woken.push(waker);
                self.no_turns_for_nobody();
            }
            woken
        }
    }

    /// Catches: a place that is granted to the wrong one, twice, or to nobody; a key that loses its turn
    /// or has two; and a count that is off: over hundreds of random crowds.
    #[test]
    fn the_gate_does_what_the_model_does() {
        for seed in 0..300 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let (keys, key_max) = (rng.random_range(1..6), rng.random_range(1..4));
            let (mut gate, mut model) = (Gate::default(), Model::default());
            let mut tickets: Vec<(Key, u64)> = Vec::new();
            for step in 0..200 {
                let story = format!("seed {seed}, step {step}");
                let known = (!tickets.is_empty()).then(|| rng.random_range(0..tickets.len()));
                match (rng.random_range(0..8), known) {
                    (0..3, _) | (_, None) => {
                        let (key, waker) = (key(rng.random_range(0..keys)), sleeper());
                        let ticket = gate.join(key, waker.clone());
                        model.join(key, ticket, waker);
                        tickets.push((key, ticket));
                    }
                    (3, Some(at)) => {
                        let (key, ticket) = tickets.swap_remove(at);
                        assert_eq!(gate.leave(key, ticket), model.leave(ticket), "{story}");
                    }
                    (4..6, Some(at)) => {
                        let (key, ticket) = tickets[at];
                        let claimed = gate.claim(key, ticket);
                        assert_eq!(claimed, model.claim(ticket), "{story}");
                        if claimed {
                            tickets.swap_remove(at);
                        }
                    }
                    _ => {
                        let (places, mut woken) = (rng.random_range(0..8), Vec::new());
                        gate.grant(places, |_, granted| granted < key_max, &mut woken);
                        let expected = model.grant(places, key_max);
                        assert_eq!(woken.len(), expected.len(), "{story}");
                        let mut both = woken.iter().zip(&expected);
                        assert!(both.all(|(one, other)| one.will_wake(other)), "{story}");
                    }
                }
                assert_eq!(gate.waiting(), model.waiting.len(), "{story}");
                assert_eq!(gate.granted(), model.granted.len(), "{story}");
                let is_empty = model.waiting.is_empty() && model.granted.is_empty();
                assert_eq!(gate.is_empty(), is_empty, "{story}");
                for key in (0..keys).map(key) {
                    let granted = (!model.waits(key)).then(|| model.granted_of(key));
                    assert_eq!(gate.granted_of(key), granted, "{story}");
                }
            }
            assert_eq!(gate.close().len(), model.waiting.len(), "all are woken");
            assert!(gate.is_empty());
        }
    }
}
