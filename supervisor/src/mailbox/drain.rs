//! The drainer's end of a mailbox.

use std::sync::Arc;

use ractor::ActorRef;

use super::lanes::{Drains, Wake, wake, wake_all};
use super::{DeadLetter, DeadReason, Entry, Mailbox};
use crate::pulse::Pulse;

impl<M: Send + 'static> Mailbox<M> {
    /// Makes `actor` the one to wake, and wakes it to look. The epoch that is returned is its key to
    /// the hand; that of whoever had it before does not fit any more.
    pub(crate) fn attach(&self, actor: ActorRef<Wake>, pulse: Option<Arc<Pulse>>) -> u64 {
        self.fence();
        let hand = self.inner.hand.lock();
        let mut lanes = self.inner.lanes.lock();
        lanes.drainer = Some(Drains { actor, pulse });
        lanes.scheduled = false;
        let idle = lanes.schedule();
        drop(lanes);
        let epoch = hand.epoch;
        drop(hand);
        wake(idle);
        epoch
    }

    /// Gives up the incarnation that drains, if one does: from now on it takes no message, returns
    /// none, and what it handles is lost with it.
    pub(crate) fn fence(&self) {
        let mut hand = self.inner.hand.lock();
        hand.epoch += 1;
        let lost = hand.out.take();
        drop(hand);
        if let Some(lost) = lost {
            let reason = DeadReason::Stuck;
            let letter = DeadLetter::new(self.now(), lost.key, lost.attempts, reason);
            self.note_dead(letter);
        }
    }

    /// Makes sure that something is in hand: what an earlier incarnation left there, else the next
    /// batch, control first. 0: there is nothing, and the next message will wake the drainer.
    pub(crate) fn refill(&self, epoch: u64) -> usize {
        let mut hand = self.inner.hand.lock();
        if hand.epoch != epoch {
            return 0;
        }
        hand.out = None;
        if !hand.waiting.is_empty() {
            return hand.waiting.len();
        }
        let mut wakers = Vec::new();
        let mut lanes = self.inner.lanes.lock();
        let control = lanes.control.len().min(self.inner.batch_max);
        hand.waiting.extend(lanes.control.drain(..control));
        let business = self.inner.batch_max - control;
        lanes.business.take(business, &mut hand.waiting);
        lanes.grant_after_batch(&mut wakers);
        let taken = hand.waiting.len();
        lanes.scheduled = taken > 0;
        let backlog = !lanes.business.is_empty();
        lanes.pace.batch(taken, backlog, || self.now());
        drop(lanes);
        drop(hand);
        wake_all(wakers);
        taken
    }

    /// Takes the next message of the hand, its attempt counted.
    pub(crate) fn begin(&self, epoch: u64) -> Option<Entry<M>> {
        let mut hand = self.inner.hand.lock();
        if hand.epoch == epoch {
            hand.begin()
        } else {
            None
        }
    }

    /// The message that was begun is done with, and no other is begun.
    pub(crate) fn settle(&self, epoch: u64) {
        let mut hand = self.inner.hand.lock();
        if hand.epoch == epoch {
            hand.out = None;
        }
    }

    /// Takes a message back that was begun and not finished. From an incarnation that was given up
    /// it is a dead letter, counted when that happened.
    pub(crate) fn put_back(&self, epoch: u64, entry: Entry<M>) {
        let mut hand = self.inner.hand.lock();
        if hand.epoch == epoch {
            hand.put_back(entry);
            return;
        }
        drop(hand);
        let reason = DeadReason::Stuck;
        let letter = DeadLetter::new(self.now(), entry.key, entry.attempts, reason);
        self.hand_over(letter, entry.message);
    }

    /// Gives a message back to its lane that was begun and is to wait for its key's next turn, and
    /// with it, behind it, what the hand holds of that key. From an incarnation that was given up it
    /// is a dead letter, counted when that happened.
    pub(crate) fn defer(&self, epoch: u64, mut entry: Entry<M>) {
        let mut hand = self.inner.hand.lock();
        if hand.epoch != epoch {
            drop(hand);
            return self.put_back(epoch, entry);
        }
        entry.attempts = entry.attempts.saturating_sub(1);
        let behind = hand.take_of(entry.key);
        let mut lanes = self.inner.lanes.lock();
        // The front of the row comes last.
        for entry in behind.into_iter().rev() {
            lanes.business.put_back(entry);
        }
        lanes.business.put_back(entry);
        drop(lanes);
        drop(hand);
    }

    /// Takes the front of the hand out if it has used up its attempts.
    pub(crate) fn condemn(&self, epoch: u64, attempts_max: u32) -> Option<Entry<M>> {
        let mut hand = self.inner.hand.lock();
        if hand.epoch == epoch {
            hand.condemn(attempts_max)
        } else {
            None
        }
    }

    pub(crate) fn batch_max(&self) -> usize {
        self.inner.batch_max
    }
}
