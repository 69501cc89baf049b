//! SPEC's marketing workflow, box by box: a durable flow for one customer of a campaign.

use mercato_runtime::{Flow, FlowError, FlowType, Timestamp};
use serde::{Deserialize, Serialize};

use super::campaign::CampaignPlan;
use super::campaign_commands::{
    Allocation, AssignVariant, Assignment, CampaignMetrics, OptimiseCampaign, TriggerCampaign,
};
use super::consent::Channel;
use super::content::{Fields, TemplateError, Words};
use super::delivery::{DeliverMessage, Delivered, send_when_allowed};
use super::ids::{CampaignId, MessageId};
use super::message_commands::{HoldOut, QueuePromotion};
use super::population::ShowQuintiles;
use super::profile::{CustomerProfile, Profile};
use super::results::CampaignReport;
use super::segment::CustomerSegment;
use crate::domain::{CustomerId, OrderId};

/// The flow that takes one customer through a campaign.
pub const RUN_CAMPAIGN: FlowType<CampaignRun, CampaignOutcome, CampaignError> =
    FlowType::new("run-campaign", 2).by_the_service();

/// One customer of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CampaignRun {
    /// Which campaign.
    pub campaign: CampaignId,
    /// What it is.
    pub plan: CampaignPlan,
    /// The customer.
    pub customer: CustomerId,
    /// The order that gave occasion to it, if one did.
    pub occasion: Option<OrderId>,
}

/// What a campaign came to for one customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CampaignOutcome {
    /// The campaign is not for customers of this segment.
    NotTargeted(CustomerSegment),
    /// The customer agreed to none of the campaign's channels, or must not be reached by them.
    Unreachable,
    /// The customer is left alone by all campaigns, to compare others with.
    HeldOut,
    /// A message was made.
    Executed {
        /// What became of it.
        delivered: Delivered,
        /// How the campaign stands.
        performance: Box<CampaignReport>,
        /// How the campaign goes on.
        allocation: Allocation,
    },
}

