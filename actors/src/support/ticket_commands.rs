//! What is asked of tickets, and the clock that watches them.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, Personal, State, Timestamp};
use serde::{Deserialize, Serialize};

use super::SupportAgent;
use super::commands::{
    SupportRejection, answer_fits, begun, conversation_key, sealed_for_it, staff,
};
use super::events::{SupportEvent, TicketAnswered, TicketBreached, TicketOpened, TicketResolved};
use super::ids::ConversationId;
use super::text::PrivateText;
use super::ticket::{Priority, Ticket, TicketFile, TicketReason};
use crate::domain::OrderId;

/// The durable timer of the service level: one a conversation, for the ticket that waits.
const SLA: &str = "sla";

/// With a timer for the moment at which the ticket is due.
fn watched<R>(
    decision: Decision<SupportEvent, R>,
    conversation: &ConversationId,
    number: u32,
    due: Timestamp,
) -> Decision<SupportEvent, R> {
    let check = CheckServiceLevel {
        conversation: conversation.clone(),
        number,
    };
    decision.set_timer(SLA, due, &check)
}

/// Hands a conversation to a person, and starts the clock of its service level. Where a ticket of the
/// same or a higher priority waits already, that one is given; a first complaint has one of its own,
/// since there is more to it than how soon it is answered. What a person has answered waits no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenTicket {
    /// Which conversation; it is the ticket's context.
    pub conversation: ConversationId,
    /// Why.
    pub reason: TicketReason,
    /// The order that it is about, if it is about one.
    pub order: Option<OrderId>,
}

impl Command for OpenTicket {
    type Agent = SupportAgent;
    type Reply = Ticket;
    const NAME: &'static str = "OpenTicket";

    fn entity(&self) -> Cow<'_, str> {
        conversation_key(&self.conversation)
    }

    fn decide(
        &self,
        agent: &SupportAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let conversation = begun(state, &self.conversation, context)?;
        let priority = self.reason.priority();
        let waiting = match conversation.ticket_answered_at {
            None => conversation.ticket.as_ref(),
            Some(_) => None,
        };
        if let Some(waiting) = waiting
            && waiting.priority <= priority
            && (self.reason != TicketReason::Complaint || waiting.reason == self.reason)
        {
            return Ok(Decision::reply(waiting.clone()));
        }
        let due_at = context
            .now
            .plus(agent.settings().service_levels.answer_within(priority));
        // A more urgent ticket takes the place of the one that waits, and never its time; where that
        // is over, there is none to keep.
        let kept = waiting.filter(|waiting| waiting.due_at > context.now);
        let ticket = Ticket {
            number: conversation.tickets.saturating_add(1),
            reason: self.reason,
            priority,
            order: self.order.clone(),
            opened_at: context.now,
            due_at: kept.map_or(due_at, |waiting| waiting.due_at.min(due_at)),
        };
        let (number, due) = (ticket.number, ticket.due_at);
        let decision = Decision::reply(ticket.clone()).record(TicketOpened { ticket });
        Ok(watched(decision, &self.conversation, number, due))
    }
}

/// Settles a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolveTicket {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Which ticket, by number.
    pub number: u32,
}

impl Command for ResolveTicket {
    type Agent = SupportAgent;
    type Reply = ();
    const NAME: &'static str = "ResolveTicket";

    fn entity(&self) -> Cow<'_, str> {
        conversation_key(&self.conversation)
    }

    fn decide(
        &self,
        _: &SupportAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        match &begun(state, &self.conversation, context)?.ticket {
            Some(waiting) if waiting.number == self.number => {
                let resolved = TicketResolved {
                    number: self.number,
                    at: context.now,
                };
                Ok(Decision::reply(()).record(resolved).clear_timer(SLA))
            }
            _ => Err(SupportRejection::NoTicket(self.number)),
        }
    }
}

/// Looks whether a ticket was answered in time. A durable timer gives it when the ticket is due.
///
/// One that was not is raised to the next priority, with that one's time from now on; the most
/// urgent one is told once, and waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckServiceLevel {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Which ticket, by number.
    pub number: u32,
}

impl Command for CheckServiceLevel {
    type Agent = SupportAgent;
    type Reply = ();
    const NAME: &'static str = "CheckServiceLevel";

    fn entity(&self) -> Cow<'_, str> {
        conversation_key(&self.conversation)
    }

    fn decide(
        &self,
        agent: &SupportAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let waits = state.ticket.as_ref();
        let late = waits.filter(|ticket| {
            ticket.number == self.number
                && state.ticket_answered_at.is_none()
                && ticket.due_at <= context.now
        });
        let Some(ticket) = late else {
            return Ok(Decision::reply(()));
        };
        let raised = ticket.priority.raised();
        let priority = raised.unwrap_or(Priority::Urgent);
        let within = agent.settings().service_levels.answer_within(priority);
        let due_at = context.now.plus(within);
        let breached = TicketBreached {
            number: self.number,
            priority,
            due_at,
            at: context.now,
        };
        let decision = Decision::reply(()).record(breached);
        Ok(match raised {
            Some(_) => watched(decision, &self.conversation, self.number, due_at),
            None => decision,
        })
    }
}

/// A person's answer to a ticket. It stops the clock; the ticket stays until it is resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerTicket {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Which ticket, by number.
    pub number: u32,
    /// What it says: at most 16 KiB, sealed for the conversation's person.
    pub text: Personal<PrivateText>,
}

impl Command for AnswerTicket {
    type Agent = SupportAgent;
    type Reply = ();
    const NAME: &'static str = "AnswerTicket";

    fn entity(&self) -> Cow<'_, str> {
        conversation_key(&self.conversation)
    }

    fn decide(
        &self,
        _: &SupportAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        answer_fits(&self.text)?;
        let conversation = begun(state, &self.conversation, context)?;
        sealed_for_it(conversation, &self.text)?;
        match &conversation.ticket {
            Some(waiting) if waiting.number == self.number => {
                let answered = TicketAnswered {
                    number: self.number,
                    text: self.text.clone(),
                    at: context.now,
                };
                Ok(Decision::reply(()).record(answered).clear_timer(SLA))
            }
            _ => Err(SupportRejection::NoTicket(self.number)),
        }
    }
}

/// Reads the ticket that waits, with all that a person needs to answer it without asking again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowTicket {
    /// In which conversation.
    pub conversation: ConversationId,
}

impl Command for ShowTicket {
    type Agent = SupportAgent;
    type Reply = Option<TicketFile>;
    const NAME: &'static str = "ShowTicket";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        conversation_key(&self.conversation)
    }

    fn decide(
        &self,
        _: &SupportAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let conversation = begun(state, &self.conversation, context)?;
        Ok(Decision::reply(conversation.ticket.as_ref().map(
            |ticket| TicketFile {
                ticket: ticket.clone(),
                breaches: conversation.breaches,
                answered_at: conversation.ticket_answered_at,
                conversation: conversation.clone(),
            },
        )))
    }
}
