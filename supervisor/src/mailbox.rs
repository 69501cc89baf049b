//! A bounded mailbox with two lanes that outlives the actor which drains it.

mod drain;

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use ractor::ActorRef;
use tokio::sync::{Semaphore, TryAcquireError};

use crate::error::SendError;
use crate::in_hand::Hand;

/// The bound of the control lane. Control messages are few by nature and never shed for load; a
/// lane this long means that nobody drains it, and then an error beats memory without end.
pub const CONTROL_LANE_MAX: usize = 65_536;

/// The bounds of a [`Mailbox`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailboxOptions {
    /// How many business messages may wait. Default 1024.
    pub capacity: NonZeroUsize,
    /// How many messages are taken in hand at a time, and handled before other tasks of the runtime
    /// get their turn. Default 64.
    pub batch_max: NonZeroUsize,
}

impl Default for MailboxOptions {
    fn default() -> Self {
        const CAPACITY: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
        const BATCH_MAX: NonZeroUsize = NonZeroUsize::new(64).unwrap();
        Self {
            capacity: CAPACITY,
            batch_max: BATCH_MAX,
        }
    }
}

/// How many messages a mailbox holds, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Waiting in the business lane, which is the one with the configured bound.
    pub business: usize,
    /// Waiting in the control lane.
    pub control: usize,
    /// Taken out of the lanes and not yet handled, the one being handled included.
    pub in_hand: usize,
}

/// The sender's and the drainer's common end. A clone is another handle to the same mailbox.
///
/// One [`Worker`](crate::Worker) drains a mailbox. While it restarts, messages simply wait.
pub struct Mailbox<M> {
    inner: Arc<Inner<M>>,
}

struct Inner<M> {
    batch_max: usize,
    capacity: usize,
    /// Room in the business lane. Fair, and its waiters may be dropped at any time.
    room: Semaphore,
    /// What senders touch; never locked while a message is handled.
    lanes: Mutex<Lanes<M>>,
    /// What the drainer touches. Locked before `lanes` where both are needed.
    hand: Mutex<Hand<M>>,
    /// The length of `hand`, readable while a message is handled. Grows only under `lanes`.
    in_hand: AtomicUsize,
}

struct Lanes<M> {
    control: VecDeque<M>,
    business: VecDeque<M>,
    drainer: Option<ActorRef<Wake>>,
    /// A wake-up is on its way or being acted on; further messages need none.
    scheduled: bool,
    closed: bool,
}

/// Tells the draining actor that there is something to do.
pub(crate) struct Wake;

