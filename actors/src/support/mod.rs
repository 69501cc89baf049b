//! The Customer Support agent: understands questions, answers what it can prove, and hands the
//! rest to people.
//!
//! It owns one entity for each conversation.

mod answer;
mod articles;
mod commands;
mod conversation;
mod events;
mod ids;
mod intent;
mod knowledge;
mod lexicon;
mod reads;
mod respond;
mod search;
mod text;
mod ticket;
mod understand;
mod workflow;

use std::sync::Arc;

use mercato_runtime::{Agent, Commands};

pub use answer::{CustomerQuery, Resolution, SupportAnswer, SupportError};
pub use commands::{
    OpenTicket, ReceiveQuery, RecordAnswer, ResolveTicket, SupportRejection, Understood,
};
pub use conversation::{Conversation, RecordedAnswer, Turn};
pub use events::{AnswerRecorded, QueryReceived, SupportEvent, TicketOpened, TicketResolved};
pub use ids::{ConversationId, ConversationIdError};
pub use intent::{Classification, Intent, IntentClassifier};
pub use knowledge::{Article, Citation, KnowledgeBase};
pub use reads::ShowConversation;
pub use text::PrivateText;
pub use ticket::{Priority, Ticket, TicketReason};
pub use workflow::answer_query;

use self::search::TermIndex;
use crate::domain::{Catalogue, Sku};

/// The Customer Support agent.
#[derive(Debug, Clone)]
pub struct SupportAgent {
    intents: IntentClassifier,
    knowledge: KnowledgeBase,
    catalogue: Arc<Catalogue>,
    /// The catalogue's products by the terms of their names, and their SKUs in the same order.
    products: TermIndex,
    skus: Vec<Sku>,
}

impl SupportAgent {
    /// An agent that answers from these articles and this catalogue.
    #[must_use]
    pub fn new(knowledge: KnowledgeBase, catalogue: Arc<Catalogue>) -> Self {
        let mut products = TermIndex::default();
        for product in catalogue.iter() {
            products.add(&format!("{} {}", product.sku, product.name));
        }
        Self {
            intents: IntentClassifier::default(),
            knowledge,
            skus: catalogue
                .iter()
                .map(|product| product.sku.clone())
                .collect(),
            catalogue,
            products,
        }
    }
}

impl Agent for SupportAgent {
    const NAME: &'static str = "support";
    type State = Conversation;
    type Event = SupportEvent;
    type Rejection = SupportRejection;

    fn evolve(state: &mut Conversation, event: &SupportEvent) {
        match event {
            SupportEvent::QueryReceived(event) => state.received(event),
            SupportEvent::AnswerRecorded(event) => state.answered(event),
            SupportEvent::TicketOpened(event) => state.ticket_opened(&event.ticket),
            SupportEvent::TicketResolved(_) => state.ticket_resolved(),
        }
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add::<ReceiveQuery>()
            .add::<RecordAnswer>()
            .add::<OpenTicket>()
            .add::<ResolveTicket>()
            .add::<ShowConversation>();
    }
}
