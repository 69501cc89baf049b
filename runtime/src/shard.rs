//! A shard: the only writer of a slice of one agent's entities.
//!
//! It takes its commands from a mailbox that outlives it. It never waits for the disk: it appends,
//! goes on with the next command on top of what it appended, and releases each reply with the
//! position that it depends on.

mod line;
mod serve;

use std::sync::Arc;
use std::time::Duration;

use mercato_persistence::{Journal, Position, Timer};
use mercato_supervisor::{InHand, Worker};

use self::serve::{clear_timer, serve};
use crate::agent::{Agent, Kind};
use crate::clock::Clock;
use crate::entities::{Entities, Progress, SLICE_EVENTS, Unloaded};
use crate::envelope::{Call, CrashPoint, Envelope, LoadReport, Task};
use crate::error::AskFailure;
use crate::fault::{FaultHooks, FaultPoint, Moment};
use crate::principal::Principal;
use crate::quarantine::Ward;
use crate::registry::Commands;
use crate::stats::AgentCounters;
use crate::telemetry::{Telemetry, Traced};
use crate::timer::Bell;

pub(crate) use self::line::Place;
pub(crate) use self::serve::{append_failure, event_data};

/// How many entities are loaded ahead in one piece at most: about a slice's work.
pub(crate) const LOAD_AT_ONCE: usize = 16;
/// When to try again where an entity is on its way into memory.
const LOADING_WAIT: Duration = Duration::from_millis(50);

/// Why a command is not served, and what saying so depends on.
#[derive(Debug, PartialEq, Eq)]
struct Unserved {
    failure: AskFailure,
    depends_on: Position,
}

/// Most of it depends on nothing.
impl From<AskFailure> for Unserved {
    fn from(failure: AskFailure) -> Self {
        Self {
            failure,
            depends_on: Position::START,
        }
    }
}

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
    pub(crate) faults: FaultHooks,
    #[cfg(feature = "planted-bugs")]
    pub(crate) planted: Option<crate::planted::PlantedBug>,
    /// What stands aside.
    pub(crate) ward: Arc<Ward>,
    /// The one thing that they do not share.
    pub(crate) place: Place,
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
            #[cfg(feature = "planted-bugs")]
            planted: self.planted,
            ward: self.ward.clone(),
            place: self.place.clone(),
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
    /// Which of its agent's shards it is.
    number: usize,
    entities: Entities<A>,
    /// The epoch of the journal that the entities were loaded in.
    epoch: u64,
    /// What its place said of strays when they were.
    strays: u64,
    crash_at_next: bool,
    /// So many of those that waited before the crash are forgotten.
    #[cfg(feature = "planted-bugs")]
    forgets: usize,
}

/// What an injected crash panics with, so that a panic hook can tell it from a real one.
#[derive(Debug, Clone, Copy)]
pub struct InjectedCrash;