impl<M: Send + 'static> Mailbox<M> {
    /// An empty mailbox which nobody drains yet.
    pub fn new(options: MailboxOptions) -> Self {
        let capacity = options.capacity.get().min(Semaphore::MAX_PERMITS);
        let lanes = Lanes {
            control: VecDeque::new(),
            business: VecDeque::new(),
            drainer: None,
            scheduled: false,
            closed: false,
        };
        Self {
            inner: Arc::new(Inner {
                batch_max: options.batch_max.get(),
                capacity,
                room: Semaphore::new(capacity),
                lanes: Mutex::new(lanes),
                hand: Mutex::new(Hand::new()),
                in_hand: AtomicUsize::new(0),
            }),
        }
    }

    /// Puts a message into the business lane, or gives it back at once when there is no room.
    ///
    /// ```
    /// # use mercato_supervisor::{Mailbox, MailboxOptions, SendError};
    /// # use std::num::NonZeroUsize;
    /// let one = NonZeroUsize::MIN;
    /// let mailbox = Mailbox::new(MailboxOptions { capacity: one, batch_max: one });
    /// assert!(mailbox.try_send("first").is_ok());
    /// assert!(matches!(mailbox.try_send("second"), Err(SendError::Full("second"))));
    /// ```
    pub fn try_send(&self, message: M) -> Result<(), SendError<M>> {
        match self.inner.room.try_acquire() {
            Ok(permit) => {
                // The drainer gives the place back when it takes the message in hand.
                permit.forget();
                self.push_business(message)
            }
            Err(TryAcquireError::NoPermits) => Err(SendError::Full(message)),
            Err(TryAcquireError::Closed) => Err(SendError::Closed(message)),
        }
    }

    /// Puts a message into the business lane as soon as there is room, first come first served.
    ///
    /// It waits as long as it takes, so put a deadline around it. Cancel-safe: dropped before it is
    /// ready, it has sent nothing and holds no room.
    pub async fn send(&self, message: M) -> Result<(), SendError<M>> {
        // Mostly there is room, and then no waiter has to be set up. This overtakes nobody: room
        // goes to those who wait before it is free for anyone.
        let message = match self.try_send(message) {
            Err(SendError::Full(message)) => message,
            sent_or_closed => return sent_or_closed,
        };
        match self.inner.room.acquire().await {
            Ok(permit) => {
                permit.forget();
                self.push_business(message)
            }
            Err(_closed) => Err(SendError::Closed(message)),
        }
    }

    /// Puts a message into the control lane, which overtakes business (but not what is in hand
    /// already) and is never shed for load; its bound is [`CONTROL_LANE_MAX`].
    pub fn send_control(&self, message: M) -> Result<(), SendError<M>> {
        let mut lanes = self.inner.lanes.lock();
        if lanes.closed {
            return Err(SendError::Closed(message));
        }
        if lanes.control.len() >= CONTROL_LANE_MAX {
            return Err(SendError::Full(message));
        }
        lanes.control.push_back(message);
        let idle = lanes.schedule();
        drop(lanes);
        wake(idle);
        Ok(())
    }

    fn push_business(&self, message: M) -> Result<(), SendError<M>> {
        let mut lanes = self.inner.lanes.lock();
        if lanes.closed {
            return Err(SendError::Closed(message));
        }
        lanes.business.push_back(message);
        let idle = lanes.schedule();
        drop(lanes);
        wake(idle);
        Ok(())
    }

    /// Takes nothing any more: senders, also those who wait, get [`SendError::Closed`]. What is
    /// queued stays, for the drainer to work off.
    pub fn close(&self) {
        self.inner.lanes.lock().closed = true;
        self.inner.room.close();
    }

    /// Whether the mailbox was closed.
    pub fn is_closed(&self) -> bool {
        self.inner.lanes.lock().closed
    }

    /// Takes out whatever is left, oldest first. For the end, when no worker will come: waiting
    /// callers are answered by dropping or refusing what they sent. Not to be called by the worker
    /// itself, which holds a message while it would wait for it.
    pub fn take_rest(&self) -> Vec<M> {
        let mut hand = self.inner.hand.lock();
        let mut lanes = self.inner.lanes.lock();
        let mut rest: Vec<M> = hand.take_all().into();
        let freed = lanes.business.len();
        rest.extend(lanes.control.drain(..));
        rest.extend(lanes.business.drain(..));
        self.inner.in_hand.store(0, Ordering::Relaxed);
        drop(lanes);
        self.inner.room.add_permits(freed);
        rest
    }

    /// How many messages are not handled yet, in the lanes and in hand.
    pub fn len(&self) -> usize {
        let depth = self.depth();
        depth.business + depth.control + depth.in_hand
    }

    /// Whether every message that was sent has been handled.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bound of the business lane.
    pub fn capacity(&self) -> usize {
        self.inner.capacity
    }

    /// How many messages wait in each lane, and how many are in hand.
    pub fn depth(&self) -> Depth {
        let lanes = self.inner.lanes.lock();
        Depth {
            business: lanes.business.len(),
            control: lanes.control.len(),
            in_hand: self.in_hand(),
        }
    }
}

impl<M> Lanes<M> {
    /// The drainer, if it is idle and has to be woken.
    fn schedule(&mut self) -> Option<ActorRef<Wake>> {
        if self.scheduled {
            return None;
        }
        let drainer = self.drainer.clone();
        self.scheduled = drainer.is_some();
        drainer
    }
}

/// Runs outside the lock, because waking a thread of the runtime can take microseconds.
fn wake(idle: Option<ActorRef<Wake>>) {
    if let Some(drainer) = idle {
        // Refused by an actor that is ending; its successor looks into the lanes when it attaches.
        let _ = drainer.cast(Wake);
    }
}

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<M: Send + 'static> fmt::Debug for Mailbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("capacity", &self.capacity())
            .field("depth", &self.depth())
            .finish()
    }
}
