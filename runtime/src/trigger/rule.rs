//! A rule in its runtime: what follows from one event, and what it could not deal with.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use mercato_persistence::{EventData, Position, Recorded};
use mercato_supervisor::contain;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tracing::Instrument;

use super::desk::TriggerState;
use super::{Act, Case, Happened, Reaction, TRIGGER, Trigger};
use crate::bus::{DeadLettered, EventPlace, Ledger};
use crate::clock::Timestamp;
use crate::core::Core;
use crate::envelope::{Call, Refusal};
use crate::error::{AskError, AskFailure};
use crate::flow::Orchestrator;
use crate::folded::Made;
use crate::ids::CommandId;
use crate::principal::Principal;
use crate::readable::reason_of;
use crate::stats::Counter;
use crate::telemetry::TraceContext;

/// How long one reaction may take before it is tried again.
const REACTION_BUDGET: Duration = Duration::from_secs(10);
/// How often a command that cannot be served is tried before its event is set aside.
const ATTEMPTS_MAX: u32 = 8;
/// How long to wait before the second try; each wait is twice the one before.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(50);
/// No wait is longer.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How many events of one trigger may stand aside. Where there are so many, it waits at the next
/// one: none is lost.
const LETTERS_MAX: usize = 1_000;

/// One trigger of a runtime, as its task and its operators share it.
pub(crate) struct Rule {
    pub(super) core: Arc<Core>,
    orchestrator: Orchestrator,
    pub(super) trigger: Trigger,
    /// What stands aside, as it was read in some epoch of the journal.
    ledger: Mutex<Option<Ledger>>,
    pub(super) set_aside: Counter,
    pub(super) state: Mutex<TriggerState>,
    /// An operator wants the event set aside at which the trigger waits.
    pub(super) give_up: AtomicBool,
    /// Rung when a place is free, or an operator wants something.
    pub(super) changed: Notify,
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

/// An event that could not be dealt with.
pub(super) struct Failed {
    pub(super) reason: Box<str>,
    attempts: u32,
    /// What was refused depends on it.
    depends_on: Position,
    /// The agent was asked, and said no.
    pub(super) is_refusal: bool,
}

impl Failed {
    fn of(reason: &dyn Display, attempts: u32, depends_on: Position) -> Self {
        Self {
            reason: reason_of(reason),
            attempts,
            depends_on,
            is_refusal: false,
        }
    }
}

/// Deals with an event: the last position that this made, or why it could not be dealt with. An
/// error is the journal's, and ends the run.
pub(super) type Dealt = Result<Result<Position, Failed>, AskFailure>;

pub(super) fn wait_after(attempt: u32) -> Duration {
    let doubled = 2u32.saturating_pow(attempt.saturating_sub(1));
    FIRST_WAIT.saturating_mul(doubled).min(WAIT_MAX)
}

impl Rule {
    pub(super) fn new(core: Arc<Core>, orchestrator: Orchestrator, trigger: Trigger) -> Self {
        Self {
            core,
            orchestrator,
            trigger,
            ledger: Mutex::default(),
            set_aside: Counter::default(),
            state: Mutex::new(TriggerState::Following),
            give_up: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.trigger.name
    }

    /// Whether the rule is over an event of a record.
    pub(super) fn concerns(&self, recorded: &Recorded) -> bool {
        let events = &recorded.append.events;
        events.iter().any(|event| self.is_over(recorded, event))
    }

    /// The events of a record that the rule is over, in order.
    pub(super) fn events_of<'a>(
        &'a self,
        recorded: &'a Recorded,
    ) -> impl Iterator<Item = u32> + use<'a> {
        (0..)
            .zip(&recorded.append.events)
            .filter(|(_, event)| self.is_over(recorded, event))
            .map(|(at, _)| at)
    }

    fn is_over(&self, recorded: &Recorded, event: &EventData) -> bool {
        let stream = &recorded.append.stream;
        let cases = &self.trigger.cases;
        cases.iter().any(|case| case.is_over(stream, event))
    }

    /// Starts everything that follows from an event, and waits until all of it is recorded.
    pub(super) async fn deal_with(&self, epoch: u64, recorded: &Recorded, index: u32) -> Dealt {
        let event = place_of(recorded, index).id();
        let reactions = match self.reactions(recorded, index, event) {
            Ok(reactions) => reactions,
            Err(reason) => return Ok(Err(Failed::of(&reason, 1, Position::START))),
        };
        let trace = TraceContext::of_append(&recorded.append, event);
        let acts = reactions.into_iter().enumerate().map(|(nth, reaction)| {
            let id = event.derive(&format!("{}/{nth}", self.name()));
            let cause = Cause {
                event,
                trace,
                context: trace,
            };
            self.traced(epoch, cause, id, reaction)
        });
        // Polled in order, so commands to one shard arrive in the order of the rule.
        let mut dealt = Ok(Position::START);
        for acted in join_all(acts).await {
            // All were tried; the first that failed is told.
            dealt = match (dealt, acted?) {
                (Ok(last), Ok(made)) => Ok(last.max(made)),
                (Ok(_), Err(failed)) => Err(failed),
                (failed, _) => failed,
            };
        }
        Ok(dealt)
    }