impl<A: Agent> Shard<A> {
    pub(crate) fn new(
        mut context: ShardContext<A>,
        number: usize,
        entities: Entities<A>,
        #[cfg(feature = "planted-bugs")] waiting: usize,
    ) -> Self {
        #[cfg(feature = "planted-bugs")]
        let forgets = match context.planted {
            Some(crate::planted::PlantedBug::MailboxDropped) => waiting,
            _ => 0,
        };
        context.place = context.place.succeed();
        Self {
            epoch: context.journal.epoch(),
            strays: context.place.strays(),
            context,
            number,
            entities,
            crash_at_next: false,
            #[cfg(feature = "planted-bugs")]
            forgets,
        }
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

    /// Forgets what was known in an epoch of the journal that is over, or before somebody else wrote.
    /// Gives the present epoch.
    fn turn_to_epoch(&mut self) -> u64 {
        let (epoch, strays) = (self.context.journal.epoch(), self.context.place.strays());
        if (epoch, strays) != (self.epoch, self.strays) {
            self.entities.clear();
            (self.epoch, self.strays) = (epoch, strays);
        }
        epoch
    }

    /// Brings an entity closer to memory, by one slice. Where it has an event that cannot be applied,
    /// it stands aside; where it did and has none, it is released. `asked` is the command that asks for
    /// it, if one does.
    fn approach(
        &mut self,
        epoch: u64,
        key: &str,
        by: &Principal,
        asked: Option<(&'static str, &Call)>,
    ) -> Result<Progress, Unserved> {
        let ShardContext {
            journal,
            clock,
            ward,
            faults,
            ..
        } = &self.context;
        let replaying = || {
            faults.at(&FaultPoint {
                moment: Moment::Replay,
                agent: A::NAME,
                command: asked.map_or("", |(command, _)| command),
                entity: key,
                is_timer: asked.is_some_and(|(_, call)| call.timer.is_some()),
            });
        };
        let now = clock.now();
        match self.entities.load(&**journal, epoch, key, now, &replaying) {
            Ok(Progress::Partly) => Ok(Progress::Partly),
            // Also where it was loaded before: that may not have been noted.
            Ok(Progress::Ready | Progress::Loaded) => {
                ward.release_entity(epoch, key, by)?;
                Ok(Progress::Ready)
            }
            Err(Unloaded::Failed(failure)) => {
                tracing::error!(agent = A::NAME, %failure, "an entity cannot be loaded");
                Err(failure.into())
            }
            Err(Unloaded::Poisoned(poison)) => {
                let depends_on = ward.set_entity_aside(key, &poison)?;
                let failure = poison.failure();
                Err(Unserved {
                    failure,
                    depends_on,
                })
            }
        }
    }

    /// Brings entities into memory, as far as one slice's worth of events goes.
    fn load(&mut self, keys: &[Box<str>], again: Option<&Principal>) -> LoadReport {
        let epoch = self.turn_to_epoch();
        let mut report = LoadReport::default();
        let mut left = SLICE_EVENTS;
        for key in keys {
            if again.is_some() {
                self.entities.forget_poison(key);
            }
            if left == 0 {
                report.rest.push(key.clone());
                continue;
            }
            match self.approach(epoch, key, again.unwrap_or(&Principal::System), None) {
                Ok(Progress::Ready | Progress::Loaded) => {
                    left = left.saturating_sub(SLICE_EVENTS / LOAD_AT_ONCE);
                }
                Ok(Progress::Partly) => {
                    left = 0;
                    report.rest.push(key.clone());
                }
                // What cannot be loaded is told to whoever asks for it.
                Err(unserved) => report.failure = Some(unserved.failure),
            }
        }
        report
    }

    /// Clears a timer whose command can never be served, where it is still set.
    fn drop_timer(&mut self, epoch: u64, key: &str, timer: &Timer) -> Result<(), AskFailure> {
        if epoch != self.turn_to_epoch() {
            return Err(AskFailure::taken_back());
        }
        if self
            .context
            .journal
            .timer(&timer.stream, &timer.name)
            .as_ref()
            != Some(timer)
        {
            return Ok(());
        }
        let progress = self.approach(epoch, key, &Principal::System, None);
        let now = self.context.clock.now();
        match progress.map_err(|unserved| unserved.failure)? {
            Progress::Ready | Progress::Loaded => match self.entities.get(key, now) {
                Some(entity) => clear_timer(&self.context, entity, epoch, timer),
                None => Err(gone()),
            },
            Progress::Partly => Err(AskFailure::Overloaded {
                retry_after: LOADING_WAIT,
            }),
        }
    }

    fn passivate_idle(&mut self) {
        let epoch = self.turn_to_epoch();
        let now = self.context.clock.now();
        self.entities
            .passivate_idle(&*self.context.journal, epoch, now);
    }

    /// Serves a command, unless its entity is still on its way into memory.
    fn command(&mut self, call: &Call, task: &mut dyn Task<A>, attempt: u32) -> Progress {
        let now = self.context.clock.now();
        if now >= call.deadline {
            self.context.counters.shed.add();
            task.fail(AskFailure::DeadlineExceeded, Position::START);
            return Progress::Ready;
        }
        if task.is_abandoned() {
            // Nobody waits any more: whoever gives it again, under the same id, has it done then.
            self.context.counters.abandoned.add();
            return Progress::Ready;
        }
        let epoch = self.turn_to_epoch();
        let key = task.entity().into_owned();
        self.context.fault(Moment::Load, task.name(), &key, call);
        let approached = if call.epoch == epoch {
            let asked = Some((task.name(), call));
            self.approach(epoch, &key, &Principal::System, asked)
        } else {
            Err(AskFailure::taken_back().into())
        };
        if approached == Ok(Progress::Partly) {
            return Progress::Partly;
        }
        let traced = self.traced(call, task, attempt);
        let _within = traced.span.enter();
        let served = approached.and_then(|_| match self.entities.get(&key, now) {
            Some(entity) => serve(&self.context, entity, &key, call, task),
            None => Err(gone().into()),
        });
        match served {
            Ok(()) => {
                let journal = &*self.context.journal;
                self.entities.after_command(journal, epoch, &key);
            }
            Err(Unserved {
                failure,
                depends_on,
            }) => {
                self.context.counters.failed.add();
                self.entities.forget_if_ahead(&key);
                if matches!(failure, AskFailure::Storage { .. }) {
                    // What is in memory does not match the journal; read it anew next time.
                    self.entities.clear();
                }
                task.fail(failure, depends_on);
            }
        }
        Progress::Ready
    }
}

fn gone() -> AskFailure {
    AskFailure::storage("the entity left memory while it was asked for")
}

impl<A: Agent> Worker for Shard<A> {
    type Message = Envelope<A>;

    fn handle(&mut self, message: &mut InHand<'_, Envelope<A>>) {
        let attempt = message.attempt();
        let first_attempt = attempt == 1;
        #[cfg(feature = "planted-bugs")]
        if self.forgets > 0 {
            self.forgets -= 1;
            if let Envelope::Command { .. } = &**message {
                return;
            }
        }
        match &mut **message {
            // The crash is in hand while it strikes, and comes again like any other message.
            Envelope::Crash(CrashPoint::Idle) if first_attempt => crash(),
            Envelope::Crash(CrashPoint::Idle) => {}
            Envelope::Crash(CrashPoint::NextCommand) => self.crash_at_next = true,
            Envelope::Load { keys, again, done } => {
                let report = self.load(keys, again.as_ref());
                if let Some(done) = done.take() {
                    // Nobody waits any more where the runtime is stopping.
                    let _ = done.send(report);
                }
            }
            Envelope::PassivateIdle => self.passivate_idle(),
            Envelope::DropTimer {
                epoch,
                key,
                timer,
                done,
            } => {
                let dropped = self.drop_timer(*epoch, key, timer);
                if let Some(done) = done.take() {
                    // The keeper of timers is gone where the runtime is stopping.
                    let _ = done.send(dropped);
                }
            }
            // Answered before the crash: deciding anew could come out differently.
            Envelope::Command { task, .. } if task.is_answered() => {}
            Envelope::Command { call, task } => {
                if self.command(call, task.as_mut(), attempt) == Progress::Partly {
                    // Others of this shard have their turn between two slices.
                    return message.defer();
                }
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
        if let Some(stall) = self.context.faults.stall(A::NAME, self.number) {
            stall.await;
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
