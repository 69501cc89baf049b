//! What the Customer Support agent is asked.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Personal, Principal, State};
use serde::{Deserialize, Serialize};

use super::SupportAgent;
use super::action::Offer;
use super::channel::SupportChannel;
use super::conversation::Conversation;
use super::events::{AnswerRecorded, ChannelChanged, QueryReceived};
use super::ids::ConversationId;
use super::intent::{Classification, Intent};
use super::knowledge::Citation;
use super::text::PrivateText;

/// The longest question, in bytes.
pub(super) const QUERY_BYTES_MAX: usize = 4 * 1024;
/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Why the Customer Support agent refused a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum SupportRejection {
    /// The question is too long.
    #[error("the question is longer than {QUERY_BYTES_MAX} bytes; shorten it")]
    QueryTooLong,
    /// The answer is too long.
    #[error("the answer is longer than {ANSWER_BYTES_MAX} bytes; shorten it")]
    AnswerTooLong,
    /// There is none, or it is somebody else's: a stranger learns no more than that.
    #[error("you have no conversation {0}; begin one under another name")]
    NoConversation(ConversationId),
    /// The conversation has no such question, or it is too old to be remembered.
    #[error("question {0} is not among the remembered ones; answer one of those")]
    NoQuestion(u32),
    /// No such ticket waits.
    #[error("ticket {0} does not wait; look at the conversation for the one that does")]
    NoTicket(u32),
    /// What is sealed for another person outlives this one's erasure.
    #[error("the text is sealed for somebody else; seal it for the conversation's person")]
    SealedForAnother,
    /// Only the shop's own people settle tickets.
    #[error("that is for the shop's own people; ask for a person instead")]
    NotStaff,
    /// Nothing of that number is offered, or the customer went on with something else.
    #[error("nothing is offered under {0} any more; ask for it again")]
    NoOffer(u32),
    /// A person must do the rest.
    #[error("a conversation has at most {actions_max} actions; ask for a person")]
    TooManyActions {
        /// So many.
        actions_max: u32,
    },
}

pub(super) fn conversation_key(conversation: &ConversationId) -> Cow<'static, str> {
    Cow::Owned(format!("conversation/{conversation}"))
}

/// What only the shop's own people and programs may do.
pub(super) fn staff(principal: &Principal) -> Result<(), SupportRejection> {
    match principal.as_user() {
        Some(_) => Err(SupportRejection::NotStaff),
        None => Ok(()),
    }
}

/// A conversation that has begun and is open to who asks.
pub(super) fn begun<'a>(
    state: &'a Conversation,
    id: &ConversationId,
    context: &Context<'_>,
) -> Result<&'a Conversation, SupportRejection> {
    if state.asked > 0 && state.open_to(context.principal) {
        Ok(state)
    } else {
        Err(SupportRejection::NoConversation(id.clone()))
    }
}

/// Whether a sealed text is not longer than it may be. The exact bound is held where the text is
/// still open; here it keeps the journal from being flooded.
fn fits(text: &Personal<PrivateText>, bytes_max: usize) -> bool {
    /// A length of up to 64 KiB in its stored form.
    const LENGTH_BYTES: usize = 3;
    text.sealed_bytes() <= bytes_max + LENGTH_BYTES + Personal::<PrivateText>::ADDED_BYTES_MAX
}

pub(super) fn answer_fits(text: &Personal<PrivateText>) -> Result<(), SupportRejection> {
    match fits(text, ANSWER_BYTES_MAX) {
        true => Ok(()),
        false => Err(SupportRejection::AnswerTooLong),
    }
}

pub(super) fn sealed_for_it(
    conversation: &Conversation,
    text: &Personal<PrivateText>,
) -> Result<(), SupportRejection> {
    if conversation.person.as_ref() == Some(text.person()) {
        Ok(())
    } else {
        Err(SupportRejection::SealedForAnother)
    }
}

