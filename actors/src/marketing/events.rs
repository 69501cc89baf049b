//! What the Marketing agent records.

use mercato_runtime::{Personal, Timestamp};
use serde::{Deserialize, Serialize};

use super::campaign::{CampaignPlan, Engagement};
use super::consent::{Channel, Purpose};
use super::content::{Content, Html};
use super::customer::DropReason;
use super::earlier::{
    CampaignTriggeredV1, EngagementCountedV1, MessageEngagedV1, MessageSentV1, PromotionQueuedV1,
    QuietHoursSetV1, SendCountedV1, VariantAssignedV1,
};
use super::ids::MessageId;
use super::quiet::QuietHours;
use super::reach::{ChannelAddress, SuppressionReason};
use super::segment::Purchases;
use super::zone::TimeZoneName;
use crate::domain::{EmailAddress, Money, OrderId, Sku};

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
    /// Whether that was drawn evenly from all.
    pub explored: bool,
    /// For what.
    pub purpose: Purpose,
    /// By which channel.
    pub channel: Channel,
    /// What it says.
    pub content: Content,
    /// The same as HTML, where it is mail that has it.
    pub html: Option<Html>,
    /// The product that it promotes, if it does.
    pub promotes: Option<Sku>,
    /// When it is due.
    pub due_at: Timestamp,
    /// Until when a purchase counts for it.
    pub counts_until: Timestamp,
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
    /// Whether that was drawn evenly from all.
    pub explored: bool,
    /// By which channel.
    pub channel: Channel,
    /// When; messages of old do not say.
    pub at: Option<Timestamp>,
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
    /// When the message was sent; messages of old do not say.
    pub sent_at: Option<Timestamp>,
    /// When.
    pub at: Option<Timestamp>,
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
    /// Whether it was drawn evenly from all.
    pub explored: bool,
}

/// A message of the campaign was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SendCounted {
    /// Which variant it carried.
    pub variant: u8,
    /// Whether that was drawn evenly from all.
    pub explored: bool,
    /// When it was sent; messages of old do not say.
    pub at: Option<Timestamp>,
}

/// A customer did something with a message of the campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngagementCounted {
    /// Which variant it carried.
    pub variant: u8,
    /// What they did.
    pub engagement: Engagement,
    /// When the message was sent; messages of old do not say.
    pub sent_at: Option<Timestamp>,
    /// When.
    pub at: Option<Timestamp>,
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

/// A customer said where they can be reached by another channel than mail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReachRecorded {
    /// By which.
    pub channel: Channel,
    /// Where.
    pub address: Personal<ChannelAddress>,
}

/// A customer said where they live, as far as their clock goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneSet {
    /// By which zone.
    pub zone: TimeZoneName,
}

/// A customer bought something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PurchaseNoted {
    /// With which order.
    pub order: OrderId,
    /// What.
    pub skus: Vec<Sku>,
    /// What they had bought before it.
    pub before: Option<Purchases>,
    /// What they have bought with it.
    pub after: Purchases,
    /// When.
    pub at: Timestamp,
}

/// A customer bought something while a campaign's message counted, or would have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PurchaseAttributed {
    /// Which message.
    pub message: MessageId,
    /// Which variant it carried; `None` where the customer was left alone.
    pub variant: Option<u8>,
    /// For how much.
    pub revenue: Money,
    /// Whether the link in this message was the last that they followed before.
    pub last_click: bool,
    /// When the message was sent, if it was.
    pub sent_at: Option<Timestamp>,
    /// When they bought.
    pub at: Timestamp,
}

/// A customer is left alone by a campaign, so that it can be known what the campaign changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Which message they do not get.
    pub message: MessageId,
    /// When it would have been due.
    pub due_at: Timestamp,
    /// Until when a purchase would have counted for it.
    pub counts_until: Timestamp,
}

