//! What became of a campaign.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::campaign::{CampaignPlan, Engagement, Objective};
use super::events::{EngagementCounted, OutcomeCounted, SendCounted, VariantAssigned};
use super::optimise::{Arm, Group, Learning, Lift, SampleRatio, lift, sample_ratio};
use crate::domain::Money;

/// What became of a variant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantMetrics {
    /// Messages that were to carry it, sent or not.
    pub assigned: u32,
    /// Messages sent.
    pub sent: u32,
    /// Messages opened.
    pub opened: u32,
    /// Messages whose link was followed.
    pub clicked: u32,
    /// Messages that led to a purchase: of those whose link was followed, the last before it.
    pub converted: u32,
    /// What was bought after the last click, in the currency of the first purchase.
    pub revenue: Option<Money>,
    /// Messages whose customer bought something in their window, for whatever reason.
    pub bought: u32,
    /// What they bought, in the currency of the first purchase.
    pub bought_for: Option<Money>,
    /// Messages that came back.
    pub bounced: u32,
    /// Messages that somebody complained about.
    pub complained: u32,
    /// Of those assigned, the ones that were drawn evenly from all variants.
    pub explored: u32,
    /// Of those, the ones that were sent.
    pub explored_sent: u32,
}

impl VariantMetrics {
    /// Opened messages as a share of those sent, 0 to 1.
    #[must_use]
    pub fn open_rate(&self) -> f64 {
        share(self.opened, self.sent)
    }

    /// Clicked messages as a share of those sent, 0 to 1.
    #[must_use]
    pub fn click_rate(&self) -> f64 {
        share(self.clicked, self.sent)
    }

    /// Messages that led to a purchase as a share of those sent, 0 to 1.
    #[must_use]
    pub fn conversion_rate(&self) -> f64 {
        share(self.converted, self.sent)
    }

    fn count(&mut self, engagement: Engagement) {
        match engagement {
            Engagement::Opened => add_one(&mut self.opened),
            Engagement::Clicked => add_one(&mut self.clicked),
            Engagement::Converted { revenue } => {
                add_one(&mut self.converted);
                add(&mut self.revenue, revenue);
            }
        }
    }

    fn plus(self, other: &Self) -> Self {
        let sum = |a: Option<Money>, b: Option<Money>| match (a, b) {
            (Some(a), Some(b)) => Some(a.plus(b).unwrap_or(a)),
            (a, b) => a.or(b),
        };
        Self {
            assigned: self.assigned.saturating_add(other.assigned),
            sent: self.sent.saturating_add(other.sent),
            opened: self.opened.saturating_add(other.opened),
            clicked: self.clicked.saturating_add(other.clicked),
            converted: self.converted.saturating_add(other.converted),
            revenue: sum(self.revenue, other.revenue),
            bought: self.bought.saturating_add(other.bought),
            bought_for: sum(self.bought_for, other.bought_for),
            bounced: self.bounced.saturating_add(other.bounced),
            complained: self.complained.saturating_add(other.complained),
            explored: self.explored.saturating_add(other.explored),
            explored_sent: self.explored_sent.saturating_add(other.explored_sent),
        }
    }
}

fn add_one(count: &mut u32) {
    *count = count.saturating_add(1);
}

fn add(sum: &mut Option<Money>, more: Money) {
    // A sum that cannot be formed (another currency) leaves the older one standing.
    *sum = Some(sum.map_or(more, |sum| sum.plus(more).unwrap_or(sum)));
}

fn share(part: u32, whole: u32) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    f64::from(part) / f64::from(whole)
}

/// What became of those who were left alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldoutMetrics {
    /// How many would have been written to.
    pub people: u32,
    /// How many of them bought something in the window that their message would have had.
    pub bought: u32,
    /// What they bought, in the currency of the first purchase.
    pub bought_for: Option<Money>,
}

/// How a campaign stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CampaignReport {
    /// All variants together.
    pub total: VariantMetrics,
    /// Each variant.
    pub variants: Vec<VariantMetrics>,
    /// Those who were left alone.
    pub holdout: HoldoutMetrics,
    /// What the campaign changed; `None` while nobody was left alone, or nobody written to.
    pub lift: Option<Lift>,
    /// Whether what was drawn evenly was also sent evenly; `None` while too little was.
    pub sample_ratio: Option<SampleRatio>,
    /// Whether people were left alone in the share that the settings say; `None` while too few were.
    pub holdout_ratio: Option<SampleRatio>,
}

/// A campaign.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    pub(super) plan: Option<CampaignPlan>,
    pub(super) metrics: Vec<VariantMetrics>,
    /// The variant that proved best, once one did.
    pub(super) preferred: Option<u8>,
    /// What the optimiser knows, and what it waits for.
    pub(super) learning: Learning,
    pub(super) holdout: HoldoutMetrics,
}

