//! What the process that is killed says of what was acknowledged.

use std::collections::BTreeMap;

use mercato::Timestamp;
use mercato::actors::{ConversationId, CustomerId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One line of the child. What it says is compared as text, so that nothing is lost in reading
/// numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Told {
    /// So many visits are learned, and this is recommended then.
    Learned { visits: u64, recommends: String },
    /// A question was answered, and the conversation stands so.
    Said {
        conversation: ConversationId,
        question: String,
        answer: String,
        stands: Value,
    },
    /// A customer's message is due then, or was refused since, and the customer stands so.
    Scheduled {
        customer: CustomerId,
        due_at: Timestamp,
        refusal: Option<Refusal>,
        stands: Value,
    },
}

/// Why a customer must not be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    /// They said so.
    Unsubscribed,
    /// There is no such address.
    Bounced,
    /// The shop's people said so.
    ByHand,
}

/// Everything that was acknowledged in one file.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// What was recommended, by the number of visits that were learned.
    pub(crate) recommends: BTreeMap<u64, String>,
    pub(crate) conversations: BTreeMap<ConversationId, Talk>,
    pub(crate) customers: BTreeMap<CustomerId, Scheduled>,
}

/// What was said in a conversation.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    /// Each question with its answer.
    pub(crate) turns: Vec<(String, String)>,
    /// How it stood after the last of them.
    pub(crate) stands: Value,
}

/// How a customer stood.
#[derive(Debug)]
pub(crate) struct Scheduled {
    pub(crate) due_at: Timestamp,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) stands: Value,
}

impl Books {
    pub(crate) fn note(&mut self, told: Told) {
        match told {
            Told::Learned { visits, recommends } => {
                self.recommends.insert(visits, recommends);
            }
            Told::Said {
                conversation,
                question,
                answer,
                stands,
            } => {
                let talk = self.conversations.entry(conversation).or_default();
                talk.turns.push((question, answer));
                talk.stands = stands;
            }
            Told::Scheduled {
                customer,
                due_at,
                refusal,
                stands,
            } => {
                let scheduled = Scheduled {
                    due_at,
                    refusal,
                    stands,
                };
                self.customers.insert(customer, scheduled);
            }
        }
    }

    /// How many visits were acknowledged.
    pub(crate) fn visits(&self) -> u64 {
        self.recommends.keys().next_back().copied().unwrap_or(0)
    }
}
