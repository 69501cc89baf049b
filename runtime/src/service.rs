//! An agent as its callers reach it: its shards' mailboxes, and which of them a key belongs to.

use std::any::Any;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use mercato_persistence::Position;
use mercato_supervisor::{Depth, Mailbox, SendError};
use tokio::sync::oneshot;
use xxhash_rust::xxh3::xxh3_64;

use crate::agent::{Agent, Command};
use crate::clock::Clock;
use crate::envelope::{Answered, Call, CrashPoint, Envelope, Refusal, TypedTask};
use crate::error::{AskError, AskFailure};
use crate::event::Event;
use crate::recovery::Preload;
use crate::registry::Commands;
use crate::schema::EventSchema;
use crate::stats::{AgentCounters, AgentStats};

/// The longest key of an entity, in bytes.
pub(crate) const KEY_BYTES_MAX: usize = 256;

/// How many entities one shard loads ahead before it looks at its commands again: about a
/// millisecond's work.
const LOAD_AT_ONCE: usize = 16;

/// How a caller meets a full mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Wait for room, up to the deadline.
    Wait,
    /// Be told at once, with [`AskFailure::Overloaded`].
    FailFast,
}

pub(crate) struct Service<A: Agent> {
    agent: Arc<A>,
    mailboxes: Box<[Mailbox<Envelope<A>>]>,
    commands: Commands<A>,
    clock: Clock,
    counters: Arc<AgentCounters>,
}

impl<A: Agent> Service<A> {
    pub(crate) fn new(
        agent: Arc<A>,
        mailboxes: Box<[Mailbox<Envelope<A>>]>,
        clock: Clock,
        counters: Arc<AgentCounters>,
    ) -> Self {
        Self {
            agent,
            mailboxes,
            commands: Commands::of_agent(),
            clock,
            counters,
        }
    }

    /// The agent's settings.
    pub(crate) fn agent(&self) -> Arc<A> {
        self.agent.clone()
    }

    /// Sends a command to its shard and waits for the answer, which may not be durable yet.
    pub(crate) async fn ask<C: Command<Agent = A>>(
        &self,
        call: Call,
        admission: Admission,
        command: C,
    ) -> Answered<C> {
        let deadline = call.deadline;
        let (sender, receiver) = oneshot::channel();
        let mailbox = match self.mailbox_of(&command.entity()) {
            Ok(mailbox) => mailbox,
            Err(failure) => return (Err(failure.into()), Position::START),
        };
        let task = Box::new(TypedTask::new(command, sender));
        let envelope = Envelope::Command { call, task };
        let exchange = async {
            if let Err(failure) = admit(mailbox, admission, envelope).await {
                return (Err(failure.into()), Position::START);
            }
            // The sender is dropped unanswered only with the mailbox itself.
            receiver
                .await
                .unwrap_or((Err(AskFailure::Stopped.into()), Position::START))
        };
        match tokio::time::timeout_at(self.clock.instant_of(deadline), exchange).await {
            Ok(answered) => answered,
            Err(_) => (Err(AskFailure::DeadlineExceeded.into()), Position::START),
        }
    }

    fn mailbox_of(&self, key: &str) -> Result<&Mailbox<Envelope<A>>, AskFailure> {
        Ok(&self.mailboxes[self.shard_of(key)?])
    }

    fn shard_of(&self, key: &str) -> Result<usize, AskFailure> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(AskFailure::invalid(format_args!(
                "the key of an entity of `{}` has {} bytes; it may have 1 to {KEY_BYTES_MAX}",
                A::NAME,
                key.len()
            )));
        }
        // Stable across runs and machines: a key's shard must not change while commands wait.
        let shard = xxh3_64(key.as_bytes()) % self.mailboxes.len() as u64;
        usize::try_from(shard)
            .ok()
            .filter(|shard| *shard < self.mailboxes.len())
            .ok_or_else(|| AskFailure::invalid("the agent has no shards"))
    }

    async fn outcome(
        &self,
        call: Call,
        name: &str,
        version: u16,
        body: &[u8],
    ) -> (Result<(), AskError<Refusal>>, Position) {
        let failed = |failure: AskFailure| (Err(AskError::Failed(failure)), Position::START);
        let deadline = call.deadline;
        let (task, outcome) = match self.commands.read(name, version, body) {
            Ok(read) => read,
            Err(error) => return failed(AskFailure::invalid(error)),
        };
        let mailbox = match self.mailbox_of(&task.entity()) {
            Ok(mailbox) => mailbox,
            Err(failure) => return failed(failure),
        };
        let exchange = async {
            let envelope = Envelope::Command { call, task };
            if let Err(failure) = admit(mailbox, Admission::Wait, envelope).await {
                return failed(failure);
            }
            outcome.await.unwrap_or(failed(AskFailure::Stopped))
        };
        tokio::time::timeout_at(self.clock.instant_of(deadline), exchange)
            .await
            .unwrap_or(failed(AskFailure::DeadlineExceeded))
    }
}

