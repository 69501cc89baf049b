//! An answer in other words: a language model may say it better, and may change nothing of it.
//!
//! The model is never told who asked, what, or about what: it gets the shop's own sentence with a
//! numbered gap for each fact. So nothing of a person leaves the house, and what comes back can be
//! held to the sentence exactly: each gap is there as often as before and in the same order, and
//! beside the gaps there is no digit. What does not hold is thrown away, and the template stands.

use std::sync::Arc;

use mercato_runtime::{
    Activity, ActivityCall, ActivityError, ActivityErrorKind, Caller, Flow, FlowError, FlowId,
    FlowType, Handle, RuntimeBuilder,
};
use serde::{Deserialize, Serialize};

use super::answer::SupportAnswer;
use super::ids::ConversationId;
use super::text::PrivateText;
use crate::ports::{LanguageModel, LanguageModelError};

/// Has a sentence said in other words.
pub const PHRASE_SENTENCE: Activity<Box<str>, Box<str>> = Activity::new("language.phrase");

/// The flow in which a sentence is said in other words, once for each answer.
pub const PHRASE_ANSWER: FlowType<Box<str>, Box<str>, PhrasingError> =
    FlowType::new("phrase-answer", 1);

/// Why there are no other words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the answer was not put into other words: {0}; the shop's own stand")]
pub struct PhrasingError(Box<str>);

impl From<FlowError> for PhrasingError {
    fn from(error: FlowError) -> Self {
        Self(error.to_string().into())
    }
}

/// A sentence may grow by this factor, and by so many bytes.
const GROWTH_MAX: usize = 2;
const GROWTH_BYTES_MAX: usize = 200;
/// Whoever says too much says something else; longer answers, such as lists, are left alone.
const SENTENCE_BYTES_MAX: usize = 2 * 1024;

/// An answer with a gap for each fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    sentence: String,
    facts: Vec<Box<str>>,
}

impl Draft {
    /// The draft of an answer; `None` where there is nothing to say in other words, or too much.
    #[must_use]
    pub fn of(answer: &SupportAnswer) -> Option<Self> {
        // An article is cited, and what is cited is said as it is written.
        if !answer.citations.is_empty() {
            return None;
        }
        let text = answer.text.as_str();
        let mut sentence = String::with_capacity(text.len());
        let mut rest = text;
        for (number, fact) in answer.facts.iter().enumerate() {
            let (before, after) = rest.split_once(&**fact)?;
            sentence.push_str(before);
            sentence.push_str(&gap(number));
            rest = after;
        }
        sentence.push_str(rest);
        // A digit beside the facts could not be told from one that was made up.
        let plain = outside_gaps(&sentence, answer.facts.len())?;
        let fits = sentence.len() <= SENTENCE_BYTES_MAX && !has_number(&plain);
        fits.then(|| Self {
            sentence,
            facts: answer.facts.clone(),
        })
    }

    /// What the model is given: `Your order {1} is {2}.`
    #[must_use]
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// The other words with the facts in their gaps; `None` where they are not about the same.
    #[must_use]
    pub fn fill(&self, phrased: &str) -> Option<String> {
        let phrased = phrased.trim();
        let bytes_max = self.sentence.len() * GROWTH_MAX + GROWTH_BYTES_MAX;
        if phrased.is_empty() || phrased.len() > bytes_max {
            return None;
        }
        let plain = outside_gaps(phrased, self.facts.len())?;
        // An address or a link that nobody gave, or a brace of some gap that never was.
        let strange = ["{", "}", "@", "://", "www."];
        if has_number(&plain) || strange.iter().any(|sign| plain.contains(sign)) {
            return None;
        }
        let mut filled = phrased.to_owned();
        // From behind, so that a fact that looks like a gap is not filled in turn.
        for (number, fact) in self.facts.iter().enumerate().rev() {
            let at = filled.rfind(&gap(number))?;
            filled.replace_range(at..at + gap(number).len(), fact);
        }
        Some(filled)
    }
}

fn gap(number: usize) -> String {
    format!("{{{}}}", number + 1)
}

fn has_number(text: &str) -> bool {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "dozen", "hundred",
    ];
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    text.chars().any(char::is_numeric) || words.any(|word| WORDS.contains(&word))
}

/// The text without its gaps, where each is there once and in its order.
fn outside_gaps(text: &str, gaps: usize) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    for number in 0..gaps {
        let (before, after) = rest.split_once(&gap(number))?;
        plain.push_str(before);
        plain.push(' ');
        rest = after;
    }
    plain.push_str(rest);
    let again = (0..gaps).any(|number| plain.contains(&gap(number)));
    (!again).then_some(plain)
}

