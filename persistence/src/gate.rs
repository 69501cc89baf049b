//! The gate that holds outputs back until the journal is durable up to where they depend on it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::error::JournalFailed;
use crate::record::Position;

/// Waiters in the order of the positions they wait for.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    durable: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    heap: BinaryHeap<Reverse<Waiter>>,
    arrivals: u64,
    failed: Option<JournalFailed>,
}

#[derive(Debug)]
struct Waiter {
    position: Position,
    // Among waiters for one position the first to come is the first to go, whatever the heap does.
    arrival: u64,
    opened: oneshot::Sender<Result<(), JournalFailed>>,
}

impl Gate {
    pub(crate) fn starting_at(durable: Position) -> Self {
        Self {
            durable: AtomicU64::new(durable.get()),
            waiting: Mutex::default(),
        }
    }

    pub(crate) fn durable(&self) -> Position {
        Position::new(self.durable.load(Ordering::Acquire))
    }

    /// Waits until everything up to `position` is durable, or never will be.
    pub(crate) async fn pass(&self, position: Position) -> Result<(), JournalFailed> {
        let opened = {
            if self.durable() >= position {
                return Ok(());
            }
            let mut waiting = self.waiting.lock();
            // The writer raises `durable` under this lock, so none can slip in between.
            if self.durable() >= position {
                return Ok(());
            }
            if let Some(failed) = &waiting.failed {
                return Err(failed.clone());
            }
            let (sender, receiver) = oneshot::channel();
            let arrival = waiting.arrivals;
            waiting.arrivals += 1;
            waiting.heap.push(Reverse(Waiter {
                position,
                arrival,
                opened: sender,
            }));
            receiver
        };
        opened.await.unwrap_or(Err(JournalFailed::closed()))
    }

    /// Lets everything up to `durable` through.
    pub(crate) fn open_to(&self, durable: Position) {
        let mut waiting = self.waiting.lock();
        self.durable.store(durable.get(), Ordering::Release);
        while let Some(Reverse(next)) = waiting.heap.peek() {
            if next.position > durable {
                break;
            }
            if let Some(Reverse(waiter)) = waiting.heap.pop() {
                // A caller that stopped waiting has dropped its end; nothing is owed to it.
                let _ = waiter.opened.send(Ok(()));
            }
        }
    }

    /// Turns away everybody who waits, and everybody who would.
    pub(crate) fn fail(&self, failed: &JournalFailed) {
        let mut waiting = self.waiting.lock();
        waiting.failed = Some(failed.clone());
        for Reverse(waiter) in std::mem::take(&mut waiting.heap) {
            let _ = waiter.opened.send(Err(failed.clone()));
        }
    }
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiter {}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiter {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.position, self.arrival).cmp(&(other.position, other.arrival))
    }
}
