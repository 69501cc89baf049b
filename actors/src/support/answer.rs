//! Questions to the shop, and what comes of them.

use mercato_runtime::{AskError, AskFailure, SealError};
use serde::{Deserialize, Serialize};

use super::channel::SupportChannel;
use super::commands::SupportRejection;
use super::ids::ConversationId;
use super::intent::Intent;
use super::knowledge::Citation;
use super::text::PrivateText;
use super::ticket::Ticket;
use crate::domain::{OrderId, Sku};

/// A question to the shop. Who asks is the scope's principal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomerQuery {
    /// The conversation that it belongs to; a new name begins a new one.
    pub conversation: ConversationId,
    /// What is asked, at most 4 KiB, in any script. What holds no known word is asked back for.
    pub text: PrivateText,
    /// The order that the customer looks at, if they do.
    pub order: Option<OrderId>,
    /// The product that the customer looks at, if they do.
    pub product: Option<Sku>,
    /// Where the customer speaks; a conversation may go on in another channel.
    pub channel: SupportChannel,
}

/// What the shop answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SupportAnswer {
    /// The question's number in the conversation, from 1.
    pub turn: u32,
    /// What the question was taken for.
    pub intent: Option<Intent>,
    /// How it was dealt with.
    pub resolution: Resolution,
    /// The answer.
    pub text: PrivateText,
    /// What the agents and articles said of which the answer is made, in its order.
    pub facts: Vec<Box<str>>,
    /// The articles that it rests on.
    pub citations: Vec<Citation>,
}

/// How a question was dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolution {
    /// It was answered.
    Answered,
    /// The shop asked back.
    Clarifying,
    /// The question is about nothing that the shop does. It counts as asked back: who says so
    /// three times in a row gets a person.
    OutOfScope,
    /// The shop offers to do something, and waits for a yes.
    Offered,
    /// The customer must sign in first.
    SignInNeeded,
    /// A person will answer.
    Escalated(Ticket),
}

/// Why a question got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SupportError {
    /// The agent refused it.
    #[error(transparent)]
    Refused(SupportRejection),
    /// What was written cannot be kept, as after the asker's erasure.
    #[error(transparent)]
    Sealing(#[from] SealError),
    /// A template could not be filled in.
    #[error("the answer cannot be put into words: {0}; mend the template")]
    Phrase(Box<str>),
    /// An agent could not be asked.
    #[error("the question cannot be answered now: {0}")]
    Unavailable(#[from] AskFailure),
}

impl From<AskError<SupportRejection>> for SupportError {
    fn from(error: AskError<SupportRejection>) -> Self {
        match error {
            AskError::Rejected(rejection) => Self::Refused(rejection),
            failure => unavailable(&failure),
        }
    }
}

/// Another agent's refusal is no answer that a customer could use.
pub(super) fn unavailable<R: std::error::Error>(error: &AskError<R>) -> SupportError {
    let failure = error.failure().cloned();
    SupportError::Unavailable(failure.unwrap_or_else(|| AskFailure::Invalid {
        reason: error.to_string(),
    }))
}

/// The order that a text names: what follows the word `order`, or `order number`, and holds a digit.
pub(super) fn mentioned_order(text: &str) -> Option<OrderId> {
    const BETWEEN: [&str; 4] = ["number", "no", "nr", "id"];
    let is = |word: &str, one_of: &[&str]| one_of.iter().any(|it| word.eq_ignore_ascii_case(it));
    let words: Vec<_> = words(text).collect();
    let said = words.iter().enumerate();
    let said = said.filter(|(_, word)| is(word, &["order"]));
    let named = said.map(|(at, _)| {
        let mut after = words[at + 1..].iter().skip_while(|word| is(word, &BETWEEN));
        after.next().copied().and_then(numbered)
    });
    named.flatten().next()
}

/// The one word with a digit in a text, as the answer to a shop that asked which order is meant.
pub(super) fn lone_order(text: &str) -> Option<OrderId> {
    let mut numbers = words(text).filter_map(numbered);
    let alone = numbers.next()?;
    numbers.next().is_none().then_some(alone)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
}

fn numbered(word: &str) -> Option<OrderId> {
    let has_digit = word.chars().any(|c| c.is_ascii_digit());
    has_digit.then(|| OrderId::new(word).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_named_by_what_follows_the_word() {
        let named = |text| mentioned_order(text).map(|order| order.as_str().to_owned());
        assert_eq!(named("where is my order #A-17?").as_deref(), Some("A-17"));
        assert_eq!(named("Order: 536365, please").as_deref(), Some("536365"));
        assert_eq!(named("where is my order"), None);
        assert_eq!(named("my order for 2 mugs"), None);
        assert_eq!(named("order 注文1"), None);
        assert_eq!(
            named("it is order number 536365").as_deref(),
            Some("536365")
        );
        assert_eq!(named("order no. 17").as_deref(), Some("17"));
        assert_eq!(named("cancel 2 mugs"), None);
        let alone = |text| lone_order(text).map(|order| order.as_str().to_owned());
        assert_eq!(alone("it's 536365").as_deref(), Some("536365"));
        assert_eq!(alone("17 or 18"), None);
    }
}
