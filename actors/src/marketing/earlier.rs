//! What events looked like in earlier versions, and what becomes of them. None of this ever changes
//! again, so what was shared with other rooms is kept here as it was.

use std::collections::BTreeSet;
use std::time::Duration;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::campaign::{CampaignPlan, Engagement, Objective, Timing};
use super::consent::{Channel, Purpose};
use super::content::{Content, Template};
use super::events::{
    CampaignTriggered, EngagementCounted, MessageEngaged, MessageSent, PromotionQueued,
    QuietHoursSet, SendCounted, VariantAssigned,
};
use super::ids::MessageId;
use super::quiet::QuietHours;
use super::segment::CustomerSegment;
use super::zone::TimeZoneName;
use crate::domain::Sku;

/// [`QuietHoursSet`] when a clock was a distance from UTC.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct QuietHoursSetV1 {
    hours: QuietHoursV1,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct QuietHoursV1 {
    from_hour: u8,
    until_hour: u8,
    utc_offset_minutes: i16,
}

impl From<QuietHoursSetV1> for QuietHoursSet {
    fn from(old: QuietHoursSetV1) -> Self {
        let QuietHoursV1 {
            from_hour,
            until_hour,
            utc_offset_minutes,
        } = old.hours;
        let zone = TimeZoneName::fixed(utc_offset_minutes.clamp(-720, 840));
        let hours = QuietHours::new(from_hour, until_hour, zone);
        Self {
            // They were checked when they were recorded.
            hours: hours.unwrap_or_else(|_| QuietHours::night_utc()),
        }
    }
}

/// [`PromotionQueued`] when all messages were mail, and none was attributed a purchase.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PromotionQueuedV1 {
    message: MessageId,
    variant: u8,
    purpose: Purpose,
    channel: Channel,
    content: Content,
    expires_at: Timestamp,
}

impl From<PromotionQueuedV1> for PromotionQueued {
    fn from(old: PromotionQueuedV1) -> Self {
        Self {
            message: old.message,
            variant: old.variant,
            explored: false,
            purpose: old.purpose,
            channel: old.channel,
            content: old.content,
            html: None,
            promotes: None,
            due_at: old.expires_at,
            counts_until: old.expires_at,
            expires_at: old.expires_at,
        }
    }
}

/// [`MessageSent`] when all messages were mail and the time was not noted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MessageSentV1 {
    message: MessageId,
    variant: Option<u8>,
}

impl From<MessageSentV1> for MessageSent {
    fn from(old: MessageSentV1) -> Self {
        Self {
            message: old.message,
            variant: old.variant,
            explored: false,
            channel: Channel::Email,
            at: None,
        }
    }
}

/// [`MessageEngaged`] when the times were not noted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MessageEngagedV1 {
    message: MessageId,
    variant: u8,
    engagement: Engagement,
}

impl From<MessageEngagedV1> for MessageEngaged {
    fn from(old: MessageEngagedV1) -> Self {
        Self {
            message: old.message,
            variant: old.variant,
            engagement: old.engagement,
            sent_at: None,
            at: None,
        }
    }
}

/// [`CampaignTriggered`] when campaigns were by mail, and places in templates were `{order}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CampaignTriggeredV1 {
    plan: CampaignPlanV1,
    at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct CampaignPlanV1 {
    purpose: Purpose,
    segments: BTreeSet<CustomerSegment>,
    variants: Vec<TemplateV1>,
    promotes: Option<Sku>,
    delay: Duration,
    valid_for: Duration,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct TemplateV1 {
    subject: Box<str>,
    body: Box<str>,
}

impl From<CampaignTriggeredV1> for CampaignTriggered {
    fn from(old: CampaignTriggeredV1) -> Self {
        let CampaignPlanV1 {
            purpose,
            segments,
            variants,
            promotes,
            delay,
            valid_for,
        } = old.plan;
        // A brace stood for nothing else.
        let jinja = |text: &str| text.replace('{', "{{ ").replace('}', " }}").into();
        let variants = variants.into_iter().map(|variant| Template {
            subject: jinja(&variant.subject),
            body: jinja(&variant.body),
            html: None,
        });
        Self {
            plan: CampaignPlan {
                purpose,
                segments,
                variants: variants.collect(),
                promotes,
                channels: vec![Channel::Email],
                delay,
                timing: Timing::Prompt,
                valid_for,
                objective: Objective::Clicks,
                window: Duration::from_secs(3 * 24 * 60 * 60),
            },
            at: old.at,
        }
    }
}

/// [`VariantAssigned`] when it was not noted how it was drawn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct VariantAssignedV1 {
    variant: u8,
}

impl From<VariantAssignedV1> for VariantAssigned {
    fn from(old: VariantAssignedV1) -> Self {
        Self {
            variant: old.variant,
            explored: false,
        }
    }
}

/// [`SendCounted`] when the time was not noted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SendCountedV1 {
    variant: u8,
}

impl From<SendCountedV1> for SendCounted {
    fn from(old: SendCountedV1) -> Self {
        Self {
            variant: old.variant,
            explored: false,
            at: None,
        }
    }
}

/// [`EngagementCounted`] when the times were not noted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct EngagementCountedV1 {
    variant: u8,
    engagement: Engagement,
}

impl From<EngagementCountedV1> for EngagementCounted {
    fn from(old: EngagementCountedV1) -> Self {
        Self {
            variant: old.variant,
            engagement: old.engagement,
            sent_at: None,
            at: None,
        }
    }
}
