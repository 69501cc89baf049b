//! What Marketing does when something happened: the rules in one table.

use std::sync::Arc;
use std::time::Duration;

use mercato_runtime::{CommandId, FlowId, Occurred, Reaction, Trigger};

use super::MarketingAgent;
use super::campaign::CampaignPlan;
use super::campaign_commands::{CountEngagement, CountOutcome, CountSend};
use super::complaint_flow::{NOTE_COMPLAINT, TicketChange};
use super::consent::Purpose;
use super::content::Template;
use super::customer_commands::customer_of;
use super::delivery::{DELIVER, DeliverMessage};
use super::events::{
    ConfirmationQueued, ConsentRecorded, CustomerLapsed, HeldOut, MessageBounced, MessageEngaged,
    MessageSent, OutcomeCounted, PurchaseAttributed, PurchaseNoted, SpamReported,
};
use super::ids::{CampaignId, MessageId};
use super::message_commands::QueueOrderConfirmation;
use super::population::NoteBuyer;
use super::segment::CustomerSegment;
use super::workflow::{CampaignRun, RUN_CAMPAIGN};
use crate::domain::OrderId;
use crate::order::{OrderAgent, OrderPlaced};
use crate::support::{SupportAgent, TicketOpened, TicketReason, TicketResolved};

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
        Trigger::when::<OrderAgent, OrderPlaced>("confirm-order", confirm_order),
        Trigger::when::<MarketingAgent, ConfirmationQueued>("deliver-confirmation", deliver),
        count_for_campaign(),
        Trigger::when::<MarketingAgent, PurchaseNoted>("count-buyer", count_buyer),
        Trigger::when::<SupportAgent, TicketOpened>("note-complaint", complaint_opened)
            .or_when::<SupportAgent, TicketResolved>(complaint_settled),
    ];
    if !campaigns.is_empty() {
        triggers.push(marketing_trigger(&Arc::new(campaigns)));
    }
    triggers
}

fn confirm_order(occurred: &Occurred<OrderPlaced>) -> Vec<Reaction> {
    let placed = &occurred.event;
    vec![Reaction::command(&QueueOrderConfirmation {
        customer: placed.customer.clone(),
        order: placed.order.clone(),
        total: placed.total,
        email: placed.email.clone(),
        skus: placed.lines.iter().map(|line| line.sku.clone()).collect(),
    })]
}

fn deliver(occurred: &Occurred<ConfirmationQueued>) -> Vec<Reaction> {
    let Some(customer) = customer_of(&occurred.entity) else {
        return Vec::new();
    };
    let order = &occurred.event.order;
    let delivery = DeliverMessage {
        customer,
        message: MessageId::OrderConfirmation(order.clone()),
        promotes: None,
    };
    let id = FlowId::new(format!("confirmation/{order}"));
    vec![Reaction::flow(DELIVER, id, &delivery)]
}

/// The rule by which campaigns begin: which event begins those of which occasion.
fn marketing_trigger(campaigns: &Arc<Vec<TriggeredCampaign>>) -> Trigger {
    let of = || Arc::clone(campaigns);
    let (ordered, consented, lapsed) = (of(), of(), of());
    Trigger::when::<MarketingAgent, ConfirmationQueued>(
        "run-campaigns",
        move |occurred: &Occurred<ConfirmationQueued>| {
            let order = Some(&occurred.event.order);
            begin(&ordered, Occasion::Ordered, &occurred.entity, order)
        },
    )
    .or_when::<MarketingAgent, ConsentRecorded>(move |occurred: &Occurred<ConsentRecorded>| {
        match occurred.event.granted {
            true => begin(&consented, Occasion::Consented, &occurred.entity, None),
            false => Vec::new(),
        }
    })
    .or_when::<MarketingAgent, CustomerLapsed>(move |occurred: &Occurred<CustomerLapsed>| {
        let order = Some(&occurred.event.order);
        begin(&lapsed, Occasion::Lapsed, &occurred.entity, order)
    })
}

/// Begins every campaign of an occasion for the customer that it happened to.
fn begin(
    campaigns: &[TriggeredCampaign],
    on: Occasion,
    entity: &str,
    order: Option<&OrderId>,
) -> Vec<Reaction> {
    let Some(customer) = customer_of(entity) else {
        return Vec::new();
    };
    let begun = campaigns.iter().filter(|one| one.on == on);
    begun
        .map(|one| {
            let id = match order {
                Some(order) => format!("{}/{order}", one.campaign),
                None => format!("{}/{customer}", one.campaign),
            };
            let run = CampaignRun {
                campaign: one.campaign.clone(),
                plan: one.plan.clone(),
                customer: customer.clone(),
                occasion: order.cloned(),
            };
            Reaction::flow(RUN_CAMPAIGN, FlowId::new(id), &run)
        })
        .collect()
}

