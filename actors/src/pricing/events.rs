//! What prices are made of, with the reasons: the log of price decisions.

use mercato_runtime::{Principal, Timestamp};
use serde::{Deserialize, Serialize};

use super::changes::PriceChangeTerms;
use super::competitors::CompetitorPrices;
use super::dynamic::LevelReason;
use super::elasticity::Elasticity;
use super::price_list::ListPrice;
use super::promotions::PromotionTerms;
use super::sale_events::{
    CouponClaimed, CouponIssued, CouponReleased, CouponWithdrawn, QuoteAccepted, QuoteCancelled,
    QuoteIssued, QuoteReleased, QuoteSold,
};
use crate::domain::{BasisPoints, CompetitorId, Money, PriceChangeId, PromotionId};

/// Why a price input was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// An earlier price holds again.
    RolledBack,
}

/// Where a product stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Lifecycle {
    /// It is sold and bought again.
    #[default]
    Regular,
    /// What is left is sold off.
    Clearance,
    /// It is new, and nobody knows yet what it is worth to people.
    Introduction,
}

/// A product has a base price, a cost and a place in its life. It is recorded no more: see
/// [`PriceActivated`].
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

/// A promotion was set up. It is recorded no more: see [`PromotionPlanned`].
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

/// A competitor's price was seen, of a source that was not named. It is recorded no more: see
/// [`CompetitorPricesRecorded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompetitorPriceRecorded {
    /// The price of one unit, before tax.
    pub unit: Money,
    /// When it was seen.
    pub seen_at: Timestamp,
}

/// A promotion was set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionPlanned {
    /// Its name.
    pub promotion: PromotionId,
    /// Its terms.
    pub terms: PromotionTerms,
    /// When it was set up.
    pub at: Timestamp,
}

/// Prices of competitors were seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompetitorPricesRecorded {
    /// The latest of each source.
    pub prices: CompetitorPrices,
    /// Sources that have not been heard of for so long that they make room.
    pub forgotten: Vec<CompetitorId>,
}

/// The price list was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceListSet {
    /// Its entries from now on.
    pub entries: Vec<ListPrice>,
    /// Why.
    pub reason: PriceReason,
}

/// Demand and market moved the price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceLevelMoved {
    /// The level before.
    pub from: BasisPoints,
    /// The level from now on.
    pub to: BasisPoints,
    /// What moved it.
    pub reason: LevelReason,
    /// What the market asked.
    pub market: Option<Money>,
    /// What was known of demand.
    pub elasticity: Option<Elasticity>,
    /// When.
    pub at: Timestamp,
}

/// A change of price waits for somebody else to approve it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChangeProposed {
    /// Its name.
    pub change: PriceChangeId,
    /// What is to change.
    pub terms: PriceChangeTerms,
    /// Who proposes it.
    pub by: Principal,
}

/// A change of price was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChangeApproved {
    /// Its name.
    pub change: PriceChangeId,
    /// By whom.
    pub by: Principal,
}

/// A change of price waits for its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChangeScheduled {
    /// Its name.
    pub change: PriceChangeId,
    /// What is to change.
    pub terms: PriceChangeTerms,
    /// When.
    pub at: Timestamp,
}

/// A change of price will not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChangeDropped {
    /// Its name.
    pub change: PriceChangeId,
    /// Who dropped it.
    pub by: Principal,
}

/// A price holds from now on, under the next version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceActivated {
    /// The version.
    pub version: u32,
    /// The change that it comes from, unless it was rolled back to.
    pub change: Option<PriceChangeId>,
    /// What holds.
    pub terms: PriceChangeTerms,
    /// When.
    pub at: Timestamp,
}

/// The shelf asks another price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShelfPriceShown {
    /// The price of one unit for everybody.
    pub unit: Money,
    /// What it is without promotions.
    pub regular: Money,
    /// From when.
    pub from: Timestamp,
}

/// Units were sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleObserved {
    /// In which period, counted from the Unix epoch.
    pub period: u64,
    /// What the shelf asked for one.
    pub shelf: Money,
    /// How many, up to what one sale counts for.
    pub units: u32,
}

/// Periods are over in each of which so much was sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemandPeriodClosed {
    /// What the shelf asked for one.
    pub shelf: Money,
    /// How many units were sold in each.
    pub units: u64,
    /// How many periods.
    pub periods: u32,
}

mercato_runtime::events! {
    /// What happens to the price of a SKU, to a coupon, or to a quote.
    pub enum PricingEvent {
        BasePriceSet: 1,
        StrategyAdjusted: 1,
        PromotionStarted: 1,
        PromotionPaused: 1,
        CompetitorPriceRecorded: 1,
        PromotionPlanned: 1,
        CompetitorPricesRecorded: 1,
        PriceListSet: 1,
        PriceLevelMoved: 1,
        PriceChangeProposed: 1,
        PriceChangeApproved: 1,
        PriceChangeScheduled: 1,
        PriceChangeDropped: 1,
        PriceActivated: 1,
        ShelfPriceShown: 1,
        SaleObserved: 1,
        DemandPeriodClosed: 1,
        CouponIssued: 1,
        CouponClaimed: 1,
        CouponReleased: 1,
        CouponWithdrawn: 1,
        QuoteIssued: 1,
        QuoteAccepted: 1,
        QuoteReleased: 1,
        QuoteSold: 1,
        QuoteCancelled: 1,
    }
}
