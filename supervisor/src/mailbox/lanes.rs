//! What senders touch: the two lanes, the gate before them, and whom to wake.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use ractor::ActorRef;

use super::gate::Gate;
use super::options::{CONTROL_LANE_MAX, MailboxOptions, WAITING_SENDERS_MAX};
use super::pace::Pace;
use super::queue::Queue;
use super::tag::{Entry, Instant, Key};
use crate::error::{Bound, SendError};
use crate::pulse::Pulse;

/// Tells the draining actor that there is something to do.
pub(crate) struct Wake;

/// Who drains, and what watches it do so.
#[derive(Clone)]
pub(super) struct Drains {
    pub(super) actor: ActorRef<Wake>,
    pub(super) pulse: Option<Arc<Pulse>>,
}

impl Drains {
    #[inline(never)]
    fn wake(self) {
        if let Some(pulse) = self.pulse {
            pulse.call();
        }
        // Refused by an actor that is ending; its successor looks into the lanes when it attaches.
        let _ = self.actor.cast(Wake);
    }
}

pub(super) struct Lanes<M> {
    pub(super) control: VecDeque<Entry<M>>,
    pub(super) business: Queue<M>,
    pub(super) gate: Gate,
    pub(super) pace: Pace,
    pub(super) drainer: Option<Drains>,
    /// A wake-up is on its way or being acted on; further messages need none.
    pub(super) scheduled: bool,
    pub(super) closed: bool,
    capacity: usize,
    /// Senders wait because the lane was full. Until they are let in, nobody else is.
    crowded: bool,
}

impl<M> Lanes<M> {
    pub(super) fn new(options: &MailboxOptions) -> Self {
        Self {
            control: VecDeque::new(),
            business: Queue::new(options.batch_max.get(), options.key_max()),
            gate: Gate::default(),
            pace: Pace::default(),
            drainer: None,
            scheduled: false,
            closed: false,
            capacity: options.capacity.get(),
            crowded: false,
        }
    }

    /// Whether a message of `key` may go straight into the business lane: there is a place that is
    /// promised to nobody, and nobody waits who would be overtaken.
    #[inline]
    pub(super) fn has_room_for(&self, key: Key) -> bool {
        if self.is_full() || self.crowded || self.closed {
            return false;
        }
        if self.gate.is_empty() {
            return self.business.has_room_for(key, 0);
        }
        self.gate
            .granted_of(key)
            .is_some_and(|granted| self.business.has_room_for(key, granted))
    }

    /// Whether every place is taken or promised.
    fn is_full(&self) -> bool {
        self.business.len() + self.gate.granted() >= self.capacity
    }

    /// Leaves the line without having sent. A place that is given back goes to the next.
    pub(super) fn leave(&mut self, key: Key, ticket: u64, wakers: &mut Vec<Waker>) {
        if self.gate.leave(key, ticket) || self.gate.waiting() == 0 {
            self.grant(wakers);
        }
    }

    /// Joins the line of senders of `key`.
    pub(super) fn join(&mut self, key: Key, waker: Waker) -> u64 {
        self.crowded |= self.is_full();
        self.gate.join(key, waker)
    }

    /// Puts a message into the business lane. Gives the drainer, if it has to be woken.
    #[inline]
    pub(super) fn admit(&mut self, entry: Entry<M>) -> Option<Drains> {
        self.business.push(entry);
        self.schedule()
    }

    /// Puts a message into the control lane. Gives the drainer, if it has to be woken.
    pub(super) fn admit_control(
        &mut self,
        entry: Entry<M>,
        now: impl FnOnce() -> Duration,
    ) -> Result<Option<Drains>, SendError<M>> {
        if self.closed {
            return Err(SendError::Closed(entry.message));
        }
        if self.control.len() >= CONTROL_LANE_MAX {
            return Err(SendError::Overloaded {
                message: entry.message,
                bound: Bound::ControlLane,
                retry_after: self.pace.retry_after(self.control.len(), now()),
            });
        }
        self.control.push_back(entry);
        Ok(self.schedule())
    }

    /// Refuses a message for which there is no room.
    pub(super) fn refuse(&self, entry: Entry<M>, now: Duration) -> SendError<M> {
        if self.closed {
            return SendError::Closed(entry.message);
        }
        let full = self.is_full() || self.crowded;
        let bound = if full || entry.key.is_none() {
            Bound::Mailbox
        } else {
            Bound::Key
        };
        self.overloaded(entry, bound, now)
    }

    /// Refuses a sender that would wait, where too many do.
    pub(super) fn refuse_to_wait(&self, entry: Entry<M>, now: Duration) -> SendError<M> {
        self.overloaded(entry, Bound::WaitingSenders, now)
    }

    pub(super) fn may_wait(&self) -> bool {
        self.gate.waiting() < WAITING_SENDERS_MAX
    }

    fn overloaded(&self, entry: Entry<M>, bound: Bound, now: Duration) -> SendError<M> {
        let ahead = self.business.len() + self.gate.waiting();
        SendError::Overloaded {
            message: entry.message,
            bound,
            retry_after: self.pace.retry_after(ahead, now),
        }
    }

    /// Drops the messages whose deadline has passed, up to `count`, to make room.
    pub(super) fn shed(
        &mut self,
        now: Duration,
        count: usize,
        dead: &mut Vec<Entry<M>>,
        wakers: &mut Vec<Waker>,
    ) {
        self.business.take_expired(Instant::at(now), count, dead);
        if !dead.is_empty() {
            self.grant(wakers);
        }
    }

    /// A batch has left. Whoever waits is let in, but not one by one: each time, a sleeping thread
    /// may have to be woken for it, which takes longer than to handle a message. While there is
    /// enough to do, it keeps until a quarter of the places is free, and nobody else gets in. Who
    /// waits for its key alone, while others get in, must not wait for that: it may never come.
    pub(super) fn grant_after_batch(&mut self, wakers: &mut Vec<Waker>) {
        let free = self.capacity.saturating_sub(self.business.len());
        if free >= self.capacity / 4 || !self.crowded {
            self.grant(wakers);
        }
    }

    /// Lets in those who wait for the room that there is now; they are woken outside the lock.
    pub(super) fn grant(&mut self, wakers: &mut Vec<Waker>) {
        let Self {
            gate,
            business,
            capacity,
            ..
        } = self;
        if gate.waiting() > 0 {
            let places = capacity.saturating_sub(business.len());
            gate.grant(
                places,
                |key, granted| business.has_ample_room_for(key, granted),
                wakers,
            );
        }
        self.crowded = self.gate.waiting() > 0 && self.is_full();
    }

    /// The drainer, if it is idle and has to be woken.
    pub(super) fn schedule(&mut self) -> Option<Drains> {
        if self.scheduled {
            return None;
        }
        let drainer = self.drainer.clone();
        self.scheduled = drainer.is_some();
        drainer
    }
}

/// Runs outside the lock, because waking a thread of the runtime can take microseconds.
#[inline]
pub(super) fn wake(idle: Option<Drains>) {
    if let Some(drains) = idle {
        drains.wake();
    }
}

/// Runs outside the lock: a waker is foreign code.
pub(super) fn wake_all(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}
