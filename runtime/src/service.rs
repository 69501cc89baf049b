//! An agent as its callers reach it: its shards' mailboxes, and which of them a key belongs to.

use std::any::Any;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use mercato_persistence::{EventData, Position, Timer};
use mercato_supervisor::{DeadLetters, DeadReason, Depth, Mailbox, SendError, Tag, contain};
use serde_json::Value;
use tokio::sync::oneshot;
use tracing::Instrument;
use xxhash_rust::xxh3::xxh3_64;

use crate::agent::{Agent, Command};
use crate::clock::{Clock, Timestamp};
use crate::envelope::{Answered, Call, CrashPoint, Envelope, LoadReport, Refusal, TypedTask};
use crate::error::{AskError, AskFailure};
use crate::event::{CodecError, Event};
use crate::fault::FaultHooks;
use crate::principal::Principal;
use crate::quarantine::Ward;
use crate::recovery::Preload;
use crate::registry::{Commands, Opened};
use crate::schema::EventSchema;
use crate::shard::{LOAD_AT_ONCE, ShardContext};
use crate::stats::{AgentCounters, AgentStats};
use crate::telemetry::{Outcome, Telemetry, Timings};

/// The longest key of an entity, in bytes.
pub(crate) const KEY_BYTES_MAX: usize = 256;

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
    commands: Arc<Commands<A>>,
    clock: Clock,
    counters: Arc<AgentCounters>,
    ward: Arc<Ward>,
    telemetry: Arc<Telemetry>,
    faults: FaultHooks,
    /// How long its answers take, by command; a stripe for each shard.
    responses: Timings,
}

impl<A: Agent> Service<A> {
    pub(crate) fn new(context: ShardContext<A>, mailboxes: Box<[Mailbox<Envelope<A>>]>) -> Self {
        Self {
            responses: Timings::new(mailboxes.len()),
            telemetry: context.telemetry,
            faults: context.faults,
            agent: context.agent,
            mailboxes,
            commands: context.commands,
            clock: context.clock,
            counters: context.counters,
            ward: context.ward,
        }
    }

    /// The agent's settings.
    pub(crate) fn agent(&self) -> Arc<A> {
        self.agent.clone()
    }

    /// Sends a command to its shard and waits for the answer, which may not be durable yet.
    pub(crate) async fn ask<C: Command<Agent = A>>(
        &self,
        mut call: Call,
        admission: Admission,
        command: C,
    ) -> Answered<C> {
        let began = self.clock.elapsed();
        let deadline = call.deadline;
        let (sender, receiver) = oneshot::channel();
        let (shard, tag) = match self.place_of(&command.entity(), deadline) {
            Ok(found) => found,
            Err(failure) => return (Err(failure.into()), Position::START),
        };
        let mailbox = &self.mailboxes[shard];
        let traced = self.telemetry.spans.ask(call.trace, A::NAME, C::NAME);
        call.trace = traced.context;
        let late = self.faults.delay(&call, A::NAME, C::NAME);
        let task = Box::new(TypedTask::new(command, sender));
        let envelope = Envelope::Command { call, task };
        // Pinned here: an ask that is moved into each of its wrappers is copied each time.
        let exchange = pin!(async {
            if let Some(late) = late {
                late.await;
            }
            if let Err(failure) = admit(mailbox, admission, tag, envelope).await {
                return (Err(failure.into()), Position::START);
            }
            // The sender is dropped unanswered only with the mailbox itself.
            receiver
                .await
                .unwrap_or((Err(AskFailure::Stopped.into()), Position::START))
        });
        let exchange = tokio::time::timeout_at(self.clock.instant_of(deadline), exchange);
        let answered = match exchange.instrument(traced.span.clone()).await {
            Ok(answered) => answered,
            Err(_) => (Err(AskFailure::DeadlineExceeded.into()), Position::START),
        };
        let outcome = Outcome::of_ask(&answered.0);
        traced.ended(outcome.name());
        self.count(C::NAME, outcome, shard, began);
        answered
    }

    /// Counts how long an answer took.
    fn count(&self, command: &str, outcome: Outcome, shard: usize, began: Duration) {
        let took = self.clock.elapsed().saturating_sub(began);
        self.responses.record(command, outcome, shard, took);
    }

    /// The shard of an entity, and what its mailbox has to know of a command for that entity.
    fn place_of(&self, key: &str, deadline: Timestamp) -> Result<(usize, Tag), AskFailure> {
        let (shard, hash) = self.shard_of(key)?;
        let tag = Tag::key(hash).until(self.clock.elapsed_at(deadline));
        Ok((shard, tag))
    }

