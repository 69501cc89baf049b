//! A sender that waits for room.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::lanes::{wake, wake_all};
use super::tag::Key;
use super::{Entry, Mailbox};
use crate::error::SendError;

/// A place in the line. Dropped, it is left.
struct Place<'a, M: Send + 'static> {
    mailbox: &'a Mailbox<M>,
    key: Key,
    ticket: Option<u64>,
}

impl<M: Send + 'static> Mailbox<M> {
    pub(super) async fn wait_for_room(&self, entry: Entry<M>) -> Result<(), SendError<M>> {
        let mut place = Place {
            mailbox: self,
            key: entry.key,
            ticket: None,
        };
        let mut entry = Some(entry);
        poll_fn(|context| match entry.take() {
            Some(unsent) => place.poll(unsent, &mut entry, context),
            // Nobody polls what is ready, and it would wait for ever.
            None => Poll::Pending,
        })
        .await
    }
}

impl<M: Send + 'static> Place<'_, M> {
    /// Sends if it is its turn; else leaves the message in `kept` until then.
    fn poll(
        &mut self,
        entry: Entry<M>,
        kept: &mut Option<Entry<M>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<M>>> {
        let mut lanes = self.mailbox.inner.lanes.lock();
        if lanes.closed {
            return Poll::Ready(Err(SendError::Closed(entry.message)));
        }
        let is_next = match self.ticket {
            Some(ticket) => lanes.gate.claim(self.key, ticket),
            None => lanes.has_room_for(self.key),
        };
        if is_next {
            self.ticket = None;
            let idle = lanes.admit(entry);
            drop(lanes);
            wake(idle);
            return Poll::Ready(Ok(()));
        }
        match self.ticket {
            Some(ticket) => lanes.gate.stay(self.key, ticket, context.waker()),
            None if lanes.may_wait() => {
                self.ticket = Some(lanes.join(self.key, context.waker().clone()));
            }
            None => {
                let now = self.mailbox.now();
                return Poll::Ready(Err(lanes.refuse_to_wait(entry, now)));
            }
        }
        drop(lanes);
        *kept = Some(entry);
        Poll::Pending
    }
}

impl<M: Send + 'static> Drop for Place<'_, M> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else {
            return;
        };
        let mut wakers = Vec::new();
        let mut lanes = self.mailbox.inner.lanes.lock();
        lanes.leave(self.key, ticket, &mut wakers);
        drop(lanes);
        wake_all(wakers);
    }
}
