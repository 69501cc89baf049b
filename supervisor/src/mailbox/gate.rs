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
    use std::sync::Arc;
    use std::task::Wake;

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
}
