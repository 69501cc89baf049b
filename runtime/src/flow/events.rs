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
    /// A child flow, which undoes itself.
    Flow { name: Box<str>, id: Box<str> },
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

/// Another flow began this one, as one of its steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlowAdopted {
    pub(crate) flow: Box<str>,
    pub(crate) id: Box<str>,
    /// How many flows stand above it.
    pub(crate) depth: u16,
}

/// The flow goes on as another version of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlowMigrated {
    pub(crate) flow_version: u16,
    #[serde(serialize_with = "bytes")]
    pub(crate) input: Vec<u8>,
    pub(crate) input_hash: u128,
}

/// Which branches of a parallel group count. What the others did is undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BranchesDecided {
    pub(crate) group: Box<str>,
    /// In the order in which they came to their end.
    pub(crate) counted: Vec<Box<str>>,
    /// Those that had failed by then, in the same order.
    pub(crate) failed: Vec<Box<str>>,
    /// All that do not count, those that failed included.
    pub(crate) lost: Vec<Box<str>>,
}

/// Somebody wants the flow to stop, and to undo itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlowCancelRequested {
    pub(crate) reason: String,
    pub(crate) principal: Principal,
}

/// What a flow did that ended well is to be undone, because the flow that it was a step of failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlowRevertRequested {
    pub(crate) reason: String,
}

/// Somebody wants an undo that was given up to be tried again, or the whole flow that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct WorkRetried {
    pub(crate) step: Option<Box<str>>,
    pub(crate) principal: Principal,
    /// Of the flow that begins anew.
    pub(crate) deadline: Option<Timestamp>,
}

/// Somebody has done by hand what the flow could not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct WorkResolved {
    pub(crate) step: Option<Box<str>>,
    pub(crate) reason: String,
    pub(crate) principal: Principal,
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
        FlowAdopted: 1,
        FlowMigrated: 1,
        BranchesDecided: 1,
        FlowCancelRequested: 1,
        FlowRevertRequested: 1,
        WorkRetried: 1,
        WorkResolved: 1,
    }
}
