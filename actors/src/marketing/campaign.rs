//! What a campaign is.

use std::collections::BTreeSet;
use std::time::Duration;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::consent::{Channel, Purpose};
use super::content::{Template, TemplateError};
use super::segment::CustomerSegment;
use super::zone::TimeZoneName;
use crate::domain::{Money, Sku};

/// What a campaign is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// By which channels it may reach a customer, the preferred one first. Each customer gets it by
    /// the first to which they agreed.
    pub channels: Vec<Channel>,
    /// How long after its trigger a message is due.
    pub delay: Duration,
    /// At what time of the day it is due, after the delay.
    pub timing: Timing,
    /// How long after it is due a held message is still worth sending.
    pub valid_for: Duration,
    /// What its variants are measured by.
    pub objective: Objective,
    /// How long after a message is due what its customer does counts for it.
    pub window: Duration,
}

/// At what time of the day a message is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Timing {
    /// When its delay is over.
    #[default]
    Prompt,
    /// When it next is this full hour where the customer lives.
    AtHour(u8),
    /// When it next is the hour at which this customer most often bought or followed a link; promptly
    /// where nothing is known of that.
    Habit,
}

impl Timing {
    /// When a message is due that may be sent from `from` on, to somebody of this zone and habit.
    #[must_use]
    pub fn due(self, from: Timestamp, zone: &TimeZoneName, habit_hour: Option<u8>) -> Timestamp {
        let hour = match self {
            Self::Prompt => None,
            Self::AtHour(hour) => Some(hour),
            Self::Habit => habit_hour,
        };
        match hour {
            Some(hour) if zone.hour(from) != hour => zone.next_hour(hour, from),
            _ => from,
        }
    }
}

/// What a campaign's variants are measured by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Objective {
    /// That the message is opened.
    Opens,
    /// That a link in it is followed.
    #[default]
    Clicks,
    /// That its customer buys something, whether or not they followed a link.
    Purchases,
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
    #[error("variant {variant} cannot be used: {problem}")]
    Template {
        /// Which, from 0.
        variant: u8,
        /// What is wrong with it.
        problem: TemplateError,
    },
    /// It reaches nobody, or somebody twice.
    #[error("the campaign must name at least one channel, and each once")]
    Channels,
    /// There is no such hour.
    #[error("a message is due at an hour above 23; use 0 to 23")]
    Hour,
    /// What customers do would count for too short a time, or too long.
    #[error(
        "the attribution window must be 1 minute to {} days",
        CampaignPlan::WINDOW_MAX.as_secs() / 86_400
    )]
    Window,
}

impl CampaignPlan {
    /// The most variants that compete.
    pub const VARIANTS_MAX: usize = 8;
    /// The longest delay, and the longest validity.
    pub const SPAN_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    /// The shortest attribution window.
    pub const WINDOW_MIN: Duration = Duration::from_secs(60);
    /// The longest attribution window.
    pub const WINDOW_MAX: Duration = Duration::from_secs(90 * 24 * 60 * 60);

    /// A campaign by mail, sent promptly and valid for a week, whose variants are measured by clicks
    /// within three days.
    #[must_use]
    pub fn by_mail(
        purpose: Purpose,
        segments: impl IntoIterator<Item = CustomerSegment>,
        variants: Vec<Template>,
    ) -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            purpose,
            segments: segments.into_iter().collect(),
            variants,
            promotes: None,
            channels: vec![Channel::Email],
            delay: Duration::ZERO,
            timing: Timing::Prompt,
            valid_for: DAY * 7,
            objective: Objective::Clicks,
            window: DAY * 3,
        }
    }

    /// Whether the plan can be carried out for messages that have an order for their occasion, or
    /// have none.
    ///
    /// # Errors
    /// When it is for nobody, has no or too many variants, a malformed one, or one that names what its
    /// messages do not have; when it names no channel, too long a delay, or no hour of the day.
    pub fn check(&self, has_order: bool) -> Result<(), PlanError> {
        if self.segments.is_empty() {
            return Err(PlanError::NoSegment);
        }
        if self.variants.is_empty() || self.variants.len() > Self::VARIANTS_MAX {
            return Err(PlanError::Variants);
        }
        if self.delay > Self::SPAN_MAX || self.valid_for > Self::SPAN_MAX {
            return Err(PlanError::TooLong);
        }
        let channels: BTreeSet<Channel> = self.channels.iter().copied().collect();
        if channels.is_empty() || channels.len() != self.channels.len() {
            return Err(PlanError::Channels);
        }
        if matches!(self.timing, Timing::AtHour(24..)) {
            return Err(PlanError::Hour);
        }
        if !(Self::WINDOW_MIN..=Self::WINDOW_MAX).contains(&self.window) {
            return Err(PlanError::Window);
        }
        for (variant, template) in (0..).zip(&self.variants) {
            template
                .check(has_order, self.promotes.is_some())
                .map_err(|problem| PlanError::Template { variant, problem })?;
        }
        Ok(())
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
