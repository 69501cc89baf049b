//! What can be asked of a conversation, of the knowledge base and of the catalogue's words.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, State};
use serde::{Deserialize, Serialize};

use super::SupportAgent;
use super::commands::{begun, conversation_key};
use super::conversation::Conversation;
use super::ids::ConversationId;
use super::knowledge::Article;
use super::text::PrivateText;
use crate::domain::{Product, Sku};

/// The most articles or products that a search gives.
const HITS_MAX: usize = 5;
/// A product's name must hold this share of a question to be meant by it.
const PRODUCT_SCORE_MIN: f64 = 0.3;

/// Reads a conversation.
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

/// Reads the articles that answer a question, best first: at most five.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchKnowledge {
    /// The conversation that needs them.
    pub conversation: ConversationId,
    /// The question.
    pub question: PrivateText,
}

impl Command for SearchKnowledge {
    type Agent = SupportAgent;
    type Reply = Vec<Article>;
    const NAME: &'static str = "SearchKnowledge";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        conversation_key(&self.conversation)
    }

    fn decide(&self, agent: &SupportAgent, _: &State<Self>, _: &Context<'_>) -> Decided<Self> {
        let found = agent.knowledge.search(self.question.as_str(), HITS_MAX);
        Ok(Decision::reply(found.into_iter().cloned().collect()))
    }
}

/// Reads the products that a question may mean, best first: at most five.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindProducts {
    /// The conversation that needs them.
    pub conversation: ConversationId,
    /// The question.
    pub question: PrivateText,
    /// The product that the customer looks at, which comes first.
    pub page: Option<Sku>,
}

impl Command for FindProducts {
    type Agent = SupportAgent;
    type Reply = Vec<Product>;
    const NAME: &'static str = "FindProducts";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        conversation_key(&self.conversation)
    }

    fn decide(&self, agent: &SupportAgent, _: &State<Self>, _: &Context<'_>) -> Decided<Self> {
        let hits = agent.products.search(self.question.as_str(), HITS_MAX);
        let named = hits
            .into_iter()
            .filter(|hit| hit.score >= PRODUCT_SCORE_MIN)
            .filter_map(|hit| agent.skus.get(hit.document))
            .filter(|sku| self.page.as_ref() != Some(*sku));
        let found = self.page.iter().chain(named);
        let products = found.filter_map(|sku| agent.catalogue.get(sku)).cloned();
        Ok(Decision::reply(products.take(HITS_MAX).collect()))
    }
}
