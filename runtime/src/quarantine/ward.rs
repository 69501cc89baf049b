//! What stands aside of one agent.
//!
//! Its shards write to it and look into it, and so does the desk. They share one lock, since the
//! stream has one writer; while nothing stands aside, which is nearly always, nobody takes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mercato_persistence::{Journal, Position};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::{
    CommandDropped, CommandFailedAgain, CommandQuarantined, CommandReplayed, EntityQuarantined,
    EntityReleased, QuarantineEvent,
};
use super::poison::Poison;
use crate::bus::EventPlace;
use crate::clock::{Clock, Timestamp};
use crate::error::AskFailure;
use crate::folded::{Folded, Made, Standing};
use crate::principal::Principal;
use crate::readable::reason_of;

/// The first part of the streams' names; the agent's is the other.
pub(crate) const QUARANTINE: &str = "quarantine";

/// Something may stand aside.
const NOT_QUIET: u64 = u64::MAX;

/// What stands aside of one agent, as the events add up to it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Inmates {
    pub(super) commands: BTreeMap<Uuid, Inmate>,
    pub(super) entities: BTreeMap<Box<str>, Poisoned>,
}

/// A command that stands aside. Its body is in the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Inmate {
    /// Where it was set aside, and where its body is.
    pub(super) position: Position,
    pub(super) name: Box<str>,
    pub(super) version: u16,
    pub(super) entity: Box<str>,
    pub(super) principal: Principal,
    /// How often it was tried in all.
    pub(super) attempts: u32,
    /// How often it was set aside.
    pub(super) times: u32,
    pub(super) panic: Box<str>,
    pub(super) set_aside_at: Timestamp,
}

/// An entity that stands aside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Poisoned {
    pub(super) position: Position,
    pub(super) place: EventPlace,
    pub(super) event: Box<str>,
    pub(super) version: u16,
    pub(super) reason: Box<str>,
    pub(super) set_aside_at: Timestamp,
}

impl Inmates {
    pub(super) fn len(&self) -> usize {
        self.commands.len() + self.entities.len()
    }
}

impl Standing for Inmates {
    type Event = QuarantineEvent;
    const STATE_VERSION: u16 = 1;

    fn apply(&mut self, event: QuarantineEvent, position: Position, at: Timestamp) {
        match event {
            QuarantineEvent::CommandQuarantined(it) => {
                let inmate = Inmate {
                    position,
                    name: it.name.into(),
                    version: it.version,
                    entity: it.entity,
                    principal: it.principal,
                    attempts: it.attempts,
                    times: 1,
                    panic: it.panic.into(),
                    set_aside_at: at,
                };
                // Under version 1 one command could be set aside more than once.
                match self.commands.get_mut(&it.command) {
                    Some(known) => known.fail_again(inmate.attempts, inmate.panic, at),
                    None => drop(self.commands.insert(it.command, inmate)),
                }
            }
            QuarantineEvent::CommandFailedAgain(it) => {
                if let Some(inmate) = self.commands.get_mut(&it.command) {
                    inmate.fail_again(it.attempts, it.panic.into(), at);
                }
            }
            QuarantineEvent::CommandReplayed(it) => drop(self.commands.remove(&it.command)),
            QuarantineEvent::CommandDropped(it) => drop(self.commands.remove(&it.command)),
            QuarantineEvent::EntityQuarantined(it) => {
                let poisoned = Poisoned {
                    position,
                    place: it.place,
                    event: it.event,
                    version: it.version,
                    reason: it.reason,
                    set_aside_at: at,
                };
                self.entities.insert(it.entity, poisoned);
            }
            QuarantineEvent::EntityReleased(it) => drop(self.entities.remove(&it.entity)),
        }
    }
}

impl Inmate {
    fn fail_again(&mut self, attempts: u32, panic: Box<str>, at: Timestamp) {
        self.attempts = self.attempts.saturating_add(attempts);
        self.times = self.times.saturating_add(1);
        self.panic = panic;
        self.set_aside_at = at;
    }
}

