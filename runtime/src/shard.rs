//! A shard: the only writer of a slice of one agent's entities.
//!
//! It takes its commands from a mailbox that outlives it. It never waits for the disk: it appends,
//! goes on with the next command on top of what it appended, and releases each reply with the
//! position that it depends on.

use std::sync::Arc;

use mercato_persistence::{
    Append, AppendError, EventData, FirstReply, Journal, Position, Timer, TimerChange,
};
use mercato_supervisor::{InHand, Worker};
use xxhash_rust::xxh3::xxh3_128;

use crate::agent::{Agent, Context, Kind};
use crate::clock::Clock;
use crate::entities::{Entities, Entity};
use crate::envelope::{Call, CrashPoint, Envelope, Staged, Task};
use crate::error::AskFailure;
use crate::event::{CodecError, Event};
use crate::fault::{FaultHook, FaultPoint, Moment};
use crate::registry::Commands;
use crate::stats::AgentCounters;
use crate::telemetry::{Telemetry, Traced};
use crate::timer::Bell;

/// What all shards of one agent share.
pub(crate) struct ShardContext<A: Agent> {
    pub(crate) agent: Arc<A>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Clock,
    pub(crate) counters: Arc<AgentCounters>,
    /// Its commands by name.
    pub(crate) commands: Arc<Commands<A>>,
    /// Rung when a timer was set or cleared.
    pub(crate) bell: Arc<Bell>,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) faults: FaultHook,
}

impl<A: Agent> Clone for ShardContext<A> {
    fn clone(&self) -> Self {
        Self {
            agent: self.agent.clone(),
            journal: self.journal.clone(),
            clock: self.clock,
            counters: self.counters.clone(),
            commands: self.commands.clone(),
            bell: self.bell.clone(),
            telemetry: self.telemetry.clone(),
            faults: self.faults.clone(),
        }
    }
}

impl<A: Agent> ShardContext<A> {
    /// Lets a fault strike, where one is to strike here.
    fn fault(&self, moment: Moment, command: &'static str, entity: &str, call: &Call) {
        self.faults.at(&FaultPoint {
            moment,
            agent: A::NAME,
            command,
            entity,
            is_timer: call.timer.is_some(),
        });
    }
}

/// One incarnation of a shard.
pub(crate) struct Shard<A: Agent> {
    context: ShardContext<A>,
    entities: Entities<A>,
    /// The epoch of the journal that the entities were loaded in.
    epoch: u64,
    crash_at_next: bool,
}

/// What an injected crash panics with, so that a panic hook can tell it from a real one.
#[derive(Debug, Clone, Copy)]
pub struct InjectedCrash;

impl<A: Agent> Shard<A> {
    pub(crate) fn new(context: ShardContext<A>, entities: Entities<A>) -> Self {
        Self {
            epoch: context.journal.epoch(),
            context,
            entities,
            crash_at_next: false,
        }
    }

    /// Brings entities into memory. What cannot be loaded is told to whoever asks for it.
    fn load(&mut self, keys: &[Box<str>]) {
        for key in keys {
            let _ = self.entities.load(&*self.context.journal, key);
        }
    }

    /// Clears a timer whose command can never be served, where it is still set.
    fn drop_timer(&mut self, key: &str, timer: &Timer) -> Result<(), AskFailure> {
        let journal = &*self.context.journal;
        let epoch = journal.epoch();
        if epoch != self.epoch {
            self.entities.clear();
            self.epoch = epoch;
        }
        if journal.timer(&timer.stream, &timer.name).as_ref() != Some(timer) {
            return Ok(());
        }
        let entity = self.entities.load(journal, key)?;
        clear_timer(&self.context, entity, epoch, timer)
    }

    /// The span of a command that is handled now.
    fn traced(&self, call: &Call, task: &dyn Task<A>, attempt: u32) -> Traced {
        let journal = &self.context.journal;
        // A read is asked again under its id, and a write comes again: those are other spans.
        let is_first =
            || task.kind() == Kind::Write && attempt == 1 && !journal.knows(call.id.as_uuid());
        let names = (A::NAME, task.name(), attempt);
        let spans = &self.context.telemetry.spans;
        spans.command(call.trace, call.id, is_first, names)
    }

