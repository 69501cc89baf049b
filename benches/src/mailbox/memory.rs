//! What an idle worker takes, its mailbox and its place in the tree included.

use mercato_runtime::supervisor::{
    InHand, Mailbox, MailboxOptions, Strategy, SupervisorSpec, Tree, Worker, WorkerOptions,
    worker_child,
};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::{Contender, MailboxArgs, tree_options};
use crate::clock::since_start;
use crate::error::AnyError;
use crate::machine::resident_bytes;

struct Bare;

impl Actor for Bare {
    type Msg = u64;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<u64>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

struct Idle;

impl Worker for Idle {
    type Message = u64;

    fn handle(&mut self, _: &mut InHand<'_, u64>) {}
}

/// How many bytes more this process has than `before`, for each worker.
fn weight(before: u64, workers: u32) -> Result<f64, AnyError> {
    let after = resident_bytes().ok_or("the system does not tell what is resident")?;
    Ok(after.saturating_sub(before) as f64 / f64::from(workers))
}

/// Once only: memory that was given back would be taken again, and weigh nothing.
pub(super) async fn measure(args: &MailboxArgs) -> Result<Vec<Contender>, AnyError> {
    let workers = args.workers;
    let unknown = "the system does not tell what is resident";
    let mut contenders = vec![
        Contender::new("ractor actor", 0),
        Contender::new("supervised worker", 0),
    ];

    let before = resident_bytes().ok_or(unknown)?;
    let mut actors = Vec::new();
    for _ in 0..workers {
        actors.push(Actor::spawn(None, Bare, ()).await?.0);
    }
    contenders[0].figures.push(weight(before, workers)?);

    let before = resident_bytes().ok_or(unknown)?;
    let clock = since_start();
    let mut mailboxes = Vec::new();
    let mut spec = SupervisorSpec::new("bench", Strategy::OneForOne);
    for n in 0..workers {
        let mailbox = Mailbox::new(MailboxOptions::default(), clock.clone());
        mailboxes.push(mailbox.clone());
        let options = WorkerOptions::default();
        let child = worker_child(n.to_string(), mailbox, options, || Ok(Idle), |_, _, _| {});
        spec = spec.with_child(child);
    }
    let tree = Tree::start(spec, tree_options(clock)).await?;
    contenders[1].figures.push(weight(before, workers)?);

    for actor in actors {
        actor.stop(None);
    }
    tree.stop().await;
    Ok(contenders)
}
