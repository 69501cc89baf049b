//! On what terms somebody buys: all that a price may depend on beside the product and the moment.
//!
//! There is no place in these types for who somebody *is*. A rule, a promotion or a model that
//! priced people by a protected attribute cannot be written down.

use serde::{Deserialize, Serialize};

use crate::domain::{Currency, Quantity};

/// What kind of customer asks. It stands for terms that a customer agreed to, never for who they
/// are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Segment {
    /// Everybody.
    #[default]
    Standard,
    /// Members of the loyalty scheme.
    Loyal,
    /// Resellers.
    Trade,
}

/// Where the price is shown and the sale made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum SalesChannel {
    /// The shop's own pages.
    #[default]
    Web,
    /// The shop's app.
    App,
    /// Over the counter.
    Store,
    /// Somebody else's pages.
    Marketplace,
}

/// The terms of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricingTerms {
    /// Where.
    pub channel: SalesChannel,
    /// In what money: the price is in whole minor units of it.
    pub currency: Currency,
    /// On what agreement.
    pub segment: Segment,
    /// How many at once.
    pub quantity: Quantity,
}

impl PricingTerms {
    /// The shelf: one unit, for everybody, on the shop's pages. What a "was" price is about.
    #[must_use]
    pub const fn shelf(currency: Currency) -> Self {
        Self {
            channel: SalesChannel::Web,
            currency,
            segment: Segment::Standard,
            quantity: Quantity::ONE,
        }
    }

    /// The same for another segment.
    #[must_use]
    pub const fn of(self, segment: Segment) -> Self {
        Self { segment, ..self }
    }

    /// The same for so many units.
    #[must_use]
    pub const fn units(self, quantity: Quantity) -> Self {
        Self { quantity, ..self }
    }
}
