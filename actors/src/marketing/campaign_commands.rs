//! A campaign's way: triggered, its content chosen, its results counted, its allocation improved.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, State};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::campaign::{Campaign, CampaignPlan, Engagement, VariantMetrics};
use super::consent::Purpose;
use super::content::Template;
use super::events::{
    CampaignTriggered, EngagementCounted, SendCounted, VariantAssigned, VariantPreferred,
};
use super::ids::CampaignId;
use super::optimise;
use super::rejection::MarketingRejection;
use crate::domain::Sku;

fn campaign_key(campaign: &CampaignId) -> Cow<'static, str> {
    Cow::Owned(format!("campaign/{campaign}"))
}

fn plan<'a>(
    campaign: &'a Campaign,
    id: &CampaignId,
) -> Result<&'a CampaignPlan, MarketingRejection> {
    (campaign.plan.as_ref()).ok_or_else(|| MarketingRejection::UnknownCampaign(id.clone()))
}

fn known_variant(
    campaign: &Campaign,
    id: &CampaignId,
    variant: u8,
) -> Result<(), MarketingRejection> {
    match plan(campaign, id)?.variants.get(usize::from(variant)) {
        Some(_) => Ok(()),
        None => Err(MarketingRejection::UnknownVariant(variant)),
    }
}

/// Begins a campaign. The same campaign may be triggered again with the same plan, by every order
/// that gives occasion to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerCampaign {
    /// Which.
    pub campaign: CampaignId,
    /// What it is.
    pub plan: CampaignPlan,
}

impl Command for TriggerCampaign {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "TriggerCampaign";

    fn entity(&self) -> Cow<'_, str> {
        campaign_key(&self.campaign)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        self.plan.check()?;
        match &state.campaign().plan {
            Some(running) if *running == self.plan => Ok(Decision::reply(())),
            Some(_) => Err(MarketingRejection::CampaignRuns(self.campaign.clone())),
            None => Ok(Decision::reply(()).record(CampaignTriggered {
                plan: self.plan.clone(),
                at: context.now,
            })),
        }
    }
}

/// Chooses the variant that one message carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssignVariant {
    /// Of which campaign.
    pub campaign: CampaignId,
}

/// The variant that a message carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Which.
    pub variant: u8,
    /// What it says.
    pub template: Template,
    /// What the campaign is for.
    pub purpose: Purpose,
    /// The product that the campaign promotes, if it is about one.
    pub promotes: Option<Sku>,
}

impl Command for AssignVariant {
    type Agent = MarketingAgent;
    type Reply = Assignment;
    const NAME: &'static str = "AssignVariant";

    fn entity(&self) -> Cow<'_, str> {
        campaign_key(&self.campaign)
    }

    fn decide(
        &self,
        agent: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let campaign = state.campaign();
        let plan = plan(campaign, &self.campaign)?;
        let floor = agent.settings.exploration_floor.get();
        let chosen = optimise::choose(
            &campaign.arms(),
            campaign.preferred.map(usize::from),
            floor,
            &mut context.rng(),
        );
        let variant = u8::try_from(chosen).unwrap_or(u8::MAX);
        let template = plan
            .variants
            .get(chosen)
            .ok_or(MarketingRejection::UnknownVariant(variant))?;
        Ok(Decision::reply(Assignment {
            variant,
            template: template.clone(),
            purpose: plan.purpose,
            promotes: plan.promotes.clone(),
        })
        .record(VariantAssigned { variant }))
    }
}

/// Counts a sent message for its campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountSend {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Which variant it carried.
    pub variant: u8,
}

impl Command for CountSend {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "CountSend";

    fn entity(&self) -> Cow<'_, str> {
        campaign_key(&self.campaign)
    }

    fn decide(&self, _: &MarketingAgent, state: &State<Self>, _: &Context<'_>) -> Decided<Self> {
        known_variant(state.campaign(), &self.campaign, self.variant)?;
        Ok(Decision::reply(()).record(SendCounted {
            variant: self.variant,
        }))
    }
}

/// Counts for a campaign what a customer did with its message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountEngagement {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Which variant the message carried.
    pub variant: u8,
    /// What the customer did.
    pub engagement: Engagement,
}

impl Command for CountEngagement {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "CountEngagement";

    fn entity(&self) -> Cow<'_, str> {
        campaign_key(&self.campaign)
    }

    fn decide(&self, _: &MarketingAgent, state: &State<Self>, _: &Context<'_>) -> Decided<Self> {
        known_variant(state.campaign(), &self.campaign, self.variant)?;
        Ok(Decision::reply(()).record(EngagementCounted {
            variant: self.variant,
            engagement: self.engagement,
        }))
    }
}

/// Reads what became of a campaign so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CampaignMetrics {
    /// Of which.
    pub campaign: CampaignId,
}

impl Command for CampaignMetrics {
    type Agent = MarketingAgent;
    type Reply = Vec<VariantMetrics>;
    const NAME: &'static str = "CampaignMetrics";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        campaign_key(&self.campaign)
    }

    fn decide(&self, _: &MarketingAgent, state: &State<Self>, _: &Context<'_>) -> Decided<Self> {
        let campaign = state.campaign();
        plan(campaign, &self.campaign)?;
        Ok(Decision::reply(campaign.metrics.clone()))
    }
}

/// Looks for a variant that is better than the others beyond reasonable doubt, and prefers it.
/// The others keep the exploration floor, so that a preference can be lost again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimiseCampaign {
    /// Which.
    pub campaign: CampaignId,
}

/// How a campaign allocates its messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Allocation {
    /// The chance of each variant to have the highest click rate, 0 to 1.
    pub chances: Vec<f64>,
    /// The preferred variant, if one proved best.
    pub preferred: Option<u8>,
}

impl Command for OptimiseCampaign {
    type Agent = MarketingAgent;
    type Reply = Allocation;
    const NAME: &'static str = "OptimiseCampaign";

    fn entity(&self) -> Cow<'_, str> {
        campaign_key(&self.campaign)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let campaign = state.campaign();
        plan(campaign, &self.campaign)?;
        let arms = campaign.arms();
        let chances = optimise::chances_to_be_best(&arms, &mut context.rng());
        let preferred =
            optimise::winner(&arms, &chances).and_then(|index| u8::try_from(index).ok());
        let event =
            (preferred != campaign.preferred).then_some(VariantPreferred { variant: preferred });
        Ok(Decision::reply(Allocation { chances, preferred }).record_all(event))
    }
}
