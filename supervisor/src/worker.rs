//! What an author writes: a worker, and the child spec that binds it to a mailbox.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use ractor::{ActorRef, ActorRuntime};

use crate::drainer::Drainer;
use crate::error::StartError;
use crate::in_hand::InHand;
use crate::life::Life;
use crate::mailbox::{DeadReason, Mailbox};
use crate::panic::{Guarded, contain};
use crate::pulse::Limits;
use crate::spec::{ChildSpec, Kind};
use crate::supervisor::Order;

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
    /// The longest that [`handle`](Worker::handle) may take for one message. A worker that takes
    /// longer hangs: it is given up, and another incarnation goes on with the messages behind that
    /// one, at the price of a restart. Default `None`: as long as it takes.
    ///
    /// What safe code cannot do is to end a thread that never yields. An incarnation that is given
    /// up in `handle` keeps its thread, and whatever it holds, until it returns; if it never does,
    /// the process is one thread poorer ([`ChildHealth::stuck`](crate::ChildHealth::stuck) counts
    /// them). The task that it woke last waits for the same thread, and on a runtime of one thread
    /// everything does, so that nobody notices. What it does is cut off from the mailbox: it takes no message any
    /// more, and the one that it has is a dead letter ([`DeadReason::Stuck`]), which may have had
    /// its effect, or may still have it.
    pub handle_max: Option<Duration>,
    /// The longest that [`ready`](Worker::ready) may take before one message. A worker that takes
    /// longer hangs, and is replaced; no message is lost or blamed. Default `None`: as long as it
    /// takes, for what `ready` waits for is mostly not the worker's fault.
    pub ready_max: Option<Duration>,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        const ATTEMPTS_MAX: NonZeroU32 = NonZeroU32::new(3).unwrap();
        Self {
            attempts_max: ATTEMPTS_MAX,
            handle_max: None,
            ready_max: None,
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
        let worker = contain(|| (self.factory)()).map_err(StartError::Panicked)??;
        Ok(Guarded(Some(worker)))
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            handle: self.options.handle_max,
            ready: self.options.ready_max,
        }
    }

    /// Sends the message that caused `panic` to quarantine, if it was its last attempt.
    pub(crate) fn condemn(&self, epoch: u64, panic: &str) {
        let attempts_max = self.options.attempts_max.get();
        let Some(entry) = self.mailbox.condemn(epoch, attempts_max) else {
            return;
        };
        let (message, attempts) = (entry.message, entry.attempts);
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
        supervisor: Option<ActorRef<Order>>,
    ) -> BoxFuture<'static, Result<Life, StartError>>;

    /// Closes the mailbox: no further incarnation will come, and the present one works it off.
    fn close(&self);

    /// Closes the mailbox and makes dead letters of what it holds.
    fn end(&self, reason: DeadReason);

    /// Cuts the present incarnation off from the mailbox.
    fn fence(&self);

    fn is_drained(&self) -> bool;
}

impl<W: Worker> AnyWorker for WorkerSpec<W> {
    fn start(
        self: Arc<Self>,
        supervisor: Option<ActorRef<Order>>,
    ) -> BoxFuture<'static, Result<Life, StartError>> {
        async move {
            let drainer = Drainer(self);
            let (actor, task) = match supervisor {
                Some(supervisor) => {
                    let parent = supervisor.get_cell();
                    ActorRuntime::spawn_linked(None, drainer, Some(supervisor), parent).await?
                }
                None => ActorRuntime::spawn(None, drainer, None).await?,
            };
            Ok(Life::new(actor.get_cell(), task))
        }
        .boxed()
    }

    fn close(&self) {
        self.mailbox.close();
    }

    fn end(&self, reason: DeadReason) {
        self.mailbox.end(reason);
    }

    fn fence(&self) {
        self.mailbox.fence();
    }

    fn is_drained(&self) -> bool {
        self.mailbox.is_empty()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::mailbox::MailboxOptions;

    struct Idle;

    impl Worker for Idle {
        type Message = u32;

        fn handle(&mut self, _: &mut InHand<'_, u32>) {}
    }

    /// Catches: a worker that was given up, and that goes on with the messages of its mailbox until its
    /// successor is there.
    #[test]
    fn whoever_is_given_up_takes_no_further_message() {
        let mailbox = Mailbox::new(MailboxOptions::default(), || Duration::ZERO);
        let spec = WorkerSpec {
            mailbox: mailbox.clone(),
            options: WorkerOptions::default(),
            factory: Box::new(|| Ok(Idle)),
            quarantine: Box::new(|_, _, _| {}),
        };
        for n in 0..3 {
            mailbox.try_send(n).unwrap();
        }
        assert_eq!(mailbox.refill(0), 3);
        assert!(mailbox.begin(0).is_some());
        spec.fence();
        assert!(mailbox.begin(0).is_none());
        assert_eq!((mailbox.dead_letters().stuck, mailbox.len()), (1, 2));
    }
}