/// Takes a question in. The first one begins the conversation, and says whose it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReceiveQuery {
    /// In which conversation.
    pub conversation: ConversationId,
    /// What is asked: at most 4 KiB, sealed for the conversation's person.
    pub text: Personal<PrivateText>,
    /// What it was taken for, before it was sealed.
    pub taken_for: Classification,
    /// Whether it only names an order or a product. Where the shop just asked which is meant, it is
    /// taken for what the question before was.
    pub names_only: bool,
    /// Where the customer speaks.
    pub channel: SupportChannel,
}

impl ReceiveQuery {
    /// What the question before was taken for, where this one only names what the shop asked for.
    fn completes(&self, agent: &SupportAgent, state: &Conversation) -> Option<Classification> {
        let before = state.turns.back()?.taken_for;
        let asks_which = matches!(
            before.intent,
            Some(Intent::OrderStatus | Intent::OrderChange | Intent::ProductInfo)
        );
        let was_asked = state.clarifications > 0
            && asks_which
            && before.confidence >= agent.settings().confidence_min;
        (self.names_only && was_asked).then_some(before)
    }
}

/// A question that was taken in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Understood {
    /// The question's number in the conversation.
    pub turn: u32,
    /// What it was taken for.
    pub taken_for: Classification,
    /// How often the shop may still ask back.
    pub clarifications_left: u32,
    /// What the shop offered just before, where a yes may still follow.
    pub offer: Option<Offer>,
}

impl Command for ReceiveQuery {
    type Agent = SupportAgent;
    type Reply = Understood;
    const NAME: &'static str = "ReceiveQuery";

    fn entity(&self) -> Cow<'_, str> {
        conversation_key(&self.conversation)
    }

    fn decide(
        &self,
        agent: &SupportAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        if !fits(&self.text, QUERY_BYTES_MAX) {
            return Err(SupportRejection::QueryTooLong);
        }
        if state.asked > 0 {
            sealed_for_it(begun(state, &self.conversation, context)?, &self.text)?;
        } else if let Some(shopper) = context.principal.as_user()
            && shopper != self.text.person().as_str()
        {
            return Err(SupportRejection::SealedForAnother);
        }
        let taken_for = self.completes(agent, state).unwrap_or(self.taken_for);
        // The first question says where the conversation begins; `Chat` is what is not said.
        let moved = (state.channel != self.channel).then_some(ChannelChanged {
            channel: self.channel,
            at: context.now,
        });
        let answers_offer =
            |offer: &&Offer| offer.turn == state.asked && context.now <= offer.until;
        Ok(Decision::reply(Understood {
            turn: state.asked.saturating_add(1),
            taken_for,
            offer: state.offer.as_ref().filter(answers_offer).cloned(),
            clarifications_left: Conversation::CLARIFICATIONS_MAX
                .saturating_sub(state.clarifications),
        })
        .record(QueryReceived {
            shopper: context.principal.as_user().map(Into::into),
            text: self.text.clone(),
            taken_for,
            at: context.now,
        })
        .record_all(moved))
    }
}

/// Notes what the shop answered. The first answer to a question stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordAnswer {
    /// In which conversation.
    pub conversation: ConversationId,
    /// To which question, by number.
    pub turn: u32,
    /// What it says: at most 16 KiB, sealed for the conversation's person.
    pub text: Personal<PrivateText>,
    /// The articles that it rests on.
    pub citations: Vec<Citation>,
    /// Whether it only asks back.
    pub clarification: bool,
}

impl Command for RecordAnswer {
    type Agent = SupportAgent;
    type Reply = ();
    const NAME: &'static str = "RecordAnswer";

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
        let turn = (conversation.turns.iter())
            .find(|turn| turn.number == self.turn)
            .ok_or(SupportRejection::NoQuestion(self.turn))?;
        let event = turn.answer.is_none().then(|| AnswerRecorded {
            turn: self.turn,
            text: self.text.clone(),
            citations: self.citations.clone(),
            clarification: self.clarification,
            at: context.now,
        });
        Ok(Decision::reply(()).record_all(event))
    }
}
