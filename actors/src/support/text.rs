//! What people write: kept out of logs, and cut into terms.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Words between a customer and the shop. They may hold anything, so `Debug` shows their length
/// only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateText(Box<str>);

impl PrivateText {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text, for those it is meant for.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PrivateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateText(redacted, {} bytes)", self.0.len())
    }
}

/// So many terms of a text count, which bounds the work on it. The longest question has fewer.
const TERMS_MAX: usize = 4_096;

/// The terms of a text: runs of letters and digits of any script, in lower case, without
/// apostrophes: `Where's` gives `wheres`.
pub(super) fn terms(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'))
        .map(|word| {
            word.chars()
                .filter(|c| c.is_alphanumeric())
                .flat_map(char::to_lowercase)
                .collect::<String>()
        })
        .filter(|term| !term.is_empty())
        .take(TERMS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_words_of_any_script() {
        assert_eq!(terms("Where's my ORDER?!"), ["wheres", "my", "order"]);
        assert_eq!(terms("où est-il"), ["où", "est", "il"]);
        assert_eq!(terms("注文はどこ"), ["注文はどこ"]);
        assert!(terms("?! \u{200b} …").is_empty());
    }

    #[test]
    fn words_do_not_show_in_debug() {
        let text = PrivateText::new("my card is 4111");
        assert_eq!(format!("{text:?}"), "PrivateText(redacted, 15 bytes)");
    }
}
