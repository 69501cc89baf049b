//! Offers, and the yes to them.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, State};
use serde::{Deserialize, Serialize};

use super::SupportAgent;
use super::action::{ActionOutcome, Offer, SupportAction};
use super::commands::{SupportRejection, begun, conversation_key, staff};
use super::events::{ActionConfirmed, ActionFinished, ActionOffered};
use super::ids::ConversationId;
use super::settings::SupportSettings;

/// Notes what the shop offers to do. An offer that was not taken up makes room for the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferAction {
    /// In which conversation.
    pub conversation: ConversationId,
    /// What.
    pub action: SupportAction,
}

impl Command for OfferAction {
    type Agent = SupportAgent;
    type Reply = Offer;
    const NAME: &'static str = "OfferAction";

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
        let SupportSettings {
            actions_max,
            confirm_within,
            ..
        } = *agent.settings();
        if conversation.actions_confirmed >= actions_max {
            return Err(SupportRejection::TooManyActions { actions_max });
        }
        let offer = Offer {
            number: conversation.offers.saturating_add(1),
            action: self.action.clone(),
            turn: conversation.asked,
            until: context.now.plus(confirm_within),
        };
        Ok(Decision::reply(offer.clone()).record(ActionOffered { offer }))
    }
}

/// Says yes to an offer. What follows is a flow's, which asks Order once however often it is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmAction {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Which offer, by number.
    pub number: u32,
}

impl Command for ConfirmAction {
    type Agent = SupportAgent;
    type Reply = SupportAction;
    const NAME: &'static str = "ConfirmAction";

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
        let taken = (conversation.actions.iter()).find(|taken| taken.number == self.number);
        if let Some(taken) = taken {
            return Ok(Decision::reply(taken.action.clone()));
        }
        let offer = conversation.open_offer(context.now);
        let Some(offer) = offer.filter(|offer| offer.number == self.number) else {
            return Err(SupportRejection::NoOffer(self.number));
        };
        let actions_max = agent.settings().actions_max;
        if conversation.actions_confirmed >= actions_max {
            return Err(SupportRejection::TooManyActions { actions_max });
        }
        Ok(
            Decision::reply(offer.action.clone()).record(ActionConfirmed {
                conversation: self.conversation.clone(),
                number: offer.number,
                action: offer.action.clone(),
                at: context.now,
            }),
        )
    }
}

/// Notes what came of an action. The first outcome stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordAction {
    /// In which conversation.
    pub conversation: ConversationId,
    /// The number under which it was offered.
    pub number: u32,
    /// What came of it.
    pub outcome: ActionOutcome,
}

impl Command for RecordAction {
    type Agent = SupportAgent;
    type Reply = ();
    const NAME: &'static str = "RecordAction";

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
        let taken = (conversation.actions.iter()).find(|taken| taken.number == self.number);
        let event = match taken {
            None => return Err(SupportRejection::NoOffer(self.number)),
            Some(taken) => taken.outcome.is_none().then(|| ActionFinished {
                number: self.number,
                outcome: self.outcome.clone(),
                at: context.now,
            }),
        };
        Ok(Decision::reply(()).record_all(event))
    }
}
