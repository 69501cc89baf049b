//! On whose behalf a command is given.

use serde::{Deserialize, Serialize};

/// Who asks. Agents check it where it matters: a shopper sees only their own orders.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Principal {
    /// The runtime itself: flows, triggers, timers.
    System,
    /// A shopper, by the key of their account.
    Shopper(Box<str>),
    /// A person who runs the shop.
    Operator(Box<str>),
    /// Another program.
    Service(Box<str>),
}

impl Principal {
    /// A shopper.
    #[must_use]
    pub fn shopper(id: impl Into<Box<str>>) -> Self {
        Self::Shopper(id.into())
    }

    /// The shopper's key, where it is one who asks.
    #[must_use]
    pub fn as_shopper(&self) -> Option<&str> {
        match self {
            Self::Shopper(id) => Some(id),
            _ => None,
        }
    }
}
