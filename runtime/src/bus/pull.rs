//! Deliveries for a loop of one's own, each to be acknowledged.

use std::fmt;
use std::sync::Arc;

use futures::Stream;

use super::delivery::{Delivery, DeliveryError};
use super::desk::Desk;
use super::window::{Ticket, Verdict};

/// The receiving end of a subscription that its owner pulls. Dropping it detaches the subscriber;
/// what is out may still be acknowledged for the subscription's
/// [`grace`](crate::SubscriptionOptions::grace).
pub struct PullSubscriber {
    desk: Arc<Desk>,
}

impl PullSubscriber {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// The next delivery. Up to [`parallel_max`](crate::SubscriptionOptions::parallel_max) may be
    /// out at a time, of as many keys. `None` when the subscriber is detached, or cannot go on:
    /// [`Bus::stats`](crate::Bus::stats) says why.
    ///
    /// It is safe to stop waiting: no delivery is lost by it.
    pub async fn next(&mut self) -> Option<Leased> {
        self.desk.take().await
    }

    /// The same as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Leased> + Send {
        futures::stream::unfold(self, async |mut this| {
            let next = this.next().await?;
            Some((next, this))
        })
    }

    /// Detaches it, and waits until its cursor is noted.
    pub async fn detach(self) {
        self.desk.close();
        self.desk.until_over().await;
    }
}

impl Drop for PullSubscriber {
    fn drop(&mut self) {
        self.desk.close();
    }
}

impl fmt::Debug for PullSubscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PullSubscriber({})", self.desk.name)
    }
}

/// A delivery that is out. Until it is acknowledged no other event of its key is handed out, and
/// after [`handling_time_max`](crate::SubscriptionOptions::handling_time_max) it counts as failed.
/// Dropped without an answer it counts as failed at once.
pub struct Leased {
    desk: Arc<Desk>,
    ticket: Ticket,
    delivery: Delivery,
    answered: bool,
}

/// The answer came too late: the delivery's time was over, or the subscription was reset, or the
/// journal's disk failed since. The event comes again, or has come already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the delivery was no longer out; the event is delivered again, so handle it by its id")]
pub struct LeaseLost;

impl Leased {
    pub(super) fn new(desk: Arc<Desk>, ticket: Ticket, delivery: Delivery) -> Self {
        Self {
            desk,
            ticket,
            delivery,
            answered: false,
        }
    }

    /// What is delivered.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// It was handled. The cursor is written with one of the journal's next commits: after a crash
    /// before that the event comes again.
    ///
    /// # Errors
    /// Where it came too late.
    pub fn ack(self) -> Result<(), LeaseLost> {
        self.answer(Verdict::Done)
    }

    /// It was not handled.
    ///
    /// # Errors
    /// Where it came too late.
    pub fn fail(self, error: DeliveryError) -> Result<(), LeaseLost> {
        self.answer(Verdict::Failed(error))
    }

    /// It is not this one's turn: it is handed out again, and no attempt is counted.
    pub fn put_back(mut self) {
        self.answered = true;
        self.desk.put_back(self.ticket);
    }

    /// It is still being handled: its time begins anew.
    ///
    /// # Errors
    /// Where it came too late.
    pub fn extend(&self) -> Result<(), LeaseLost> {
        if self.desk.extend(self.ticket) {
            Ok(())
        } else {
            Err(LeaseLost)
        }
    }

    fn answer(mut self, verdict: Verdict) -> Result<(), LeaseLost> {
        self.answered = true;
        if self.desk.settle(self.ticket, verdict) {
            Ok(())
        } else {
            Err(LeaseLost)
        }
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        if !self.answered {
            let dropped = DeliveryError::retry("it was let go without an answer");
            self.desk.settle(self.ticket, Verdict::Failed(dropped));
        }
    }
}

impl fmt::Debug for Leased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Leased").field(&self.delivery).finish()
    }
}
