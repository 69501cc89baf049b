//! What became of a message: what its gateway said, and what the customer did.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, State};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::campaign::Engagement;
use super::customer::{DropReason, OutgoingKind};
use super::customer_commands::customer_key;
use super::events::{MessageDropped, MessageEngaged, MessageSent};
use super::ids::MessageId;
use super::rejection::{MarketingRejection, own};
use crate::domain::CustomerId;

/// Notes what the gateway made of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordDelivery {
    /// Who receives it.
    pub customer: CustomerId,
    /// Which message.
    pub message: MessageId,
    /// What it made of it.
    pub outcome: DeliveryOutcome,
}

/// What became of a message at its gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveryOutcome {
    /// It was accepted.
    Accepted,
    /// It was refused, or nobody could be reached for too long.
    Refused,
    /// It was not tried: the customer was erased.
    Erased,
}

impl Command for RecordDelivery {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "RecordDelivery";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(&self, _: &MarketingAgent, state: &State<Self>, _: &Context<'_>) -> Decided<Self> {
        let customer = state.customer();
        let Some(outgoing) = customer.outbox.get(&self.message) else {
            return match customer.finished(&self.message) {
                Some(_) => Ok(Decision::reply(())),
                None => Err(MarketingRejection::UnknownMessage(self.message.clone())),
            };
        };
        let decision = Decision::reply(());
        let dropped = match self.outcome {
            DeliveryOutcome::Accepted => None,
            DeliveryOutcome::Refused => Some(DropReason::Refused),
            DeliveryOutcome::Erased => Some(DropReason::Erased),
        };
        if let Some(reason) = dropped {
            return Ok(decision.record(MessageDropped {
                message: self.message.clone(),
                reason,
            }));
        }
        let variant = match &outgoing.kind {
            OutgoingKind::Transactional { .. } => None,
            OutgoingKind::Promotional { variant, .. } => Some(*variant),
        };
        Ok(decision.record(MessageSent {
            message: self.message.clone(),
            variant,
        }))
    }
}

/// Notes what a customer did with a campaign's message: each thing counts once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordEngagement {
    /// Who.
    pub customer: CustomerId,
    /// With which message.
    pub message: MessageId,
    /// What they did.
    pub engagement: Engagement,
}

impl Command for RecordEngagement {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "RecordEngagement";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        own(&self.customer, context.principal)?;
        let finished = state
            .customer()
            .finished(&self.message)
            .ok_or_else(|| MarketingRejection::UnknownMessage(self.message.clone()))?;
        let variant = finished
            .sent_variant
            .ok_or_else(|| MarketingRejection::NotMeasured(self.message.clone()))?;
        let same = |past: &Engagement| {
            std::mem::discriminant(past) == std::mem::discriminant(&self.engagement)
        };
        let event = (!finished.engagements.iter().any(same)).then(|| MessageEngaged {
            message: self.message.clone(),
            variant,
            engagement: self.engagement,
        });
        Ok(Decision::reply(()).record_all(event))
    }
}