/// A message came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageBounced {
    /// Which.
    pub message: MessageId,
    /// Which variant it carried, where it is a campaign's.
    pub variant: Option<u8>,
    /// By which channel it was sent.
    pub channel: Channel,
    /// Whether it always will.
    pub hard: bool,
    /// When.
    pub at: Timestamp,
}

/// A customer complained about a message: they called it spam.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpamReported {
    /// Which.
    pub message: MessageId,
    /// Which variant it carried, where it is a campaign's.
    pub variant: Option<u8>,
    /// When.
    pub at: Timestamp,
}

/// Nothing is sent to a customer by this channel any more, whatever they agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelSuppressed {
    /// By which.
    pub channel: Channel,
    /// Why.
    pub reason: SuppressionReason,
    /// When.
    pub at: Timestamp,
}

/// A channel is open again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionLifted {
    /// Which.
    pub channel: Channel,
    /// When.
    pub at: Timestamp,
}

/// A customer complains to the shop, and nobody has settled it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComplaintOpened {
    /// Where: the name of the conversation.
    pub conversation: Box<str>,
    /// When.
    pub at: Timestamp,
}

/// A complaint was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComplaintSettled {
    /// Where.
    pub conversation: Box<str>,
    /// When.
    pub at: Timestamp,
}

/// A customer has bought nothing for as long as the shop waits before it writes to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerLapsed {
    /// The last order.
    pub order: OrderId,
    /// When the wait was over.
    pub at: Timestamp,
}

/// One more thing came of a campaign's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutcomeCounted {
    /// One came back.
    Bounced {
        /// Which variant it carried.
        variant: u8,
    },
    /// Somebody called one spam.
    Complained {
        /// Which variant it carried.
        variant: u8,
    },
    /// Somebody was left alone.
    HeldOut,
    /// One of those who were left alone bought something.
    HeldOutBought {
        /// For how much.
        revenue: Money,
    },
    /// Somebody bought something while their message counted.
    Bought {
        /// Which variant it carried.
        variant: u8,
        /// For how much.
        revenue: Money,
        /// Whether the link in it was the last that they followed.
        last_click: bool,
        /// When it was sent, if it was.
        sent_at: Option<Timestamp>,
        /// When they bought.
        at: Timestamp,
    },
}

/// A customer bought something: one of the shop's customers moves among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuyerNoted {
    /// What they had bought before; `None` where they are new.
    pub before: Option<Purchases>,
    /// What they have bought now.
    pub after: Purchases,
}

mercato_runtime::events! {
    /// What happens to a customer's messages, to a campaign and to a product's promotions.
    pub enum MarketingEvent {
        ContactRecorded: 1,
        ConsentRecorded: 1,
        Unsubscribed: 1,
        QuietHoursSet: 2 from { 1 => QuietHoursSetV1 },
        ConfirmationQueued: 1,
        PromotionQueued: 2 from { 1 => PromotionQueuedV1 },
        SendCleared: 1,
        MessageDropped: 1,
        MessageSent: 2 from { 1 => MessageSentV1 },
        MessageEngaged: 2 from { 1 => MessageEngagedV1 },
        CampaignTriggered: 2 from { 1 => CampaignTriggeredV1 },
        VariantAssigned: 2 from { 1 => VariantAssignedV1 },
        SendCounted: 2 from { 1 => SendCountedV1 },
        EngagementCounted: 2 from { 1 => EngagementCountedV1 },
        VariantPreferred: 1,
        PromotionsPaused: 1,
        PromotionsResumed: 1,
        ReorderNoted: 1,
        ReachRecorded: 1,
        ZoneSet: 1,
        PurchaseNoted: 1,
        PurchaseAttributed: 1,
        HeldOut: 1,
        MessageBounced: 1,
        SpamReported: 1,
        ChannelSuppressed: 1,
        SuppressionLifted: 1,
        ComplaintOpened: 1,
        ComplaintSettled: 1,
        CustomerLapsed: 1,
        OutcomeCounted: 1,
        BuyerNoted: 1,
    }
}
