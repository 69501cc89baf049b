//! The gate that holds outputs back until the journal is durable up to where they depend on it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::error::JournalFailed;
use crate::record::Position;

/// Waiters in the order of the positions they wait for.
///
/// A position names an append only together with its *epoch*: what was not durable when the disk
/// failed is taken back, and its place is given to another append. So a waiter says which epoch its
/// position is of, and one whose epoch is over never passes by what came in its place.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    durable: AtomicU64,
    /// Grows with each failure and each return, under the lock of `waiting`.
    epoch: AtomicU64,
    waiting: Mutex<Waiting>,
    /// Whether waiters are woken by the writer itself. As a task it wakes them in their order,
    /// which virtual time needs; on its own thread it has better things to do.
    woken_in_place: bool,
}

/// Fewer waiters than this are woken sooner than handed over.
const HANDED_OVER_MIN: usize = 16;

#[derive(Debug, Default)]
struct Waiting {
    /// Sorted. Most come in the order of their positions, so most are put at the end.
    line: VecDeque<Waiter>,
    arrivals: u64,
    failed: Option<JournalFailed>,
    /// The epoch that the last failure ended, and up to where it was durable by then.
    last_over: Option<(u64, Position)>,
    /// Where the first to wait came from: there the others can be woken.
    runtime: Option<Handle>,
}

/// Waiters that may go. They are woken wherever this is dropped.
#[derive(Debug)]
#[must_use = "dropped under a lock it wakes waiters that may want the same lock"]
pub(crate) struct Through(VecDeque<Waiter>);

impl Drop for Through {
    fn drop(&mut self) {
        for waiter in self.0.drain(..) {
            waiter.waker.wake();
        }
    }
}

#[derive(Debug)]
struct Waiter {
    place: Place,
    waker: Waker,
}

/// Among waiters for one position the first to come is the first to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    position: Position,
    arrival: u64,
}

impl Gate {
    pub(crate) fn starting_at(durable: Position, woken_in_place: bool) -> Self {
        Self {
            durable: AtomicU64::new(durable.get()),
            epoch: AtomicU64::new(0),
            waiting: Mutex::default(),
            woken_in_place,
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn durable(&self) -> Position {
        Position::new(self.durable.load(Ordering::Acquire))
    }

    /// Waits until everything up to `position`, as it stood in `epoch`, is durable, or never will be.
    pub(crate) fn pass(&self, epoch: u64, position: Position) -> Pass<'_> {
        Pass {
            gate: self,
            epoch,
            position,
            place: None,
        }
    }

    /// Lets everything up to `durable` through.
    pub(crate) fn open_to(&self, durable: Position) {
        let (through, runtime) = {
            let mut waiting = self.waiting.lock();
            self.durable.store(durable.get(), Ordering::Release);
            let beyond = waiting
                .line
                .partition_point(|waiter| waiter.place.position <= durable);
            let rest = waiting.line.split_off(beyond);
            let through = std::mem::replace(&mut waiting.line, rest);
            (Through(through), waiting.runtime.clone())
        };
        // Waking a task from outside its runtime costs several times what it costs inside, and the
        // next commit would have to wait for it. A runtime that is gone drops the task, which wakes
        // them as well.
        match runtime {
            Some(runtime) if !self.woken_in_place && through.0.len() >= HANDED_OVER_MIN => {
                runtime.spawn(async move { drop(through) });
            }
            _ => drop(through),
        }
    }

    /// Turns away everybody who waits, and everybody who would, until [`reopen`](Self::reopen). Gives
    /// the epoch that begins, and those who are turned away.
    pub(crate) fn fail(&self, failed: &JournalFailed) -> (u64, Through) {
        let mut waiting = self.waiting.lock();
        waiting.failed = Some(failed.clone());
        waiting.last_over = Some((self.epoch(), self.durable()));
        let turned_away = Through(std::mem::take(&mut waiting.line));
        (self.next_epoch(), turned_away)
    }

    /// Takes waiters again after a failure; everything up to `durable` was found on the disk. Gives
    /// the epoch that begins.
    pub(crate) fn reopen(&self, durable: Position) -> u64 {
        let mut waiting = self.waiting.lock();
        waiting.failed = None;
        self.durable.store(durable.get(), Ordering::Release);
        self.next_epoch()
    }

    fn next_epoch(&self) -> u64 {
        self.epoch.fetch_add(1, Ordering::AcqRel) + 1
    }
}

/// Waits for the gate to open.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    gate: &'a Gate,
    epoch: u64,
    position: Position,
    place: Option<Place>,
}

