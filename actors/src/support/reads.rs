//! What can be asked of a conversation.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, PersonId, State};
use serde::{Deserialize, Serialize};

use super::SupportAgent;
use super::commands::{begun, conversation_key};
use super::conversation::Conversation;
use super::ids::ConversationId;

/// Reads a conversation. Its texts are sealed; who may read them opens them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShowConversation {
    /// Which.
    pub conversation: ConversationId,
}

impl Command for ShowConversation {
    type Agent = SupportAgent;
    type Reply = Conversation;
    const NAME: &'static str = "ShowConversation";
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
        let conversation = begun(state, &self.conversation, context)?;
        Ok(Decision::reply(conversation.clone()))
    }
}

/// Asks within which bounds the shop acts in a conversation without a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShowActionBounds {
    /// Which.
    pub(super) conversation: ConversationId,
}

/// The bounds of what the shop does in a conversation without a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ActionBounds {
    /// Whose orders it may act on.
    pub(super) person: Option<PersonId>,
    /// What an order may have cost at most whose goods are taken back, in minor units.
    pub(super) return_minor_max: u32,
}

impl Command for ShowActionBounds {
    type Agent = SupportAgent;
    type Reply = ActionBounds;
    const NAME: &'static str = "ShowActionBounds";
    const KIND: Kind = Kind::Read;

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
        Ok(Decision::reply(ActionBounds {
            person: conversation.person.clone(),
            return_minor_max: agent.settings().return_minor_max,
        }))
    }
}
