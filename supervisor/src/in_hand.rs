//! The message in hand, as its worker sees it.

use std::ops::{Deref, DerefMut};

/// The message a worker is handling, in place: it is done with only when `handle` returns, so a
/// panic puts it back and the next incarnation gets it again.
///
/// Parts that can be used once, such as a reply channel, belong in an `Option` to be taken, after
/// everything that can panic.
pub struct InHand<'a, M> {
    message: &'a mut M,
    attempt: u32,
    finished: bool,
    deferred: bool,
}

impl<'a, M> InHand<'a, M> {
    pub(crate) fn new(message: &'a mut M, attempt: u32) -> Self {
        Self {
            message,
            attempt,
            finished: false,
            deferred: false,
        }
    }

    /// Which delivery this is: 1 the first time, 2 after one panic over this very message.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Ends the worker, without an error, once this message is handled. A
    /// [`Permanent`](crate::Restart::Permanent) worker is started again, others have ended for good.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Not yet: once `handle` returns, the message goes back to the mailbox, and comes again when
    /// its key has its next turn. This was no attempt. The messages of its key wait behind it in
    /// their order, within their bounds, and those of other keys go on. For work on one message that
    /// is too long to be done in one piece: do a part of it each time.
    ///
    /// A message of the control lane goes on in the business lane.
    pub fn defer(&mut self) {
        self.deferred = true;
    }

    pub(crate) fn is_deferred(&self) -> bool {
        self.deferred
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