impl Future for Pass<'_> {
    type Output = Result<(), JournalFailed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Asked in this order: where the epoch has not changed by now, what is durable was so in it.
        if self.gate.durable() >= self.position && self.gate.epoch() <= self.epoch {
            return Poll::Ready(Ok(()));
        }
        let mut waiting = self.gate.waiting.lock();
        if self.gate.epoch() > self.epoch {
            return Poll::Ready(waiting.of_old(self.epoch, self.position));
        }
        // The writer raises `durable` under this lock, so none can slip in between.
        if self.gate.durable() >= self.position {
            return Poll::Ready(Ok(()));
        }
        if let Some(failed) = &waiting.failed {
            return Poll::Ready(Err(failed.clone()));
        }
        let known = self.place.and_then(|place| waiting.find(place).ok());
        if let Some(waiter) = known.and_then(|index| waiting.line.get_mut(index)) {
            waiter.waker.clone_from(context.waker());
            return Poll::Pending;
        }
        let place = Place {
            position: self.position,
            arrival: waiting.arrivals,
        };
        waiting.arrivals += 1;
        if waiting.runtime.is_none() && !self.gate.woken_in_place {
            // One that runs on its caller's thread may stand still for as long as it likes.
            let driven =
                |runtime: &Handle| runtime.runtime_flavor() != RuntimeFlavor::CurrentThread;
            waiting.runtime = Handle::try_current().ok().filter(driven);
        }
        let waker = context.waker().clone();
        match waiting.line.back() {
            Some(last) if last.place > place => {
                let (Ok(index) | Err(index)) = waiting.find(place);
                waiting.line.insert(index, Waiter { place, waker });
            }
            _ => waiting.line.push_back(Waiter { place, waker }),
        }
        drop(waiting);
        self.place = Some(place);
        Poll::Pending
    }
}

impl Waiting {
    fn find(&self, place: Place) -> Result<usize, usize> {
        self.line
            .binary_search_by_key(&place, |waiter| waiter.place)
    }