    /// The shard of a key, and the key's hash.
    fn shard_of(&self, key: &str) -> Result<(usize, u64), AskFailure> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(AskFailure::invalid(format_args!(
                "the key of an entity of `{}` has {} bytes; it may have 1 to {KEY_BYTES_MAX}",
                A::NAME,
                key.len()
            )));
        }
        // Stable across runs and machines: a key's shard must not change while commands wait.
        let hash = xxh3_64(key.as_bytes());
        let shard = hash % self.mailboxes.len() as u64;
        usize::try_from(shard)
            .ok()
            .filter(|shard| *shard < self.mailboxes.len())
            .map(|shard| (shard, hash))
            .ok_or_else(|| AskFailure::invalid("the agent has no shards"))
    }

    async fn outcome(
        &self,
        mut call: Call,
        name: &str,
        version: u16,
        body: &[u8],
    ) -> (Result<(), AskError<Refusal>>, Position) {
        let failed = |failure: AskFailure| (Err(AskError::Failed(failure)), Position::START);
        let (began, deadline) = (self.clock.elapsed(), call.deadline);
        let (task, outcome) = match self.commands.read(name, version, body) {
            Ok(read) => read,
            Err(error) => return failed(AskFailure::invalid(error)),
        };
        let (shard, tag) = match self.place_of(&task.entity(), deadline) {
            Ok(found) => found,
            Err(failure) => return failed(failure),
        };
        let (mailbox, name) = (&self.mailboxes[shard], task.name());
        let traced = self.telemetry.spans.ask(call.trace, A::NAME, name);
        call.trace = traced.context;
        let late = self.faults.delay(&call, A::NAME, name);
        let exchange = async {
            if let Some(late) = late {
                late.await;
            }
            let envelope = Envelope::Command { call, task };
            if let Err(failure) = admit(mailbox, Admission::Wait, tag, envelope).await {
                return failed(failure);
            }
            outcome.await.unwrap_or(failed(AskFailure::Stopped))
        };
        let exchange = tokio::time::timeout_at(self.clock.instant_of(deadline), exchange);
        let exchange = exchange.instrument(traced.span.clone()).await;
        let answered = exchange.unwrap_or(failed(AskFailure::DeadlineExceeded));
        let outcome = Outcome::of_ask(&answered.0);
        traced.ended(outcome.name());
        self.count(name, outcome, shard, began);
        answered
    }
}

async fn admit<A: Agent>(
    mailbox: &Mailbox<Envelope<A>>,
    admission: Admission,
    tag: Tag,
    envelope: Envelope<A>,
) -> Result<(), AskFailure> {
    let sent = match admission {
        Admission::FailFast => mailbox.try_send_with(tag, envelope),
        Admission::Wait => mailbox.send_with(tag, envelope).await,
    };
    sent.map_err(|error| match error {
        SendError::Overloaded { retry_after, .. } => AskFailure::Overloaded { retry_after },
        SendError::Closed(_) => AskFailure::Stopped,
    })
}

/// Answers a command that its shard will not handle any more.
pub(crate) fn answer_dead<A: Agent>(
    counters: &AgentCounters,
    reason: DeadReason,
    envelope: Envelope<A>,
) {
    let Envelope::Command { mut task, .. } = envelope else {
        return;
    };
    let failure = match reason {
        DeadReason::Expired => {
            counters.shed.add();
            AskFailure::DeadlineExceeded
        }
        // Whether a command in which its shard hung was recorded, asking again tells.
        DeadReason::Stuck => AskFailure::DeadlineExceeded,
        _ => AskFailure::Stopped,
    };
    task.fail(failure, Position::START);
}

/// Has a shard load entities, as far as it goes without keeping its commands waiting.
async fn load_some<A: Agent>(
    mailbox: &Mailbox<Envelope<A>>,
    keys: Vec<Box<str>>,
    again: Option<Principal>,
) -> Result<LoadReport, AskFailure> {
    let (sender, done) = oneshot::channel();
    let envelope = Envelope::Load {
        keys,
        again,
        done: Some(sender),
    };
    let sent = mailbox.send_control(envelope);
    sent.map_err(|_| AskFailure::Stopped)?;
    done.await.map_err(|_| AskFailure::Stopped)
}

