//! What the journal keeps of what stands aside.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::bus::EventPlace;
use crate::principal::Principal;
use crate::readable::bytes;

/// A command was set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CommandQuarantined {
    pub(crate) command: Uuid,
    pub(crate) name: String,
    /// The version of its layout; 0 where that was not kept.
    pub(crate) version: u16,
    /// The key of its entity; empty where that was not kept.
    pub(crate) entity: Box<str>,
    pub(crate) principal: Principal,
    pub(crate) attempts: u32,
    pub(crate) panic: String,
    #[serde(serialize_with = "bytes")]
    pub(crate) body: Vec<u8>,
}

/// What version 1 looked like. Never changes again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CommandQuarantinedV1 {
    command: Uuid,
    name: String,
    attempts: u32,
    panic: String,
    #[serde(serialize_with = "bytes")]
    body: Vec<u8>,
}

/// On whose behalf it was given was not kept, so it is given again on behalf of the runtime.
impl From<CommandQuarantinedV1> for CommandQuarantined {
    fn from(old: CommandQuarantinedV1) -> Self {
        Self {
            command: old.command,
            name: old.name,
            version: 0,
            entity: "".into(),
            principal: Principal::System,
            attempts: old.attempts,
            panic: old.panic,
            body: old.body,
        }
    }
}

/// A command that stands aside was given again, and failed as before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CommandFailedAgain {
    pub(crate) command: Uuid,
    pub(crate) attempts: u32,
    pub(crate) panic: String,
}

/// A command that stood aside was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CommandReplayed {
    pub(crate) command: Uuid,
    /// Whether the answer was the agent's refusal.
    pub(crate) refused: bool,
    pub(crate) by: Principal,
}

/// A command that stood aside is not given again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CommandDropped {
    pub(crate) command: Uuid,
    pub(crate) reason: Box<str>,
    pub(crate) by: Principal,
}

/// An entity was set aside because one of its events cannot be applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EntityQuarantined {
    pub(crate) entity: Box<str>,
    pub(crate) place: EventPlace,
    pub(crate) event: Box<str>,
    pub(crate) version: u16,
    pub(crate) reason: Box<str>,
}

/// All events of an entity that stood aside could be applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EntityReleased {
    pub(crate) entity: Box<str>,
    pub(crate) by: Principal,
}

crate::events! {
    /// What happens to what stands aside.
    pub(crate) enum QuarantineEvent {
        CommandQuarantined: 2 from { 1 => CommandQuarantinedV1 },
        CommandFailedAgain: 1,
        CommandReplayed: 1,
        CommandDropped: 1,
        EntityQuarantined: 1,
        EntityReleased: 1,
    }
}
