//! What prices are made of, with the reasons: the log of price decisions.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{BasisPoints, Money, PromotionId};

/// Why a price input was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PriceReason {
    /// A person decided it.
    Merchant,
    /// Stock is low.
    LowStock,
    /// Stock has recovered.
    StockRecovered,
    /// The market moved.
    Market,
}

/// Where a product stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Lifecycle {
    /// It is sold and bought again.
    #[default]
    Regular,
    /// What is left is sold off.
    Clearance,
}

/// A product has a base price, a cost and a place in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasePriceSet {
    /// The price of one unit, before tax.
    pub base: Money,
    /// What one unit costs the shop.
    pub cost: Money,
    /// Where the product stands in its life.
    pub lifecycle: Lifecycle,
    /// Why.
    pub reason: PriceReason,
}

/// The price is moved up or down for the time being.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrategyAdjusted {
    /// By how much; it replaces the adjustment before.
    pub adjustment: BasisPoints,
    /// Why.
    pub reason: PriceReason,
}

/// A promotion was set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionStarted {
    /// Its name.
    pub promotion: PromotionId,
    /// What it takes off.
    pub off: BasisPoints,
    /// From when.
    pub starts: Timestamp,
    /// Until when; that moment is no part of it.
    pub ends: Timestamp,
    /// When it was set up.
    pub at: Timestamp,
}

/// A promotion takes nothing off any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionPaused {
    /// Its name.
    pub promotion: PromotionId,
    /// Why.
    pub reason: PriceReason,
}

/// A competitor's price was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompetitorPriceRecorded {
    /// The price of one unit, before tax.
    pub unit: Money,
    /// When it was seen.
    pub seen_at: Timestamp,
}

mercato_runtime::events! {
    /// What happens to the price of one SKU.
    pub enum PricingEvent {
        BasePriceSet: 1,
        StrategyAdjusted: 1,
        PromotionStarted: 1,
        PromotionPaused: 1,
        CompetitorPriceRecorded: 1,
    }
}
