//! The bus: committed events start what follows from them.
//!
//! The journal is the outbox. Each trigger reads it with a cursor of its own and sees durable
//! events only, in their order. What it starts carries an id made of the event's place, so an
//! event that is delivered again after a crash has its effect once.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use mercato_persistence::{Position, Recorded};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::watch;
use tracing::Instrument;

use crate::agent::{Agent, Command};
use crate::clock::Timestamp;
use crate::codec;
use crate::core::Core;
use crate::entities::stream_of;
use crate::envelope::{Call, Refusal};
use crate::error::{AskError, AskFailure};
use crate::event::{CodecError, Event};
use crate::flow::{FlowType, Orchestrator, Start};
use crate::ids::{CommandId, FlowId};
use crate::principal::Principal;
use crate::stats::Counter;
use crate::telemetry::TraceContext;

/// How many appends one step of a trigger takes from the journal.
const BATCH: usize = 128;
/// How long one reaction may take before it is tried again.
const REACTION_BUDGET: Duration = Duration::from_secs(10);
/// How often a command that cannot be served is tried before it is set aside.
const ATTEMPTS_MAX: u32 = 8;
/// How long to wait before the second try; each wait is twice the one before.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// No wait is longer.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// An event that happened, and where.
#[derive(Debug, Clone)]
pub struct Occurred<E> {
    /// The event.
    pub event: E,
    /// The key of the entity that it happened to.
    pub entity: Box<str>,
    /// When it was decided.
    pub recorded_at: Timestamp,
    /// Its own id: the same at every delivery.
    pub id: CommandId,
}

/// What follows from an event.
#[derive(Debug)]
pub struct Reaction(Result<Act, CodecError>);

#[derive(Debug)]
enum Act {
    Command {
        agent: &'static str,
        name: &'static str,
        version: u16,
        body: Vec<u8>,
    },
    Flow(Start),
}

impl Reaction {
    /// A command to an agent. It must be named in the agent's
    /// [`commands`](crate::Agent::commands).
    pub fn command<C: Command>(command: &C) -> Self {
        Self(codec::encode(command).map(|body| Act::Command {
            agent: <C::Agent as Agent>::NAME,
            name: C::NAME,
            version: C::VERSION,
            body,
        }))
    }

    /// The start of a flow, where it has not been started under this id before.
    pub fn flow<I: Serialize, O, E>(flow: FlowType<I, O, E>, id: FlowId, input: &I) -> Self {
        Self(codec::encode(input).map(|input| {
            Act::Flow(Start {
                flow: flow.name,
                budget: flow.budget,
                id,
                input,
                principal: Principal::System,
                unattended: true,
            })
        }))
    }
}

type React = dyn Fn(&Recorded) -> Result<Vec<(usize, Vec<Reaction>)>, CodecError> + Send + Sync;

/// A rule: which events of an agent start what.
pub struct Trigger {
    name: &'static str,
    stream_prefix: Arc<str>,
    react: Arc<React>,
}

impl Trigger {
    /// A rule over the events of agent `A`. `name` is kept with the cursor: under a new name the
    /// rule sees the whole journal again.
    pub fn on<A: Agent>(
        name: &'static str,
        react: impl Fn(&Occurred<A::Event>) -> Vec<Reaction> + Send + Sync + 'static,
    ) -> Self {
        let stream_prefix = stream_of(A::NAME, "");
        let entity_at = stream_prefix.len();
        Self {
            name,
            stream_prefix,
            react: Arc::new(move |recorded| {
                let append = &recorded.append;
                let entity = append.stream.get(entity_at..).unwrap_or_default();
                let events = append.events.iter().enumerate();
                events
                    .map(|(index, event)| {
                        let occurred = Occurred {
                            event: A::Event::decode(&event.name, event.version, &event.payload)?,
                            entity: entity.into(),
                            recorded_at: Timestamp::from_millis(append.recorded_at_ms),
                            id: event_id(recorded.position, index),
                        };
                        Ok((index, react(&occurred)))
                    })
                    .collect()
            }),
        }
    }

    /// The rule's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl std::fmt::Debug for Trigger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trigger({} on {})", self.name, self.stream_prefix)
    }
}

