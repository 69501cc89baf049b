//! Restarts: from a panic to the first message of the next incarnation.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;

use mercato_runtime::supervisor::{
    Backoff, InHand, Intensity, Mailbox, MailboxOptions, Strategy, SupervisorSpec, Tree, Worker,
    WorkerOptions, worker_child,
};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Contender, MailboxArgs, tree_options};
use crate::clock::{now, since_start};
use crate::error::AnyError;
use crate::stats::median;

/// How many children a group has that is restarted together.
pub(super) const GROUP: usize = 4;

enum Order {
    Crash,
    Report,
}

/// When somebody panicked, and then when his successor had its first message.
type Instants = UnboundedSender<Instant>;

#[expect(clippy::panic, reason = "this is what is measured")]
fn obey(order: &Order, instants: &Instants) {
    // Nobody listens any more at the end of a measurement.
    let _ = instants.send(now());
    if matches!(order, Order::Crash) {
        panic!("on purpose");
    }
}

/// A bare actor, and the least supervisor that starts it again.
struct Bare(Instants);
struct BareSupervisor(Instants);

impl Actor for Bare {
    type Msg = Order;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Order>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Order>,
        order: Order,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        obey(&order, &self.0);
        Ok(())
    }
}

impl Actor for BareSupervisor {
    type Msg = Order;
    type State = ActorRef<Order>;
    type Arguments = ();

    async fn pre_start(
        &self,
        me: ActorRef<Order>,
        (): (),
    ) -> Result<ActorRef<Order>, ActorProcessingErr> {
        let child = Actor::spawn_linked(None, Bare(self.0.clone()), (), me.get_cell()).await?;
        Ok(child.0)
    }

    async fn handle(
        &self,
        _: ActorRef<Order>,
        order: Order,
        child: &mut ActorRef<Order>,
    ) -> Result<(), ActorProcessingErr> {
        Ok(child.cast(order)?)
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<Order>,
        event: SupervisionEvent,
        child: &mut ActorRef<Order>,
    ) -> Result<(), ActorProcessingErr> {
        if matches!(event, SupervisionEvent::ActorFailed(..)) {
            let bare = Bare(self.0.clone());
            *child = Actor::spawn_linked(None, bare, (), me.get_cell()).await?.0;
            child.cast(Order::Report)?;
        }
        Ok(())
    }
}

/// Ours.
struct Supervised(Instants);

impl Worker for Supervised {
    type Message = Order;

    fn handle(&mut self, order: &mut InHand<'_, Order>) {
        obey(order, &self.0);
    }
}

/// Microseconds between the next two instants.
async fn one(instants: &mut UnboundedReceiver<Instant>) -> Result<f64, AnyError> {
    let panicked = instants.recv().await.ok_or("nobody panicked")?;
    let handled = instants.recv().await.ok_or("nobody came back")?;
    Ok(handled.duration_since(panicked).as_secs_f64() * 1e6)
}

async fn bare(restarts: u32) -> Result<f64, AnyError> {
    let (sender, mut instants) = unbounded_channel();
    let (supervisor, task) = Actor::spawn(None, BareSupervisor(sender), ()).await?;
    let mut times = Vec::new();
    for _ in 0..restarts {
        supervisor.cast(Order::Crash)?;
        times.push(one(&mut instants).await?);
    }
    supervisor.stop(None);
    task.await?;
    Ok(median(times))
}

/// The culprit is the last to be started of those who are restarted with it, where it can be.
async fn ours(strategy: Strategy, restarts: u32) -> Result<f64, AnyError> {
    let (sender, mut instants) = unbounded_channel();
    let clock = since_start();
    let mut spec = SupervisorSpec::new("bench", strategy);
    spec.backoff = Backoff {
        initial: std::time::Duration::ZERO,
        ..Backoff::default()
    };
    spec.intensity = Intensity {
        restarts_max: u32::MAX,
        ..Intensity::default()
    };
    let mut mailboxes = Vec::new();
    for n in 0..GROUP {
        let mailbox = Mailbox::new(MailboxOptions::default(), clock.clone());
        mailboxes.push(mailbox.clone());
        let sender = sender.clone();
        let options = WorkerOptions {
            attempts_max: NonZeroU32::MIN,
            ..WorkerOptions::default()
        };
        let factory = move || Ok(Supervised(sender.clone()));
        let child = worker_child(n.to_string(), mailbox, options, factory, |_, _, _| {});
        spec = spec.with_child(child);
    }
    let culprit = match strategy {
        Strategy::OneForOne | Strategy::OneForAll => GROUP - 1,
        Strategy::RestForOne => 0,
    };
    let tree = Tree::start(spec, tree_options(clock)).await?;
    let mailbox = Arc::new(mailboxes.swap_remove(culprit));
    let mut times = Vec::new();
    for _ in 0..restarts {
        for order in [Order::Crash, Order::Report] {
            mailbox
                .send(order)
                .await
                .map_err(|error| error.to_string())?;
        }
        times.push(one(&mut instants).await?);
    }
    tree.stop().await;
    Ok(median(times))
}

pub(super) async fn measure(args: &MailboxArgs) -> Result<Vec<Contender>, AnyError> {
    let mut contenders = vec![
        Contender::new("ractor, one actor", 0),
        Contender::new("one for one", 0),
        Contender::new("one for all", 0),
        Contender::new("rest for one", 0),
    ];
    for _ in 0..args.rounds {
        let figures = [
            bare(args.restarts).await?,
            ours(Strategy::OneForOne, args.restarts).await?,
            ours(Strategy::OneForAll, args.restarts).await?,
            ours(Strategy::RestForOne, args.restarts).await?,
        ];
        for (contender, figure) in contenders.iter_mut().zip(figures) {
            contender.figures.push(figure);
        }
    }
    Ok(contenders)
}