/// Hands the keys to one shard a few at a time, so that commands come in between.
async fn load_into<A: Agent>(
    mailbox: &Mailbox<Envelope<A>>,
    keys: Vec<Box<str>>,
    preload: &Preload,
) {
    let mut keys = VecDeque::from(keys);
    while !keys.is_empty() {
        let few: Vec<_> = keys.drain(..keys.len().min(LOAD_AT_ONCE)).collect();
        let many = few.len();
        let Ok(report) = load_some(mailbox, few, None).await else {
            return;
        };
        preload.loaded(many - report.rest.len());
        for key in report.rest.into_iter().rev() {
            keys.push_front(key);
        }
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
    /// Has the entity's shard clear a timer whose command can never be served.
    fn drop_timer<'a>(
        &'a self,
        epoch: u64,
        key: &'a str,
        timer: Timer,
    ) -> BoxFuture<'a, Result<(), AskFailure>>;
    /// What stands aside of this agent.
    fn ward(&self) -> &Ward;
    /// Reads a command that stands aside, kept in this version; 0 where that is not known.
    fn open_body(&self, name: &str, version: u16, body: &[u8]) -> Result<Opened, CodecError>;
    /// A stored event for people.
    fn view_event(&self, event: &EventData) -> Result<Value, CodecError>;
    /// Tries to load an entity that could not be loaded.
    fn load_again<'a>(
        &'a self,
        key: &'a str,
        by: Principal,
    ) -> BoxFuture<'a, Result<(), AskFailure>>;
    /// Has a shard passivate what has been idle for long enough.
    fn passivate(&self, shard: usize);
    /// The agent's name.
    fn name(&self) -> &'static str;
    /// The agent's events.
    fn events(&self) -> &'static [EventSchema];
    /// Brings entities into memory, in this order, all shards side by side.
    fn load<'a>(&'a self, keys: Vec<Box<str>>, preload: &'a Preload) -> BoxFuture<'a, ()>;
    fn stats(&self) -> AgentStats;
    /// How long its answers take.
    fn responses(&self) -> &Timings;
    /// What its mailboxes had taken and nobody handled, by reason.
    fn dead_letters(&self) -> [(&'static str, u64); 5];
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

    fn drop_timer<'a>(
        &'a self,
        epoch: u64,
        key: &'a str,
        timer: Timer,
    ) -> BoxFuture<'a, Result<(), AskFailure>> {
        async move {
            let (sender, done) = oneshot::channel();
            let envelope = Envelope::DropTimer {
                epoch,
                key: key.into(),
                timer,
                done: Some(sender),
            };
            let sent = self.mailboxes[self.shard_of(key)?.0].send_control(envelope);
            sent.map_err(|_| AskFailure::Stopped)?;
            done.await.unwrap_or(Err(AskFailure::Stopped))
        }
        .boxed()
    }

    fn ward(&self) -> &Ward {
        &self.ward
    }

    fn open_body(&self, name: &str, version: u16, body: &[u8]) -> Result<Opened, CodecError> {
        self.commands.open(name, version, body)
    }

    fn view_event(&self, event: &EventData) -> Result<Value, CodecError> {
        // Reading it may be what panics.
        let viewed =
            contain(|| A::Event::decode(&event.name, event.version, &event.payload)?.view());
        viewed.unwrap_or_else(|panic| {
            Err(CodecError::Decode(format!("reading it panicked: {panic}")))
        })
    }

    fn load_again<'a>(
        &'a self,
        key: &'a str,
        by: Principal,
    ) -> BoxFuture<'a, Result<(), AskFailure>> {
        async move {
            let mailbox = &self.mailboxes[self.shard_of(key)?.0];
            loop {
                let report = load_some(mailbox, vec![key.into()], Some(by.clone())).await?;
                match report.failure {
                    Some(failure) => return Err(failure),
                    None if report.rest.is_empty() => return Ok(()),
                    // A long history takes several turns of its shard.
                    None => tokio::task::yield_now().await,
                }
            }
        }
        .boxed()
    }

    fn passivate(&self, shard: usize) {
        if let Some(mailbox) = self.mailboxes.get(shard) {
            // Refused where the runtime is stopping, and memory is let go anyway.
            let _ = mailbox.send_control(Envelope::PassivateIdle);
        }
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
            if let Ok((shard, _)) = self.shard_of(&key) {
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

    fn responses(&self) -> &Timings {
        &self.responses
    }

    fn dead_letters(&self) -> [(&'static str, u64); 5] {
        let letters: Vec<_> = self.mailboxes.iter().map(Mailbox::dead_letters).collect();
        let all = |of: fn(&DeadLetters) -> u64| letters.iter().map(of).sum();
        [
            ("expired", all(|it| it.expired)),
            ("stuck", all(|it| it.stuck)),
            ("ended", all(|it| it.ended)),
            ("stopped", all(|it| it.stopped)),
            ("down", all(|it| it.down)),
        ]
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
