//! Branches that do not count: each ends the step that it is in and takes no further one, and what
//! it did is undone.

use std::collections::VecDeque;
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::error::AskFailure;

/// How long the step in hand may go on where a branch, or the whole flow, was stopped. After that it
/// is dropped where it is, as by a crash.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// A branch on its way to its end, and the undoing of it.
pub(super) type Loser = BoxFuture<'static, Result<(), AskFailure>>;

/// Losers that the flow's task has not taken up yet.
#[derive(Default)]
pub(crate) struct Losers {
    queue: Mutex<VecDeque<Loser>>,
    added: Notify,
}

impl Losers {
    pub(super) fn add(&self, loser: Loser) {
        self.queue.lock().push_back(loser);
        self.added.notify_one();
    }

    pub(super) fn take(&self) -> Option<Loser> {
        self.queue.lock().pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.lock().is_empty()
    }

    /// Lets go of those that nobody took up, when the guard is dropped: they hold the flow that
    /// holds them.
    pub(super) fn swept(&self) -> Swept<'_> {
        Swept(self)
    }

    /// The next one, as soon as there is one.
    pub(super) async fn next(&self) -> Loser {
        loop {
            if let Some(loser) = self.take() {
                return loser;
            }
            self.added.notified().await;
        }
    }
}

pub(super) struct Swept<'a>(&'a Losers);

impl Drop for Swept<'_> {
    fn drop(&mut self) {
        self.0.queue.lock().clear();
    }
}
