//! What a shopper means to buy.

use std::collections::BTreeMap;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    CartId, CouponCode, CustomerId, IdError, Money, Quantity, QuantityError, QuoteId,
    ReservationId, Sku,
};

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

/// Units that are held for a cart for a while. It is a number and no name: the name is made of the
/// cart's own, so that no cart can point at what is held for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartHold {
    /// What.
    pub sku: Sku,
    /// Which of the cart's holds of this SKU, from 1.
    pub number: u32,
    /// How many units.
    pub quantity: Quantity,
}

/// What a shopper means to buy: one line for each SKU, and what is held of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawCart", into = "RawCart")]
pub struct Cart {
    id: CartId,
    customer: CustomerId,
    lines: Vec<CartLine>,
    coupons: Vec<CouponCode>,
    quote: Option<QuoteId>,
    holds: Vec<CartHold>,
    /// How many holds of each SKU were ever asked for: a name is never used twice.
    held_ever: BTreeMap<Sku, u32>,
}

#[derive(Serialize, Deserialize)]
struct RawCart {
    id: CartId,
    customer: CustomerId,
    lines: Vec<CartLine>,
    coupons: Vec<CouponCode>,
    quote: Option<QuoteId>,
    holds: Vec<CartHold>,
    held_ever: BTreeMap<Sku, u32>,
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
            holds: Vec::new(),
            held_ever: BTreeMap::new(),
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

    /// Takes a SKU out, with what is held of it; says whether it was there.
    pub fn remove(&mut self, sku: &Sku) -> bool {
        let before = self.lines.len();
        self.lines.retain(|line| line.sku != *sku);
        self.holds.retain(|hold| hold.sku != *sku);
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

    /// The next hold of this cart, with its name. A name that was given out is not given again,
    /// whatever comes of the hold.
    ///
    /// # Errors
    /// When the cart's own name leaves no room.
    pub fn next_hold(
        &mut self,
        sku: &Sku,
        quantity: Quantity,
    ) -> Result<(CartHold, ReservationId), IdError> {
        let number = self.held_ever.entry(sku.clone()).or_default();
        *number = number.saturating_add(1);
        let hold = CartHold {
            sku: sku.clone(),
            number: *number,
            quantity,
        };
        let name = self.name_of(&hold)?;
        Ok((hold, name))
    }

    /// Whether a hold of a SKU was ever asked for, so that its first name is used up.
    #[must_use]
    pub fn ever_held(&self, sku: &Sku) -> bool {
        self.held_ever.contains_key(sku)
    }

    /// Notes that units are held.
    pub fn hold(&mut self, hold: CartHold) {
        self.holds.push(hold);
    }

    /// What is held for this cart, as it last heard.
    #[must_use]
    pub fn holds(&self) -> &[CartHold] {
        &self.holds
    }

    /// The name of one of this cart's holds.
    ///
    /// # Errors
    /// When the cart's own name leaves no room.
    pub fn name_of(&self, hold: &CartHold) -> Result<ReservationId, IdError> {
        match hold.number {
            // The first has the name of the order to be, under which Inventory asks for it.
            1 => ReservationId::new(self.id.as_str()),
            number => ReservationId::further(self.id.as_str(), number),
        }
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
        cart.holds = raw.holds;
        cart.held_ever = raw.held_ever;
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
            holds: cart.holds,
            held_ever: cart.held_ever,
        }
    }
}
