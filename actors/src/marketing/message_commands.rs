//! A message's way out: queued, and cleared at the moment of sending.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Personal, State, Timestamp};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::consent::{Channel, Purpose};
use super::content::Content;
use super::customer::{Customer, DropReason, OutgoingKind, Permission};
use super::customer_commands::customer_key;
use super::events::{ConfirmationQueued, MessageDropped, PromotionQueued, SendCleared};
use super::ids::{CampaignId, MessageId};
use super::rejection::MarketingRejection;
use crate::domain::{CustomerId, EmailAddress, Money, OrderId};

/// Queues the confirmation of an order. It is sent whatever the customer agreed to: they need it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueOrderConfirmation {
    /// Who bought.
    pub customer: CustomerId,
    /// What was bought.
    pub order: OrderId,
    /// What was paid.
    pub total: Money,
    /// Where it goes.
    pub email: Personal<EmailAddress>,
}

impl Command for QueueOrderConfirmation {
    type Agent = MarketingAgent;
    type Reply = MessageId;
    const NAME: &'static str = "QueueOrderConfirmation";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let message = MessageId::OrderConfirmation(self.order.clone());
        // Not held against the outbox's bound: it fills with promotions, and those must not keep
        // a customer from learning that they bought something.
        let event = (!state.customer().knows(&message)).then(|| ConfirmationQueued {
            order: self.order.clone(),
            total: self.total,
            email: self.email.clone(),
            content: Content {
                subject: format!("Your order {}", self.order).into(),
                body: format!(
                    "Thank you for your order {}. The total is {}. We write again when it leaves \
                     our warehouse.",
                    self.order, self.total
                )
                .into(),
            },
            at: context.now,
        });
        Ok(Decision::reply(message).record_all(event))
    }
}

/// Queues a campaign's message. Whether it may be sent is decided when it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueuePromotion {
    /// Who receives it.
    pub customer: CustomerId,
    /// Of which campaign.
    pub campaign: CampaignId,
    /// The order that gave occasion to it, if one did.
    pub occasion: Option<OrderId>,
    /// Which of the campaign's variants it carries.
    pub variant: u8,
    /// For what.
    pub purpose: Purpose,
    /// By which channel.
    pub channel: Channel,
    /// What it says.
    pub content: Content,
    /// When it is worth nothing any more.
    pub expires_at: Timestamp,
}

impl Command for QueuePromotion {
    type Agent = MarketingAgent;
    type Reply = MessageId;
    const NAME: &'static str = "QueuePromotion";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(&self, _: &MarketingAgent, state: &State<Self>, _: &Context<'_>) -> Decided<Self> {
        let message = MessageId::Campaign {
            campaign: self.campaign.clone(),
            occasion: self.occasion.clone(),
        };
        let customer = state.customer();
        if customer.knows(&message) {
            return Ok(Decision::reply(message));
        }
        if customer.outbox.len() >= Customer::OUTBOX_MAX {
            return Err(MarketingRejection::OutboxFull);
        }
        Ok(Decision::reply(message.clone()).record(PromotionQueued {
            message,
            variant: self.variant,
            purpose: self.purpose,
            channel: self.channel,
            content: self.content.clone(),
            expires_at: self.expires_at,
        }))
    }
}

/// Decides, right before a message is handed to its gateway, whether it may be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecideSend {
    /// Who receives it.
    pub customer: CustomerId,
    /// Which message.
    pub message: MessageId,
    /// Whether promotions of its product are paused now.
    pub promotion_paused: bool,
}

/// What is to be done with a message now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SendDecision {
    /// Hand it to the gateway.
    Send {
        /// Where it goes.
        to: Personal<EmailAddress>,
        /// What it says.
        content: Content,
    },
    /// Ask again at that time: it is a quiet hour, or the customer had enough messages.
    Hold {
        /// When.
        until: Timestamp,
    },
    /// It will not be sent.
    Dropped(DropReason),
    /// It came to an end before.
    Finished,
}

impl Command for DecideSend {
    type Agent = MarketingAgent;
    type Reply = SendDecision;
    const NAME: &'static str = "DecideSend";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        agent: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let customer = state.customer();
        let Some(outgoing) = customer.outbox.get(&self.message) else {
            return match customer.finished(&self.message) {
                Some(_) => Ok(Decision::reply(SendDecision::Finished)),
                None => Err(MarketingRejection::UnknownMessage(self.message.clone())),
            };
        };
        let drop = |reason| {
            Ok(
                Decision::reply(SendDecision::Dropped(reason)).record(MessageDropped {
                    message: self.message.clone(),
                    reason,
                }),
            )
        };
        let to = match &outgoing.kind {
            OutgoingKind::Transactional { email } => email,
            OutgoingKind::Promotional {
                purpose,
                channel,
                expires_at,
                ..
            } => {
                let wanted = (*channel, *purpose);
                let limits = (&agent.settings.cap, &agent.settings.quiet_hours);
                let permission = if self.promotion_paused {
                    Permission::Never(DropReason::PromotionPaused)
                } else if outgoing.cleared_at.is_some() && customer.agreed_to(*channel, *purpose) {
                    // It has its place under the cap; only its delivery is tried once more.
                    Permission::Now
                } else {
                    customer.permission(wanted, *expires_at, limits, context.now)
                };
                match (permission, &customer.email) {
                    (Permission::Never(reason), _) => return drop(reason),
                    (Permission::NotBefore(until), _) => {
                        return Ok(Decision::reply(SendDecision::Hold { until }));
                    }
                    (Permission::Now, None) => return drop(DropReason::NoAddress),
                    (Permission::Now, Some(email)) => email,
                }
            }
        };
        let cleared = outgoing.cleared_at.is_none().then(|| SendCleared {
            message: self.message.clone(),
            at: context.now,
        });
        Ok(Decision::reply(SendDecision::Send {
            to: to.clone(),
            content: outgoing.content.clone(),
        })
        .record_all(cleared))
    }
}
