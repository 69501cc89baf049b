//! SPEC's marketing workflow, box by box: a durable flow for one customer of a campaign.

use mercato_runtime::{Flow, FlowError, FlowType, Timestamp};
use serde::{Deserialize, Serialize};

use super::campaign::{CampaignPlan, VariantMetrics};
use super::campaign_commands::{
    Allocation, AssignVariant, Assignment, CampaignMetrics, OptimiseCampaign, TriggerCampaign,
};
use super::consent::{Channel, Purpose};
use super::content::{Content, Field, TemplateError};
use super::customer_commands::{CustomerProfile, Profile};
use super::delivery::{DeliverMessage, Delivered, send_when_allowed};
use super::ids::{CampaignId, MessageId};
use super::message_commands::QueuePromotion;
use super::segment::CustomerSegment;
use crate::domain::{CustomerId, OrderId};

/// The flow that takes one customer through a campaign.
pub const RUN_CAMPAIGN: FlowType<CampaignRun, CampaignOutcome, CampaignError> =
    FlowType::new("run-campaign", 1);

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
    /// The customer agreed to no channel by which the shop can write.
    Unreachable,
    /// A message was made.
    Executed {
        /// What became of it.
        delivered: Delivered,
        /// How each variant of the campaign stands.
        performance: Vec<VariantMetrics>,
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

/// The channels that have a gateway, the preferred one first.
const GATEWAYS: [Channel; 1] = [Channel::Email];

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
    let assignment = generate_campaign_content(&flow, &run.campaign).await?;
    let content = personalise_message(&run, &assignment)?;
    let Some(channel) = select_delivery_channel(&profile, assignment.purpose) else {
        return Ok(CampaignOutcome::Unreachable);
    };
    let message = schedule_campaign(&flow, &run, &assignment, channel, content).await?;
    let delivered = execute_campaign(&flow, &run, message).await?;
    let performance = monitor_performance(&flow, &run.campaign).await?;
    let allocation = optimise_campaign(&flow, &run.campaign).await?;
    Ok(CampaignOutcome::Executed {
        delivered,
        performance,
        allocation,
    })
}

async fn marketing_trigger(flow: &Flow, run: &CampaignRun) -> Result<(), FlowError> {
    let trigger = TriggerCampaign {
        campaign: run.campaign.clone(),
        plan: run.plan.clone(),
    };
    Ok(flow.ask("trigger", trigger).await?)
}

async fn identify_target_segment(flow: &Flow, customer: &CustomerId) -> Result<Profile, FlowError> {
    let customer = customer.clone();
    Ok(flow.ask("segment", CustomerProfile { customer }).await?)
}

async fn generate_campaign_content(
    flow: &Flow,
    campaign: &CampaignId,
) -> Result<Assignment, FlowError> {
    let campaign = campaign.clone();
    Ok(flow.ask("content", AssignVariant { campaign }).await?)
}

fn personalise_message(
    run: &CampaignRun,
    assignment: &Assignment,
) -> Result<Content, TemplateError> {
    assignment.template.fill(|field| match field {
        Field::Customer => Some(run.customer.as_str()),
        Field::Order => run.occasion.as_ref().map(OrderId::as_str),
        Field::Product => assignment.promotes.as_ref().map(|sku| sku.as_str()),
    })
}

fn select_delivery_channel(profile: &Profile, purpose: Purpose) -> Option<Channel> {
    GATEWAYS
        .into_iter()
        .find(|channel| profile.agreed.contains(&(*channel, purpose)))
}

/// Queues the message and waits for its time.
async fn schedule_campaign(
    flow: &Flow,
    run: &CampaignRun,
    assignment: &Assignment,
    channel: Channel,
    content: Content,
) -> Result<MessageId, FlowError> {
    let now: Timestamp = flow.now("scheduled-at").await?;
    let queue = QueuePromotion {
        customer: run.customer.clone(),
        campaign: run.campaign.clone(),
        occasion: run.occasion.clone(),
        variant: assignment.variant,
        purpose: assignment.purpose,
        channel,
        content,
        expires_at: now.plus(run.plan.delay).plus(run.plan.valid_for),
    };
    let message = flow.ask("schedule", queue).await?;
    flow.sleep("delay", run.plan.delay).await?;
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
) -> Result<Vec<VariantMetrics>, FlowError> {
    let campaign = campaign.clone();
    Ok(flow.ask("monitor", CampaignMetrics { campaign }).await?)
}

async fn optimise_campaign(flow: &Flow, campaign: &CampaignId) -> Result<Allocation, FlowError> {
    let campaign = campaign.clone();
    Ok(flow.ask("optimise", OptimiseCampaign { campaign }).await?)
}