/// The quarantine of one agent.
pub(crate) struct Ward {
    journal: Arc<dyn Journal>,
    clock: Clock,
    pub(super) agent: &'static str,
    /// How many commands and entities may stand aside.
    limit: usize,
    /// The epoch of the journal in which nothing stands aside.
    quiet_in: AtomicU64,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    folded: Option<Folded<Inmates>>,
    /// Commands that are being given again. They may pass, whoever brings them.
    replaying: BTreeSet<Uuid>,
}

/// A command as it is set aside.
pub(crate) struct Condemned {
    pub(crate) command: Uuid,
    pub(crate) name: &'static str,
    pub(crate) version: u16,
    pub(crate) entity: Box<str>,
    pub(crate) principal: Principal,
    pub(crate) attempts: u32,
    pub(crate) panic: String,
    pub(crate) body: Vec<u8>,
}

impl Ward {
    pub(crate) fn new(
        journal: Arc<dyn Journal>,
        clock: Clock,
        agent: &'static str,
        limit: usize,
    ) -> Self {
        Self {
            journal,
            clock,
            agent,
            limit,
            quiet_in: AtomicU64::new(NOT_QUIET),
            inside: Mutex::default(),
        }
    }

    /// Keeps a command that used up its attempts, and gives what it is answered with, and what that
    /// depends on.
    pub(crate) fn condemn(
        &self,
        condemned: Condemned,
    ) -> Result<(AskFailure, Position), AskFailure> {
        let limit = self.limit;
        self.with(|folded| {
            let (command, attempts) = (condemned.command, condemned.attempts);
            let panic = reason_of(&condemned.panic).into_string();
            let known = folded.standing.commands.contains_key(&command);
            if known {
                let again = CommandFailedAgain {
                    command,
                    attempts,
                    panic,
                };
                folded.record(again, None)?;
            } else if folded.standing.len() >= limit {
                let full = AskFailure::QuarantineFull { attempts, limit };
                return Ok((full, Position::START));
            } else {
                let quarantined = CommandQuarantined {
                    command,
                    name: condemned.name.to_owned(),
                    version: condemned.version,
                    entity: condemned.entity,
                    principal: condemned.principal,
                    attempts,
                    panic,
                    body: condemned.body,
                };
                folded.record(quarantined, None)?;
            }
            let inmate = folded.standing.commands.get(&command);
            let attempts = inmate.map_or(attempts, |inmate| inmate.attempts);
            Ok((AskFailure::Quarantined { attempts }, folded.made().position))
        })
    }

    /// How often a command was tried that stands aside and is not being given again, and what an
    /// answer about it depends on.
    pub(crate) fn stands_aside(
        &self,
        epoch: u64,
        command: Uuid,
    ) -> Result<Option<(u32, Position)>, AskFailure> {
        if self.is_quiet(epoch) {
            return Ok(None);
        }
        if self.inside.lock().replaying.contains(&command) {
            return Ok(None);
        }
        self.with(|folded| {
            let inmate = folded.standing.commands.get(&command);
            Ok(inmate.map(|inmate| (inmate.attempts, folded.made().position)))
        })
    }

    /// Keeps it that an entity cannot be loaded. Gives what an answer about it depends on.
    pub(crate) fn set_entity_aside(
        &self,
        entity: &str,
        poison: &Poison,
    ) -> Result<Position, AskFailure> {
        let limit = self.limit;
        self.with(|folded| {
            let known = folded.standing.entities.get(entity);
            if known.is_some_and(|known| known.place == poison.place) {
                return Ok(folded.made().position);
            }
            if known.is_none() && folded.standing.len() >= limit {
                // It stands aside all the same, and is found again after a restart.
                tracing::error!(agent = self.agent, limit, "the quarantine is full");
                return Ok(Position::START);
            }
            let quarantined = EntityQuarantined {
                entity: entity.into(),
                place: poison.place,
                event: poison.event.clone(),
                version: poison.version,
                reason: poison.reason.clone(),
            };
            folded.record(quarantined, None)?;
            Ok(folded.made().position)
        })
    }

