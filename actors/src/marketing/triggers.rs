//! What Marketing does when something happened: the rules in one table.

use std::time::Duration;

use mercato_runtime::{FlowId, Occurred, Reaction, Trigger};

use super::MarketingAgent;
use super::campaign::CampaignPlan;
use super::campaign_commands::{CountEngagement, CountOutcome, CountSend};
use super::complaint_flow::{NOTE_COMPLAINT, TicketChange};
use super::consent::Purpose;
use super::content::Template;
use super::customer_commands::customer_of;
use super::delivery::{DELIVER, DeliverMessage};
use super::events::{ConfirmationQueued, MarketingEvent, OutcomeCounted};
use super::ids::{CampaignId, MessageId};
use super::message_commands::QueueOrderConfirmation;
use super::population::NoteBuyer;
use super::segment::CustomerSegment;
use super::workflow::{CampaignRun, RUN_CAMPAIGN};
use crate::domain::OrderId;
use crate::order::{OrderAgent, OrderEvent};
use crate::support::{SupportAgent, SupportEvent, TicketReason};

/// What begins a campaign for a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occasion {
    /// They placed an order. Its messages can name it.
    Ordered,
    /// They agreed to be written to.
    Consented,
    /// They have placed no order for as long as
    /// [`win_back_after`](super::MarketingSettings::win_back_after) says. Its messages can name the
    /// last one.
    Lapsed,
}

/// A campaign that begins by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggeredCampaign {
    /// When.
    pub on: Occasion,
    /// Its name.
    pub campaign: CampaignId,
    /// What it is.
    pub plan: CampaignPlan,
}

/// A campaign that every placed order triggers.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    /// Its name.
    pub campaign: CampaignId,
    /// What it is.
    pub plan: CampaignPlan,
}

impl FollowUp {
    /// Asks every buyer, three hours after the order, in one of two ways, what they think of it.
    #[must_use]
    pub fn ask_for_opinion() -> Self {
        let variant = |subject: &str, body: &str| Template {
            subject: subject.into(),
            body: body.into(),
            html: None,
        };
        Self {
            campaign: CampaignId::follow_up(),
            plan: CampaignPlan {
                delay: Duration::from_secs(3 * 60 * 60),
                ..CampaignPlan::by_mail(
                    Purpose::FollowUp,
                    [
                        CustomerSegment::New,
                        CustomerSegment::Regular,
                        CustomerSegment::Loyal,
                        CustomerSegment::Champion,
                        CustomerSegment::NeedsAttention,
                    ],
                    vec![
                        variant(
                            "What do you think of our shop?",
                            "Thank you for your order {{ order }}. Tell us in one click how it went.",
                        ),
                        variant(
                            "One question about your order {{ order }}",
                            "Would you recommend us? Your answer takes ten seconds.",
                        ),
                    ],
                )
            },
        }
    }
}

impl From<FollowUp> for TriggeredCampaign {
    fn from(follow_up: FollowUp) -> Self {
        Self {
            on: Occasion::Ordered,
            campaign: follow_up.campaign,
            plan: follow_up.plan,
        }
    }
}

/// The rules:
///
/// | When | then |
/// |---|---|
/// | an order is placed | queue its confirmation, and count it for the messages that it follows |
/// | a confirmation is queued | deliver it |
/// | a confirmation is queued, a consent is given, a customer has lapsed | run the campaigns of that occasion |
/// | a customer buys | move them among all buyers |
/// | a campaign's message is sent, answered, comes back, is called spam or is followed by a purchase | count it for the campaign |
/// | a complaint is opened or settled at Support | keep promotions away, or no longer |
///
/// A campaign that follows an order begins with the confirmation and not with the order itself, so
/// that the order counts already when the customer's segment is looked up.
#[must_use]
pub fn marketing_triggers(campaigns: Vec<TriggeredCampaign>) -> Vec<Trigger> {
    let mut triggers = vec![
        Trigger::on::<OrderAgent>("confirm-order", confirm_order),
        Trigger::on::<MarketingAgent>("deliver-confirmation", deliver_confirmation),
        Trigger::on::<MarketingAgent>("count-for-campaign", count_for_campaign),
        Trigger::on::<MarketingAgent>("count-buyer", count_buyer),
        Trigger::on::<SupportAgent>("note-complaint", note_complaint),
    ];
    if !campaigns.is_empty() {
        triggers.push(Trigger::on::<MarketingAgent>(
            "run-campaigns",
            move |occurred: &Occurred<MarketingEvent>| marketing_trigger(&campaigns, occurred),
        ));
    }
    triggers
}

fn confirm_order(occurred: &Occurred<OrderEvent>) -> Vec<Reaction> {
    let OrderEvent::OrderPlaced(placed) = &occurred.event else {
        return Vec::new();
    };
    vec![Reaction::command(&QueueOrderConfirmation {
        customer: placed.customer.clone(),
        order: placed.order.clone(),
        total: placed.total,
        email: placed.email.clone(),
        skus: placed.lines.iter().map(|line| line.sku.clone()).collect(),
    })]
}

