//! Tickets: work for people, with a time by which it is due.

use std::time::Duration;

use mercato_runtime::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conversation::Conversation;
use crate::domain::OrderId;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// How urgent a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// A complaint, or a threat with the law.
    Urgent,
    /// Somebody asked for a person, or money is at stake.
    High,
    /// Everything else.
    Normal,
}

impl Priority {
    /// The next higher one; `None` above the highest.
    #[must_use]
    pub const fn raised(self) -> Option<Self> {
        match self {
            Self::Urgent => None,
            Self::High => Some(Self::Urgent),
            Self::Normal => Some(Self::High),
        }
    }
}

/// How soon a person must have answered, by priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceLevels {
    /// Complaints and threats with the law. Default: 2 hours.
    #[schemars(extend("minimum" = "1m", "maximum" = "365d"))]
    pub urgent: Duration,
    /// Whoever asked for a person, and what is about money. Default: 8 hours.
    #[schemars(extend("minimum" = "1m", "maximum" = "365d"))]
    pub high: Duration,
    /// Everything else. Default: 1 day.
    #[schemars(extend("minimum" = "1m", "maximum" = "365d"))]
    pub normal: Duration,
}

impl Default for ServiceLevels {
    fn default() -> Self {
        Self {
            urgent: HOUR.saturating_mul(2),
            high: HOUR.saturating_mul(8),
            normal: HOUR.saturating_mul(24),
        }
    }
}

impl ServiceLevels {
    /// The time in which a person must answer.
    #[must_use]
    pub const fn answer_within(&self, priority: Priority) -> Duration {
        match priority {
            Priority::Urgent => self.urgent,
            Priority::High => self.high,
            Priority::Normal => self.normal,
        }
    }
}

/// Why a person must look at a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TicketReason {
    /// Something does not work.
    TechnicalIssue,
    /// The customer asked for a person.
    PersonAsked,
    /// The customer complains, or threatens with the law.
    Complaint,
    /// The customer was not understood.
    NotUnderstood,
    /// No article answers the question.
    NoArticle,
    /// More was asked for than the shop does without a person.
    OverLimit,
    /// The customer said yes to something that Order then refused.
    ActionRefused,
}

impl TicketReason {
    /// How urgent such a ticket is.
    #[must_use]
    pub const fn priority(self) -> Priority {
        match self {
            Self::Complaint => Priority::Urgent,
            Self::PersonAsked | Self::OverLimit | Self::ActionRefused => Priority::High,
            Self::TechnicalIssue | Self::NotUnderstood | Self::NoArticle => Priority::Normal,
        }
    }
}

/// Work for a person. Its context is the conversation that it stands in, which
/// [`ShowTicket`](super::ShowTicket) gives with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its number within the conversation, from 1.
    pub number: u32,
    /// Why it was opened.
    pub reason: TicketReason,
    /// How urgent it is.
    pub priority: Priority,
    /// The order that it is about, if it is about one.
    pub order: Option<OrderId>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When a person must have answered.
    pub due_at: Timestamp,
}

/// A ticket with all that a person needs to answer it without asking again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketFile {
    /// The ticket, as it stands.
    pub ticket: Ticket,
    /// How often it was not answered in time.
    pub breaches: u32,
    /// When it began to be handled by a person, if it did.
    pub answered_at: Option<Timestamp>,
    /// The conversation: what was asked, for what it was taken, what was answered with which
    /// articles, in which channel, and what was done. Its texts are sealed.
    pub conversation: Conversation,
}
