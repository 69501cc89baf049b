//! What happens to coupons and to the quotes of whole carts.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::basket::QuotedLine;
use super::cart_quote::CouponUse;
use super::coupon::{CouponTerms, GivenBack};
use crate::domain::{CustomerId, Money, OrderId, QuoteId, Sku};

/// A coupon can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponIssued {
    /// Its terms.
    pub terms: CouponTerms,
}

/// A use of a coupon was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponClaimed {
    /// For which quote.
    pub holder: QuoteId,
    /// By whom.
    pub customer: CustomerId,
    /// When it lapses; `None` is never.
    pub until: Option<Timestamp>,
}

/// A use of a coupon was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponReleased {
    /// From which quote.
    pub holder: QuoteId,
    /// Why.
    pub because: GivenBack,
}

/// A coupon can be used no more. What was used stays so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponWithdrawn;

/// A quote of a whole cart is locked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteIssued {
    /// For whom.
    pub customer: CustomerId,
    /// The order that it was made for, where it was made at a checkout.
    pub order: Option<OrderId>,
    /// Line by line, with why each price is so.
    pub lines: Vec<QuotedLine>,
    /// The coupons that it took, and under whose name.
    pub coupons: Vec<CouponUse>,
    /// The version of the rules that it was made by.
    pub rules: u32,
    /// When it was locked.
    pub at: Timestamp,
    /// Until when the shop stands by it.
    pub valid_until: Timestamp,
}

/// An order takes the quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteAccepted {
    /// Which.
    pub order: OrderId,
}

/// The order that took the quote came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteReleased {
    /// Which.
    pub order: OrderId,
}

/// What was quoted is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteSold {
    /// What, how many of it, and what the shelf asked for one.
    pub lines: Vec<(Sku, u32, Money)>,
}

/// What was quoted will not be sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteCancelled {
    /// The coupons whose uses go back.
    pub coupons: Vec<CouponUse>,
}
