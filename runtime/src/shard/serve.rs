//! One command against its entity: decided, recorded, answered.

use std::time::Duration;

use mercato_persistence::{Append, AppendError, EventData, FirstReply, Timer, TimerChange};
use xxhash_rust::xxh3::xxh3_128;

use super::{ShardContext, Unserved};
use crate::agent::{Agent, Context, Kind};
use crate::entities::Entity;
use crate::envelope::{Call, Staged, Task};
use crate::error::AskFailure;
use crate::event::{CodecError, Event};
use crate::fault::Moment;

/// Decides, appends and evolves one command against its entity, and releases the reply.
pub(super) fn serve<A: Agent>(
    shard: &ShardContext<A>,
    entity: &mut Entity<A>,
    key: &str,
    call: &Call,
    task: &mut dyn Task<A>,
) -> Result<(), Unserved> {
    let body_hash = match task.kind() {
        Kind::Read => None,
        Kind::Write => Some(xxh3_128(&task.body().map_err(AskFailure::invalid)?)),
    };
    #[cfg(feature = "planted-bugs")]
    let forgotten = forgets_replies(shard, entity);
    #[cfg(not(feature = "planted-bugs"))]
    let forgotten = false;
    if let Some(body_hash) = body_hash
        && !forgotten
        && let Some(first) = shard
            .journal
            .first_reply(call.id.as_uuid())
            .map_err(AskFailure::unreadable)?
    {
        if first.body_hash != body_hash {
            return Err(AskFailure::IdReused.into());
        }
        shard.counters.repeated.add();
        if let Some(timer) = call.timer.as_deref()
            && is_set(shard, timer)
        {
            // What it was set for is done, by somebody who did not know of it.
            clear_timer(shard, entity, call.epoch, timer)?;
        }
        task.answer_first(&first.reply, entity.position);
        return Ok(());
    }
    if let Some((attempts, depends_on)) = shard.ward.stands_aside(call.epoch, call.id.as_uuid())? {
        // It would make this shard panic once more. That it stands aside may not be durable yet.
        return Err(Unserved {
            failure: AskFailure::Quarantined { attempts },
            depends_on,
        });
    }

    if let Some(timer) = call.timer.as_deref()
        && !is_set(shard, timer)
    {
        return Err(AskFailure::Superseded.into());
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
            ))
            .into());
        }
    }
    shard.fault(Moment::Answer, task.name(), key, call);
    shard.counters.handled.add();
    task.answer(entity.position);
    Ok(())
}

/// One atomic append: the events and the dedupe record. The state takes the events first, so that one
/// that cannot be applied is never recorded: the panic is the command's, and goes the way of any
/// other. Until they are recorded, the state is nobody's but this function's.
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
    let events = staged.events.iter().map(event_data);
    let events: Vec<_> = events
        .collect::<Result<_, _>>()
        .map_err(AskFailure::invalid)?;
    entity.is_ahead = true;
    entity.grow(events.iter().map(|event| event.payload.len()).sum());
    evolving();
    for event in &staged.events {
        A::evolve(&mut entity.state, event);
    }
    let version = entity.version + events.len() as u64;
    #[cfg_attr(
        not(feature = "planted-bugs"),
        expect(unused_mut, reason = "nothing is planted")
    )]
    let mut append = Append {
        stream: entity.stream.clone(),
        expected_version: entity.version,
        recorded_at_ms: context.now.as_millis(),
        events,
        command: Some(FirstReply {
            command: call.id.as_uuid(),
            body_hash,
            reply: staged.reply.unwrap_or_default(),
        }),
        mark: None,
        timers,
        trace: call.trace.kept_with(call.id),
    };
    #[cfg(feature = "planted-bugs")]
    if forgets_replies(shard, entity) {
        append.command = None;
    }
    // State, first replies and whatever the asker knows are of this epoch.
    let appended = shard
        .journal
        .append_in(call.epoch, append)
        .map_err(append_failure)?;
    shard.place.appended();
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
    entity.version = version;
    entity.is_ahead = false;
    Ok(())
}

#[cfg(feature = "planted-bugs")]
fn forgets_replies<A: Agent>(shard: &ShardContext<A>, entity: &Entity<A>) -> bool {
    let planted = shard.planted == Some(crate::planted::PlantedBug::ForgetReplies);
    planted && entity.has_snapshot()
}

/// Clears a timer whose command was refused, or can never be served, and nothing else.
pub(super) fn clear_timer<A: Agent>(
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
    shard.place.appended();
    Ok(())
}

/// Whether a timer is still what it was when it fell due: not cleared since, and not set anew.
fn is_set<A: Agent>(shard: &ShardContext<A>, timer: &Timer) -> bool {
    shard.journal.timer(&timer.stream, &timer.name).as_ref() == Some(timer)
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
            retry_after: Duration::from_millis(50),
        },
        AppendError::Failed(failed) => AskFailure::read_only(failed),
        AppendError::WrongEpoch(_) => AskFailure::taken_back(),
        error @ (AppendError::TooLarge { .. } | AppendError::Codec(_)) => {
            AskFailure::invalid(error)
        }
        error => AskFailure::storage(error),
    }
}
