//! A cart: what it costs, and what is held for it. Requests, answered at once: what a crash leaves
//! behind is a hold, and that lapses.

use std::time::Duration;

use mercato_runtime::{AskError, AskFailure, Scope};

use super::quote::{look_at_line, look_at_prices};
use crate::domain::{
    Cart, CartError as CartLimit, CartLine, IdError, Money, MoneyError, Quantity, Sku, is_part,
};
use crate::inventory::{InventoryRejection, ReleaseCartHold, ReserveStock};
use crate::pricing::{PricingRejection, Quote, Segment};

/// How long what is in a cart is held.
const HOLD: Duration = Duration::from_secs(20 * 60);

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

/// Why something cannot be done with a cart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CartError {
    /// A product has no price, or a coupon cannot be used.
    #[error(transparent)]
    Pricing(#[from] PricingRejection),
    /// The sum cannot be made.
    #[error("cart cannot be summed up: {0}")]
    Money(#[from] MoneyError),
    /// The line does not go in.
    #[error(transparent)]
    Limit(#[from] CartLimit),
    /// The stock cannot be held.
    #[error("sku {sku}: {rejection}")]
    Stock {
        /// The product.
        sku: Sku,
        /// What Inventory said.
        rejection: InventoryRejection,
    },
    /// What is held for the cart cannot be named.
    #[error("the cart's name is too long for its holds: {0}")]
    Name(#[from] IdError),
    /// What is held for another order may have the cart's name.
    #[error("the cart's name ends like that of a part of an order, as in `o-1.c2`; choose another")]
    NameOfAPart,
    /// The cart is somebody else's.
    #[error("the cart is another customer's; use one's own")]
    NotYours,
    /// An agent could not be asked.
    #[error(transparent)]
    Unserved(#[from] AskFailure),
}

/// Refuses a shopper the cart of another one, and a cart that is named like what others hold: what is held
/// and locked for it the shop does itself.
pub(super) fn own_cart(scope: &Scope, cart: &Cart) -> Result<(), CartError> {
    match scope.principal().as_user() {
        Some(asking) if asking != cart.customer().as_str() => Err(CartError::NotYours),
        _ if is_part(cart.id().as_str()) => Err(CartError::NameOfAPart),
        _ => Ok(()),
    }
}

/// Puts units of a product into a cart, as SPEC draws it: the total is calculated, then the stock is
/// held. Gives the cart with the line, its price and its hold in it. Where it is refused the shopper
/// keeps the cart that they had.
///
/// # Errors
/// When the cart is another customer's, a product has no price, there is not enough of it, or an agent
/// could not be asked.
pub async fn add_to_cart(
    scope: &Scope,
    cart: &Cart,
    sku: Sku,
    quantity: Quantity,
    segment: Segment,
) -> Result<(Cart, PricedCart), CartError> {
    own_cart(scope, cart)?;
    let mut cart = cart.clone();
    let seen = look_at_line(scope, &sku, quantity, segment).await?;
    cart.add(CartLine {
        sku: sku.clone(),
        quantity,
        held: Some(seen.quote.hold()),
    })?;
    let priced = calculate_total(scope, &cart, segment).await?;
    reserve_inventory(scope, &mut cart, &sku, quantity).await?;
    Ok((cart, priced))
}

/// Takes a product out of a cart and gives back what is held of it.
///
/// # Errors
/// When the cart is another customer's, or Inventory could not be asked; what is held then lapses by
/// itself.
pub async fn remove_from_cart(scope: &Scope, cart: &Cart, sku: &Sku) -> Result<Cart, CartError> {
    own_cart(scope, cart)?;
    let mut left = cart.clone();
    left.remove(sku);
    for hold in cart.holds().iter().filter(|hold| hold.sku == *sku) {
        let release = ReleaseCartHold {
            sku: sku.clone(),
            reservation: cart.name_of(hold)?,
        };
        match scope.ask_as_system(release).await {
            // What an order has by now is not this cart's to give back.
            Ok(_) | Err(AskError::Rejected(_)) => {}
            Err(AskError::Failed(failure)) => return Err(failure.into()),
            Err(_) => return Err(AskFailure::Stopped.into()),
        }
    }
    Ok(left)
}

/// Calculates the total of a cart, asking for all prices at once and honouring those it holds.
///
/// # Errors
/// When a product has no price, a coupon cannot be used, or Pricing could not be asked.
pub async fn calculate_total(
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

async fn reserve_inventory(
    scope: &Scope,
    cart: &mut Cart,
    sku: &Sku,
    quantity: Quantity,
) -> Result<(), CartError> {
    let (hold, reservation) = cart.next_hold(sku, quantity)?;
    let reserve = ReserveStock {
        sku: sku.clone(),
        reservation,
        quantity,
        ttl: HOLD,
    };
    match scope.ask_as_system(reserve).await {
        Ok(_) => {
            cart.hold(hold);
            Ok(())
        }
        Err(AskError::Rejected(rejection)) => Err(CartError::Stock {
            sku: sku.clone(),
            rejection,
        }),
        Err(AskError::Failed(failure)) => Err(failure.into()),
        Err(_) => Err(AskFailure::Stopped.into()),
    }
}
