//! The port to a language model.

use futures::future::BoxFuture;

/// Says a sentence in other words. It decides nothing: see
/// [`Draft`](crate::Draft), which holds what it says to the sentence.
pub trait LanguageModel: Send + Sync + 'static {
    /// The sentence in other words, with each gap (`{1}`, `{2}`) where it belongs. The sentence is the
    /// shop's own and holds nothing of a person.
    ///
    /// # Errors
    /// When the model cannot be reached, or will not answer.
    fn phrase<'a>(
        &'a self,
        sentence: &'a str,
    ) -> BoxFuture<'a, Result<Box<str>, LanguageModelError>>;
}

/// Why a language model did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LanguageModelError {
    /// It cannot be reached, or is busy.
    #[error("the language model is unavailable; the shop's own words stand")]
    Unavailable,
    /// It will not answer.
    #[error("the language model refused: {reason}")]
    Refused {
        /// What it says.
        reason: Box<str>,
    },
}