fn event_id(position: Position, index: usize) -> CommandId {
    CommandId::from_key(&format!("event/{position}/{index}"))
}

/// What the triggers of a runtime count.
#[derive(Debug, Default)]
pub(crate) struct TriggerCounters {
    /// Reactions that were refused or could not be served, and were set aside.
    pub(crate) dead_letters: Counter,
    /// Triggers that cannot go on until the next start, in the order in which they stopped.
    pub(crate) stopped: Mutex<Vec<&'static str>>,
}

/// Follows the journal for one trigger until the runtime stops.
pub(crate) async fn follow(
    core: Arc<Core>,
    orchestrator: Orchestrator,
    trigger: Trigger,
    counters: Arc<TriggerCounters>,
    mut stopping: watch::Receiver<bool>,
) {
    let subscription = Subscription {
        cursor_name: cursor_of(trigger.name),
        core,
        orchestrator,
        trigger,
        counters,
    };
    tokio::select! {
        biased;
        _ = stopping.wait_for(|stopping| *stopping) => {}
        ended = AssertUnwindSafe(subscription.run()).catch_unwind() => {
            let failure = match ended {
                Ok(Ok(never)) => match never {},
                Ok(Err(failure)) => failure.to_string(),
                Err(_) => "its rule panicked".to_owned(),
            };
            let trigger = subscription.trigger.name;
            tracing::error!(trigger, failure, "a trigger stopped; it goes on after the next start");
            subscription.counters.stopped.lock().push(trigger);
        }
    }
}

/// The name of a trigger's cursor.
pub(crate) fn cursor_of(trigger: &str) -> String {
    format!("trigger/{trigger}")
}

/// What a reaction follows from.
#[derive(Clone, Copy)]
struct Cause {
    event: CommandId,
    /// As the journal has it, and as it is after a crash too.
    trace: TraceContext,
    /// As it is seen from within the reaction's span.
    context: TraceContext,
}

struct Subscription {
    cursor_name: String,
    core: Arc<Core>,
    orchestrator: Orchestrator,
    trigger: Trigger,
    counters: Arc<TriggerCounters>,
}

impl Subscription {
    /// Never ends but by a failure. While the journal's disk is away it waits, and then goes on
    /// from where its cursor is durable.
    async fn run(&self) -> Result<Infallible, AskFailure> {
        loop {
            // Taken before the cursor is read: what came of the events before it may be lost from
            // the moment that this epoch is over.
            let epoch = self.core.journal.epoch();
            let failure = match self.follow(epoch).await {
                Ok(never) => match never {},
                Err(failure) => failure,
            };
            let is_away = matches!(failure, AskFailure::ReadOnly { .. });
            if !is_away && !self.core.went_back(epoch) {
                return Err(failure);
            }
            let back = self.core.journal.until_writable().await;
            back.map_err(AskFailure::read_only)?;
            // A flow may still be about to see that it was taken back, and refuse until then.
            tokio::time::sleep(FIRST_WAIT).await;
        }
    }

    async fn follow(&self, epoch: u64) -> Result<Infallible, AskFailure> {
        let journal = &self.core.journal;
        let mut cursor = journal.cursor(&self.cursor_name);
        loop {
            let records = journal
                .read(cursor, BATCH)
                .map_err(AskFailure::unreadable)?;
            let Some(last) = records.last() else {
                // The gate wakes its waiters in the order in which they came, so that triggers
                // follow an event in the same order in every run of a seed.
                let next = journal.until_durable_in(epoch, cursor.next()).await;
                next.map_err(AskFailure::read_only)?;
                continue;
            };
            let last = last.position;
            let made = self.react_to(epoch, &records).await?;
            journal
                .set_cursor_in(epoch, &self.cursor_name, last, made)
                .map_err(AskFailure::read_only)?;
            cursor = last;
        }
    }