fn deliver_confirmation(occurred: &Occurred<MarketingEvent>) -> Vec<Reaction> {
    let (MarketingEvent::ConfirmationQueued(ConfirmationQueued { order, .. }), Some(customer)) =
        (&occurred.event, customer_of(&occurred.entity))
    else {
        return Vec::new();
    };
    let delivery = DeliverMessage {
        customer,
        message: MessageId::OrderConfirmation(order.clone()),
        promotes: None,
    };
    let id = FlowId::new(format!("confirmation/{order}"));
    vec![Reaction::flow(DELIVER, id, &delivery)]
}

/// Which campaigns an event begins.
fn marketing_trigger(
    campaigns: &[TriggeredCampaign],
    occurred: &Occurred<MarketingEvent>,
) -> Vec<Reaction> {
    let Some((on, order)) = occasion(&occurred.event) else {
        return Vec::new();
    };
    let Some(customer) = customer_of(&occurred.entity) else {
        return Vec::new();
    };
    let begun = campaigns.iter().filter(|one| one.on == on);
    begun
        .map(|one| {
            let id = match &order {
                Some(order) => format!("{}/{order}", one.campaign),
                None => format!("{}/{customer}", one.campaign),
            };
            let run = CampaignRun {
                campaign: one.campaign.clone(),
                plan: one.plan.clone(),
                customer: customer.clone(),
                occasion: order.clone(),
            };
            Reaction::flow(RUN_CAMPAIGN, FlowId::new(id), &run)
        })
        .collect()
}

fn occasion(event: &MarketingEvent) -> Option<(Occasion, Option<OrderId>)> {
    match event {
        MarketingEvent::ConfirmationQueued(it) => Some((Occasion::Ordered, Some(it.order.clone()))),
        MarketingEvent::ConsentRecorded(it) if it.granted => Some((Occasion::Consented, None)),
        MarketingEvent::CustomerLapsed(it) => Some((Occasion::Lapsed, Some(it.order.clone()))),
        _ => None,
    }
}

fn count_buyer(occurred: &Occurred<MarketingEvent>) -> Vec<Reaction> {
    let MarketingEvent::PurchaseNoted(noted) = &occurred.event else {
        return Vec::new();
    };
    vec![Reaction::command(&NoteBuyer {
        before: noted.before,
        after: noted.after,
    })]
}

fn note_complaint(occurred: &Occurred<SupportEvent>) -> Vec<Reaction> {
    let open = match &occurred.event {
        SupportEvent::TicketOpened(opened) => opened.ticket.reason == TicketReason::Complaint,
        SupportEvent::TicketResolved(_) => false,
        _ => return Vec::new(),
    };
    let settles = matches!(occurred.event, SupportEvent::TicketResolved(_));
    let conversation = occurred.entity.strip_prefix("conversation/");
    let Some(conversation) = conversation.filter(|_| open || settles) else {
        return Vec::new();
    };
    let change = TicketChange {
        conversation: conversation.into(),
        open,
    };
    // It happens to a conversation more than once, so the event itself names the flow.
    let id = FlowId::new(occurred.id.to_string());
    vec![Reaction::flow(NOTE_COMPLAINT, id, &change)]
}

fn count_for_campaign(occurred: &Occurred<MarketingEvent>) -> Vec<Reaction> {
    let counted = match &occurred.event {
        MarketingEvent::MessageSent(sent) => {
            let campaign = sent.message.campaign().zip(sent.variant);
            campaign.map(|(campaign, variant)| {
                Reaction::command(&CountSend {
                    campaign: campaign.clone(),
                    variant,
                    explored: sent.explored,
                    at: sent.at,
                })
            })
        }
        MarketingEvent::MessageEngaged(engaged) => engaged.message.campaign().map(|campaign| {
            Reaction::command(&CountEngagement {
                campaign: campaign.clone(),
                variant: engaged.variant,
                engagement: engaged.engagement,
                sent_at: engaged.sent_at,
                at: engaged.at,
            })
        }),
        MarketingEvent::MessageBounced(it) => it
            .variant
            .and_then(|variant| outcome(&it.message, OutcomeCounted::Bounced { variant })),
        MarketingEvent::SpamReported(it) => it
            .variant
            .and_then(|variant| outcome(&it.message, OutcomeCounted::Complained { variant })),
        MarketingEvent::HeldOut(it) => outcome(&it.message, OutcomeCounted::HeldOut),
        MarketingEvent::PurchaseAttributed(it) => {
            let revenue = it.revenue;
            let bought = match it.variant {
                None => OutcomeCounted::HeldOutBought { revenue },
                Some(variant) => OutcomeCounted::Bought {
                    variant,
                    revenue,
                    last_click: it.last_click,
                    sent_at: it.sent_at,
                    at: it.at,
                },
            };
            outcome(&it.message, bought)
        }
        _ => None,
    };
    counted.into_iter().collect()
}

fn outcome(message: &MessageId, outcome: OutcomeCounted) -> Option<Reaction> {
    let campaign = message.campaign()?.clone();
    Some(Reaction::command(&CountOutcome { campaign, outcome }))
}
