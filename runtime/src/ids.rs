//! Names of commands and flows.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Namespace of every identifier that this runtime derives from another (RFC 9562 version 5).
const DERIVED: Uuid = Uuid::from_u128(0x6d65_7263_6174_6f5f_6465_7269_7665_6431);

/// The idempotency key of a command: an agent answers a repeated id with its first reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandId(Uuid);

impl CommandId {
    /// Wraps an identifier that somebody else made.
    #[must_use]
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }

    /// The id that stands for a caller's own idempotency key: the same text, the same id.
    ///
    /// ```
    /// use mercato_runtime::CommandId;
    /// assert_eq!(CommandId::from_key("cart-7/pay"), CommandId::from_key("cart-7/pay"));
    /// assert_ne!(CommandId::from_key("cart-7/pay"), CommandId::from_key("cart-8/pay"));
    /// ```
    #[must_use]
    pub fn from_key(key: &str) -> Self {
        Self(Uuid::new_v5(&DERIVED, key.as_bytes()))
    }

    /// The id of a step that follows from this one.
    #[must_use]
    pub fn derive(self, step: &str) -> Self {
        Self(Uuid::new_v5(&self.0, step.as_bytes()))
    }

    /// The identifier as the journal keeps it.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of one instance of a flow, chosen by who starts it: `order-1001`.
///
/// Starting a flow again under the same id gives the first one's result.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FlowId(Box<str>);

impl FlowId {
    /// Names a flow instance.
    #[must_use]
    pub fn new(id: impl Into<Box<str>>) -> Self {
        Self(id.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The command id of one step of this flow.
    #[must_use]
    pub fn step(&self, flow: &str, step: &str) -> CommandId {
        CommandId::from_key(&format!("{flow}/{}/{step}", self.0))
    }
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
