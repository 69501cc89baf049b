//! What Marketing does when something happened: the rules in one table.

use std::collections::BTreeSet;
use std::time::Duration;

use mercato_runtime::{FlowId, Occurred, Reaction, Trigger};

use super::MarketingAgent;
use super::campaign::CampaignPlan;
use super::campaign_commands::{CountEngagement, CountSend};
use super::consent::Purpose;
use super::content::Template;
use super::customer_commands::customer_of;
use super::delivery::{DELIVER, DeliverMessage};
use super::events::{ConfirmationQueued, MarketingEvent};
use super::ids::{CampaignId, MessageId};
use super::message_commands::QueueOrderConfirmation;
use super::segment::CustomerSegment;
use super::workflow::{CampaignRun, RUN_CAMPAIGN};
use crate::domain::CustomerId;
use crate::order::{OrderAgent, OrderEvent};

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
        };
        Self {
            campaign: CampaignId::follow_up(),
            plan: CampaignPlan {
                purpose: Purpose::FollowUp,
                segments: BTreeSet::from([
                    CustomerSegment::New,
                    CustomerSegment::Regular,
                    CustomerSegment::Loyal,
                    CustomerSegment::Champion,
                ]),
                variants: vec![
                    variant(
                        "What do you think of our shop?",
                        "Thank you for your order {order}. Tell us in one click how it went.",
                    ),
                    variant(
                        "One question about your order {order}",
                        "Would you recommend us? Your answer takes ten seconds.",
                    ),
                ],
                promotes: None,
                delay: Duration::from_secs(3 * 60 * 60),
                valid_for: Duration::from_secs(7 * 24 * 60 * 60),
            },
        }
    }
}

/// The rules:
///
/// | When | then |
/// |---|---|
/// | an order is placed | queue its confirmation |
/// | a confirmation is queued | deliver it |
/// | a confirmation is queued | run the follow-up campaign, where there is one |
/// | a campaign's message is sent, or answered | count it for the campaign |
///
/// The follow-up begins with the confirmation and not with the order itself, so that the order
/// counts already when the customer's segment is looked up.
#[must_use]
pub fn marketing_triggers(follow_up: Option<FollowUp>) -> Vec<Trigger> {
    let mut triggers = vec![
        Trigger::on::<OrderAgent>("confirm-order", confirm_order),
        on_confirmation("deliver-confirmation", |customer, queued| {
            let delivery = DeliverMessage {
                customer,
                message: MessageId::OrderConfirmation(queued.order.clone()),
                promotes: None,
            };
            let id = FlowId::new(format!("confirmation/{}", queued.order));
            Reaction::flow(DELIVER, id, &delivery)
        }),
        Trigger::on::<MarketingAgent>("count-for-campaign", count_for_campaign),
    ];
    if let Some(FollowUp { campaign, plan }) = follow_up {
        triggers.push(on_confirmation("follow-up", move |customer, queued| {
            let run = CampaignRun {
                campaign: campaign.clone(),
                plan: plan.clone(),
                customer,
                occasion: Some(queued.order.clone()),
            };
            let id = FlowId::new(format!("{campaign}/{}", queued.order));
            Reaction::flow(RUN_CAMPAIGN, id, &run)
        }));
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
    })]
}

fn on_confirmation(
    name: &'static str,
    react: impl Fn(CustomerId, &ConfirmationQueued) -> Reaction + Send + Sync + 'static,
) -> Trigger {
    Trigger::on::<MarketingAgent>(name, move |occurred: &Occurred<MarketingEvent>| {
        match (&occurred.event, customer_of(&occurred.entity)) {
            (MarketingEvent::ConfirmationQueued(queued), Some(customer)) => {
                vec![react(customer, queued)]
            }
            _ => Vec::new(),
        }
    })
}

fn count_for_campaign(occurred: &Occurred<MarketingEvent>) -> Vec<Reaction> {
    let counted = match &occurred.event {
        MarketingEvent::MessageSent(sent) => {
            sent.message
                .campaign()
                .zip(sent.variant)
                .map(|(campaign, variant)| {
                    Reaction::command(&CountSend {
                        campaign: campaign.clone(),
                        variant,
                    })
                })
        }
        MarketingEvent::MessageEngaged(engaged) => engaged.message.campaign().map(|campaign| {
            Reaction::command(&CountEngagement {
                campaign: campaign.clone(),
                variant: engaged.variant,
                engagement: engaged.engagement,
            })
        }),
        _ => None,
    };
    counted.into_iter().collect()
}
