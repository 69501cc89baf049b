//! What a cart costs now: a request, answered at once and recorded nowhere.

use mercato_runtime::{AskFailure, Scope};

use super::quote::look_at_prices;
use crate::domain::{Cart, Money, MoneyError, Quantity};
use crate::pricing::{PricingRejection, Quote, Segment};

/// A cart with its prices, before shipping and tax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedCart {
    /// Line by line, in the order of the cart.
    pub lines: Vec<PricedCartLine>,
    /// The sum of all lines; `None` for an empty cart, which has no currency.
    pub total: Option<Money>,
}

/// A line with its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedCartLine {
    /// The quote of one unit. Its [`hold`](Quote::hold) goes into the cart.
    pub quote: Quote,
    /// How many.
    pub quantity: Quantity,
    /// What coupons take off this line.
    pub discount: Money,
    /// Units times price, less the discount.
    pub amount: Money,
}

/// Why a cart has no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CartError {
    /// A product has no price, or a coupon cannot be used.
    #[error(transparent)]
    Pricing(#[from] PricingRejection),
    /// The sum cannot be made.
    #[error("cart cannot be summed up: {0}")]
    Money(#[from] MoneyError),
    /// Pricing could not be asked.
    #[error(transparent)]
    Unserved(#[from] AskFailure),
}

/// Calculates the total of a cart, asking for all prices at once and honouring those it holds.
///
/// # Errors
/// When a product has no price, a coupon cannot be used, or Pricing could not be asked.
pub async fn price_cart(
    scope: &Scope,
    cart: &Cart,
    segment: Segment,
) -> Result<PricedCart, CartError> {
    let basket = look_at_prices(scope, cart, segment).await?;
    let total = basket.as_ref().map(|basket| basket.total);
    let lines = basket.into_iter().flat_map(|basket| basket.lines);
    let lines = lines.map(|priced| PricedCartLine {
        quote: priced.line.quote,
        quantity: priced.line.quantity,
        discount: priced.discount,
        amount: priced.net,
    });
    let lines = lines.collect();
    Ok(PricedCart { lines, total })
}
