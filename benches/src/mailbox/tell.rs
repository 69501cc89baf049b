//! Tells: from a sender to the handler of its message.

use std::sync::Arc;

use futures::future::try_join_all;
use mercato_runtime::supervisor::{
    InHand, Mailbox, MailboxOptions, Strategy, SupervisorSpec, Tag, Tree, Worker, WorkerOptions,
    worker_child,
};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::Semaphore;

use super::{Contender, MailboxArgs, tree_options};
use crate::clock::{now, since_start};
use crate::error::AnyError;

/// Counts its messages and says when so many have come.
struct Tally {
    left: u64,
    expected: u64,
    done: Arc<Semaphore>,
}

impl Tally {
    fn count(&mut self) {
        self.left -= 1;
        if self.left == 0 {
            self.left = self.expected;
            self.done.add_permits(1);
        }
    }
}

struct Bare;

impl Actor for Bare {
    type Msg = u64;
    type State = Tally;
    type Arguments = Tally;

    async fn pre_start(&self, _: ActorRef<u64>, tally: Tally) -> Result<Tally, ActorProcessingErr> {
        Ok(tally)
    }

    async fn handle(
        &self,
        _: ActorRef<u64>,
        message: u64,
        tally: &mut Tally,
    ) -> Result<(), ActorProcessingErr> {
        std::hint::black_box(message);
        tally.count();
        Ok(())
    }
}

impl Worker for Tally {
    type Message = u64;

    fn handle(&mut self, message: &mut InHand<'_, u64>) {
        std::hint::black_box(**message);
        self.count();
    }
}

/// Where a tell goes.
trait Tell: Clone + Send + 'static {
    fn tell(&self, n: u64) -> impl Future<Output = Result<(), AnyError>> + Send;
}

impl Tell for ActorRef<u64> {
    async fn tell(&self, n: u64) -> Result<(), AnyError> {
        Ok(self.cast(n)?)
    }
}

/// Messages without a key.
#[derive(Clone)]
struct Plain(Mailbox<u64>);

impl Tell for Plain {
    async fn tell(&self, n: u64) -> Result<(), AnyError> {
        Ok(self.0.send(n).await.map_err(|error| error.to_string())?)
    }
}

/// Messages for so many keys.
#[derive(Clone)]
struct Keyed(Mailbox<u64>, u64);

impl Tell for Keyed {
    async fn tell(&self, n: u64) -> Result<(), AnyError> {
        let tag = Tag::key(n % self.1);
        let sent = self.0.send_with(tag, n).await;
        Ok(sent.map_err(|error| error.to_string())?)
    }
}

/// Nanoseconds a message, with a sender for each target.
async fn turn(targets: Vec<impl Tell>, messages: u64, done: &Semaphore) -> Result<f64, AnyError> {
    let all = u32::try_from(targets.len())?;
    let start = now();
    let senders = targets.into_iter().map(|target| {
        tokio::spawn(async move {
            for n in 0..messages {
                target.tell(n).await?;
            }
            Ok::<(), AnyError>(())
        })
    });
    for sent in try_join_all(senders).await? {
        sent?;
    }
    done.acquire_many(all).await?.forget();
    Ok(start.elapsed().as_secs_f64() * 1e9 / (messages as f64 * f64::from(all)))
}

pub(super) async fn measure(args: &MailboxArgs) -> Result<Vec<Contender>, AnyError> {
    let messages = u64::from(args.messages);
    let done = Arc::new(Semaphore::new(0));
    let tally = || Tally {
        left: messages,
        expected: messages,
        done: done.clone(),
    };
    let mut actors = Vec::new();
    for _ in 0..8 {
        actors.push(Actor::spawn(None, Bare, tally()).await?.0);
    }
    let clock = since_start();
    let mut spec = SupervisorSpec::new("bench", Strategy::OneForOne);
    let mut mailboxes = Vec::new();
    for n in 0..8 {
        let mailbox = Mailbox::new(MailboxOptions::default(), clock.clone());
        mailboxes.push(mailbox.clone());
        let (expected, done) = (messages, done.clone());
        let factory = move || {
            Ok(Tally {
                left: expected,
                expected,
                done: done.clone(),
            })
        };
        let options = WorkerOptions::default();
        let child = worker_child(n.to_string(), mailbox, options, factory, |_, _, _| {});
        spec = spec.with_child(child);
    }
    let tree = Tree::start(spec, tree_options(clock)).await?;
    let plain: Vec<_> = mailboxes.iter().cloned().map(Plain).collect();
    let keyed = |keys| {
        let boxes = mailboxes.iter().cloned();
        boxes
            .map(|mailbox| Keyed(mailbox, keys))
            .collect::<Vec<_>>()
    };
    let mut contenders = vec![
        Contender::new("ractor cast, 1 to 1", 0),
        Contender::new("mailbox, 1 to 1", 0),
        Contender::new("mailbox, 1 to 1, one key", 0),
        Contender::new("mailbox, 1 to 1, 64 keys", 0),
        Contender::new("ractor cast, 8 to 8", 4),
        Contender::new("mailbox, 8 to 8", 4),
        Contender::new("mailbox, 8 to 8, 64 keys", 4),
    ];
    for _ in 0..args.rounds {
        let figures = [
            turn(actors[..1].to_vec(), messages, &done).await?,
            turn(plain[..1].to_vec(), messages, &done).await?,
            turn(keyed(1)[..1].to_vec(), messages, &done).await?,
            turn(keyed(64)[..1].to_vec(), messages, &done).await?,
            turn(actors.clone(), messages, &done).await?,
            turn(plain.clone(), messages, &done).await?,
            turn(keyed(64), messages, &done).await?,
        ];
        for (contender, figure) in contenders.iter_mut().zip(figures) {
            contender.figures.push(figure);
        }
    }
    for actor in actors {
        actor.stop(None);
    }
    tree.stop().await;
    Ok(contenders)
}
