//! The drainer's end of a mailbox.

use std::sync::atomic::Ordering;

use ractor::ActorRef;

use super::{Mailbox, Wake, wake};
use crate::error::StartError;
use crate::in_hand::InHand;

impl<M: Send + 'static> Mailbox<M> {
    /// Fails while another incarnation is inside a message.
    pub(crate) fn ensure_free(&self) -> Result<(), StartError> {
        self.inner
            .hand
            .try_lock()
            .map(drop)
            .ok_or(StartError::Occupied)
    }

    /// Makes `drainer` the one to wake, and wakes it if messages are waiting.
    pub(crate) fn attach(&self, drainer: ActorRef<Wake>) {
        let mut lanes = self.inner.lanes.lock();
        lanes.drainer = Some(drainer);
        lanes.scheduled = false;
        let waiting = self.in_hand() > 0 || !lanes.control.is_empty() || !lanes.business.is_empty();
        let idle = if waiting { lanes.schedule() } else { None };
        drop(lanes);
        wake(idle);
    }

    /// Makes sure that something is in hand: what an earlier incarnation left there, else the next
    /// batch, control first. `false`: there is nothing, and the next message will wake the drainer.
    pub(crate) fn refill(&self) -> bool {
        let mut hand = self.inner.hand.lock();
        if !hand.is_empty() {
            return true;
        }
        let mut lanes = self.inner.lanes.lock();
        let control = lanes.control.len().min(self.inner.batch_max);
        let business = lanes.business.len().min(self.inner.batch_max - control);
        hand.extend(lanes.control.drain(..control));
        hand.extend(lanes.business.drain(..business));
        lanes.scheduled = !hand.is_empty();
        self.inner.in_hand.store(hand.len(), Ordering::Relaxed);
        drop(lanes);
        self.inner.room.add_permits(business);
        !hand.is_empty()
    }

    /// Handles the front of the hand, if there is one; says whether the worker wants to end.
    pub(crate) fn handle_front(&self, handle: impl FnOnce(&mut InHand<'_, M>)) -> bool {
        let mut hand = self.inner.hand.lock();
        let handled = hand.handle_front(handle);
        self.inner.in_hand.store(hand.len(), Ordering::Relaxed);
        drop(hand);
        handled.is_some_and(|message| message.finished)
    }

    /// Takes the front of the hand out if it has used up its attempts.
    pub(crate) fn condemn(&self, attempts_max: u32) -> Option<(M, u32)> {
        let mut hand = self.inner.hand.lock();
        let condemned = hand.condemn(attempts_max);
        self.inner.in_hand.store(hand.len(), Ordering::Relaxed);
        condemned
    }

    pub(crate) fn in_hand(&self) -> usize {
        self.inner.in_hand.load(Ordering::Relaxed)
    }

    pub(crate) fn batch_max(&self) -> usize {
        self.inner.batch_max
    }
}
