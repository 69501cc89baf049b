//! What the Marketing agent records.

use mercato_runtime::{Personal, Timestamp};
use serde::{Deserialize, Serialize};

use super::campaign::{CampaignPlan, Engagement};
use super::consent::{Channel, Purpose, QuietHours};
use super::content::Content;
use super::customer::DropReason;
use super::ids::MessageId;
use crate::domain::{EmailAddress, Money, OrderId};

/// A customer said where they can be reached by e-mail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContactRecorded {
    /// Their address.
    pub email: Personal<EmailAddress>,
}

/// A customer agreed to messages, or withdrew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsentRecorded {
    /// By which channel.
    pub channel: Channel,
    /// For what.
    pub purpose: Purpose,
    /// Whether they agreed.
    pub granted: bool,
    /// When.
    pub at: Timestamp,
    /// Where it can be looked up.
    pub proof: Box<str>,
}

/// A customer wants no promotional message any more. All their consents end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unsubscribed {
    /// When.
    pub at: Timestamp,
}

/// A customer said when they are not to be disturbed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuietHoursSet {
    /// From when to when, by their clock.
    pub hours: QuietHours,
}

/// The confirmation of an order waits to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfirmationQueued {
    /// Of which order.
    pub order: OrderId,
    /// What was paid.
    pub total: Money,
    /// Where it goes.
    pub email: Personal<EmailAddress>,
    /// What it says.
    pub content: Content,
    /// When the order was placed.
    pub at: Timestamp,
}

/// A campaign's message waits to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromotionQueued {
    /// Which message.
    pub message: MessageId,
    /// Which variant of the campaign's content it carries.
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

/// A message may be handed to its gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SendCleared {
    /// Which.
    pub message: MessageId,
    /// When.
    pub at: Timestamp,
}

/// A message will not be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageDropped {
    /// Which.
    pub message: MessageId,
    /// Why.
    pub reason: DropReason,
}

/// A message was accepted by its gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageSent {
    /// Which.
    pub message: MessageId,
    /// Which variant it carried, where it is a campaign's.
    pub variant: Option<u8>,
}

/// A customer did something with a campaign's message, for the first time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageEngaged {
    /// With which.
    pub message: MessageId,
    /// Which variant it carried.
    pub variant: u8,
    /// What the customer did.
    pub engagement: Engagement,
}

/// A campaign began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CampaignTriggered {
    /// What it is.
    pub plan: CampaignPlan,
    /// When.
    pub at: Timestamp,
}

/// A customer's message was given one of the campaign's variants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantAssigned {
    /// Which.
    pub variant: u8,
}

/// A message of the campaign was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SendCounted {
    /// Which variant it carried.
    pub variant: u8,
}

/// A customer did something with a message of the campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngagementCounted {
    /// Which variant it carried.
    pub variant: u8,
    /// What they did.
    pub engagement: Engagement,
}

/// One variant of the campaign proved best, or no longer does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantPreferred {
    /// Which, if any.
    pub variant: Option<u8>,
}

/// Promotions of a product stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromotionsPaused {
    /// Why, for people.
    pub reason: Box<str>,
}

/// Promotions of a product go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionsResumed;

/// More of a product is on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReorderNoted {
    /// How many units.
    pub units: u32,
    /// When they should arrive.
    pub expected_at: Timestamp,
}

mercato_runtime::events! {
    /// What happens to a customer's messages, to a campaign and to a product's promotions.
    pub enum MarketingEvent {
        ContactRecorded: 1,
        ConsentRecorded: 1,
        Unsubscribed: 1,
        QuietHoursSet: 1,
        ConfirmationQueued: 1,
        PromotionQueued: 1,
        SendCleared: 1,
        MessageDropped: 1,
        MessageSent: 1,
        MessageEngaged: 1,
        CampaignTriggered: 1,
        VariantAssigned: 1,
        SendCounted: 1,
        EngagementCounted: 1,
        VariantPreferred: 1,
        PromotionsPaused: 1,
        PromotionsResumed: 1,
        ReorderNoted: 1,
    }
}
