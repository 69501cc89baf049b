//! Names of conversations.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name of a conversation, in bytes.
const BYTES_MAX: usize = 64;

/// The name of a conversation, chosen by the host.
///
/// One to 64 lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct ConversationId(Box<str>);

/// A text that names no conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no conversation name; use one to {BYTES_MAX} lower-case letters, digits and hyphens")]
pub struct ConversationIdError;

impl ConversationId {
    /// Checks and wraps a text.
    ///
    /// # Errors
    /// When the text is empty, too long or holds another character.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, ConversationIdError> {
        let text = text.into();
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > BYTES_MAX || !text.bytes().all(allowed) {
            return Err(ConversationIdError);
        }
        Ok(Self(text))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for ConversationId {
    type Error = ConversationIdError;

    fn try_from(text: Box<str>) -> Result<Self, ConversationIdError> {
        Self::new(text)
    }
}

impl From<ConversationId> for Box<str> {
    fn from(id: ConversationId) -> Self {
        id.0
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
