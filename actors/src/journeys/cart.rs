//! What a cart costs now: a request, answered at once and recorded nowhere.

use futures::future::join_all;
use mercato_runtime::{AskError, AskFailure, Scope};

use crate::domain::{Cart, CartLine, Money, MoneyError, Quantity};
use crate::pricing::{PricingRejection, Quote, QuotePrice, Segment};

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
    /// Units times price.
    pub amount: Money,
}

/// Why a cart has no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CartError {
    /// A product has no price.
    #[error(transparent)]
    Pricing(PricingRejection),
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
/// When a product has no price, or Pricing could not be asked.
pub async fn price_cart(
    scope: &Scope,
    cart: &Cart,
    segment: Segment,
) -> Result<PricedCart, CartError> {
    let asked = cart.lines().iter().map(|line| quote(scope, line, segment));
    let lines = join_all(asked)
        .await
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let amounts = lines.iter().map(|line| line.amount);
    let total = match lines.first() {
        Some(first) => Some(Money::sum(first.amount.currency(), amounts)?),
        None => None,
    };
    Ok(PricedCart { lines, total })
}

async fn quote(
    scope: &Scope,
    line: &CartLine,
    segment: Segment,
) -> Result<PricedCartLine, CartError> {
    let ask = QuotePrice {
        sku: line.sku.clone(),
        segment,
        held: line.held,
    };
    let quote = match scope.ask(ask).await {
        Ok(quote) => quote,
        Err(AskError::Rejected(rejection)) => return Err(CartError::Pricing(rejection)),
        Err(AskError::Failed(failure)) => return Err(failure.into()),
        Err(_) => return Err(AskFailure::Stopped.into()),
    };
    Ok(PricedCartLine {
        amount: quote.unit.times(line.quantity.get())?,
        quote,
        quantity: line.quantity,
    })
}