    /// What became of a position of an epoch that is over. What the disk took in a commit that
    /// failed is not told from what it did not: who waited was turned away, and may look.
    fn of_old(&self, epoch: u64, position: Position) -> Result<(), JournalFailed> {
        let kept = |(over, durable)| epoch >= over && position <= durable;
        if position == Position::START || self.last_over.is_some_and(kept) {
            return Ok(());
        }
        Err(self
            .failed
            .clone()
            .unwrap_or_else(JournalFailed::taken_back))
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // Who stops waiting leaves the line, so that it never grows by those who gave up.
        if let Some(place) = self
            .place
            .filter(|place| place.position > self.gate.durable())
        {
            let mut waiting = self.gate.waiting.lock();
            if let Ok(index) = waiting.find(place) {
                waiting.line.remove(index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::task::noop_waker;

    use super::*;

    fn at(position: u64) -> Position {
        Position::new(position)
    }

    #[tokio::test]
    async fn waiters_go_in_the_order_of_their_positions_then_of_their_coming() {
        let gate = Arc::new(Gate::starting_at(Position::START, true));
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for (who, position) in [(0, 2), (1, 1), (2, 3), (3, 2), (4, 9)] {
            let (gate, order) = (gate.clone(), order.clone());
            tasks.push(tokio::spawn(async move {
                let passed = gate.pass(0, at(position)).await;
                order.lock().push(who);
                passed
            }));
        }
        tokio::task::yield_now().await;
        gate.open_to(at(3));
        for task in tasks.drain(..4) {
            assert_eq!(task.await.expect("no panic"), Ok(()));
        }
        assert_eq!(*order.lock(), [1, 0, 3, 2]);
        drop(gate.fail(&JournalFailed::closed()));
        for task in tasks {
            assert_eq!(task.await.expect("no panic"), Err(JournalFailed::closed()));
        }
    }

    /// Catches: waiters that are handed over to a runtime that is gone, and never woken.
    #[test]
    fn waiters_are_woken_whatever_became_of_the_runtime_of_the_first() {
        let runtime = || {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .build()
        };
        let gate = Arc::new(Gate::default());
        let first = runtime().expect("a runtime");
        first.block_on(async {
            let mut pass = Box::pin(gate.pass(0, at(1)));
            assert!(
                std::future::poll_fn(|cx| std::task::Poll::Ready(pass.as_mut().poll(cx)))
                    .await
                    .is_pending()
            );
        });
        drop(first);
        runtime().expect("a runtime").block_on(async {
            let waiting = (0..100).map(|_| {
                let gate = gate.clone();
                tokio::spawn(async move { gate.pass(0, at(1)).await })
            });
            let waiting: Vec<_> = waiting.collect();
            tokio::task::yield_now().await;
            gate.open_to(at(1));
            for waiter in waiting {
                assert_eq!(waiter.await.expect("no panic"), Ok(()));
            }
        });
    }

    /// Catches: a line that grows by everybody who ever gave up, and by every poll.
    #[test]
    fn who_stops_waiting_leaves_the_line() {
        let gate = Gate::default();
        let waker = noop_waker();
        let mut context = Context::from_waker(&waker);
        let mut stays = Box::pin(gate.pass(0, at(5)));
        for _ in 0..3 {
            assert!(stays.as_mut().poll(&mut context).is_pending());
            let mut leaves = Box::pin(gate.pass(0, at(4)));
            assert!(leaves.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(gate.waiting.lock().line.len(), 1);
        drop(stays);
        assert!(gate.waiting.lock().line.is_empty());
    }

    #[tokio::test]
    async fn a_gate_that_failed_takes_waiters_again_once_it_is_reopened() {
        let gate = Gate::starting_at(at(3), true);
        let (away, _) = gate.fail(&JournalFailed::closed());
        assert!(gate.pass(away, at(4)).await.is_err());
        assert!(
            gate.pass(away, at(3)).await.is_ok(),
            "what is durable stays so"
        );
        let back = gate.reopen(at(5));
        assert!(gate.pass(back, at(5)).await.is_ok());
    }

    /// Catches: an append that was lost and is acknowledged because another one came to stand in
    /// its place, whether its waiter was in the line by then, was woken and not yet run, or comes
    /// only now.
    #[test]
    fn a_lost_append_is_not_acknowledged_by_the_one_in_its_place() {
        let gate = Gate::starting_at(at(3), true);
        let waker = noop_waker();
        let mut context = Context::from_waker(&waker);
        let mut waits = Box::pin(gate.pass(0, at(4)));
        assert!(waits.as_mut().poll(&mut context).is_pending());
        drop(gate.fail(&JournalFailed::closed()));
        let back = gate.reopen(at(3));
        gate.open_to(at(9));
        let turned_away = Poll::Ready(Err(JournalFailed::taken_back()));
        assert_eq!(waits.as_mut().poll(&mut context), turned_away);
        let mut later = |epoch, position| {
            Box::pin(gate.pass(epoch, position))
                .as_mut()
                .poll(&mut context)
        };
        assert_eq!(later(0, at(4)), turned_away);
        assert_eq!(later(0, at(3)), Poll::Ready(Ok(())), "it was durable");
        assert_eq!(later(back, at(4)), Poll::Ready(Ok(())));

        // Of what two failures ago was durable nothing is remembered; nothing depends on START.
        drop(gate.fail(&JournalFailed::closed()));
        gate.reopen(at(9));
        assert_eq!(later(0, at(4)), turned_away);
        assert_eq!(later(0, Position::START), Poll::Ready(Ok(())));
        assert_eq!(later(back, at(9)), Poll::Ready(Ok(())), "it was durable");
    }
}
