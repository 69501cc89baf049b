//! The ractor actor that drains a mailbox with a worker.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use ractor::{Actor, ActorProcessingErr, ActorRef, ActorStatus};

use crate::mailbox::Wake;
use crate::panic::{Guarded, panic_text};
use crate::worker::{Worker, WorkerSpec};

/// One incarnation of a worker.
pub(crate) struct Drainer<W: Worker>(pub(crate) Arc<WorkerSpec<W>>);

/// Why draining paused without a panic.
#[derive(PartialEq, Eq)]
enum Pause {
    Empty,
    Interrupted,
    Finished,
}

impl<W: Worker> Actor for Drainer<W> {
    type Msg = Wake;
    type State = Guarded<W>;
    type Arguments = ();

    async fn pre_start(
        &self,
        me: ActorRef<Wake>,
        (): (),
    ) -> Result<Guarded<W>, ActorProcessingErr> {
        let worker = self.0.build()?;
        self.0.mailbox.attach(me);
        Ok(worker)
    }

    async fn handle(
        &self,
        me: ActorRef<Wake>,
        _: Wake,
        state: &mut Guarded<W>,
    ) -> Result<(), ActorProcessingErr> {
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
        state: &mut Guarded<W>,
    ) -> Result<(), ActorProcessingErr> {
        // A closed mailbox means that no incarnation follows, so this one works off the rest.
        if self.0.mailbox.is_closed() {
            self.run(state, || false).await?;
        }
        drop(state.take());
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
        state: &mut Guarded<W>,
        interrupted: impl Fn() -> bool + Send + Sync,
    ) -> Result<Pause, ActorProcessingErr> {
        let mut held = state.take();
        let Some(worker) = held.0.as_mut() else {
            return Ok(Pause::Interrupted);
        };
        match AssertUnwindSafe(self.drain(worker, interrupted))
            .catch_unwind()
            .await
        {
            Ok(pause) => {
                *state = held;
                Ok(pause)
            }
            Err(payload) => {
                drop(held);
                let panic = panic_text(&*payload);
                self.0.condemn(&panic);
                Err(panic.into())
            }
        }
    }

    async fn drain(&self, worker: &mut W, interrupted: impl Fn() -> bool + Send + Sync) -> Pause {
        let mailbox = &self.0.mailbox;
        let mut since_yield = 0;
        while mailbox.refill() {
            if since_yield >= mailbox.batch_max() {
                // One busy mailbox must not keep the other tasks of this thread from running.
                tokio::task::yield_now().await;
                since_yield = 0;
            }
            since_yield += mailbox.in_hand();
            let pause = self.work_off_hand(worker, &interrupted).await;
            worker.after_batch();
            if pause != Pause::Empty {
                return pause;
            }
        }
        Pause::Empty
    }

    async fn work_off_hand(
        &self,
        worker: &mut W,
        interrupted: &(impl Fn() -> bool + Sync),
    ) -> Pause {
        while self.0.mailbox.in_hand() > 0 {
            if interrupted() {
                return Pause::Interrupted;
            }
            worker.ready().await;
            if self
                .0
                .mailbox
                .handle_front(|message| worker.handle(message))
            {
                return Pause::Finished;
            }
        }
        Pause::Empty
    }
}
