//! What the journal knows of a flow.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::principal::Principal;
use crate::readable::bytes;

/// The flow began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlowStarted {
    pub(crate) flow_version: u16,
    #[serde(serialize_with = "bytes")]
    pub(crate) input: Vec<u8>,
    pub(crate) input_hash: u128,
    pub(crate) principal: Principal,
    pub(crate) deadline: Option<Timestamp>,
    /// Whether an event started it, so that nobody waits to hear that it failed.
    pub(crate) unattended: bool,
}

/// Something that a second run must not find out anew: a read, a port's answer, the time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StepNoted {
    pub(crate) step: Box<str>,
    #[serde(serialize_with = "bytes")]
    pub(crate) value: Vec<u8>,
}

/// What undoes a step was put down, before the step itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UndoRegistered {
    pub(crate) step: Box<str>,
    pub(crate) undo: Undo,
}

/// Compensation is data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Undo {
    /// A command to an agent.
    Command {
        agent: Box<str>,
        name: Box<str>,
        version: u16,
        #[serde(serialize_with = "bytes")]
        body: Vec<u8>,
    },
    /// A call to a port.
    Activity {
        name: Box<str>,
        #[serde(serialize_with = "bytes")]
        input: Vec<u8>,
    },
}

/// The flow failed; from here on it only undoes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlowFailing {
    #[serde(serialize_with = "bytes")]
    pub(crate) outcome: Vec<u8>,
}

/// One step was undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StepUndone {
    pub(crate) step: Box<str>,
}

/// One undo did not succeed, and is left to people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UndoGivenUp {
    pub(crate) step: Box<str>,
    pub(crate) error: String,
}

/// The flow ended, well or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlowEnded {
    #[serde(serialize_with = "bytes")]
    pub(crate) outcome: Vec<u8>,
    /// Whether something is left to people, so that the flow stands on the work list.
    pub(crate) work_left: bool,
}

crate::events! {
    /// What happens to a flow.
    pub(crate) enum FlowEvent {
        FlowStarted: 1,
        StepNoted: 1,
        UndoRegistered: 1,
        FlowFailing: 1,
        StepUndone: 1,
        UndoGivenUp: 1,
        FlowEnded: 1,
    }
}
