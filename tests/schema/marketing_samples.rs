//! Samples of what a simulated day does not show of campaigns.

use std::time::Duration;

use mercato::actors::{
    CampaignId, CampaignPlan, CampaignTriggered, Channel, ChannelAddress, ChannelSuppressed,
    ComplaintOpened, ComplaintSettled, ContactRecorded, Content, CustomerLapsed, CustomerSegment,
    DropReason, EmailAddress, Engagement, EngagementCounted, HeldOut, Html, MessageBounced,
    MessageDropped, MessageEngaged, MessageId, MessageSent, Objective, OutcomeCounted,
    PromotionQueued, PurchaseAttributed, PurchaseNoted, Purchases, Purpose, QuietHours,
    QuietHoursSet, ReachRecorded, SendCounted, SpamReported, SuppressionLifted, SuppressionReason,
    Template, TimeZoneName, Timing, Unsubscribed, VariantAssigned, VariantPreferred, ZoneSet,
};
use serde::Serialize;

use crate::schema::samples::{Sample, at, of, order, pounds, sealed, sku};

fn event(name: &str, event: &impl Serialize) -> Sample {
    of("marketing", name, event)
}

fn message() -> MessageId {
    MessageId::Campaign {
        campaign: CampaignId::new("spring-tea").expect("a name"),
        occasion: Some(order()),
    }
}

/// By owner and name, with the stored bytes.
pub fn by_hand() -> Vec<Sample> {
    let mut samples = of_customers();
    samples.extend(of_messages());
    samples.extend(of_campaigns());
    samples
}

fn of_customers() -> Vec<Sample> {
    let email = EmailAddress::new("name@example.test").expect("an address");
    let number = ChannelAddress::new(Channel::Sms, "+447700900123").expect("a number");
    let zone = TimeZoneName::new("Europe/London").expect("a zone");
    let bought = Purchases {
        orders: 3,
        spent: pounds(9_900),
        last_at: at(2),
    };
    vec![
        event(
            "ContactRecorded",
            &ContactRecorded {
                email: sealed(&email),
            },
        ),
        event(
            "ReachRecorded",
            &ReachRecorded {
                channel: Channel::Sms,
                address: sealed(&number),
            },
        ),
        event("ZoneSet", &ZoneSet { zone: zone.clone() }),
        event(
            "QuietHoursSet",
            &QuietHoursSet {
                hours: QuietHours::new(21, 8, zone).expect("hours"),
            },
        ),
        event("Unsubscribed", &Unsubscribed { at: at(4) }),
        event(
            "ChannelSuppressed",
            &ChannelSuppressed {
                channel: Channel::Push,
                reason: SuppressionReason::SoftBounces,
                at: at(5),
            },
        ),
        event(
            "SuppressionLifted",
            &SuppressionLifted {
                channel: Channel::Social,
                at: at(6),
            },
        ),
        event(
            "ComplaintOpened",
            &ComplaintOpened {
                conversation: "chat-1".into(),
                at: at(7),
            },
        ),
        event(
            "ComplaintSettled",
            &ComplaintSettled {
                conversation: "chat-2".into(),
                at: at(8),
            },
        ),
        event(
            "CustomerLapsed",
            &CustomerLapsed {
                order: order(),
                at: at(9),
            },
        ),
        event(
            "PurchaseNoted",
            &PurchaseNoted {
                order: order(),
                skus: vec![sku()],
                before: Some(bought),
                after: Purchases {
                    orders: 4,
                    ..bought
                },
                at: at(10),
            },
        ),
    ]
}

fn of_messages() -> Vec<Sample> {
    let message = message();
    vec![
        event(
            "PromotionQueued",
            &PromotionQueued {
                message: message.clone(),
                variant: 1,
                explored: true,
                purpose: Purpose::News,
                channel: Channel::Email,
                content: Content {
                    subject: "Spring".into(),
                    body: "Tea is here".into(),
                },
                html: Some(Html("<p>Tea is here</p>".into())),
                promotes: Some(sku()),
                due_at: at(1),
                counts_until: at(73),
                expires_at: at(169),
            },
        ),
        event(
            "HeldOut",
            &HeldOut {
                message: message.clone(),
                due_at: at(1),
                counts_until: at(73),
            },
        ),
        event(
            "MessageSent",
            &MessageSent {
                message: message.clone(),
                variant: Some(1),
                explored: true,
                channel: Channel::Email,
                at: Some(at(2)),
            },
        ),
        event(
            "MessageEngaged",
            &MessageEngaged {
                message: message.clone(),
                variant: 1,
                engagement: Engagement::Converted {
                    revenue: pounds(990),
                },
                sent_at: Some(at(2)),
                at: Some(at(3)),
            },
        ),
        event(
            "MessageDropped",
            &MessageDropped {
                message: message.clone(),
                reason: DropReason::PromotionPaused,
            },
        ),
        event(
            "MessageBounced",
            &MessageBounced {
                message: message.clone(),
                variant: Some(1),
                channel: Channel::Email,
                hard: true,
                at: at(4),
            },
        ),
        event(
            "SpamReported",
            &SpamReported {
                message: message.clone(),
                variant: Some(1),
                at: at(5),
            },
        ),
        event(
            "PurchaseAttributed",
            &PurchaseAttributed {
                message,
                variant: Some(1),
                revenue: pounds(990),
                last_click: true,
                sent_at: Some(at(2)),
                at: at(6),
            },
        ),
    ]
}

fn of_campaigns() -> Vec<Sample> {
    let plan = CampaignPlan {
        promotes: Some(sku()),
        channels: vec![Channel::Sms, Channel::Email],
        delay: Duration::from_millis(3_600_500),
        timing: Timing::AtHour(9),
        valid_for: Duration::from_secs(86_400),
        objective: Objective::Purchases,
        window: Duration::from_secs(172_800),
        ..CampaignPlan::by_mail(
            Purpose::News,
            [CustomerSegment::Loyal, CustomerSegment::AtRisk],
            vec![Template {
                subject: "Spring".into(),
                body: "Tea is here".into(),
                html: Some("<p>Tea is here</p>".into()),
            }],
        )
    };
    vec![
        event("CampaignTriggered", &CampaignTriggered { plan, at: at(1) }),
        event(
            "VariantAssigned",
            &VariantAssigned {
                variant: 0,
                explored: true,
            },
        ),
        event(
            "SendCounted",
            &SendCounted {
                variant: 0,
                explored: true,
                at: Some(at(2)),
            },
        ),
        event(
            "EngagementCounted",
            &EngagementCounted {
                variant: 0,
                engagement: Engagement::Converted {
                    revenue: pounds(990),
                },
                sent_at: Some(at(2)),
                at: Some(at(3)),
            },
        ),
        event(
            "OutcomeCounted",
            &OutcomeCounted::Bought {
                variant: 0,
                revenue: pounds(990),
                last_click: true,
                sent_at: Some(at(2)),
                at: at(4),
            },
        ),
        event("VariantPreferred", &VariantPreferred { variant: Some(1) }),
    ]
}
