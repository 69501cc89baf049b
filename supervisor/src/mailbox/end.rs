//! The end of a mailbox, and of messages that nobody will handle.

use std::time::Duration;

use super::lanes::wake_all;
use super::{DeadLetter, DeadReason, Entry, Mailbox};
use crate::panic::contain;

impl<M: Send + 'static> Mailbox<M> {
    /// Takes nothing any more: senders, also those who wait, get
    /// [`SendError::Closed`](crate::SendError::Closed). What is queued stays, for the drainer to
    /// work off.
    pub fn close(&self) {
        let mut lanes = self.inner.lanes.lock();
        lanes.closed = true;
        let wakers = lanes.gate.close();
        drop(lanes);
        wake_all(wakers);
    }

    /// Whether the mailbox was closed.
    pub fn is_closed(&self) -> bool {
        self.inner.lanes.lock().closed
    }

    /// Takes out whatever is left, oldest first; a message that is being handled is not. A tree
    /// that ends hands it to the dead letters itself: this is for a mailbox that never had one.
    pub fn take_rest(&self) -> Vec<M> {
        let rest = self.take_entries();
        rest.into_iter().map(|entry| entry.message).collect()
    }

    fn take_entries(&self) -> Vec<Entry<M>> {
        let mut wakers = Vec::new();
        let mut hand = self.inner.hand.lock();
        let mut lanes = self.inner.lanes.lock();
        let mut rest = std::mem::take(&mut hand.waiting);
        rest.append(&mut lanes.control);
        lanes.business.take(usize::MAX, &mut rest);
        lanes.grant(&mut wakers);
        drop(lanes);
        drop(hand);
        wake_all(wakers);
        rest.into()
    }

    /// The end for good: closes, gives up whoever still holds a message, and answers for the rest.
    pub(crate) fn end(&self, reason: DeadReason) {
        self.close();
        self.fence();
        let rest = self.take_entries();
        if !rest.is_empty() {
            self.bury(rest, self.now(), reason);
        }
    }

    /// Makes dead letters of messages.
    pub(crate) fn bury(
        &self,
        dead: impl IntoIterator<Item = Entry<M>>,
        at: Duration,
        reason: DeadReason,
    ) {
        for entry in dead {
            let letter = DeadLetter::new(at, entry.key, entry.attempts, reason);
            self.note_dead(letter);
            self.hand_over(letter, entry.message);
        }
    }

    pub(super) fn note_dead(&self, letter: DeadLetter) {
        let latest_max = self.inner.dead_letters_max;
        self.inner.dead.lock().note(letter, latest_max);
    }

    pub(super) fn hand_over(&self, letter: DeadLetter, message: M) {
        if let Err(panic) = contain(|| (self.inner.on_dead)(letter, message)) {
            tracing::error!(panic, "whoever takes dead letters panicked over one");
        }
    }
}
