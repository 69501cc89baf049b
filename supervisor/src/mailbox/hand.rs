//! The batch in hand: taken out of the lanes, not yet handled, kept where no panic reaches it.

use std::collections::VecDeque;

use super::tag::{Entry, Key};

/// What an incarnation holds of the mailbox. Each incarnation has an *epoch*, and only that of the
/// present one opens the hand: whoever was given up may still run, but takes and returns nothing.
pub(super) struct Hand<M> {
    pub(super) waiting: VecDeque<Entry<M>>,
    /// The message that is being handled: its worker has it, and here stands what it was.
    pub(super) out: Option<Out>,
    pub(super) epoch: u64,
}

#[derive(Clone, Copy)]
pub(super) struct Out {
    pub(super) key: Key,
    pub(super) attempts: u32,
}

impl<M> Hand<M> {
    pub(super) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            out: None,
            epoch: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len() + usize::from(self.out.is_some())
    }

    /// Takes the next one, to be begun.
    pub(super) fn begin(&mut self) -> Option<Entry<M>> {
        self.out = None;
        let mut entry = self.waiting.pop_front()?;
        entry.attempts = entry.attempts.saturating_add(1);
        self.out = Some(Out {
            key: entry.key,
            attempts: entry.attempts,
        });
        Some(entry)
    }

    /// Takes one back that was begun and not finished.
    pub(super) fn put_back(&mut self, entry: Entry<M>) {
        self.out = None;
        self.waiting.push_front(entry);
    }

    /// Gives up the message that was begun, and takes out what waits of its key. Messages without a
    /// key are of different senders, and stay.
    pub(super) fn take_of(&mut self, key: Key) -> VecDeque<Entry<M>> {
        self.out = None;
        if key.is_none() {
            return VecDeque::new();
        }
        let (of_key, others) = self.waiting.drain(..).partition(|entry| entry.key == key);
        self.waiting = others;
        of_key
    }

    /// Takes out the first if it was begun `attempts_max` times.
    pub(super) fn condemn(&mut self, attempts_max: u32) -> Option<Entry<M>> {
        let used_up = self.waiting.front()?.attempts >= attempts_max;
        if used_up {
            self.waiting.pop_front()
        } else {
            None
        }
    }
}