/// Why a campaign came to no end for a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum CampaignError {
    /// Its words cannot be filled in for this customer.
    #[error("the message cannot be personalised: {0}")]
    Content(#[from] TemplateError),
    /// A step failed.
    #[error("the campaign stopped: {0}")]
    Flow(#[from] FlowError),
}

/// Takes one customer through a campaign.
///
/// # Errors
/// When the campaign runs with another plan, its words cannot be filled in, or an agent cannot be
/// asked.
pub async fn run_campaign(flow: Flow, run: CampaignRun) -> Result<CampaignOutcome, CampaignError> {
    marketing_trigger(&flow, &run).await?;
    let profile = identify_target_segment(&flow, &run.customer).await?;
    if !run.plan.segments.contains(&profile.segment) {
        return Ok(CampaignOutcome::NotTargeted(profile.segment));
    }
    if select_delivery_channel(&profile, &run.plan).is_none() {
        return Ok(CampaignOutcome::Unreachable);
    }
    let due_at = when_due(&flow, &run.plan, &profile).await?;
    // Only who could be written to is compared with who is.
    if profile.held_out {
        leave_alone(&flow, &run, due_at).await?;
        return Ok(CampaignOutcome::HeldOut);
    }
    let assignment = generate_campaign_content(&flow, &run.campaign).await?;
    let words = personalise_message(&run, &assignment)?;
    let Some(channel) = select_delivery_channel(&profile, &run.plan) else {
        return Ok(CampaignOutcome::Unreachable);
    };
    let message = schedule_campaign(&flow, &run, &assignment, channel, words, due_at).await?;
    let delivered = execute_campaign(&flow, &run, message).await?;
    let performance = monitor_performance(&flow, &run.campaign).await?;
    let allocation = optimise_campaign(&flow, &run.campaign).await?;
    Ok(CampaignOutcome::Executed {
        delivered,
        performance: Box::new(performance),
        allocation,
    })
}

async fn marketing_trigger(flow: &Flow, run: &CampaignRun) -> Result<(), FlowError> {
    let trigger = TriggerCampaign {
        campaign: run.campaign.clone(),
        plan: run.plan.clone(),
        has_order: run.occasion.is_some(),
    };
    Ok(flow.ask("trigger", trigger).await?)
}

async fn identify_target_segment(flow: &Flow, customer: &CustomerId) -> Result<Profile, FlowError> {
    let profile = CustomerProfile {
        customer: customer.clone(),
        quintiles: flow.ask("quintiles", ShowQuintiles {}).await?,
    };
    Ok(flow.ask("segment", profile).await?)
}

async fn when_due(
    flow: &Flow,
    plan: &CampaignPlan,
    profile: &Profile,
) -> Result<Timestamp, FlowError> {
    let now = flow.now("scheduled-at").await?;
    let from = now.plus(plan.delay);
    Ok(plan.timing.due(from, &profile.zone, profile.habit_hour))
}

async fn leave_alone(flow: &Flow, run: &CampaignRun, due_at: Timestamp) -> Result<(), FlowError> {
    let hold_out = HoldOut {
        customer: run.customer.clone(),
        campaign: run.campaign.clone(),
        occasion: run.occasion.clone(),
        due_at,
        counts_until: due_at.plus(run.plan.window),
    };
    Ok(flow.ask("hold-out", hold_out).await?)
}

async fn generate_campaign_content(
    flow: &Flow,
    campaign: &CampaignId,
) -> Result<Assignment, FlowError> {
    let campaign = campaign.clone();
    Ok(flow.ask("content", AssignVariant { campaign }).await?)
}

fn personalise_message(run: &CampaignRun, assignment: &Assignment) -> Result<Words, TemplateError> {
    assignment.template.fill(&Fields {
        customer: run.customer.as_str(),
        order: run.occasion.as_ref().map(OrderId::as_str),
        product: assignment.promotes.as_ref().map(|sku| sku.as_str()),
    })
}

/// The first of the campaign's channels to which the customer agreed, and by which they can be reached.
fn select_delivery_channel(profile: &Profile, plan: &CampaignPlan) -> Option<Channel> {
    let mut channels = plan.channels.iter().copied();
    channels.find(|channel| profile.agreed.contains(&(*channel, plan.purpose)))
}

/// Queues the message and waits for its time.
async fn schedule_campaign(
    flow: &Flow,
    run: &CampaignRun,
    assignment: &Assignment,
    channel: Channel,
    words: Words,
    due_at: Timestamp,
) -> Result<MessageId, FlowError> {
    let queue = QueuePromotion {
        customer: run.customer.clone(),
        campaign: run.campaign.clone(),
        occasion: run.occasion.clone(),
        variant: assignment.variant,
        explored: assignment.explored,
        purpose: assignment.purpose,
        channel,
        words,
        promotes: assignment.promotes.clone(),
        due_at,
        counts_until: due_at.plus(run.plan.window),
        expires_at: due_at.plus(run.plan.valid_for),
    };
    let message = flow.ask("schedule", queue).await?;
    let now = flow.now("queued-at").await?;
    flow.sleep("delay", due_at.since(now)).await?;
    Ok(message)
}

async fn execute_campaign(
    flow: &Flow,
    run: &CampaignRun,
    message: MessageId,
) -> Result<Delivered, FlowError> {
    let delivery = DeliverMessage {
        customer: run.customer.clone(),
        message,
        promotes: run.plan.promotes.clone(),
    };
    send_when_allowed(flow, &delivery).await
}

async fn monitor_performance(
    flow: &Flow,
    campaign: &CampaignId,
) -> Result<CampaignReport, FlowError> {
    let campaign = campaign.clone();
    Ok(flow.ask("monitor", CampaignMetrics { campaign }).await?)
}

async fn optimise_campaign(flow: &Flow, campaign: &CampaignId) -> Result<Allocation, FlowError> {
    let campaign = campaign.clone();
    Ok(flow.ask("optimise", OptimiseCampaign { campaign }).await?)
}