    fn command(&mut self, call: &Call, task: &mut dyn Task<A>) {
        let counters = &self.context.counters;
        let now = self.context.clock.now();
        if now >= call.deadline {
            counters.shed.add();
            return task.fail(AskFailure::DeadlineExceeded, Position::START);
        }
        if task.is_abandoned() {
            // Nobody waits any more: whoever gives it again, under the same id, has it done then.
            counters.abandoned.add();
            return;
        }
        let epoch = self.context.journal.epoch();
        if epoch != self.epoch {
            self.entities.clear();
            self.epoch = epoch;
        }
        if call.epoch != epoch {
            counters.failed.add();
            return task.fail(AskFailure::taken_back(), Position::START);
        }
        let key = task.entity().into_owned();
        self.context.fault(Moment::Load, task.name(), &key, call);
        let entity = match self.entities.load(&*self.context.journal, &key) {
            Ok(entity) => entity,
            Err(failure) => {
                counters.failed.add();
                tracing::error!(agent = A::NAME, %failure, "an entity cannot be loaded");
                return task.fail(failure, Position::START);
            }
        };
        let served = serve(&self.context, entity, &key, call, task);
        match served {
            Ok(()) => {
                let journal = &*self.context.journal;
                self.entities.snapshot_if_due(journal, epoch, &key);
            }
            Err(failure) => {
                counters.failed.add();
                if matches!(failure, AskFailure::Storage { .. }) {
                    // What is in memory does not match the journal; read it anew next time.
                    self.entities.clear();
                }
                task.fail(failure, Position::START);
            }
        }
    }
}

/// Decides, appends and evolves one command against its entity, and releases the reply.
fn serve<A: Agent>(
    shard: &ShardContext<A>,
    entity: &mut Entity<A>,
    key: &str,
    call: &Call,
    task: &mut dyn Task<A>,
) -> Result<(), AskFailure> {
    let body_hash = match task.kind() {
        Kind::Read => None,
        Kind::Write => Some(xxh3_128(&task.body().map_err(AskFailure::invalid)?)),
    };
    if let Some(body_hash) = body_hash
        && let Some(first) = shard
            .journal
            .first_reply(call.id.as_uuid())
            .map_err(AskFailure::unreadable)?
    {
        if first.body_hash != body_hash {
            return Err(AskFailure::IdReused);
        }
        shard.counters.repeated.add();
        task.answer_first(&first.reply, entity.position);
        return Ok(());
    }

    if let Some(timer) = call.timer.as_deref()
        && shard.journal.timer(&timer.stream, &timer.name).as_ref() != Some(timer)
    {
        return Err(AskFailure::Superseded);
    }
    let context = Context {
        now: shard.clock.now(),
        entity: key,
        version: entity.version,
        command_id: call.id,
        principal: &call.principal,
        deadline: call.deadline,
    };
    shard.fault(Moment::Decide, task.name(), key, call);
    let decided = task
        .decide(&shard.agent, &entity.state, &context, entity.position)
        .map_err(AskFailure::invalid)?;
    let Some(staged) = decided else {
        shard.counters.rejected.add();
        if let Some(timer) = call.timer.as_deref() {
            clear_timer(shard, entity, call.epoch, timer)?;
        }
        return Ok(());
    };
    match body_hash {
        Some(body_hash) => {
            let evolving = || shard.fault(Moment::Evolve, task.name(), key, call);
            record(shard, entity, call, &context, staged, body_hash, evolving)?;
        }
        None if staged.events.is_empty() && staged.timers.is_empty() => {}
        None => {
            return Err(AskFailure::invalid(format_args!(
                "`{}` is a read, but it decided {} events and {} timers; make it a write",
                task.name(),
                staged.events.len(),
                staged.timers.len()
            )));
        }
    }
    shard.fault(Moment::Answer, task.name(), key, call);
    shard.counters.handled.add();
    task.answer(entity.position);
    Ok(())
}

