//! What a shopper means to buy.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CartId, CouponCode, CustomerId, Money, Quantity, QuantityError, QuoteId, Sku};

/// A price that a shopper was shown and that the shop stands by while its quote is valid.
///
/// It is a claim, not a fact: Pricing recomputes it from the revision and the moment before it
/// honours it, so a forged one only ever buys a price that was really on offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPrice {
    /// The price of one unit, before tax.
    pub unit: Money,
    /// The revision of the price's inputs that it was calculated from.
    pub revision: u64,
    /// When it was quoted.
    pub quoted_at: Timestamp,
}

/// One product in a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// The price that the shopper was shown, if one is to be honoured.
    pub held: Option<HeldPrice>,
}

/// What a shopper means to buy: one line for each SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawCart", into = "RawCart")]
pub struct Cart {
    id: CartId,
    customer: CustomerId,
    lines: Vec<CartLine>,
    coupons: Vec<CouponCode>,
    quote: Option<QuoteId>,
}

#[derive(Serialize, Deserialize)]
struct RawCart {
    id: CartId,
    customer: CustomerId,
    lines: Vec<CartLine>,
    coupons: Vec<CouponCode>,
    quote: Option<QuoteId>,
}

/// Why a line does not go into a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum CartError {
    /// The cart is full.
    #[error("cart has {} lines already; check out or remove one", Cart::LINES_MAX)]
    Full,
    /// Together with what is in the cart it is too much.
    #[error("too much of sku {sku}: {reason}")]
    Quantity {
        /// The product.
        sku: Sku,
        /// What is wrong with the quantity.
        reason: QuantityError,
    },
    /// There is no room for another coupon.
    #[error("cart has {} coupons already; take one out", Cart::COUPONS_MAX)]
    TooManyCoupons,
}

impl Cart {
    /// The most lines that a cart holds.
    pub const LINES_MAX: usize = 100;
    /// The most coupons that a cart holds.
    pub const COUPONS_MAX: usize = 4;

    /// An empty cart.
    #[must_use]
    pub fn new(id: CartId, customer: CustomerId) -> Self {
        Self {
            id,
            customer,
            lines: Vec::new(),
            coupons: Vec::new(),
            quote: None,
        }
    }

    /// Puts a line in. A SKU that is there already has its quantity raised; the price that was
    /// held for it gives way to the new line's, which the shopper saw last.
    ///
    /// # Errors
    /// When the cart is full, or the quantity would grow beyond its limit.
    pub fn add(&mut self, line: CartLine) -> Result<(), CartError> {
        if let Some(present) = self
            .lines
            .iter_mut()
            .find(|present| present.sku == line.sku)
        {
            present.quantity =
                present
                    .quantity
                    .plus(line.quantity)
                    .map_err(|reason| CartError::Quantity {
                        sku: line.sku.clone(),
                        reason,
                    })?;
            present.held = line.held.or(present.held);
            return Ok(());
        }
        if self.lines.len() == Self::LINES_MAX {
            return Err(CartError::Full);
        }
        self.lines.push(line);
        Ok(())
    }

    /// Takes a SKU out; says whether it was there.
    pub fn remove(&mut self, sku: &Sku) -> bool {
        let before = self.lines.len();
        self.lines.retain(|line| line.sku != *sku);
        self.lines.len() < before
    }

    /// Puts a coupon in; a second time changes nothing. Whether it is worth anything, Pricing says.
    ///
    /// # Errors
    /// When there are too many.
    pub fn add_coupon(&mut self, coupon: CouponCode) -> Result<(), CartError> {
        if self.coupons.contains(&coupon) {
            return Ok(());
        }
        if self.coupons.len() == Self::COUPONS_MAX {
            return Err(CartError::TooManyCoupons);
        }
        self.coupons.push(coupon);
        Ok(())
    }

    /// Names the quote that was made for this cart, whose prices the checkout is to take.
    pub fn hold_quote(&mut self, quote: QuoteId) {
        self.quote = Some(quote);
    }

    /// The cart's name.
    #[must_use]
    pub fn id(&self) -> &CartId {
        &self.id
    }

    /// Whose it is.
    #[must_use]
    pub fn customer(&self) -> &CustomerId {
        &self.customer
    }

    /// What is in it, in the order in which it was put in.
    #[must_use]
    pub fn lines(&self) -> &[CartLine] {
        &self.lines
    }

    /// Its coupons, in the order in which they were put in.
    #[must_use]
    pub fn coupons(&self) -> &[CouponCode] {
        &self.coupons
    }

    /// The quote that was made for it.
    #[must_use]
    pub fn quote(&self) -> Option<&QuoteId> {
        self.quote.as_ref()
    }
}

impl TryFrom<RawCart> for Cart {
    type Error = CartError;

    fn try_from(raw: RawCart) -> Result<Self, CartError> {
        let mut cart = Self::new(raw.id, raw.customer);
        raw.lines.into_iter().try_for_each(|line| cart.add(line))?;
        (raw.coupons.into_iter()).try_for_each(|coupon| cart.add_coupon(coupon))?;
        cart.quote = raw.quote;
        Ok(cart)
    }
}

impl From<Cart> for RawCart {
    fn from(cart: Cart) -> Self {
        Self {
            id: cart.id,
            customer: cart.customer,
            lines: cart.lines,
            coupons: cart.coupons,
            quote: cart.quote,
        }
    }
}
