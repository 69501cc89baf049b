//! The ractor actor that drains a mailbox with a worker.

use std::future::poll_fn;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use futures::future::poll_immediate;
use ractor::{Actor, ActorProcessingErr, ActorRef, ActorStatus};
use tokio::task::JoinSet;

use crate::in_hand::InHand;
use crate::mailbox::{DeadReason, Entry, Instant, Wake};
use crate::panic::{Guarded, Payload, drop_contained, panic_text};
use crate::pulse::{Phase, Pulse, watchman};
use crate::supervisor::Order;
use crate::worker::{Worker, WorkerSpec};

/// The actor of a worker child.
pub(crate) struct Drainer<W: Worker>(pub(crate) Arc<WorkerSpec<W>>);

/// One incarnation.
pub(crate) struct Incarnation<W> {
    worker: Guarded<W>,
    /// Its key to the hand of the mailbox.
    epoch: u64,
    pulse: Option<Arc<Pulse>>,
    _watchman: Option<JoinSet<()>>,
    is_fresh: bool,
}

/// What came of a message.
#[derive(PartialEq, Eq)]
enum Handled {
    Done,
    Deferred,
    /// The worker wants to end.
    Finished,
}

/// Why draining paused without a panic.
#[derive(PartialEq, Eq)]
enum Pause {
    Empty,
    /// A message was put off: the others in the lanes have their turn first.
    Deferred,
    Interrupted,
    Finished,
}

impl<W: Worker> Actor for Drainer<W> {
    type Msg = Wake;
    type State = Incarnation<W>;
    /// The supervisor, to be told if this incarnation hangs.
    type Arguments = Option<ActorRef<Order>>;

    async fn pre_start(
        &self,
        me: ActorRef<Wake>,
        supervisor: Option<ActorRef<Order>>,
    ) -> Result<Incarnation<W>, ActorProcessingErr> {
        let worker = self.0.build()?;
        let limits = self.0.limits();
        // Nobody is told of a worker that works its mailbox off at the end: its grace is its bound.
        let watched = supervisor.filter(|_| !limits.are_none()).map(|supervisor| {
            let pulse = Arc::new(Pulse::new(limits));
            let (mailbox, id) = (self.0.mailbox.clone(), me.get_id());
            let alarm = move |stall| {
                // Refused by a supervisor that is ending, which stops this incarnation anyway.
                let _ = supervisor.cast(Order::Replace(id, stall));
            };
            let guard = watchman(pulse.clone(), move || mailbox.now(), alarm);
            (pulse, guard)
        });
        let (pulse, guard) = watched.unzip();
        Ok(Incarnation {
            worker,
            epoch: self.0.mailbox.attach(me, pulse.clone()),
            pulse,
            _watchman: guard,
            is_fresh: true,
        })
    }

