//! On whose behalf a command is given.

use serde::{Deserialize, Serialize};

/// Who asks. Agents check it where it matters: people see only what is theirs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Principal {
    /// The runtime itself: flows, triggers, timers.
    System,
    /// Somebody who is served, by the key of their account.
    User(Box<str>),
    /// Somebody who runs the service.
    Operator(Box<str>),
    /// Another program.
    Service(Box<str>),
}

impl Principal {
    /// Somebody who is served.
    #[must_use]
    pub fn user(id: impl Into<Box<str>>) -> Self {
        Self::User(id.into())
    }

    /// The account's key, where it is a user who asks.
    #[must_use]
    pub fn as_user(&self) -> Option<&str> {
        match self {
            Self::User(id) => Some(id),
            _ => None,
        }
    }
}
