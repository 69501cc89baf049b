//! What a person does with what stands aside: looks at it, gives it again, drops it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mercato_persistence::EventData;

use super::error::QuarantineError;
use super::events::{CommandQuarantined, QuarantineEvent};
use super::item::{Inspected, QuarantinePage, QuarantineQuery, Replayed, SetAside, SetAsideWhat};
use super::records::{command_item, entity_item, items_of};
use super::ward::{Inmate, Ward};
use crate::bus::EventPlace;
use crate::core::Core;
use crate::envelope::Call;
use crate::error::{AskError, AskFailure};
use crate::event::Event;
use crate::folded::Made;
use crate::ids::CommandId;
use crate::json::hex;
use crate::principal::Principal;
use crate::readable::reason_of;
use crate::service::AnyService;
use crate::telemetry::TraceContext;

/// The most that one page holds, whatever is asked for.
const PAGE_MAX: usize = 1_000;
/// How long a command that is given again may take.
const REPLAY_BUDGET: Duration = Duration::from_secs(30);

/// The desk of the quarantine: [`Runtime::quarantine`](crate::Runtime::quarantine). Cheap to clone.
///
/// A command that made its agent panic time and again stands aside under its id: who asks it again
/// is told so, and the agent is not asked. It is *replayed*, once the agent no longer panics, or
/// *dropped*. An entity with an event that cannot be applied stands aside as a whole: it is tried
/// again at every start, and on demand, and goes on as soon as the code can read it. Its event is
/// history, and cannot be dropped.
///
/// All of it is durable before it is told, and who did what is recorded.
#[derive(Clone)]
pub struct Quarantine {
    core: Arc<Core>,
}

impl Quarantine {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// A page of what stands aside, in the order in which it was set aside.
    ///
    /// # Errors
    /// When there is no such agent, or the journal cannot be read.
    pub fn list(&self, query: &QuarantineQuery) -> Result<QuarantinePage, QuarantineError> {
        let services = match &query.agent {
            Some(agent) => vec![self.service(agent)?],
            None => self.core.services.each().collect(),
        };
        let mut items = Vec::new();
        for service in services {
            items.extend(all_of(service.ward())?);
        }
        items.retain(|item| item.position > query.after);
        items.sort_by_key(|item| item.position);
        let page_max = query.page_max.get().min(PAGE_MAX);
        let more = items.len() > page_max;
        items.truncate(page_max);
        let next = items.last().map(|last| last.position).filter(|_| more);
        Ok(QuarantinePage { items, next })
    }

    /// A command that stands aside, with its body.
    ///
    /// # Errors
    /// When there is no such command, or the journal cannot be read.
    pub async fn inspect(
        &self,
        agent: &str,
        command: CommandId,
    ) -> Result<Inspected, QuarantineError> {
        let service = self.service(agent)?;
        let (inmate, made) = self.inmate(service, command)?;
        let stored = self.stored(&inmate, made).await?;
        let opened = service.open_body(&inmate.name, inmate.version, &stored.body);
        Ok(Inspected {
            item: command_item(service.name(), command.as_uuid(), &inmate),
            body: opened
                .map(|opened| opened.view)
                .map_err(|error| reason_of(&error)),
            bytes: hex(&stored.body),
        })
    }

    /// An entity that stands aside, with the event that cannot be applied.
    ///
    /// # Errors
    /// When there is no such entity, or the journal cannot be read.
    pub async fn inspect_entity(
        &self,
        agent: &str,
        entity: &str,
    ) -> Result<Inspected, QuarantineError> {
        let service = self.service(agent)?;
        let ward = service.ward();
        let found = ward.look(|inmates, made| Some((inmates.entities.get(entity)?.clone(), made)));
        let no_such = QuarantineError::NoSuchEntity { agent: ward.agent };
        let (poisoned, made) = found?.ok_or(no_such)?;
        self.until_durable(made).await?;
        let event = self.event_at(poisoned.place)?;
        Ok(Inspected {
            item: entity_item(ward.agent, entity, &poisoned),
            body: service
                .view_event(&event)
                .map_err(|error| reason_of(&error)),
            bytes: hex(&event.payload),
        })
    }

    /// Gives a command again, under its id and on behalf of whom it was given for, so that its
    /// effect is once whoever asks it too. Whoever asks it meanwhile joins in.
    ///
    /// # Errors
    /// When there is no such command, or it cannot be read or served. Where it fails as before, it
    /// stands aside as before, with its attempts counted.
    pub async fn replay(
        &self,
        by: &Principal,
        agent: &str,
        command: CommandId,
    ) -> Result<Replayed, QuarantineError> {
        let service = self.service(agent)?;
        let ward = service.ward();
        // Taken before anything is read.
        let epoch = self.core.journal.epoch();
        let (inmate, made) = self.inmate(service, command)?;
        let _replaying = ward
            .replaying(command.as_uuid())
            .ok_or(QuarantineError::Replaying { command })?;
        let stored = self.stored(&inmate, made).await?;
        let name = stored.name;
        let opened = service
            .open_body(&name, inmate.version, &stored.body)
            .map_err(|source| QuarantineError::Unreadable {
                agent: ward.agent,
                name: name.as_str().into(),
                source,
            })?;
        let call = Call {
            id: command,
            epoch,
            deadline: self.core.clock.now().plus(REPLAY_BUDGET),
            principal: stored.principal,
            causation: None,
            trace: TraceContext::begun_by(command),
            timer: None,
        };
        let sent = service.send_stored(call, &name, opened.version, &opened.command);
        let replayed = match sent.await.0 {
            Ok(()) => Replayed::Answered,
            Err(AskError::Rejected(refusal)) => Replayed::Refused {
                reason: reason_of(&refusal),
            },
            Err(AskError::Failed(failure)) => return Err(failure.into()),
        };
        let refused = replayed != Replayed::Answered;
        let made = ward.replayed(epoch, command.as_uuid(), refused, by)?;
        self.until_durable(made).await?;
        tracing::info!(agent = ward.agent, %command, refused, "a command was replayed");
        Ok(replayed)
    }