    async fn handle(
        &self,
        me: ActorRef<Wake>,
        _: Wake,
        state: &mut Incarnation<W>,
    ) -> Result<(), ActorProcessingErr> {
        // Our start has woken the supervisor, which is now the next task of this very thread, and no
        // other thread takes it away. If we hung in the first message, nobody would be left to replace
        // us.
        if mem::take(&mut state.is_fresh) {
            step_back().await;
        }
        // ractor looks at its stop port between messages only, and this one may go on for long. Our
        // supervisor asks for a stop by `drain`, which shows in the status at once.
        let stopping = || me.get_status() >= ActorStatus::Draining;
        if self.run(state, stopping).await? == Pause::Finished {
            me.stop(None);
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<Wake>,
        state: &mut Incarnation<W>,
    ) -> Result<(), ActorProcessingErr> {
        // A closed mailbox means that no incarnation follows, so this one works off the rest.
        if self.0.mailbox.is_closed() {
            self.run(state, || false).await?;
        }
        drop(state.worker.take());
        Ok(())
    }
}

impl<W: Worker> Drainer<W> {
    /// Drains until the mailbox is empty, the worker has finished, or `interrupted` says so.
    ///
    /// The worker moves into this future and back: a kill drops the future and so the worker, and a
    /// panic drops the worker here. Either way it is gone before the supervisor hears of it, and two
    /// incarnations never live at once.
    async fn run(
        &self,
        state: &mut Incarnation<W>,
        interrupted: impl Fn() -> bool + Send + Sync,
    ) -> Result<Pause, ActorProcessingErr> {
        let mut held = state.worker.take();
        let Some(worker) = held.0.as_mut() else {
            return Ok(Pause::Interrupted);
        };
        let draining = Draining {
            spec: &self.0,
            epoch: state.epoch,
            pulse: state.pulse.as_deref(),
        };
        let drained = AssertUnwindSafe(draining.drain(worker, interrupted))
            .catch_unwind()
            .await
            .flatten();
        if let Some(pulse) = &state.pulse {
            pulse.rest();
        }
        match drained {
            Ok(pause) => {
                state.worker = held;
                Ok(pause)
            }
            Err(payload) => {
                drop(held);
                // The message before a panic in `ready` or `after_batch` is done with.
                self.0.mailbox.settle(state.epoch);
                let panic = panic_text(payload);
                self.0.condemn(state.epoch, &panic);
                Err(panic.into())
            }
        }
    }
}

/// Lets those tasks go first that this thread is to run already, in their order. Tokio's own yield turns
/// the order round of several tasks that do so together.
async fn step_back() {
    let mut stepped = false;
    poll_fn(|context| {
        if mem::replace(&mut stepped, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// One run of an incarnation through its mailbox.
struct Draining<'a, W: Worker> {
    spec: &'a WorkerSpec<W>,
    epoch: u64,
    pulse: Option<&'a Pulse>,
}

impl<W: Worker> Draining<'_, W> {
    async fn drain(
        &self,
        worker: &mut W,
        interrupted: impl Fn() -> bool + Send + Sync,
    ) -> Result<Pause, Payload> {
        let mailbox = &self.spec.mailbox;
        let mut since_yield = 0;
        loop {
            let left = mailbox.refill(self.epoch);
            if left == 0 {
                return Ok(Pause::Empty);
            }
            if since_yield >= mailbox.batch_max() {
                // One busy mailbox must not keep the other tasks of this thread from running.
                self.pass_on().await;
                since_yield = 0;
            }
            since_yield += left;
            let pause = self.work_off(worker, left, &interrupted).await?;
            worker.after_batch();
            match pause {
                Pause::Empty => {}
                Pause::Deferred => {
                    // It may be that nothing else waits. Then this is where others of the thread go
                    // on, while what was put off is in its lane and counts.
                    self.pass_on().await;
                    since_yield = 0;
                }
                Pause::Interrupted | Pause::Finished => return Ok(pause),
            }
        }
    }

    async fn pass_on(&self) {
        if let Some(pulse) = self.pulse {
            pulse.pause();
        }
        tokio::task::yield_now().await;
    }

    async fn work_off(
        &self,
        worker: &mut W,
        left: usize,
        interrupted: &(impl Fn() -> bool + Sync),
    ) -> Result<Pause, Payload> {
        let mailbox = &self.spec.mailbox;
        let mut pause = Pause::Empty;
        for _ in 0..left {
            if interrupted() {
                mailbox.settle(self.epoch);
                return Ok(Pause::Interrupted);
            }
            self.until_ready(worker).await;
            let Some(entry) = mailbox.begin(self.epoch) else {
                // We have been given up, or the mailbox was emptied; or those of a key whose turn
                // is over went back to it.
                return Ok(pause);
            };
            match self.handle(worker, entry)? {
                Handled::Done => {}
                Handled::Deferred => pause = Pause::Deferred,
                Handled::Finished => {
                    mailbox.settle(self.epoch);
                    return Ok(Pause::Finished);
                }
            }
        }
        Ok(pause)
    }

    #[inline]
    async fn until_ready(&self, worker: &mut W) {
        let mut ready = pin!(worker.ready());
        if poll_immediate(ready.as_mut()).await.is_some() {
            return;
        }
        // It may take long. The message before this one is done, and must not be taken for hung.
        let mailbox = &self.spec.mailbox;
        mailbox.settle(self.epoch);
        if let Some(pulse) = self.pulse {
            pulse.begin_ready(|| mailbox.now());
        }
        ready.await;
        if let Some(pulse) = self.pulse {
            pulse.pause();
        }
    }

    /// Handles one message, unless it comes too late.
    #[inline]
    fn handle(&self, worker: &mut W, mut entry: Entry<W::Message>) -> Result<Handled, Payload> {
        let mailbox = &self.spec.mailbox;
        let watching = self.pulse.filter(|pulse| pulse.watches(Phase::Handle));
        if entry.is_dated() || watching.is_some() {
            let now = mailbox.now();
            if entry.deadline <= Instant::at(now) {
                entry.attempts -= 1;
                mailbox.bury([entry], now, DeadReason::Expired);
                return Ok(Handled::Done);
            }
            if let Some(pulse) = watching {
                pulse.begin(Phase::Handle, now);
            }
        }
        let mut message = InHand::new(&mut entry.message, entry.attempts);
        let handled = catch_unwind(AssertUnwindSafe(|| worker.handle(&mut message)));
        let (finished, deferred) = (message.is_finished(), message.is_deferred());
        if let Err(payload) = handled {
            mailbox.put_back(self.epoch, entry);
            return Err(payload);
        }
        if deferred {
            mailbox.defer(self.epoch, entry);
        } else {
            drop_contained(entry.message, "a message that was handled");
        }
        Ok(match (finished, deferred) {
            (true, _) => Handled::Finished,
            (false, true) => Handled::Deferred,
            (false, false) => Handled::Done,
        })
    }
}