async fn admit<A: Agent>(
    mailbox: &Mailbox<Envelope<A>>,
    admission: Admission,
    envelope: Envelope<A>,
) -> Result<(), AskFailure> {
    let sent = match admission {
        Admission::FailFast => mailbox.try_send(envelope),
        Admission::Wait => mailbox.send(envelope).await,
    };
    sent.map_err(|error| match error {
        SendError::Full(_) => AskFailure::Overloaded {
            retry_after: std::time::Duration::from_millis(20),
        },
        SendError::Closed(_) => AskFailure::Stopped,
    })
}

/// Hands the keys to one shard a few at a time, so that commands come in between.
async fn load_into<A: Agent>(
    mailbox: &Mailbox<Envelope<A>>,
    keys: Vec<Box<str>>,
    preload: &Preload,
) {
    for few in keys.chunks(LOAD_AT_ONCE) {
        let (sender, done) = oneshot::channel();
        let envelope = Envelope::Load {
            keys: few.to_vec(),
            done: Some(sender),
        };
        if mailbox.send_control(envelope).is_err() {
            return;
        }
        if done.await.is_err() {
            return;
        }
        preload.loaded(few.len());
    }
}

/// A service of some agent, by name.
pub(crate) trait AnyService: Send + Sync {
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
    fn knows(&self, command: &str) -> bool;
    /// Sends a command that is only bytes.
    fn send_stored<'a>(
        &'a self,
        call: Call,
        name: &'a str,
        version: u16,
        body: &'a [u8],
    ) -> BoxFuture<'a, (Result<(), AskError<Refusal>>, Position)>;
    /// The agent's name.
    fn name(&self) -> &'static str;
    /// The agent's events.
    fn events(&self) -> &'static [EventSchema];
    /// Brings entities into memory, in this order, all shards side by side.
    fn load<'a>(&'a self, keys: Vec<Box<str>>, preload: &'a Preload) -> BoxFuture<'a, ()>;
    fn stats(&self) -> AgentStats;
    fn depths(&self) -> Vec<Depth>;
    fn restarted(&self);
    fn crash(&self, shard: usize, point: CrashPoint) -> bool;
}

impl<A: Agent> AnyService for Service<A> {
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn knows(&self, command: &str) -> bool {
        self.commands.knows(command)
    }

    fn send_stored<'a>(
        &'a self,
        call: Call,
        name: &'a str,
        version: u16,
        body: &'a [u8],
    ) -> BoxFuture<'a, (Result<(), AskError<Refusal>>, Position)> {
        self.outcome(call, name, version, body).boxed()
    }

    fn name(&self) -> &'static str {
        A::NAME
    }

    fn events(&self) -> &'static [EventSchema] {
        A::Event::schema()
    }

    fn load<'a>(&'a self, keys: Vec<Box<str>>, preload: &'a Preload) -> BoxFuture<'a, ()> {
        let mut of_shards = vec![Vec::new(); self.mailboxes.len()];
        for key in keys {
            if let Ok(shard) = self.shard_of(&key) {
                of_shards[shard].push(key);
            }
        }
        let shards = self.mailboxes.iter().zip(of_shards);
        join_all(shards.map(|(mailbox, keys)| load_into(mailbox, keys, preload)))
            .map(drop)
            .boxed()
    }

    fn stats(&self) -> AgentStats {
        self.counters.stats(A::NAME)
    }

    fn depths(&self) -> Vec<Depth> {
        self.mailboxes.iter().map(Mailbox::depth).collect()
    }

    fn restarted(&self) {
        self.counters.restarts.add();
    }

    fn crash(&self, shard: usize, point: CrashPoint) -> bool {
        self.mailboxes
            .get(shard)
            .is_some_and(|mailbox| mailbox.send_control(Envelope::Crash(point)).is_ok())
    }
}
