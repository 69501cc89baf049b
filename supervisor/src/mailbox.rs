//! A bounded mailbox with two lanes that outlives the actor which drains it.

mod dead;
mod drain;
mod end;
mod expiry;
mod fair;
mod gate;
mod hand;
mod lanes;
mod options;
mod pace;
mod queue;
mod tag;
mod wait;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

pub use self::dead::{DeadLetter, DeadLetters, DeadReason};
pub(crate) use self::lanes::Wake;
pub use self::options::{CONTROL_LANE_MAX, Depth, MailboxOptions, WAITING_SENDERS_MAX};
pub use self::tag::Tag;
pub(crate) use self::tag::{Entry, Instant};

use self::hand::Hand;
use self::lanes::{Lanes, wake, wake_all};
use crate::error::SendError;

/// The sender's and the drainer's common end. A clone is another handle to the same mailbox.
///
/// One [`Worker`](crate::Worker) drains a mailbox. While it restarts, messages simply wait.
///
/// It is fair by [key](Tag::key): as soon as more waits than one batch, keys take turns, message by
/// message, so a key waits for as many messages as there are keys, however many another one has
/// sent. No key holds more than its [share](field@MailboxOptions::key_max), and senders that wait for room
/// take turns by key as well.
pub struct Mailbox<M> {
    inner: Arc<Inner<M>>,
}

struct Inner<M> {
    batch_max: usize,
    capacity: usize,
    dead_letters_max: usize,
    now: Box<dyn Fn() -> Duration + Send + Sync>,
    on_dead: Box<dyn Fn(DeadLetter, M) + Send + Sync>,
    /// What senders touch; never locked while a message is handled.
    lanes: Mutex<Lanes<M>>,
    /// What the drainer touches, a moment for each message. Locked before `lanes` where both are
    /// needed.
    hand: Mutex<Hand<M>>,
    dead: Mutex<DeadLetters>,
}

