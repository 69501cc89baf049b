//! How a flow begins.

use std::any::TypeId;
use std::time::Duration;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use super::events::{FlowAdopted, FlowEvent, FlowStarted};
use super::flow_type::FlowType;
use crate::clock::Timestamp;
use crate::codec;
use crate::error::AskFailure;
use crate::event::CodecError;
use crate::ids::FlowId;
use crate::principal::Principal;

/// What a flow begins with.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) flow: &'static str,
    pub(crate) version: u16,
    /// How long it may take steps.
    pub(crate) budget: Option<Duration>,
    /// It takes no step after this in any case.
    pub(crate) deadline_max: Option<Timestamp>,
    pub(crate) id: FlowId,
    pub(crate) input: Vec<u8>,
    pub(crate) principal: Principal,
    /// Whether users are refused.
    pub(crate) by_the_service: bool,
    /// Whether nobody waits for its end.
    pub(crate) unattended: bool,
    /// The flow that it is a step of.
    pub(crate) parent: Option<FlowAdopted>,
    /// The type that whoever waits for it reads its result as.
    pub(crate) result: Option<TypeId>,
}

impl Start {
    /// Of a flow whose end somebody waits for, and reads as `result`.
    pub(crate) fn of<I: Serialize, O, E>(
        flow: FlowType<I, O, E>,
        id: FlowId,
        input: &I,
        result: TypeId,
    ) -> Result<Self, AskFailure> {
        let start = Self::unattended(flow, id, input).map_err(AskFailure::invalid)?;
        Ok(Self {
            unattended: false,
            result: Some(result),
            ..start
        })
    }

    /// Of a flow that nobody waits for.
    pub(crate) fn unattended<I: Serialize, O, E>(
        flow: FlowType<I, O, E>,
        id: FlowId,
        input: &I,
    ) -> Result<Self, CodecError> {
        Ok(Self {
            flow: flow.name,
            version: flow.version,
            budget: flow.forward(),
            deadline_max: None,
            id,
            input: codec::encode(input)?,
            principal: Principal::System,
            by_the_service: flow.by_the_service,
            unattended: true,
            parent: None,
            result: None,
        })
    }

    pub(crate) fn input_hash(&self) -> u128 {
        xxh3_128(&self.input)
    }

    /// What is recorded of it.
    pub(super) fn into_events(self, now: Timestamp) -> Vec<FlowEvent> {
        let input_hash = self.input_hash();
        let own = self.budget.map(|budget| now.plus(budget));
        let started = FlowStarted {
            flow_version: self.version,
            input: self.input,
            input_hash,
            principal: self.principal,
            deadline: own.into_iter().chain(self.deadline_max).min(),
            unattended: self.unattended,
        };
        let adopted = self.parent.map(FlowEvent::from);
        [started.into()].into_iter().chain(adopted).collect()
    }
}