    /// Starts everything that follows from these records, in their order, and waits until all of
    /// it is recorded. Gives the last position that it made.
    async fn react_to(&self, epoch: u64, records: &[Recorded]) -> Result<Position, AskFailure> {
        let mut acts = Vec::new();
        let ours = records.iter().filter(|recorded| {
            recorded
                .append
                .stream
                .starts_with(&*self.trigger.stream_prefix)
        });
        for recorded in ours {
            let reactions = (self.trigger.react)(recorded).map_err(AskFailure::storage)?;
            for (index, reactions) in reactions {
                let event = event_id(recorded.position, index);
                let trace = TraceContext::of_append(&recorded.append, event);
                for (nth, reaction) in reactions.into_iter().enumerate() {
                    let id = event.derive(&format!("{}/{nth}", self.trigger.name));
                    let cause = Cause {
                        event,
                        trace,
                        context: trace,
                    };
                    acts.push(self.traced(epoch, cause, id, reaction));
                }
            }
        }
        // Polled in order, so commands to one shard arrive in the order of their events.
        let made = join_all(acts).await;
        made.into_iter()
            .try_fold(Position::START, |last, made| Ok(last.max(made?)))
    }

    /// Carries out one reaction, in the trace of its event.
    async fn traced(
        &self,
        epoch: u64,
        cause: Cause,
        id: CommandId,
        reaction: Reaction,
    ) -> Result<Position, AskFailure> {
        let spans = &self.core.telemetry.spans;
        let traced = spans.trigger(cause.trace, self.trigger.name);
        let context = traced.context;
        let act = self.act(epoch, Cause { context, ..cause }, id, reaction);
        act.instrument(traced.span).await
    }

    /// Carries out one reaction. A refusal is final. What cannot be served is tried again: a flow
    /// for as long as it takes, since nothing else would ever start it; a command until it is set
    /// aside, so that it does not hold up all others.
    async fn act(
        &self,
        epoch: u64,
        cause: Cause,
        id: CommandId,
        reaction: Reaction,
    ) -> Result<Position, AskFailure> {
        let act = match reaction.0 {
            Ok(act) => act,
            Err(error) => return Ok(self.set_aside(&error, Position::START)),
        };
        let mut attempt = 1;
        loop {
            let (outcome, position) = self.once(epoch, cause, id, &act).await;
            let failure = match outcome {
                Ok(()) => return Ok(position),
                // It may have met what never was. The event comes again.
                Err(_) if self.core.went_back(epoch) => return Err(AskFailure::taken_back()),
                Err(AskError::Rejected(refusal)) => return Ok(self.set_aside(&refusal, position)),
                Err(AskError::Failed(failure)) => failure,
            };
            if failure.is_interruption() {
                return Err(failure);
            }
            let may_wait = matches!(act, Act::Flow(_)) || attempt < ATTEMPTS_MAX;
            if !failure.is_transient() || !may_wait {
                return Ok(self.set_aside(&failure, position));
            }
            tracing::debug!(trigger = self.trigger.name, %failure, "a reaction is tried again");
            let doubled = FIRST_WAIT.saturating_mul(2u32.saturating_pow(attempt - 1));
            tokio::time::sleep(doubled.min(WAIT_MAX)).await;
            attempt = attempt.saturating_add(1);
        }
    }

    async fn once(
        &self,
        epoch: u64,
        cause: Cause,
        id: CommandId,
        act: &Act,
    ) -> (Result<(), AskError<Refusal>>, Position) {
        match act {
            Act::Flow(start) => match self.orchestrator.start(start.clone(), cause.trace) {
                Ok(position) => (Ok(()), position),
                Err(failure) => (Err(failure.into()), Position::START),
            },
            Act::Command {
                agent,
                name,
                version,
                body,
            } => {
                let Some(service) = self.core.services.named(agent) else {
                    let unknown = format_args!("this runtime has no agent `{agent}`");
                    return (Err(AskFailure::invalid(unknown).into()), Position::START);
                };
                let call = Call {
                    id,
                    epoch,
                    deadline: self.core.clock.now().plus(REACTION_BUDGET),
                    principal: Principal::System,
                    causation: Some(cause.event),
                    trace: cause.context,
                    timer: None,
                };
                service.send_stored(call, name, *version, body).await
            }
        }
    }

    /// Gives a reaction up, visibly. What that depends on must be durable before the cursor is.
    fn set_aside(&self, reason: &dyn std::fmt::Display, depends_on: Position) -> Position {
        self.counters.dead_letters.add();
        let trigger = self.trigger.name;
        tracing::warn!(trigger, %reason, "a reaction was set aside");
        depends_on
    }
}