impl<M: Send + 'static> Mailbox<M> {
    /// An empty mailbox which nobody drains yet. Deadlines, and the drain rate from which
    /// [`retry_after`](SendError::Overloaded) follows, are read on `now`: the time since some fixed
    /// instant, on the clock that tokio's timers follow. Dead letters are dropped.
    pub fn new(
        options: MailboxOptions,
        now: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Self {
        Self::with_dead_letters(options, now, |_, _| {})
    }

    /// The same, with somebody who takes the messages that were taken and will not be handled, and
    /// answers whoever waits for them. It is called by whom it happens to: a sender, the worker's
    /// actor or its supervisor; so it must be quick.
    ///
    /// ```
    /// # use mercato_supervisor::{DeadReason, Mailbox, MailboxOptions, Tag};
    /// # use std::sync::atomic::{AtomicU64, Ordering};
    /// # use std::{num::NonZeroUsize, sync::Arc, time::Duration};
    /// let seconds = Arc::new(AtomicU64::new(0));
    /// let clock = seconds.clone();
    /// let mailbox = Mailbox::with_dead_letters(
    ///     MailboxOptions { capacity: NonZeroUsize::MIN, ..MailboxOptions::default() },
    ///     move || Duration::from_secs(clock.load(Ordering::Relaxed)),
    ///     |letter, message| {
    ///         assert_eq!((letter.reason, message), (DeadReason::Expired, "late"));
    ///     },
    /// );
    /// mailbox.try_send_with(Tag::default().until(Duration::from_secs(2)), "late")?;
    /// seconds.store(2, Ordering::Relaxed);
    /// // It is full, but of something that nobody waits for any more.
    /// mailbox.try_send("in time")?;
    /// assert_eq!(mailbox.dead_letters().expired, 1);
    /// # Ok::<(), mercato_supervisor::SendError<&str>>(())
    /// ```
    pub fn with_dead_letters(
        options: MailboxOptions,
        now: impl Fn() -> Duration + Send + Sync + 'static,
        on_dead: impl Fn(DeadLetter, M) + Send + Sync + 'static,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                batch_max: options.batch_max.get(),
                capacity: options.capacity.get(),
                dead_letters_max: options.dead_letters_max,
                now: Box::new(now),
                on_dead: Box::new(on_dead),
                lanes: Mutex::new(Lanes::new(&options)),
                hand: Mutex::new(Hand::new()),
                dead: Mutex::new(DeadLetters::default()),
            }),
        }
    }

    /// Puts a message without a key and a deadline into the business lane, or gives it back at once
    /// when there is no room.
    ///
    /// ```
    /// # use mercato_supervisor::{Mailbox, MailboxOptions, SendError};
    /// # use std::{num::NonZeroUsize, time::Duration};
    /// let options = MailboxOptions { capacity: NonZeroUsize::MIN, ..MailboxOptions::default() };
    /// let mailbox = Mailbox::new(options, || Duration::ZERO);
    /// assert!(mailbox.try_send("first").is_ok());
    /// let refused = mailbox.try_send("second").unwrap_err();
    /// assert_eq!(refused.to_string(), "the mailbox is full; try again in 20 ms");
    /// assert_eq!(refused.into_message(), "second");
    /// ```
    pub fn try_send(&self, message: M) -> Result<(), SendError<M>> {
        self.try_send_with(Tag::default(), message)
    }

    /// Puts a message into the business lane, or gives it back at once when there is no room: none
    /// at all, or none for its key. Messages whose deadline has passed make room first.
    pub fn try_send_with(&self, tag: Tag, message: M) -> Result<(), SendError<M>> {
        match self.push_if_room(Entry::new(tag, message)) {
            Ok(()) => Ok(()),
            Err(entry) => self.push_after_shedding(entry),
        }
    }

    /// [`send_with`](Self::send_with), without a key and a deadline.
    pub fn send(&self, message: M) -> impl Future<Output = Result<(), SendError<M>>> + Send {
        self.send_with(Tag::default(), message)
    }

    /// Puts a message into the business lane as soon as there is room: first come first served
    /// within a key, and keys by turns.
    ///
    /// It waits as long as it takes, so put the deadline around it as well. Cancel-safe: dropped
    /// before it is ready, it has sent nothing and holds no room. It is refused only by a mailbox
    /// that closes, or that has [`WAITING_SENDERS_MAX`] senders waiting.
    pub async fn send_with(&self, tag: Tag, message: M) -> Result<(), SendError<M>> {
        match self.push_if_room(Entry::new(tag, message)) {
            Ok(()) => Ok(()),
            Err(entry) => {
                self.shed();
                self.wait_for_room(entry).await
            }
        }
    }

    /// The way of nearly every message. One without room is given back, whatever the reason.
    #[inline]
    fn push_if_room(&self, entry: Entry<M>) -> Result<(), Entry<M>> {
        let mut lanes = self.inner.lanes.lock();
        if !lanes.has_room_for(entry.key) {
            return Err(entry);
        }
        let idle = lanes.admit(entry);
        drop(lanes);
        wake(idle);
        Ok(())
    }

    #[cold]
    fn push_after_shedding(&self, entry: Entry<M>) -> Result<(), SendError<M>> {
        let now = self.shed();
        let mut lanes = self.inner.lanes.lock();
        if lanes.has_room_for(entry.key) {
            let idle = lanes.admit(entry);
            drop(lanes);
            wake(idle);
            return Ok(());
        }
        Err(lanes.refuse(entry, now))
    }

    /// Makes room by dropping what is too late, as it is now.
    #[cold]
    fn shed(&self) -> Duration {
        let now = self.now();
        let (mut dead, mut wakers) = (Vec::new(), Vec::new());
        let mut lanes = self.inner.lanes.lock();
        lanes.shed(now, self.inner.batch_max, &mut dead, &mut wakers);
        drop(lanes);
        wake_all(wakers);
        self.bury(dead, now, DeadReason::Expired);
        now
    }

    /// Puts a message into the control lane, which overtakes business (but not what is in hand
    /// already) and is never shed for load; its bound is [`CONTROL_LANE_MAX`].
    pub fn send_control(&self, message: M) -> Result<(), SendError<M>> {
        let entry = Entry::new(Tag::default(), message);
        let mut lanes = self.inner.lanes.lock();
        let sent = lanes.admit_control(entry, || self.now());
        drop(lanes);
        sent.map(wake)
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
        let hand = self.inner.hand.lock();
        let lanes = self.inner.lanes.lock();
        Depth {
            business: lanes.business.len(),
            control: lanes.control.len(),
            in_hand: hand.len(),
            senders: lanes.gate.waiting(),
        }
    }

    /// How many messages were taken and not handled, of what they died, and the latest of them.
    pub fn dead_letters(&self) -> DeadLetters {
        self.inner.dead.lock().clone()
    }

    pub(crate) fn now(&self) -> Duration {
        (self.inner.now)()
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
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod model;