impl Campaign {
    pub(super) fn triggered(&mut self, plan: &CampaignPlan) {
        self.metrics = vec![VariantMetrics::default(); plan.variants.len()];
        self.learning = Learning::new(plan.variants.len(), plan.window);
        self.plan = Some(plan.clone());
    }

    fn of(&mut self, variant: u8) -> Option<&mut VariantMetrics> {
        self.metrics.get_mut(usize::from(variant))
    }

    pub(super) fn assigned(&mut self, event: &VariantAssigned) {
        if let Some(metrics) = self.of(event.variant) {
            add_one(&mut metrics.assigned);
            if event.explored {
                add_one(&mut metrics.explored);
            }
        }
    }

    pub(super) fn sent(&mut self, event: &SendCounted) {
        if let Some(metrics) = self.of(event.variant) {
            add_one(&mut metrics.sent);
            if event.explored {
                add_one(&mut metrics.explored_sent);
            }
        }
        let variant = usize::from(event.variant);
        match event.at {
            Some(at) => self.learning.sent(variant, at),
            None => self.learning.sent_some_time(variant),
        }
    }

    pub(super) fn engaged(&mut self, event: &EngagementCounted) {
        if let Some(metrics) = self.of(event.variant) {
            metrics.count(event.engagement);
        }
        let objective = self.plan.as_ref().map(|plan| plan.objective);
        let is_it = match event.engagement {
            Engagement::Opened => objective == Some(Objective::Opens),
            Engagement::Clicked => objective == Some(Objective::Clicks),
            Engagement::Converted { .. } => false,
        };
        if is_it {
            self.rewarded(event.variant, event.sent_at, event.at);
        }
    }

    fn rewarded(&mut self, variant: u8, sent_at: Option<Timestamp>, at: Option<Timestamp>) {
        let variant = usize::from(variant);
        match sent_at.zip(at) {
            Some((sent_at, at)) => self.learning.rewarded(variant, sent_at, at),
            None => self.learning.rewarded_some_time(variant),
        }
    }

    pub(super) fn outcome(&mut self, event: &OutcomeCounted) {
        match *event {
            OutcomeCounted::Bounced { variant } => {
                if let Some(metrics) = self.of(variant) {
                    add_one(&mut metrics.bounced);
                }
            }
            OutcomeCounted::Complained { variant } => {
                if let Some(metrics) = self.of(variant) {
                    add_one(&mut metrics.complained);
                }
            }
            OutcomeCounted::HeldOut => add_one(&mut self.holdout.people),
            OutcomeCounted::HeldOutBought { revenue } => {
                add_one(&mut self.holdout.bought);
                add(&mut self.holdout.bought_for, revenue);
            }
            OutcomeCounted::Bought {
                variant,
                revenue,
                last_click,
                sent_at,
                at,
            } => {
                if let Some(metrics) = self.of(variant) {
                    add_one(&mut metrics.bought);
                    add(&mut metrics.bought_for, revenue);
                    if last_click {
                        metrics.count(Engagement::Converted { revenue });
                    }
                }
                let wanted = self.plan.as_ref().map(|plan| plan.objective);
                // What was never sent can have earned nothing.
                if wanted == Some(Objective::Purchases) && sent_at.is_some() {
                    self.rewarded(variant, sent_at, Some(at));
                }
            }
        }
    }

    /// What the optimiser knows at this moment.
    pub(super) fn arms(&self, now: Timestamp) -> Vec<Arm> {
        self.learning.arms(now)
    }

    /// Whether what was drawn evenly was also sent evenly.
    pub(super) fn sample_ratio(&self) -> Option<SampleRatio> {
        let sent: Vec<(u64, f64)> = self
            .metrics
            .iter()
            .map(|metrics| {
                (
                    u64::from(metrics.explored_sent),
                    f64::from(metrics.explored),
                )
            })
            .collect();
        sample_ratio(&sent)
    }

    pub(super) fn report(&self, holdout_share: f64) -> CampaignReport {
        let total = self.metrics.iter();
        let total = total.fold(VariantMetrics::default(), |sum, one| sum.plus(one));
        let treated = Group {
            people: total.assigned.into(),
            buyers: total.bought.into(),
        };
        let held_out = Group {
            people: self.holdout.people.into(),
            buyers: self.holdout.bought.into(),
        };
        let groups = [
            (held_out.people, holdout_share),
            (treated.people, 1.0 - holdout_share),
        ];
        CampaignReport {
            total,
            variants: self.metrics.clone(),
            holdout: self.holdout,
            lift: lift(treated, held_out),
            sample_ratio: self.sample_ratio(),
            holdout_ratio: sample_ratio(&groups),
        }
    }
}
