//! What the Recommendation agent records.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::candidates::{Rung, Showcase};
use super::clicks::Visitor;
use crate::domain::{CustomerId, OrderId, Sku};

/// A shopper looked at a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductViewed {
    /// What was looked at.
    pub sku: Sku,
    /// Its category at that moment.
    pub category: Box<str>,
}

/// A shopper bought products.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductsBought {
    /// In which order.
    pub order: OrderId,
    /// What was bought, each product once.
    pub products: Vec<BoughtProduct>,
    /// When.
    pub at: Timestamp,
}

/// One product of [`ProductsBought`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoughtProduct {
    /// Which.
    pub sku: Sku,
    /// Its category at that moment.
    pub category: Box<str>,
}

/// The model learned which products were bought together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BasketLearned {
    /// From which order.
    pub order: OrderId,
    /// Each product once, in the order's own sequence.
    pub skus: Vec<Sku>,
}

/// A product is no longer recommended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductSuppressed {
    /// Which.
    pub sku: Sku,
    /// Why, for people.
    pub reason: Box<str>,
}

/// A product may be recommended again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductRestored {
    /// Which.
    pub sku: Sku,
}

/// A click was learned, as part of the visit of whoever clicked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClickLearned {
    /// Whose.
    pub visitor: Visitor,
    /// On which product.
    pub sku: Sku,
    /// When.
    pub at: Timestamp,
}

/// Products were shown to somebody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductsShown {
    /// To whom, where that is known.
    pub shopper: Option<CustomerId>,
    /// What for.
    pub shelf: Showcase,
    /// Which, in the order in which they stood.
    pub products: Vec<ShownProduct>,
}

/// One product of [`ProductsShown`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShownProduct {
    /// Which.
    pub sku: Sku,
    /// Where it came from.
    pub rung: Rung,
}

mercato_runtime::events! {
    /// What happens to a shopper's taste and to the model.
    pub enum RecommendationEvent {
        ProductViewed: 1,
        ProductsBought: 1,
        BasketLearned: 1,
        ProductSuppressed: 1,
        ProductRestored: 1,
        ClickLearned: 1,
        ProductsShown: 1,
    }
}