    /// What the rule says of an event. It is an author's code, as the reading of the event is, and
    /// may panic.
    fn reactions(
        &self,
        recorded: &Recorded,
        index: u32,
        id: CommandId,
    ) -> Result<Vec<Reaction>, String> {
        let append = &recorded.append;
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let event = append.events.get(at).ok_or("there is no such event")?;
        let happened = |case: &Case| {
            let entity = append.stream.get(case.stream_prefix.len()..);
            let happened = Happened {
                entity: entity.unwrap_or_default(),
                recorded_at: Timestamp::from_millis(append.recorded_at_ms),
                id,
            };
            (case.react)(event, happened)
        };
        let cases = self.trigger.cases.iter();
        let cases = cases.filter(|case| case.is_over(&append.stream, event));
        match contain(|| cases.map(happened).collect::<Result<Vec<_>, _>>()) {
            Ok(Ok(reactions)) => Ok(reactions.into_iter().flatten().collect()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(panic) => Err(format!("the rule panicked over it: {panic}")),
        }
    }

    /// Carries out one reaction, in the trace of its event.
    async fn traced(&self, epoch: u64, cause: Cause, id: CommandId, reaction: Reaction) -> Dealt {
        let spans = &self.core.telemetry.spans;
        let traced = spans.trigger(cause.trace, self.name());
        let context = traced.context;
        let act = self.act(epoch, Cause { context, ..cause }, id, reaction);
        act.instrument(traced.span).await
    }

    /// Carries out one reaction. A refusal is final. What cannot be served is tried again: a flow
    /// for as long as it takes, since nothing else would ever start it; a command until its event is
    /// set aside, so that it does not hold up all others.
    async fn act(&self, epoch: u64, cause: Cause, id: CommandId, reaction: Reaction) -> Dealt {
        let act = match reaction.0 {
            Ok(act) => act,
            Err(error) => return Ok(Err(Failed::of(&error, 1, Position::START))),
        };
        let mut attempt = 1;
        loop {
            let (outcome, position) = self.once(epoch, cause, id, &act).await;
            let failure = match outcome {
                Ok(()) => return Ok(Ok(position)),
                // It may have met what never was. The event comes again.
                Err(_) if self.core.went_back(epoch) => return Err(AskFailure::taken_back()),
                Err(AskError::Rejected(refusal)) => {
                    let failed = Failed::of(&refusal, attempt, position);
                    return Ok(Err(Failed {
                        is_refusal: true,
                        ..failed
                    }));
                }
                Err(AskError::Failed(failure)) => failure,
            };
            if failure.is_interruption() {
                return Err(failure);
            }
            let may_wait = matches!(act, Act::Flow(_)) || attempt < ATTEMPTS_MAX;
            if !failure.is_transient() || !may_wait {
                return Ok(Err(Failed::of(&failure, attempt, position)));
            }
            // What a command has as its last try is told where it is set aside. A flow has no last one.
            if attempt < ATTEMPTS_MAX {
                tracing::debug!(trigger = self.name(), %failure, "a reaction is tried again");
            } else {
                tracing::warn!(trigger = self.name(), %failure, attempt, "a trigger waits to start a flow");
            }
            tokio::time::sleep(wait_after(attempt)).await;
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

    /// Sets an event aside, visibly. Gives what the cursor must not be durable before; `None` where
    /// so many stand aside that there is no place for it.
    pub(super) fn give_up(
        &self,
        epoch: u64,
        recorded: &Recorded,
        index: u32,
        failed: &Failed,
    ) -> Result<Option<Position>, AskFailure> {
        let place = place_of(recorded, index);
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let event = recorded.append.events.get(at);
        let letter = DeadLettered {
            place,
            stream: (&*recorded.append.stream).into(),
            event: event.map_or("", |event| &*event.name).into(),
            attempts: failed.attempts,
            reason: failed.reason.clone(),
        };
        let kept = self.with_ledger(epoch, |ledger| {
            if ledger.letters() >= LETTERS_MAX && !ledger.has_letter(place) {
                return Ok(None);
            }
            ledger.set_aside(letter)?;
            Ok(Some(ledger.made()))
        })?;
        let Some(made) = kept else {
            return Ok(None);
        };
        self.set_aside.add();
        tracing::warn!(trigger = self.name(), %place, "an event was set aside");
        Ok(Some(made.position.max(failed.depends_on)))
    }

    /// Takes events off the list.
    pub(super) fn settle(
        &self,
        epoch: u64,
        places: Vec<EventPlace>,
        dropped: bool,
    ) -> Result<Made, AskFailure> {
        let made = self.with_ledger(epoch, |ledger| {
            if !places.is_empty() {
                ledger.settle(places, dropped)?;
            }
            Ok(ledger.made())
        })?;
        self.changed.notify_one();
        Ok(made)
    }

    /// Works on what stands aside, as it is known in `epoch`.
    pub(super) fn with_ledger<T, E: From<AskFailure>>(
        &self,
        epoch: u64,
        work: impl FnOnce(&mut Ledger) -> Result<T, E>,
    ) -> Result<T, E> {
        let kept = &mut *self.ledger.lock();
        let known = kept.take().filter(|ledger| ledger.made().epoch == epoch);
        let mut ledger = match known {
            Some(ledger) => ledger,
            None => {
                let stream = format!("{TRIGGER}/{}", self.name()).into();
                Ledger::of(&self.core, stream, epoch)?
            }
        };
        // Where it fails, what is in memory may not match the journal, and is read anew.
        let done = work(&mut ledger)?;
        *kept = Some(ledger);
        Ok(done)
    }

    /// How many events stand aside, where the journal says so.
    pub(crate) fn letters(&self) -> Option<usize> {
        let letters = |ledger: &mut Ledger| Ok::<_, AskFailure>(ledger.letters());
        self.with_ledger(self.core.journal.epoch(), letters).ok()
    }

    /// Whether an operator wants the trigger to go on without the event at which it waits.
    pub(super) fn takes_give_up(&self) -> bool {
        self.give_up.swap(false, Ordering::AcqRel)
    }
}

pub(super) fn place_of(recorded: &Recorded, index: u32) -> EventPlace {
    EventPlace {
        position: recorded.position,
        index,
    }
}
