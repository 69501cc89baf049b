//! The batch in hand: taken out of the lanes, not yet handled, kept where a panic cannot reach it.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};

/// The message a worker is handling, in place: it leaves the mailbox only when `handle` returns, so
/// a panic finds it still there and the next incarnation gets it again.
///
/// Parts that can be used once, such as a reply channel, belong in an `Option` to be taken, after
/// everything that can panic.
pub struct InHand<'a, M> {
    message: &'a mut M,
    attempt: u32,
    finished: bool,
}

impl<M> InHand<'_, M> {
    /// Which delivery this is: 1 the first time, 2 after one panic over this very message.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Ends the worker, without an error, once this message is handled. A
    /// [`Permanent`](crate::Restart::Permanent) worker is started again, others have ended for good.
    pub fn finish(&mut self) {
        self.finished = true;
    }
}

impl<M> Deref for InHand<'_, M> {
    type Target = M;

    fn deref(&self) -> &M {
        self.message
    }
}

impl<M> DerefMut for InHand<'_, M> {
    fn deref_mut(&mut self) -> &mut M {
        self.message
    }
}

/// The batch in hand. Only its front is ever attempted, so one counter serves the whole batch.
pub(crate) struct Hand<M> {
    queue: VecDeque<M>,
    attempt: u32,
}

impl<M> Hand<M> {
    pub(crate) fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            attempt: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn extend(&mut self, messages: impl IntoIterator<Item = M>) {
        self.queue.extend(messages);
    }

    /// Handles the front in place and takes it out. Should `handle` panic, the front stays, with
    /// the attempt counted.
    pub(crate) fn handle_front(
        &mut self,
        handle: impl FnOnce(&mut InHand<'_, M>),
    ) -> Option<Handled<M>> {
        let message = self.queue.front_mut()?;
        self.attempt = self.attempt.saturating_add(1);
        let mut in_hand = InHand {
            message,
            attempt: self.attempt,
            finished: false,
        };
        handle(&mut in_hand);
        let finished = in_hand.finished;
        self.attempt = 0;
        let message = self.queue.pop_front()?;
        Some(Handled {
            _message: message,
            finished,
        })
    }

    /// Takes the front out if it has used up its attempts, with their number.
    pub(crate) fn condemn(&mut self, attempts_max: u32) -> Option<(M, u32)> {
        if self.attempt < attempts_max {
            return None;
        }
        let attempts = std::mem::take(&mut self.attempt);
        self.queue.pop_front().map(|message| (message, attempts))
    }

    pub(crate) fn take_all(&mut self) -> VecDeque<M> {
        self.attempt = 0;
        std::mem::take(&mut self.queue)
    }
}

/// A message that is done with; its `Drop` is foreign code and runs outside the lock.
pub(crate) struct Handled<M> {
    _message: M,
    pub(crate) finished: bool,
}
