//! What became of a message: what its gateway said, and what the customer did.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, State, Timestamp};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::campaign::Engagement;
use super::consent::Channel;
use super::customer::{Customer, DropReason, OutgoingKind, Sent};
use super::customer_commands::customer_key;
use super::events::{
    ChannelSuppressed, MessageBounced, MessageDropped, MessageEngaged, MessageSent, SpamReported,
};
use super::ids::MessageId;
use super::reach::SuppressionReason;
use super::rejection::{MarketingRejection, own, staff};
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
    /// There is no such address.
    Bounced,
    /// The gateway has the address on its own suppression list.
    Suppressed,
}

impl Command for RecordDelivery {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "RecordDelivery";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let customer = state.customer();
        let Some(outgoing) = customer.outbox.get(&self.message) else {
            return match customer.finished(&self.message) {
                Some(_) => Ok(Decision::reply(())),
                None => Err(MarketingRejection::UnknownMessage(self.message.clone())),
            };
        };
        let (variant, explored, channel) = match &outgoing.kind {
            OutgoingKind::Transactional { .. } => (None, false, Channel::Email),
            OutgoingKind::Promotional(it) => (Some(it.variant), it.explored, it.channel),
        };
        let decision = Decision::reply(());
        let (reason, suppression) = match self.outcome {
            DeliveryOutcome::Accepted => {
                return Ok(decision.record(MessageSent {
                    message: self.message.clone(),
                    variant,
                    explored,
                    channel,
                    at: Some(context.now),
                }));
            }
            DeliveryOutcome::Refused => (DropReason::Refused, None),
            DeliveryOutcome::Erased => (DropReason::Erased, None),
            DeliveryOutcome::Bounced => (DropReason::Bounced, Some(SuppressionReason::HardBounce)),
            DeliveryOutcome::Suppressed => {
                (DropReason::Suppressed, Some(SuppressionReason::Gateway))
            }
        };
        let suppressed =
            suppression.and_then(|reason| suppress(customer, channel, reason, context.now));
        Ok(decision
            .record(MessageDropped {
                message: self.message.clone(),
                reason,
            })
            .record_all(suppressed))
    }
}

/// The channel's suppression, where there is none yet.
fn suppress(
    customer: &Customer,
    channel: Channel,
    reason: SuppressionReason,
    at: Timestamp,
) -> Option<ChannelSuppressed> {
    let known = customer.suppressed.contains_key(&channel);
    (!known).then_some(ChannelSuppressed {
        channel,
        reason,
        at,
    })
}

/// A message that was sent, and how.
fn sent_message<'a>(
    customer: &'a Customer,
    message: &MessageId,
) -> Result<(&'a super::customer::Finished, Sent), MarketingRejection> {
    let finished = customer
        .finished(message)
        .ok_or_else(|| MarketingRejection::UnknownMessage(message.clone()))?;
    let sent = finished
        .sent
        .ok_or_else(|| MarketingRejection::NotMeasured(message.clone()))?;
    Ok((finished, sent))
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
        if let Engagement::Converted { .. } = self.engagement {
            // What was earned is counted, and a customer could say anything.
            staff(context.principal)?;
        }
        let (finished, sent) = sent_message(state.customer(), &self.message)?;
        let variant = sent
            .variant
            .ok_or_else(|| MarketingRejection::NotMeasured(self.message.clone()))?;
        let same = |past: &Engagement| {
            std::mem::discriminant(past) == std::mem::discriminant(&self.engagement)
        };
        let event = (!finished.engagements.iter().any(same)).then(|| MessageEngaged {
            message: self.message.clone(),
            variant,
            engagement: self.engagement,
            sent_at: sent.at,
            at: Some(context.now),
        });
        Ok(Decision::reply(()).record_all(event))
    }
}

/// Notes that a sent message came back, as its gateway says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordBounce {
    /// Who was to receive it.
    pub customer: CustomerId,
    /// Which message.
    pub message: MessageId,
    /// Whether it always will: there is no such address.
    pub hard: bool,
}

impl Command for RecordBounce {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "RecordBounce";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        agent: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let customer = state.customer();
        let (finished, sent) = sent_message(customer, &self.message)?;
        if finished.bounced {
            return Ok(Decision::reply(()));
        }
        let before = customer.soft_bounces.get(&sent.channel).copied();
        let in_a_row = before.unwrap_or_default().saturating_add(1);
        let reason = match self.hard {
            true => Some(SuppressionReason::HardBounce),
            false if in_a_row >= agent.settings.soft_bounces_max.get() => {
                Some(SuppressionReason::SoftBounces)
            }
            false => None,
        };
        let suppressed =
            reason.and_then(|reason| suppress(customer, sent.channel, reason, context.now));
        let bounced = MessageBounced {
            message: self.message.clone(),
            variant: sent.variant,
            channel: sent.channel,
            hard: self.hard,
            at: context.now,
        };
        Ok(Decision::reply(()).record(bounced).record_all(suppressed))
    }
}

/// Notes that a customer called a message spam, as its gateway says. Nothing promotional is sent to
/// them by that channel any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordSpamReport {
    /// Who.
    pub customer: CustomerId,
    /// Which message.
    pub message: MessageId,
}

impl Command for RecordSpamReport {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "RecordSpamReport";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let customer = state.customer();
        let (finished, sent) = sent_message(customer, &self.message)?;
        if finished.reported {
            return Ok(Decision::reply(()));
        }
        let reason = SuppressionReason::SpamReport;
        let suppressed = suppress(customer, sent.channel, reason, context.now);
        let reported = SpamReported {
            message: self.message.clone(),
            variant: sent.variant,
            at: context.now,
        };
        Ok(Decision::reply(()).record(reported).record_all(suppressed))
    }
}
