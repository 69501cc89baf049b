//! What the Customer Support agent records.

use mercato_runtime::{Personal, Timestamp};
use serde::{Deserialize, Serialize};

use super::action::{ActionOutcome, Offer, SupportAction};
use super::channel::SupportChannel;
use super::ids::ConversationId;
use super::intent::Classification;
use super::knowledge::Citation;
use super::text::PrivateText;
use super::ticket::{Priority, Ticket};

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

/// The conversation goes on in another channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelChanged {
    /// In which.
    pub channel: SupportChannel,
    /// When.
    pub at: Timestamp,
}

/// A ticket was not answered in time, and is more urgent now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketBreached {
    /// Which, by number.
    pub number: u32,
    /// How urgent it is from now on.
    pub priority: Priority,
    /// When a person must have answered now.
    pub due_at: Timestamp,
    /// When.
    pub at: Timestamp,
}

/// A person answered a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketAnswered {
    /// Which, by number.
    pub number: u32,
    /// What they wrote.
    pub text: Personal<PrivateText>,
    /// When.
    pub at: Timestamp,
}

/// The shop offered to do something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionOffered {
    /// The offer.
    pub offer: Offer,
}

/// The customer said yes to an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionConfirmed {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Which offer, by number.
    pub number: u32,
    /// What it was.
    pub action: SupportAction,
    /// When.
    pub at: Timestamp,
}

/// What the customer said yes to came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionFinished {
    /// Which, by number.
    pub number: u32,
    /// What came of it.
    pub outcome: ActionOutcome,
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
        ChannelChanged: 1,
        TicketBreached: 1,
        TicketAnswered: 1,
        ActionOffered: 1,
        ActionConfirmed: 1,
        ActionFinished: 1,
    }
}
