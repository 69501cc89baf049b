//! The Customer Support agent: understands questions, answers what it can prove, and hands the
//! rest to people.
//!
//! It owns one entity for each conversation.

mod act;
mod action;
mod action_commands;
mod answer;
mod channel;
mod commands;
mod conversation;
mod events;
mod ids;
mod intent;
mod intent_file;
mod knowledge;
mod lexicon;
mod measures;
mod metrics;
mod phrases;
mod phrasing;
mod reads;
mod redact;
mod respond;
mod search;
mod settings;
mod text;
mod ticket;
mod ticket_commands;
mod understand;
mod watch;
mod workflow;

pub mod learn;

use std::sync::Arc;

use mercato_runtime::{Agent, Commands};

pub use act::{ActionError, ActionRequest, SUPPORT_ACTION, register_support, support_action};
pub use action::{ActionOutcome, Offer, SupportAction, TakenAction};
pub use action_commands::{ConfirmAction, OfferAction, RecordAction};
pub use answer::{CustomerQuery, Resolution, SupportAnswer, SupportError};
pub use channel::SupportChannel;
pub use commands::{ReceiveQuery, RecordAnswer, SupportRejection, Understood};
pub use conversation::{Conversation, RecordedAnswer, Turn};
pub use events::{
    ActionConfirmed, ActionFinished, ActionOffered, AnswerRecorded, ChannelChanged, QueryReceived,
    SupportEvent, TicketAnswered, TicketBreached, TicketOpened, TicketResolved,
};
pub use ids::{ConversationId, ConversationIdError};
pub use intent::{Classification, Intent, IntentClassifier, IntentModelError, carried_questions};
pub use intent_file::{IntentFile, IntentFileError};
pub use knowledge::{Article, Citation, KnowledgeBase, KnowledgeError};
pub use measures::{DeskFigures, DeskMeasures};
pub use phrasing::{
    Draft, PHRASE_ANSWER, PHRASE_SENTENCE, PhrasingError, phrase_answer, phrase_sentence,
    register_language, say_otherwise,
};
pub use reads::ShowConversation;
pub use redact::Redactor;
pub use settings::{Articles, SupportSettings};
pub use text::PrivateText;
pub use ticket::{Priority, ServiceLevels, Ticket, TicketFile, TicketReason};
pub use ticket_commands::{AnswerTicket, CheckServiceLevel, OpenTicket, ResolveTicket, ShowTicket};
pub use watch::DeskWatch;
pub use workflow::answer_query;

use self::phrases::Phrases;
use self::search::TermIndex;
use crate::domain::{Catalogue, Sku};

/// The Customer Support agent.
#[derive(Debug, Clone)]
pub struct SupportAgent {
    settings: SupportSettings,
    intents: IntentClassifier,
    knowledge: KnowledgeBase,
    phrases: Phrases,
    catalogue: Arc<Catalogue>,
    /// The catalogue's products by the terms of their names, and their SKUs in the same order.
    products: TermIndex,
    skus: Vec<Sku>,
}

impl SupportAgent {
    /// An agent that answers from these articles and this catalogue, with the default settings and
    /// what it learns from the carried questions.
    #[must_use]
    pub fn new(knowledge: KnowledgeBase, catalogue: Arc<Catalogue>) -> Self {
        let mut products = TermIndex::default();
        for product in catalogue.iter() {
            products.add(&format!("{} {}", product.sku, product.name));
        }
        Self {
            settings: SupportSettings::default(),
            intents: IntentClassifier::default(),
            knowledge,
            phrases: Phrases::default(),
            skus: catalogue
                .iter()
                .map(|product| product.sku.clone())
                .collect(),
            catalogue,
            products,
        }
    }

    /// The same with other settings. Their articles are published beside those that it has; where
    /// one is there already with other words, all of those stay as they are. Where they name a model,
    /// it takes the place of the classifier.
    #[must_use]
    pub fn with_settings(mut self, settings: SupportSettings) -> Self {
        if let Ok(knowledge) = self.knowledge.publish(settings.articles.iter().cloned()) {
            self.knowledge = knowledge;
        }
        if let Some(model) = &settings.intent_model {
            self.intents = model.classifier().clone();
        }
        self.settings = settings;
        self
    }

    /// The same with another classifier, until settings name a model.
    #[must_use]
    pub fn with_intents(mut self, intents: IntentClassifier) -> Self {
        self.intents = intents;
        self
    }

    fn settings(&self) -> &SupportSettings {
        &self.settings
    }

    fn phrases(&self) -> &Phrases {
        &self.phrases
    }
}

impl Agent for SupportAgent {
    const NAME: &'static str = "support";
    type State = Conversation;
    type Event = SupportEvent;
    type Rejection = SupportRejection;
    const STATE_VERSION: u16 = 2;

    fn evolve(state: &mut Conversation, event: &SupportEvent) {
        match event {
            SupportEvent::QueryReceived(event) => state.received(event),
            SupportEvent::AnswerRecorded(event) => state.answered(event),
            SupportEvent::TicketOpened(event) => state.ticket_opened(&event.ticket),
            SupportEvent::TicketResolved(_) => state.ticket_resolved(),
            SupportEvent::ChannelChanged(event) => state.channel_changed(event),
            SupportEvent::TicketBreached(event) => state.ticket_breached(event),
            SupportEvent::TicketAnswered(event) => state.ticket_answered(event),
            SupportEvent::ActionOffered(event) => state.action_offered(&event.offer),
            SupportEvent::ActionConfirmed(event) => state.action_confirmed(event),
            SupportEvent::ActionFinished(event) => state.action_finished(event),
        }
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add::<ReceiveQuery>()
            .add::<RecordAnswer>()
            .add::<OpenTicket>()
            .add::<ResolveTicket>()
            .add::<ShowConversation>()
            .add::<CheckServiceLevel>()
            .add::<AnswerTicket>()
            .add::<ShowTicket>()
            .add::<OfferAction>()
            .add::<ConfirmAction>()
            .add::<RecordAction>();
    }
}
