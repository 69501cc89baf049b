//! What can be asked of a conversation.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, State};
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
