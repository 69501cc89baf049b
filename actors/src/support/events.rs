//! What the Customer Support agent records.

use mercato_runtime::{Personal, Timestamp};
use serde::{Deserialize, Serialize};

use super::intent::Classification;
use super::knowledge::Citation;
use super::text::PrivateText;
use super::ticket::Ticket;

/// A customer asked something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryReceived {
    /// The shopper who asked, where it was one who is signed in.
    pub shopper: Option<Box<str>>,
    /// What they asked.
    pub text: Personal<PrivateText>,
    /// What it was taken for.
    pub taken_for: Classification,
    /// When.
    pub at: Timestamp,
}

/// The shop answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerRecorded {
    /// Which question it answers, by number from 1.
    pub turn: u32,
    /// What it says.
    pub text: Personal<PrivateText>,
    /// The articles that it rests on.
    pub citations: Vec<Citation>,
    /// Whether it only asks back.
    pub clarification: bool,
    /// When.
    pub at: Timestamp,
}

/// A person must look at the conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketOpened {
    /// The ticket.
    pub ticket: Ticket,
}

/// A person settled a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketResolved {
    /// Which, by number.
    pub number: u32,
    /// When.
    pub at: Timestamp,
}

mercato_runtime::events! {
    /// What happens to a conversation.
    pub enum SupportEvent {
        QueryReceived: 1,
        AnswerRecorded: 1,
        TicketOpened: 1,
        TicketResolved: 1,
    }
}
