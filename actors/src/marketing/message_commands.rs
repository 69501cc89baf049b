//! A message's way out: queued, and cleared at the moment of sending.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Personal, State, Timestamp};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::consent::{Channel, Purpose};
use super::content::{Content, Words};
use super::customer::{Customer, DropReason, OutgoingKind, Promotional};
use super::customer_commands::customer_key;
use super::events::{ConfirmationQueued, HeldOut, MessageDropped, PromotionQueued, SendCleared};
use super::ids::{CampaignId, MessageId};
use super::permission::{OfProduct, Permission};
use super::purchase_commands::purchase;
use super::reach::{ChannelAddress, SuppressionReason};
use super::rejection::{MarketingRejection, staff};
use crate::domain::{CustomerId, EmailAddress, Money, OrderId, Sku};

/// Queues the confirmation of an order. It is sent whatever the customer agreed to: they need it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueOrderConfirmation {
    /// Who bought.
    pub customer: CustomerId,
    /// With which order.
    pub order: OrderId,
    /// What was paid.
    pub total: Money,
    /// Where it goes.
    pub email: Personal<EmailAddress>,
    /// What was bought.
    pub skus: Vec<Sku>,
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
        agent: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let message = MessageId::OrderConfirmation(self.order.clone());
        let customer = state.customer();
        if customer.knows(&message) {
            return Ok(Decision::reply(message));
        }
        // Not held against the outbox's bound: it fills with promotions, and those must not keep
        // a customer from learning that they bought something.
        let decision = Decision::reply(message).record(ConfirmationQueued {
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
        Ok(purchase(self, customer, agent, context.now, decision))
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
    /// Whether that was drawn evenly from all.
    pub explored: bool,
    /// For what.
    pub purpose: Purpose,
    /// By which channel.
    pub channel: Channel,
    /// What it says.
    pub words: Words,
    /// The product that it promotes, if it does.
    pub promotes: Option<Sku>,
    /// When it is due.
    pub due_at: Timestamp,
    /// Until when a purchase counts for it.
    pub counts_until: Timestamp,
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

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
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
            explored: self.explored,
            purpose: self.purpose,
            channel: self.channel,
            content: self.words.content.clone(),
            html: self.words.html.clone(),
            promotes: self.promotes.clone(),
            due_at: self.due_at,
            counts_until: self.counts_until,
            expires_at: self.expires_at,
        }))
    }
}

/// Notes that a customer is left alone by a campaign, to compare others with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HoldOut {
    /// Who.
    pub customer: CustomerId,
    /// By which campaign.
    pub campaign: CampaignId,
    /// The order that gave occasion to it, if one did.
    pub occasion: Option<OrderId>,
    /// When the message would be due.
    pub due_at: Timestamp,
    /// Until when a purchase would count for it.
    pub counts_until: Timestamp,
}

impl Command for HoldOut {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "HoldOut";

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
        let message = MessageId::Campaign {
            campaign: self.campaign.clone(),
            occasion: self.occasion.clone(),
        };
        let event = (!state.customer().knows(&message)).then_some(HeldOut {
            message,
            due_at: self.due_at,
            counts_until: self.counts_until,
        });
        Ok(Decision::reply(()).record_all(event))
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
    /// Whether there is none of its product now.
    pub out_of_stock: bool,
}

/// What is to be done with a message now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SendDecision {
    /// Hand it to the gateway.
    Send {
        /// Where it goes.
        to: SendTo,
        /// What it says.
        words: Words,
        /// It is not to be handed over after that: then it is asked anew. `None`: it is needed
        /// whenever it comes.
        until: Option<Timestamp>,
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

/// Where a message goes, still sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SendTo {
    /// By mail.
    Mail(Personal<EmailAddress>),
    /// By another channel.
    Other(Channel, Personal<ChannelAddress>),
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
        staff(context.principal)?;
        let customer = state.customer();
        let Some(outgoing) = customer.outbox.get(&self.message) else {
            return match customer.finished(&self.message) {
                Some(_) => Ok(Decision::reply(SendDecision::Finished)),
                None => Err(MarketingRejection::UnknownMessage(self.message.clone())),
            };
        };
        let cleared = match &outgoing.kind {
            OutgoingKind::Transactional { email } => transactional(customer, email),
            OutgoingKind::Promotional(wanted) => {
                let product = OfProduct {
                    paused: self.promotion_paused,
                    out_of_stock: self.out_of_stock,
                };
                let (message, settings) = (&self.message, &agent.settings);
                match customer.permission(message, wanted, product, settings, context.now) {
                    Permission::Never(reason) => Err(reason),
                    Permission::NotBefore(until) => {
                        return Ok(Decision::reply(SendDecision::Hold { until }));
                    }
                    Permission::Until(until) => promotional(customer, wanted, until),
                }
            }
        };
        let (to, until) = match cleared {
            Ok(cleared) => cleared,
            Err(reason) => {
                return Ok(
                    Decision::reply(SendDecision::Dropped(reason)).record(MessageDropped {
                        message: self.message.clone(),
                        reason,
                    }),
                );
            }
        };
        let first = outgoing.cleared_at.is_none().then(|| SendCleared {
            message: self.message.clone(),
            at: context.now,
        });
        let mut words = Words {
            content: outgoing.content.clone(),
            html: outgoing.html.clone(),
        };
        // Mail gets its link when it is handed over; what a customer needs has no way out.
        if let OutgoingKind::Promotional(wanted) = &outgoing.kind {
            let ways_out = &agent.settings.ways_out;
            words.content.body = ways_out.added_to(words.content.body, wanted.channel);
        }
        Ok(Decision::reply(SendDecision::Send { to, words, until }).record_all(first))
    }
}

type Cleared = Result<(SendTo, Option<Timestamp>), DropReason>;

/// What a customer needs goes out whatever they agreed to and whatever the hour; but not to an
/// address that is known to be none.
fn transactional(customer: &Customer, email: &Personal<EmailAddress>) -> Cleared {
    let suppression = customer.suppressed.get(&Channel::Email);
    let is_none = suppression.is_some_and(|one| one.reason == SuppressionReason::HardBounce);
    if is_none && customer.email.as_ref() == Some(email) {
        return Err(DropReason::Suppressed);
    }
    Ok((SendTo::Mail(email.clone()), None))
}

fn promotional(customer: &Customer, wanted: &Promotional, until: Timestamp) -> Cleared {
    let to = match wanted.channel {
        Channel::Email => customer.email.clone().map(SendTo::Mail),
        other => {
            let address = customer.reach.get(&other).cloned();
            address.map(|address| SendTo::Other(other, address))
        }
    };
    to.map(|to| (to, Some(until))).ok_or(DropReason::NoAddress)
}
