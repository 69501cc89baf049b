//! A campaign's way: triggered, its content chosen, its results counted, its allocation improved.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, State, Timestamp};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::campaign::{CampaignPlan, Engagement};
use super::consent::Purpose;
use super::content::Template;
use super::events::{
    CampaignTriggered, EngagementCounted, OutcomeCounted, SendCounted, VariantAssigned,
    VariantPreferred,
};
use super::ids::CampaignId;
use super::optimise::{Choice, Posteriors, choose, outlook};
use super::rejection::{MarketingRejection, staff};
use super::results::{Campaign, CampaignReport};
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
    /// Whether its messages have an order for their occasion, which templates can name.
    pub has_order: bool,
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
        staff(context.principal)?;
        let running = state.campaign().plan.as_ref();
        if running.is_some_and(|running| *running != self.plan) {
            return Err(MarketingRejection::CampaignRuns(self.campaign.clone()));
        }
        // A plan that runs was checked when it began. Its templates are only looked at once more where
        // this occasion may have less than the first one had.
        if running.is_none() || !self.has_order {
            self.plan.check(self.has_order)?;
        }
        let event = running.is_none().then(|| CampaignTriggered {
            plan: self.plan.clone(),
            at: context.now,
        });
        Ok(Decision::reply(()).record_all(event))
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
    /// Whether it was drawn evenly from all.
    pub explored: bool,
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
        staff(context.principal)?;
        let campaign = state.campaign();
        let plan = plan(campaign, &self.campaign)?;
        let posteriors = Posteriors::of(&campaign.arms(context.now));
        let preferred = campaign.preferred.map(usize::from);
        let floor = agent.settings.exploration_floor.get();
        let Choice { variant, explored } =
            choose(&posteriors, preferred, floor, &mut context.rng())
                .ok_or_else(|| MarketingRejection::UnknownCampaign(self.campaign.clone()))?;
        let number = u8::try_from(variant).unwrap_or(u8::MAX);
        let template = plan
            .variants
            .get(variant)
            .ok_or(MarketingRejection::UnknownVariant(number))?;
        Ok(Decision::reply(Assignment {
            variant: number,
            explored,
            template: template.clone(),
            purpose: plan.purpose,
            promotes: plan.promotes.clone(),
        })
        .record(VariantAssigned {
            variant: number,
            explored,
        }))
    }
}

/// Counts a sent message for its campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountSend {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Which variant it carried.
    pub variant: u8,
    /// Whether that was drawn evenly from all.
    pub explored: bool,
    /// When it was sent; messages of old do not say.
    pub at: Option<Timestamp>,
}

impl Command for CountSend {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "CountSend";

    fn entity(&self) -> Cow<'_, str> {
        campaign_key(&self.campaign)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        known_variant(state.campaign(), &self.campaign, self.variant)?;
        Ok(Decision::reply(()).record(SendCounted {
            variant: self.variant,
            explored: self.explored,
            at: self.at,
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
    /// When the message was sent; messages of old do not say.
    pub sent_at: Option<Timestamp>,
    /// When they did it.
    pub at: Option<Timestamp>,
}

impl Command for CountEngagement {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "CountEngagement";

    fn entity(&self) -> Cow<'_, str> {
        campaign_key(&self.campaign)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        known_variant(state.campaign(), &self.campaign, self.variant)?;
        Ok(Decision::reply(()).record(EngagementCounted {
            variant: self.variant,
            engagement: self.engagement,
            sent_at: self.sent_at,
            at: self.at,
        }))
    }
}

/// Counts for a campaign what else came of its messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountOutcome {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// What.
    pub outcome: OutcomeCounted,
}

impl Command for CountOutcome {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "CountOutcome";

    fn entity(&self) -> Cow<'_, str> {
        campaign_key(&self.campaign)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let campaign = state.campaign();
        match self.outcome {
            OutcomeCounted::Bounced { variant }
            | OutcomeCounted::Complained { variant }
            | OutcomeCounted::Bought { variant, .. } => {
                known_variant(campaign, &self.campaign, variant)?;
            }
            OutcomeCounted::HeldOut | OutcomeCounted::HeldOutBought { .. } => {
                plan(campaign, &self.campaign)?;
            }
        }
        Ok(Decision::reply(()).record(self.outcome))
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
    type Reply = CampaignReport;
    const NAME: &'static str = "CampaignMetrics";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        campaign_key(&self.campaign)
    }

    fn decide(
        &self,
        agent: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let campaign = state.campaign();
        plan(campaign, &self.campaign)?;
        let holdout = agent.settings.holdout.get();
        Ok(Decision::reply(campaign.report(holdout)))
    }
}

/// Looks whether searching on for a better variant could win anything, and prefers the best one where
/// it could not. The others keep the exploration floor, so that a preference can be lost again. While
/// variants did not reach people in the shares in which they were drawn, none is preferred.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimiseCampaign {
    /// Which.
    pub campaign: CampaignId,
}

/// How a campaign allocates its messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Allocation {
    /// The chance of each variant to have the highest rate, 0 to 1.
    pub chances: Vec<f64>,
    /// What searching on could win in 95 of 100 cases at most, as a share of the best rate.
    pub remaining: f64,
    /// The preferred variant, if the search ended.
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
        staff(context.principal)?;
        let campaign = state.campaign();
        plan(campaign, &self.campaign)?;
        let found = outlook(&campaign.arms(context.now), &mut context.rng());
        let is_sound = !campaign
            .sample_ratio()
            .is_some_and(|found| found.is_mismatch());
        let preferred = found
            .winner
            .filter(|_| is_sound)
            .and_then(|index| u8::try_from(index).ok());
        let event =
            (preferred != campaign.preferred).then_some(VariantPreferred { variant: preferred });
        Ok(Decision::reply(Allocation {
            chances: found.chances,
            remaining: found.remaining,
            preferred,
        })
        .record_all(event))
    }
}