/// What [`PHRASE_SENTENCE`] does.
///
/// # Errors
/// Transient where the model may answer later, permanent where it will not.
pub async fn phrase_sentence(
    model: Arc<dyn LanguageModel>,
    _: ActivityCall,
    sentence: Box<str>,
) -> Result<Box<str>, ActivityError> {
    let phrased = model.phrase(&sentence).await;
    phrased.map_err(|error| {
        let (kind, code) = match &error {
            LanguageModelError::Unavailable => (ActivityErrorKind::Transient, "unavailable"),
            LanguageModelError::Refused { .. } => (ActivityErrorKind::Permanent, "refused"),
        };
        ActivityError::new(kind, code, error.to_string())
    })
}

/// Has the sentence said in other words, and keeps what was said.
///
/// # Errors
/// When the model does not answer.
pub async fn say_otherwise(flow: Flow, sentence: Box<str>) -> Result<Box<str>, PhrasingError> {
    let phrased = flow.perform("phrase", PHRASE_SENTENCE, sentence).await;
    phrased.map_err(|error| PhrasingError(error.to_string().into()))
}

/// Adds a language model to a shop. Without it answers are the templates'.
#[must_use]
pub fn register_language(builder: RuntimeBuilder, model: Arc<dyn LanguageModel>) -> RuntimeBuilder {
    builder
        .activity(PHRASE_SENTENCE.repeatable(), move |call, sentence| {
            phrase_sentence(model.clone(), call, sentence)
        })
        .flow(PHRASE_ANSWER, say_otherwise)
}

/// The answer in other words, if a language model finds some that keep its facts; otherwise, and
/// where the shop has no language model, as it is. It decides nothing: the answer is recorded and
/// given, and whoever shows it may show it so.
pub async fn phrase_answer(
    handle: &Handle,
    caller: &Caller,
    conversation: &ConversationId,
    answer: SupportAnswer,
) -> SupportAnswer {
    let Some(draft) = Draft::of(&answer) else {
        return answer;
    };
    let id = FlowId::new(format!("{conversation}/{}", answer.turn));
    let sentence = draft.sentence().into();
    let phrased = handle.run(caller, PHRASE_ANSWER, id, sentence).await;
    match phrased.ok().and_then(|phrased| draft.fill(&phrased)) {
        Some(text) => SupportAnswer {
            text: PrivateText::new(text),
            ..answer
        },
        None => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::Resolution;
    use super::super::knowledge::Citation;
    use super::*;

    fn answer(text: &str, facts: &[&str]) -> SupportAnswer {
        SupportAnswer {
            turn: 1,
            intent: None,
            resolution: Resolution::Answered,
            text: PrivateText::new(text),
            facts: facts.iter().map(|fact| Box::from(*fact)).collect(),
            citations: Vec::new(),
        }
    }

    fn draft() -> Draft {
        let answer = answer(
            "Your order 17 with 2 units is placed.",
            &["17", "2", "placed"],
        );
        Draft::of(&answer).expect("it can be said otherwise")
    }

    /// Catches: a number, an order or a name of a product that the model is told.
    #[test]
    fn the_model_is_told_no_fact() {
        assert_eq!(draft().sentence(), "Your order {1} with {2} units is {3}.");
    }

    /// Catches: a fact that is lost, doubled or put elsewhere, and one that is made up.
    #[test]
    fn other_words_keep_the_facts_or_are_thrown_away() {
        let fine = draft().fill("Good news: order {1} ({2} units) has been {3}!");
        assert_eq!(
            fine.as_deref(),
            Some("Good news: order 17 (2 units) has been placed!")
        );
        for wrong in [
            "",
            "Good news!",
            "Order {1} has {2} units.",
            "Order {1}, {2} units, {3}, and {1} again",
            "Order {2} with {1} units is {3}.",
            "Order {1} with {2} units is {3}, due on the 4th",
            "Order {1} with {2} units is {3} and comes in three days",
            "Order {1} with {2} units is {3}; call us at help@example.org",
            "Order {1} with {2} units is {3}; see https://example.org",
            "Order {1} with {2} units is {3} {4}",
        ] {
            assert_eq!(draft().fill(wrong), None, "{wrong}");
        }
        let long = format!("{}{}", draft().sentence(), " very".repeat(200));
        assert_eq!(draft().fill(&long), None);
    }

    /// Catches: an article that is cited for words that are not its own, and a number of a sentence
    /// that is no fact.
    #[test]
    fn what_is_cited_is_said_as_it_is_written() {
        let mut cited = answer("Within 30 days.", &["Within 30 days."]);
        cited.citations.push(Citation {
            article: "returns".into(),
            version: 1,
        });
        assert_eq!(Draft::of(&cited), None);
        assert_eq!(Draft::of(&answer("Within 30 days.", &[])), None);
    }

    /// Catches: a fact that is taken for a gap.
    #[test]
    fn a_fact_that_looks_like_a_gap_stays_what_it_is() {
        let answer = answer("{2} is in stock, at GBP 5", &["{2}", "GBP 5"]);
        let draft = Draft::of(&answer).expect("a draft");
        assert_eq!(draft.sentence(), "{1} is in stock, at {2}");
        let filled = draft.fill("We have {1} for {2}");
        assert_eq!(filled.as_deref(), Some("We have {2} for GBP 5"));
    }
}
