//! Who a person is to the vault: a pseudonym.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest pseudonym, in bytes.
const BYTES_MAX: usize = 128;

/// A person's pseudonym: an account's number, never a name or an e-mail address.
///
/// It stands in the clear beside everything that is sealed for the person, and stays there when
/// the person is erased. One to 128 bytes.
///
/// ```
/// use mercato_persistence::PersonId;
/// assert_eq!(PersonId::new("customer-7")?.as_str(), "customer-7");
/// assert!(PersonId::new("").is_err());
/// # Ok::<(), mercato_persistence::PersonIdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct PersonId(Box<str>);

/// Why a text is no pseudonym. It does not repeat the text, which may be a name given by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PersonIdError {
    /// There is no text.
    #[error("a person's id is empty; give at least one character")]
    Empty,
    /// The text is too long.
    #[error("a person's id is longer than {BYTES_MAX} bytes; shorten it")]
    TooLong,
}

impl PersonId {
    /// Checks and wraps a pseudonym.
    ///
    /// # Errors
    /// When it is empty or longer than 128 bytes.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, PersonIdError> {
        let text = text.into();
        match text.len() {
            0 => Err(PersonIdError::Empty),
            1..=BYTES_MAX => Ok(Self(text)),
            _ => Err(PersonIdError::TooLong),
        }
    }

    /// The pseudonym as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for PersonId {
    type Error = PersonIdError;

    fn try_from(text: Box<str>) -> Result<Self, PersonIdError> {
        Self::new(text)
    }
}

impl From<PersonId> for Box<str> {
    fn from(person: PersonId) -> Self {
        person.0
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
