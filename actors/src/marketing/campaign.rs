//! A campaign: its plan, its variants and what became of them.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::consent::Purpose;
use super::content::{Template, TemplateError};
use super::optimise::Arm;
use super::segment::CustomerSegment;
use crate::domain::{Money, Sku};

/// What a campaign is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CampaignPlan {
    /// What it is for; each customer must have agreed to that.
    pub purpose: Purpose,
    /// For whom it is; at least one segment.
    pub segments: BTreeSet<CustomerSegment>,
    /// What it says, in one to eight versions that compete.
    pub variants: Vec<Template>,
    /// The product that it promotes, if it is about one. While promotions of that product are
    /// paused, nothing is sent.
    pub promotes: Option<Sku>,
    /// How long after its trigger a message is sent.
    pub delay: Duration,
    /// How long after the delay a held message is still worth sending.
    pub valid_for: Duration,
}

/// Why a plan cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// It is for nobody.
    #[error("the campaign is for no segment; name at least one")]
    NoSegment,
    /// It says nothing, or too many things.
    #[error("the campaign must have 1 to {} variants", CampaignPlan::VARIANTS_MAX)]
    Variants,
    /// It would be sent too late, or kept too long.
    #[error("delay and validity must each be at most {} days", CampaignPlan::SPAN_MAX.as_secs() / 86_400)]
    TooLong,
    /// One of its variants cannot be used.
    #[error("a variant cannot be used: {0}")]
    Template(#[from] TemplateError),
}

impl CampaignPlan {
    /// The most variants that compete.
    pub const VARIANTS_MAX: usize = 8;
    /// The longest delay, and the longest validity.
    pub const SPAN_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

    /// Whether the plan can be carried out.
    ///
    /// # Errors
    /// When it is for nobody, has no or too many variants, a malformed one, or too long a delay.
    pub fn check(&self) -> Result<(), PlanError> {
        if self.segments.is_empty() {
            return Err(PlanError::NoSegment);
        }
        if self.variants.is_empty() || self.variants.len() > Self::VARIANTS_MAX {
            return Err(PlanError::Variants);
        }
        if self.delay > Self::SPAN_MAX || self.valid_for > Self::SPAN_MAX {
            return Err(PlanError::TooLong);
        }
        Ok(self.variants.iter().try_for_each(Template::check)?)
    }
}

/// What a customer did with a campaign's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Engagement {
    /// It was opened.
    Opened,
    /// A link in it was followed.
    Clicked,
    /// It led to a purchase.
    Converted {
        /// For how much.
        revenue: Money,
    },
}

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
    /// Messages that led to a purchase.
    pub converted: u32,
    /// What was bought, in the currency of the first purchase.
    pub revenue: Option<Money>,
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
            Engagement::Opened => self.opened = self.opened.saturating_add(1),
            Engagement::Clicked => self.clicked = self.clicked.saturating_add(1),
            Engagement::Converted { revenue } => {
                self.converted = self.converted.saturating_add(1);
                self.revenue = Some(self.revenue.map_or(revenue, |sum| {
                    // A sum that cannot be formed (another currency) leaves the older one standing.
                    sum.plus(revenue).unwrap_or(sum)
                }));
            }
        }
    }
}

fn share(part: u32, whole: u32) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    f64::from(part) / f64::from(whole)
}

/// A campaign.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    pub(super) plan: Option<CampaignPlan>,
    pub(super) metrics: Vec<VariantMetrics>,
    /// The variant that proved best, once one did.
    pub(super) preferred: Option<u8>,
}

impl Campaign {
    /// A campaign that has not begun.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            plan: None,
            metrics: Vec::new(),
            preferred: None,
        }
    }

    pub(super) fn triggered(&mut self, plan: &CampaignPlan) {
        self.metrics = vec![VariantMetrics::default(); plan.variants.len()];
        self.plan = Some(plan.clone());
    }

    pub(super) fn engaged(&mut self, variant: u8, engagement: Engagement) {
        if let Some(metrics) = self.metrics.get_mut(usize::from(variant)) {
            metrics.count(engagement);
        }
    }

    pub(super) fn sent(&mut self, variant: u8) {
        if let Some(metrics) = self.metrics.get_mut(usize::from(variant)) {
            metrics.sent = metrics.sent.saturating_add(1);
        }
    }

    pub(super) fn assigned(&mut self, variant: u8) {
        if let Some(metrics) = self.metrics.get_mut(usize::from(variant)) {
            metrics.assigned = metrics.assigned.saturating_add(1);
        }
    }

    /// What the optimiser learns from: only what was sent could have been clicked.
    pub(super) fn arms(&self) -> Vec<Arm> {
        self.metrics
            .iter()
            .map(|metrics| Arm {
                sent: metrics.sent,
                clicked: metrics.clicked,
            })
            .collect()
    }
}
