//! Which message's deadline passes first.
//!
//! Kept only from the moment on at which a full mailbox asks for it, until the mailbox has run
//! empty. Messages that leave in their turn stay in here until their number gives them away.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::tag::Instant;

/// So few outdated places are not worth a tidying.
const OUTDATED_MIN: usize = 64;

pub(super) struct Expiry {
    /// Deadline, number and place of a message.
    heap: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    kept: bool,
}

impl Expiry {
    pub(super) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            kept: false,
        }
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    pub(super) fn keep(&mut self) {
        self.kept = true;
    }

    pub(super) fn forget(&mut self) {
        self.kept = false;
        self.heap.clear();
    }

    pub(super) fn add(&mut self, deadline: Instant, number: u64, place: usize) {
        if deadline != Instant::NEVER {
            self.heap.push(Reverse((deadline, number, place)));
        }
    }

    /// Number and place of the earliest, if its deadline has passed.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(u64, usize)> {
        let Reverse((deadline, ..)) = self.heap.peek()?;
        if *deadline > now {
            return None;
        }
        let Reverse((_, number, place)) = self.heap.pop()?;
        Some((number, place))
    }

    /// Forgets the outdated when they are more than half, so that they never add up.
    pub(super) fn tidy(&mut self, messages: usize, is_there: impl Fn(u64, usize) -> bool) {
        if self.heap.len() > 2 * messages + OUTDATED_MIN {
            self.heap
                .retain(|Reverse((_, number, place))| is_there(*number, *place));
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }
}