    /// An entity could be loaded: it stands aside no longer.
    pub(crate) fn release_entity(
        &self,
        epoch: u64,
        entity: &str,
        by: &Principal,
    ) -> Result<(), AskFailure> {
        if self.is_quiet(epoch) {
            return Ok(());
        }
        self.with(|folded| {
            if folded.standing.entities.contains_key(entity) {
                let (entity, by) = (entity.into(), by.clone());
                folded.record(EntityReleased { entity, by }, None)?;
            }
            Ok(())
        })
    }

    /// Notes that a command that stood aside was answered in this epoch.
    pub(super) fn replayed(
        &self,
        epoch: u64,
        command: Uuid,
        refused: bool,
        by: &Principal,
    ) -> Result<Made, AskFailure> {
        self.with(|folded| {
            if folded.made().epoch != epoch {
                // So was what came of it.
                return Err(AskFailure::taken_back());
            }
            if folded.standing.commands.contains_key(&command) {
                let replayed = CommandReplayed {
                    command,
                    refused,
                    by: by.clone(),
                };
                folded.record(replayed, None)?;
            }
            Ok(folded.made())
        })
    }

    /// Takes a command off the list for good. `None` where it is not on it.
    pub(super) fn drop_command(
        &self,
        command: Uuid,
        reason: &str,
        by: &Principal,
    ) -> Result<Option<Made>, AskFailure> {
        self.with(|folded| {
            if !folded.standing.commands.contains_key(&command) {
                return Ok(None);
            }
            let dropped = CommandDropped {
                command,
                reason: reason_of(&reason),
                by: by.clone(),
            };
            folded.record(dropped, None)?;
            Ok(Some(folded.made()))
        })
    }

    /// Lets a command pass while the guard lives. `None` where it is being given again already.
    pub(super) fn replaying(&self, command: Uuid) -> Option<Replaying<'_>> {
        let is_new = self.inside.lock().replaying.insert(command);
        // Made only where it is new: dropping it lets nobody pass any more.
        is_new.then(|| Replaying {
            ward: self,
            command,
        })
    }

    pub(super) fn is_replaying(&self, command: Uuid) -> bool {
        self.inside.lock().replaying.contains(&command)
    }

    /// Looks at what stands aside.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Inmates, Made) -> T) -> Result<T, AskFailure> {
        self.with(|folded| Ok(look(&folded.standing, folded.made())))
    }

    /// How much stands aside, where the journal says so.
    pub(crate) fn size(&self) -> Option<usize> {
        if self.is_quiet(self.journal.epoch()) {
            return Some(0);
        }
        self.look(|inmates, _| inmates.len()).ok()
    }

    fn is_quiet(&self, epoch: u64) -> bool {
        self.quiet_in.load(Ordering::Acquire) == epoch
    }

    /// Works on the stream as it is in the journal's present epoch.
    fn with<T>(
        &self,
        work: impl FnOnce(&mut Folded<Inmates>) -> Result<T, AskFailure>,
    ) -> Result<T, AskFailure> {
        let inside = &mut self.inside.lock().folded;
        let epoch = self.journal.epoch();
        let known = inside.take().filter(|folded| folded.made().epoch == epoch);
        let mut folded = match known {
            Some(folded) => folded,
            None => {
                let stream = format!("{QUARANTINE}/{}", self.agent).into();
                Folded::open(self.journal.clone(), self.clock, stream, epoch)?
            }
        };
        // Where it fails, what is in memory may not match the journal, and is read anew.
        self.quiet_in.store(NOT_QUIET, Ordering::Release);
        let done = work(&mut folded)?;
        let quiet = folded.standing.len() == 0;
        let quiet_in = if quiet { epoch } else { NOT_QUIET };
        self.quiet_in.store(quiet_in, Ordering::Release);
        *inside = Some(folded);
        Ok(done)
    }
}

/// A command may pass while this lives.
pub(super) struct Replaying<'a> {
    ward: &'a Ward,
    command: Uuid,
}

impl Drop for Replaying<'_> {
    fn drop(&mut self) {
        self.ward.inside.lock().replaying.remove(&self.command);
    }
}
