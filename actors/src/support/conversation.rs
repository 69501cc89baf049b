//! A conversation: what was asked, what was answered, and what waits for a person.

use std::collections::VecDeque;

use mercato_runtime::{PersonId, Personal, Principal, Timestamp};
use serde::{Deserialize, Serialize};

use super::action::{Offer, TakenAction};
use super::channel::SupportChannel;
use super::events::{
    ActionConfirmed, ActionFinished, AnswerRecorded, ChannelChanged, QueryReceived, TicketAnswered,
    TicketBreached,
};
use super::intent::Classification;
use super::knowledge::Citation;
use super::text::PrivateText;
use super::ticket::Ticket;

/// A conversation with one customer. It survives restarts and may go on in another channel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The shopper whose conversation it is; `None` where nobody was signed in at its start.
    pub shopper: Option<Box<str>>,
    /// The person for whom all of it is sealed: the shopper, or a pseudonym of the conversation's
    /// own. `None` before the first question.
    pub person: Option<PersonId>,
    /// The newest questions with their answers, newest last; at most
    /// [`TURNS_MAX`](Self::TURNS_MAX).
    pub turns: VecDeque<Turn>,
    /// How many questions were asked in all.
    pub asked: u32,
    /// How often the shop asked back since it last answered.
    pub clarifications: u32,
    /// The ticket that waits for a person, if one does.
    pub ticket: Option<Ticket>,
    /// How many tickets were opened in all.
    pub tickets: u32,
    /// Where the customer speaks now.
    pub channel: SupportChannel,
    /// How often the ticket that waits was not answered in time.
    pub breaches: u32,
    /// When a person answered the ticket that waits, if one did.
    pub ticket_answered_at: Option<Timestamp>,
    /// What people of the shop wrote, newest last; at most [`TURNS_MAX`](Self::TURNS_MAX).
    pub replies: VecDeque<RecordedAnswer>,
    /// What the shop offered to do, and nobody said yes to yet.
    pub offer: Option<Offer>,
    /// How many offers were made in all.
    pub offers: u32,
    /// What was said yes to, newest last; at most [`ACTIONS_MAX`](Self::ACTIONS_MAX).
    pub actions: VecDeque<TakenAction>,
    /// How many actions were said yes to in all.
    pub actions_confirmed: u32,
}

/// A question and what was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Its number in the conversation, from 1.
    pub number: u32,
    /// What was asked.
    pub question: Personal<PrivateText>,
    /// What it was taken for.
    pub taken_for: Classification,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// What was answered, once it was.
    pub answer: Option<RecordedAnswer>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedAnswer {
    /// What it says.
    pub text: Personal<PrivateText>,
    /// The articles that it rests on.
    pub citations: Vec<Citation>,
    /// When it was given.
    pub at: Timestamp,
}

impl Conversation {
    /// How many questions are remembered.
    pub const TURNS_MAX: usize = 32;
    /// How often the shop asks back before a person takes over.
    pub const CLARIFICATIONS_MAX: u32 = 2;
    /// How many actions are remembered.
    pub const ACTIONS_MAX: usize = 16;

    /// Whether a conversation that has begun may be seen by this principal. The shop's own people
    /// and programs may; a shopper only where it is theirs from the start.
    pub(super) fn open_to(&self, principal: &Principal) -> bool {
        match principal.as_user() {
            Some(asking) => self.shopper.as_deref() == Some(asking),
            None => true,
        }
    }

    pub(super) fn received(&mut self, event: &QueryReceived) {
        if self.asked == 0 {
            self.shopper.clone_from(&event.shopper);
            self.person = Some(event.text.person().clone());
        }
        self.asked = self.asked.saturating_add(1);
        self.turns.push_back(Turn {
            number: self.asked,
            question: event.text.clone(),
            taken_for: event.taken_for,
            asked_at: event.at,
            answer: None,
        });
        if self.turns.len() > Self::TURNS_MAX {
            self.turns.pop_front();
        }
    }

    pub(super) fn answered(&mut self, event: &AnswerRecorded) {
        self.clarifications = match event.clarification {
            true => self.clarifications.saturating_add(1),
            false => 0,
        };
        if let Some(turn) = self.turns.iter_mut().find(|turn| turn.number == event.turn) {
            turn.answer = Some(RecordedAnswer {
                text: event.text.clone(),
                citations: event.citations.clone(),
                at: event.at,
            });
        }
    }

    /// The offer to which a yes would be an answer: the one that was made last, if it has not been
    /// spoken over since.
    pub(super) fn open_offer(&self, now: Timestamp) -> Option<&Offer> {
        let said_next = |offer: &&Offer| self.asked == offer.turn.saturating_add(1);
        let offer = self.offer.as_ref().filter(said_next);
        offer.filter(|offer| now <= offer.until)
    }

    pub(super) fn ticket_opened(&mut self, ticket: &Ticket) {
        self.tickets = ticket.number;
        self.ticket = Some(ticket.clone());
        self.breaches = 0;
        self.ticket_answered_at = None;
    }

    pub(super) fn ticket_breached(&mut self, event: &TicketBreached) {
        self.breaches = self.breaches.saturating_add(1);
        let waits = self.ticket.as_mut();
        if let Some(ticket) = waits.filter(|ticket| ticket.number == event.number) {
            ticket.priority = event.priority;
            ticket.due_at = event.due_at;
        }
    }

    pub(super) fn ticket_answered(&mut self, event: &TicketAnswered) {
        self.ticket_answered_at.get_or_insert(event.at);
        self.replies.push_back(RecordedAnswer {
            text: event.text.clone(),
            citations: Vec::new(),
            at: event.at,
        });
        if self.replies.len() > Self::TURNS_MAX {
            self.replies.pop_front();
        }
    }

    pub(super) fn ticket_resolved(&mut self) {
        self.ticket = None;
    }

    pub(super) fn channel_changed(&mut self, event: &ChannelChanged) {
        self.channel = event.channel;
    }

    pub(super) fn action_offered(&mut self, offer: &Offer) {
        self.offers = offer.number;
        self.offer = Some(offer.clone());
    }

    pub(super) fn action_confirmed(&mut self, event: &ActionConfirmed) {
        self.offer = None;
        self.actions_confirmed = self.actions_confirmed.saturating_add(1);
        self.actions.push_back(TakenAction {
            number: event.number,
            action: event.action.clone(),
            outcome: None,
        });
        if self.actions.len() > Self::ACTIONS_MAX {
            self.actions.pop_front();
        }
    }

    pub(super) fn action_finished(&mut self, event: &ActionFinished) {
        let mut taken = self.actions.iter_mut();
        if let Some(taken) = taken.find(|taken| taken.number == event.number) {
            taken.outcome = Some(event.outcome.clone());
        }
    }
}