fn count_buyer(occurred: &Occurred<PurchaseNoted>) -> Vec<Reaction> {
    vec![Reaction::command(&NoteBuyer {
        before: occurred.event.before,
        after: occurred.event.after,
    })]
}

fn complaint_opened(occurred: &Occurred<TicketOpened>) -> Vec<Reaction> {
    match occurred.event.ticket.reason {
        TicketReason::Complaint => note_complaint(occurred.id, &occurred.entity, true),
        _ => Vec::new(),
    }
}

fn complaint_settled(occurred: &Occurred<TicketResolved>) -> Vec<Reaction> {
    note_complaint(occurred.id, &occurred.entity, false)
}

fn note_complaint(event: CommandId, entity: &str, open: bool) -> Vec<Reaction> {
    let Some(conversation) = entity.strip_prefix("conversation/") else {
        return Vec::new();
    };
    let change = TicketChange {
        conversation: conversation.into(),
        open,
    };
    // It happens to a conversation more than once, so the event itself names the flow.
    let id = FlowId::new(event.to_string());
    vec![Reaction::flow(NOTE_COMPLAINT, id, &change)]
}

/// The rule that keeps the books of each campaign.
fn count_for_campaign() -> Trigger {
    Trigger::when::<MarketingAgent, MessageSent>("count-for-campaign", count_send)
        .or_when::<MarketingAgent, MessageEngaged>(count_engagement)
        .or_when::<MarketingAgent, MessageBounced>(count_bounce)
        .or_when::<MarketingAgent, SpamReported>(count_spam_report)
        .or_when::<MarketingAgent, HeldOut>(count_held_out)
        .or_when::<MarketingAgent, PurchaseAttributed>(count_purchase)
}

fn count_send(occurred: &Occurred<MessageSent>) -> Vec<Reaction> {
    let sent = &occurred.event;
    let campaign = sent.message.campaign().zip(sent.variant);
    let counted = campaign.map(|(campaign, variant)| {
        Reaction::command(&CountSend {
            campaign: campaign.clone(),
            variant,
            explored: sent.explored,
            at: sent.at,
        })
    });
    counted.into_iter().collect()
}

fn count_engagement(occurred: &Occurred<MessageEngaged>) -> Vec<Reaction> {
    let engaged = &occurred.event;
    let counted = engaged.message.campaign().map(|campaign| {
        Reaction::command(&CountEngagement {
            campaign: campaign.clone(),
            variant: engaged.variant,
            engagement: engaged.engagement,
            sent_at: engaged.sent_at,
            at: engaged.at,
        })
    });
    counted.into_iter().collect()
}

fn count_bounce(occurred: &Occurred<MessageBounced>) -> Vec<Reaction> {
    let bounced = &occurred.event;
    let outcome = bounced
        .variant
        .map(|variant| OutcomeCounted::Bounced { variant });
    count_outcome(&bounced.message, outcome)
}

fn count_spam_report(occurred: &Occurred<SpamReported>) -> Vec<Reaction> {
    let reported = &occurred.event;
    let outcome = reported
        .variant
        .map(|variant| OutcomeCounted::Complained { variant });
    count_outcome(&reported.message, outcome)
}

fn count_held_out(occurred: &Occurred<HeldOut>) -> Vec<Reaction> {
    count_outcome(&occurred.event.message, Some(OutcomeCounted::HeldOut))
}

fn count_purchase(occurred: &Occurred<PurchaseAttributed>) -> Vec<Reaction> {
    let bought = &occurred.event;
    let revenue = bought.revenue;
    let outcome = match bought.variant {
        None => OutcomeCounted::HeldOutBought { revenue },
        Some(variant) => OutcomeCounted::Bought {
            variant,
            revenue,
            last_click: bought.last_click,
            sent_at: bought.sent_at,
            at: bought.at,
        },
    };
    count_outcome(&bought.message, Some(outcome))
}

fn count_outcome(message: &MessageId, outcome: Option<OutcomeCounted>) -> Vec<Reaction> {
    let counted = message.campaign().zip(outcome).map(|(campaign, outcome)| {
        let campaign = campaign.clone();
        Reaction::command(&CountOutcome { campaign, outcome })
    });
    counted.into_iter().collect()
}
