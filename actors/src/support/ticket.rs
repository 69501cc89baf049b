//! Tickets: work for people, with a time by which it is due.

use std::time::Duration;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::OrderId;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// How urgent a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// A complaint, or a threat with the law: due in 2 hours.
    Urgent,
    /// Somebody asked for a person, or money is at stake: due in 8 hours.
    High,
    /// Everything else: due in 24 hours.
    Normal,
}

impl Priority {
    /// The time in which a person must answer.
    #[must_use]
    pub const fn answer_within(self) -> Duration {
        match self {
            Self::Urgent => HOUR.saturating_mul(2),
            Self::High => HOUR.saturating_mul(8),
            Self::Normal => HOUR.saturating_mul(24),
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
}

impl TicketReason {
    /// How urgent such a ticket is.
    #[must_use]
    pub const fn priority(self) -> Priority {
        match self {
            Self::Complaint => Priority::Urgent,
            Self::PersonAsked => Priority::High,
            Self::TechnicalIssue | Self::NotUnderstood | Self::NoArticle => Priority::Normal,
        }
    }
}

/// Work for a person. Its context is the conversation that it stands in.
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
