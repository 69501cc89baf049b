//! Whether a product may be promoted.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

/// How a product is promoted at present: what the other agents learn of Marketing's strategy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionStrategy {
    /// Why nothing promotes it, if so.
    pub paused: Option<Box<str>>,
    /// The last reorder that Marketing was told of: what it may promote again, and when.
    pub reorder: Option<Reorder>,
}

/// Units of a product on their way to the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reorder {
    /// How many.
    pub units: u32,
    /// When they should arrive.
    pub expected_at: Timestamp,
}

impl PromotionStrategy {
    /// A product that nobody spoke of.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            paused: None,
            reorder: None,
        }
    }
}
