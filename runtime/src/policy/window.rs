//! What a circuit breaker looks at: the last calls, or the calls of the last seconds.
//!
//! Both are rings with a running sum, as in resilience4j, so that a call costs the same however
//! large the window is.

use crate::clock::Timestamp;

use super::limits::WindowSize;

/// How calls went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) calls: u32,
    pub(super) failed: u32,
    pub(super) slow: u32,
}

impl Tally {
    pub(super) fn one(failed: bool, slow: bool) -> Self {
        Self {
            calls: 1,
            failed: failed.into(),
            slow: slow.into(),
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.failed = self.failed.saturating_add(other.failed);
        self.slow = self.slow.saturating_add(other.slow);
    }

    fn subtract(&mut self, other: Self) {
        self.calls = self.calls.saturating_sub(other.calls);
        self.failed = self.failed.saturating_sub(other.failed);
        self.slow = self.slow.saturating_sub(other.slow);
    }
}

/// A ring of tallies and their sum: each slot is one call, or one second.
#[derive(Debug, Clone)]
pub(super) struct Window {
    size: WindowSize,
    slots: Box<[Tally]>,
    sum: Tally,
    /// The slot that the next call takes; or the second that the newest slot stands for.
    head: u64,
}

impl Window {
    pub(super) fn new(size: WindowSize, now: Timestamp) -> Self {
        let (slots, head) = match size {
            WindowSize::Calls(calls) => (calls, 0),
            WindowSize::Seconds(seconds) => (seconds, now.as_millis() / 1_000),
        };
        Self {
            size,
            slots: vec![Tally::default(); slots.max(1) as usize].into(),
            sum: Tally::default(),
            head,
        }
    }

    pub(super) fn size(&self) -> WindowSize {
        self.size
    }

    /// Puts one call down, and gives the sum of the window with it.
    pub(super) fn record(&mut self, call: Tally, now: Timestamp) -> Tally {
        match self.size {
            WindowSize::Calls(_) => {
                self.replace(self.head, call);
                self.head = self.head.wrapping_add(1);
            }
            WindowSize::Seconds(_) => {
                self.advance(now.as_millis() / 1_000);
                let newest = self.slot(self.head);
                self.slots[newest].add(call);
                self.sum.add(call);
            }
        }
        self.sum
    }

    /// Empties the seconds that passed since the newest one.
    fn advance(&mut self, second: u64) {
        let passed = second
            .saturating_sub(self.head)
            .min(self.slots.len() as u64);
        for n in 1..=passed {
            // Counted from the end, so that after a long pause each slot is emptied once.
            self.replace(second - passed + n, Tally::default());
        }
        self.head = self.head.max(second);
    }

    fn replace(&mut self, at: u64, tally: Tally) {
        let slot = self.slot(at);
        let old = std::mem::replace(&mut self.slots[slot], tally);
        self.sum.subtract(old);
        self.sum.add(tally);
    }

    #[allow(clippy::cast_possible_truncation, reason = "smaller than a length")]
    fn slot(&self, at: u64) -> usize {
        (at % self.slots.len() as u64) as usize
    }
}
