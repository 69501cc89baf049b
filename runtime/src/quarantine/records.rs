//! What stands aside, added up from records: of a journal that nobody has open.

use std::collections::BTreeMap;

use mercato_persistence::Recorded;
use uuid::Uuid;

use super::events::QuarantineEvent;
use super::item::{SetAside, SetAsideWhat};
use super::ward::{Inmate, Inmates, Poisoned, QUARANTINE};
use crate::clock::Timestamp;
use crate::event::{CodecError, Event};
use crate::folded::Standing;
use crate::ids::CommandId;

/// What stands aside by the records of a journal, which are given to it in their order: for tools that
/// look at a file without a runtime over it.
///
/// ```
/// # use mercato_runtime::persistence::{Append, Position, Recorded};
/// use mercato_runtime::QuarantineRecords;
///
/// let mut records = QuarantineRecords::default();
/// # let append = Append::to("order/o1-1", 0, 0);
/// # let recorded = Recorded { position: Position::new(1), version_before: 0, append };
/// records.add(&recorded)?; // One of another stream says nothing about it.
/// assert!(records.standing().is_empty());
/// # Ok::<(), mercato_runtime::CodecError>(())
/// ```
#[derive(Debug, Default)]
pub struct QuarantineRecords {
    agents: BTreeMap<Box<str>, Inmates>,
}

impl QuarantineRecords {
    /// The first part of the names of the streams that it reads; an agent's name is the other.
    pub const STREAMS: &'static str = QUARANTINE;

    /// Takes the next record in.
    ///
    /// # Errors
    /// When one of its events cannot be read. The others are taken in.
    pub fn add(&mut self, recorded: &Recorded) -> Result<(), CodecError> {
        let append = &recorded.append;
        let Some((QUARANTINE, agent)) = append.stream.split_once('/') else {
            return Ok(());
        };
        let inmates = self.agents.entry(agent.into()).or_default();
        let at = Timestamp::from_millis(append.recorded_at_ms);
        let mut unreadable = Ok(());
        for event in &append.events {
            match QuarantineEvent::decode(&event.name, event.version, &event.payload) {
                Ok(event) => inmates.apply(event, recorded.position, at),
                Err(error) => unreadable = Err(error),
            }
        }
        unreadable
    }

    /// What stands aside by now, in the order in which it was set aside.
    #[must_use]
    pub fn standing(&self) -> Vec<SetAside> {
        let agents = self.agents.iter();
        let mut items: Vec<_> = agents
            .flat_map(|(agent, inmates)| items_of(agent, inmates))
            .collect();
        items.sort_by_key(|item| item.position);
        items
    }
}

pub(super) fn items_of(agent: &str, inmates: &Inmates) -> Vec<SetAside> {
    let commands = inmates.commands.iter();
    let commands = commands.map(|(id, inmate)| command_item(agent, *id, inmate));
    let entities = inmates.entities.iter();
    let entities = entities.map(|(entity, poisoned)| entity_item(agent, entity, poisoned));
    commands.chain(entities).collect()
}

pub(super) fn command_item(agent: &str, id: Uuid, inmate: &Inmate) -> SetAside {
    SetAside {
        agent: agent.into(),
        entity: inmate.entity.clone(),
        position: inmate.position,
        set_aside_at: inmate.set_aside_at,
        what: SetAsideWhat::Command {
            id: CommandId::from_uuid(id),
            name: inmate.name.clone(),
            attempts: inmate.attempts,
            times: inmate.times,
            panic: inmate.panic.clone(),
            is_replaying: false,
        },
    }
}

pub(super) fn entity_item(agent: &str, entity: &str, poisoned: &Poisoned) -> SetAside {
    SetAside {
        agent: agent.into(),
        entity: entity.into(),
        position: poisoned.position,
        set_aside_at: poisoned.set_aside_at,
        what: SetAsideWhat::Entity {
            place: poisoned.place,
            event: poisoned.event.clone(),
            version: poisoned.version,
            reason: poisoned.reason.clone(),
        },
    }
}