    /// Drops a command: it is not given again from here. Its body stays in the journal. Who asks it
    /// again asks it anew.
    ///
    /// # Errors
    /// When there is no such command, it is being replayed, or the journal could not be written.
    pub async fn drop_command(
        &self,
        by: &Principal,
        agent: &str,
        command: CommandId,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        let ward = self.service(agent)?.ward();
        if ward.is_replaying(command.as_uuid()) {
            return Err(QuarantineError::Replaying { command });
        }
        let dropped = ward.drop_command(command.as_uuid(), reason, by)?;
        let agent = ward.agent;
        let made = dropped.ok_or(QuarantineError::NoSuchCommand { agent, command })?;
        self.until_durable(made).await?;
        tracing::info!(agent, %command, "a quarantined command was dropped");
        Ok(())
    }

    /// Tries again to load an entity that stands aside. A new start does so by itself, when the
    /// entity is asked for.
    ///
    /// # Errors
    /// When there is no such entity, or its event cannot be applied still.
    pub async fn retry(
        &self,
        by: &Principal,
        agent: &str,
        entity: &str,
    ) -> Result<(), QuarantineError> {
        let service = self.service(agent)?;
        let ward = service.ward();
        // Taken before anything is read.
        let epoch = self.core.journal.epoch();
        if !ward.look(|inmates, _| inmates.entities.contains_key(entity))? {
            return Err(QuarantineError::NoSuchEntity { agent: ward.agent });
        }
        service.load_again(entity, by.clone()).await?;
        let made = ward.look(|_, made| made)?;
        if made.epoch != epoch {
            // That it is released may have been taken back.
            return Err(AskFailure::taken_back().into());
        }
        self.until_durable(made).await
    }

    fn service(&self, agent: &str) -> Result<&Arc<dyn AnyService>, QuarantineError> {
        let unknown = || QuarantineError::UnknownAgent {
            agent: agent.into(),
        };
        self.core.services.named(agent).ok_or_else(unknown)
    }

    fn inmate(
        &self,
        service: &Arc<dyn AnyService>,
        command: CommandId,
    ) -> Result<(Inmate, Made), QuarantineError> {
        let ward = service.ward();
        let id = command.as_uuid();
        let found = ward.look(|inmates, made| Some((inmates.commands.get(&id)?.clone(), made)))?;
        let agent = ward.agent;
        found.ok_or(QuarantineError::NoSuchCommand { agent, command })
    }

    /// The command as it was set aside.
    async fn stored(
        &self,
        inmate: &Inmate,
        made: Made,
    ) -> Result<CommandQuarantined, QuarantineError> {
        self.until_durable(made).await?;
        let place = EventPlace {
            position: inmate.position,
            index: 0,
        };
        let event = self.event_at(place)?;
        match QuarantineEvent::decode(&event.name, event.version, &event.payload) {
            Ok(QuarantineEvent::CommandQuarantined(stored)) => Ok(stored),
            Ok(other) => Err(AskFailure::storage(format_args!(
                "{} stands at {place} in place of a quarantined command",
                other.name()
            ))
            .into()),
            Err(error) => Err(AskFailure::storage(error).into()),
        }
    }

    /// The durable event at a place.
    fn event_at(&self, place: EventPlace) -> Result<EventData, AskFailure> {
        let record = self.core.durable_record(place.position)?;
        let index = usize::try_from(place.index).unwrap_or(usize::MAX);
        let event = record.and_then(|recorded| recorded.append.events.get(index).cloned());
        event.ok_or_else(|| AskFailure::storage(format_args!("there is no event at {place}")))
    }

    async fn until_durable(&self, made: Made) -> Result<(), QuarantineError> {
        let journal = &self.core.journal;
        let durable = journal.until_durable_in(made.epoch, made.position).await;
        durable.map_err(|failed| AskFailure::read_only(failed).into())
    }
}

impl fmt::Debug for Quarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quarantine").finish_non_exhaustive()
    }
}

fn all_of(ward: &Ward) -> Result<Vec<SetAside>, AskFailure> {
    let mut items = ward.look(|inmates, _| items_of(ward.agent, inmates))?;
    for item in &mut items {
        if let SetAsideWhat::Command {
            id, is_replaying, ..
        } = &mut item.what
        {
            *is_replaying = ward.is_replaying(id.as_uuid());
        }
    }
    Ok(items)
}
