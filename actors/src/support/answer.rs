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

/// The order that a text names: what follows the word `order`, or `order number`, and holds a digit; or
/// the one word with a digit in a text of few words.
pub(super) fn mentioned_order(text: &str) -> Option<OrderId> {
    /// A text of more words may hold a number that is of something else.
    const FEW: usize = 4;
    const BETWEEN: [&str; 4] = ["number", "no", "nr", "id"];
    let trimmed = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        (!word.is_empty()).then(|| word.to_owned())
    };
    let words: Vec<_> = text.split_whitespace().filter_map(trimmed).collect();
    let is = |word: &str, one_of: &[&str]| one_of.iter().any(|it| word.eq_ignore_ascii_case(it));
    let numbered = |word: &&String| word.chars().any(|c| c.is_ascii_digit());
    let order = |word: &String| OrderId::new(word.as_str()).ok();
    let said = words
        .iter()
        .enumerate()
        .filter(|(_, word)| is(word, &["order"]));
    let named = said.map(|(at, _)| {
        let mut after = words[at + 1..].iter().skip_while(|word| is(word, &BETWEEN));
        after.next().filter(numbered).and_then(order)
    });
    named.flatten().next().or_else(|| {
        let mut numbers = words.iter().filter(numbered);
        let alone = numbers.next().filter(|_| words.len() <= FEW)?;
        numbers.next().is_none().then(|| order(alone)).flatten()
    })
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
        assert_eq!(named("it's 536365").as_deref(), Some("536365"));
        assert_eq!(named("17 or 18"), None);
        assert_eq!(named("I have waited for 3 weeks"), None);
    }
}