/// One atomic append: the events and the dedupe record. Then, and only then, the state moves on.
fn record<A: Agent>(
    shard: &ShardContext<A>,
    entity: &mut Entity<A>,
    call: &Call,
    context: &Context<'_>,
    staged: Staged<A::Event>,
    body_hash: u128,
    evolving: impl FnOnce(),
) -> Result<(), AskFailure> {
    // The command of a timer may set it anew, so it is cleared first.
    let fired = call.timer.as_deref().map(cleared);
    let mut timers: Vec<TimerChange> = fired.into_iter().collect();
    for order in staged.timers {
        let knows = |name: &str| shard.commands.knows(name);
        timers.push(order.change(call, A::NAME, context.entity, knows)?);
    }
    let changes_timers = !timers.is_empty();
    let append = Append {
        stream: entity.stream.clone(),
        expected_version: entity.version,
        recorded_at_ms: context.now.as_millis(),
        events: staged
            .events
            .iter()
            .map(event_data)
            .collect::<Result<_, _>>()
            .map_err(AskFailure::invalid)?,
        command: Some(FirstReply {
            command: call.id.as_uuid(),
            body_hash,
            reply: staged.reply.unwrap_or_default(),
        }),
        mark: None,
        timers,
        trace: call.trace.kept_with(call.id),
    };
    // State, first replies and whatever the asker knows are of this epoch.
    let appended = shard
        .journal
        .append_in(call.epoch, append)
        .map_err(append_failure)?;
    tracing::trace!(
        agent = A::NAME,
        trace = %call.trace,
        causation = ?call.causation,
        position = %appended.position,
        "recorded"
    );
    if changes_timers {
        shard.bell.ring();
    }
    entity.position = appended.position;
    evolving();
    for event in &staged.events {
        A::evolve(&mut entity.state, event);
        entity.version += 1;
    }
    Ok(())
}

/// Clears a timer whose command was refused, or can never be served, and nothing else.
fn clear_timer<A: Agent>(
    shard: &ShardContext<A>,
    entity: &mut Entity<A>,
    epoch: u64,
    timer: &Timer,
) -> Result<(), AskFailure> {
    let now_ms = shard.clock.now().as_millis();
    let append = Append {
        timers: vec![cleared(timer)],
        ..Append::to(entity.stream.clone(), entity.version, now_ms)
    };
    let appended = shard.journal.append_in(epoch, append);
    entity.position = appended.map_err(append_failure)?.position;
    Ok(())
}

fn cleared(timer: &Timer) -> TimerChange {
    TimerChange::Clear {
        name: timer.name.clone(),
    }
}

/// An event in its stored form.
pub(crate) fn event_data<E: Event>(event: &E) -> Result<EventData, CodecError> {
    Ok(EventData {
        name: event.name().into(),
        version: event.version(),
        payload: event.encode()?,
    })
}

/// What a refused append means to the one who asked.
pub(crate) fn append_failure(error: AppendError) -> AskFailure {
    match error {
        AppendError::Full { .. } => AskFailure::Overloaded {
            retry_after: std::time::Duration::from_millis(50),
        },
        AppendError::Failed(failed) => AskFailure::read_only(failed),
        AppendError::WrongEpoch(_) => AskFailure::taken_back(),
        error @ (AppendError::TooLarge { .. } | AppendError::Codec(_)) => {
            AskFailure::invalid(error)
        }
        error => AskFailure::storage(error),
    }
}

impl<A: Agent> Worker for Shard<A> {
    type Message = Envelope<A>;

    fn handle(&mut self, message: &mut InHand<'_, Envelope<A>>) {
        let attempt = message.attempt();
        let first_attempt = attempt == 1;
        match &mut **message {
            // The crash is in hand while it strikes, and comes again like any other message.
            Envelope::Crash(CrashPoint::Idle) if first_attempt => crash(),
            Envelope::Crash(CrashPoint::Idle) => {}
            Envelope::Crash(CrashPoint::NextCommand) => self.crash_at_next = true,
            Envelope::Load { keys, done } => {
                self.load(keys);
                if let Some(done) = done.take() {
                    // Nobody waits any more where the runtime is stopping.
                    let _ = done.send(());
                }
            }
            Envelope::DropTimer { key, timer, done } => {
                let dropped = self.drop_timer(key, timer);
                if let Some(done) = done.take() {
                    // The keeper of timers is gone where the runtime is stopping.
                    let _ = done.send(dropped);
                }
            }
            // Answered before the crash: deciding anew could come out differently.
            Envelope::Command { task, .. } if task.is_answered() => {}
            Envelope::Command { call, task } => {
                let traced = self.traced(call, task.as_ref(), attempt);
                let _within = traced.span.enter();
                self.command(call, task.as_mut());
                if self.crash_at_next {
                    // The worst moment: recorded and answered, but still in hand.
                    crash();
                }
            }
        }
    }

    async fn ready(&mut self) {
        // Backpressure: commands stay in the mailbox while the disk is behind.
        if !self.context.journal.has_room() {
            self.context.journal.room().await;
        }
    }
}

#[expect(
    clippy::panic,
    reason = "this is the fault that tests and simulations inject"
)]
fn crash() {
    std::panic::panic_any(InjectedCrash);
}
