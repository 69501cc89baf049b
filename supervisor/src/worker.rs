//! What an author writes: a worker, and the child spec that binds it to a mailbox.

use std::num::NonZeroU32;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use ractor::{ActorCell, ActorRuntime};

use crate::drainer::Drainer;
use crate::error::StartError;
use crate::in_hand::InHand;
use crate::life::Life;
use crate::mailbox::Mailbox;
use crate::panic::{Guarded, contain};
use crate::spec::{ChildSpec, Kind};

/// The one that works a [`Mailbox`] off, one message at a time.
///
/// A panic anywhere in it ends this incarnation alone: the supervisor builds the next one with the
/// factory, and it goes on with the message that was in hand.
pub trait Worker: Send + 'static {
    /// What it is sent.
    type Message: Send + 'static;

    /// Handles one message. Synchronous, so a worker never waits while it holds a message, and
    /// nothing but a panic can come between the message and its effect.
    fn handle(&mut self, message: &mut InHand<'_, Self::Message>);

    /// Awaited before each message: the place for backpressure, and before the first message for a
    /// recovery too long for the factory, which keeps the supervisor waiting. A stop waits for it,
    /// but no longer than the shutdown grace; then it is dropped where it stands. Default: ready at
    /// once.
    fn ready(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Called after each batch, and before a stop: the place to flush. Default: nothing.
    fn after_batch(&mut self) {}
}

/// How a worker treats its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerOptions {
    /// How often one message may be tried before it goes to quarantine. Each failed try costs a
    /// restart, so keep it below the supervisor's
    /// [`restarts_max`](crate::Intensity::restarts_max). Default 3.
    pub attempts_max: NonZeroU32,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        const ATTEMPTS_MAX: NonZeroU32 = NonZeroU32::new(3).unwrap();
        Self {
            attempts_max: ATTEMPTS_MAX,
        }
    }
}

/// A child that drains `mailbox` with a worker of `factory`.
///
/// The factory runs at every start and restart; an error or a panic in it is a failed start. A
/// message that panicked on its last attempt is handed to `quarantine`, with the number of attempts
/// and the text of the last panic, by the incarnation it killed.
///
/// The child is [`Permanent`](crate::Restart::Permanent) with a shutdown grace of five seconds;
/// change that on the [`ChildSpec`].
pub fn worker_child<W, F, Q>(
    name: impl Into<String>,
    mailbox: Mailbox<W::Message>,
    options: WorkerOptions,
    factory: F,
    quarantine: Q,
) -> ChildSpec
where
    W: Worker,
    F: Fn() -> Result<W, StartError> + Send + Sync + 'static,
    Q: Fn(W::Message, u32, String) + Send + Sync + 'static,
{
    let spec = WorkerSpec {
        mailbox,
        options,
        factory: Box::new(factory),
        quarantine: Box::new(quarantine),
    };
    ChildSpec::new(name.into(), Kind::Worker(Arc::new(spec)))
}

type Factory<W> = Box<dyn Fn() -> Result<W, StartError> + Send + Sync>;
type Quarantine<M> = Box<dyn Fn(M, u32, String) + Send + Sync>;

/// Everything an incarnation is made from; common to all incarnations of one child.
pub(crate) struct WorkerSpec<W: Worker> {
    pub(crate) mailbox: Mailbox<W::Message>,
    options: WorkerOptions,
    factory: Factory<W>,
    quarantine: Quarantine<W::Message>,
}

impl<W: Worker> WorkerSpec<W> {
    pub(crate) fn build(&self) -> Result<Guarded<W>, StartError> {
        self.mailbox.ensure_free()?;
        let worker = contain(|| (self.factory)()).map_err(StartError::Panicked)??;
        Ok(Guarded(Some(worker)))
    }

    /// Sends the message that caused `panic` to quarantine, if it was its last attempt.
    pub(crate) fn condemn(&self, panic: &str) {
        let Some((message, attempts)) = self.mailbox.condemn(self.options.attempts_max.get())
        else {
            return;
        };
        if let Err(sink) = contain(|| (self.quarantine)(message, attempts, panic.to_owned())) {
            tracing::error!(
                panic = sink,
                "the quarantine panicked, and its message is lost"
            );
        }
    }
}

/// A worker child of any type, as its supervisor sees it.
pub(crate) trait AnyWorker: Send + Sync {
    /// Starts an incarnation, linked to a supervisor or on its own.
    fn start(
        self: Arc<Self>,
        supervisor: Option<ActorCell>,
    ) -> BoxFuture<'static, Result<Life, StartError>>;

    /// Closes the mailbox: no further incarnation will come.
    fn close(&self);

    fn is_drained(&self) -> bool;
}

impl<W: Worker> AnyWorker for WorkerSpec<W> {
    fn start(
        self: Arc<Self>,
        supervisor: Option<ActorCell>,
    ) -> BoxFuture<'static, Result<Life, StartError>> {
        async move {
            let drainer = Drainer(self);
            let (actor, task) = match supervisor {
                Some(supervisor) => {
                    ActorRuntime::spawn_linked(None, drainer, (), supervisor).await?
                }
                None => ActorRuntime::spawn(None, drainer, ()).await?,
            };
            Ok(Life::new(actor.get_cell(), task))
        }
        .boxed()
    }

    fn close(&self) {
        self.mailbox.close();
    }

    fn is_drained(&self) -> bool {
        self.mailbox.is_empty()
    }
}
