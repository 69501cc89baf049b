//! Names of things: SKUs, customers, orders, carts.

use std::fmt;
use std::str::FromStr;

use mercato_runtime::PersonId;
use mercato_runtime::persistence::PersonIdError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest identifier, in bytes. Entity keys in the journal hold at most 256, and a key may be
/// made of two identifiers and a separator.
const BYTES_MAX: usize = 64;

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{what} {problem}")]
pub struct IdError {
    /// Which kind of identifier was asked for: `sku`.
    what: Box<str>,
    /// What is wrong with the text.
    problem: IdProblem,
}

impl IdError {
    /// What is wrong with the text.
    #[must_use]
    pub fn problem(&self) -> IdProblem {
        self.problem
    }
}

/// What is wrong with a text that should be an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum IdProblem {
    /// There is no text.
    #[error("is empty; give at least one character")]
    Empty,
    /// The text is longer than an identifier may be.
    #[error("is longer than {BYTES_MAX} bytes; shorten it")]
    TooLong,
    /// A character may not stand in an identifier.
    #[error("holds a space, a slash or a character outside printable ascii; leave it out")]
    Character,
}

/// A slash is kept free: it separates the parts of compound keys.
fn check(what: &str, text: &str) -> Result<(), IdError> {
    let problem = if text.is_empty() {
        IdProblem::Empty
    } else if text.len() > BYTES_MAX {
        IdProblem::TooLong
    } else if text.bytes().any(|b| !b.is_ascii_graphic() || b == b'/') {
        IdProblem::Character
    } else {
        return Ok(());
    };
    Err(IdError {
        what: what.into(),
        problem,
    })
}

macro_rules! identifiers {
    ($($(#[$meta:meta])* $name:ident = $what:literal;)+) => {$(
        $(#[$meta])*
        ///
        /// One to 64 printable ASCII characters, without spaces and slashes.
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(try_from = "Box<str>", into = "Box<str>")]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// When the text is empty, too long or holds a character that may not stand in it.
            pub fn new(text: impl Into<Box<str>>) -> Result<Self, IdError> {
                let text = text.into();
                check($what, &text)?;
                Ok(Self(text))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<Box<str>> for $name {
            type Error = IdError;

            fn try_from(text: Box<str>) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for Box<str> {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

identifiers! {
    /// A stock keeping unit: what is stocked, priced and sold.
    Sku = "sku";
    /// A shopper's account.
    CustomerId = "customer id";
    /// An order.
    OrderId = "order id";
    /// A cart.
    CartId = "cart id";
    /// A hold on stock.
    ReservationId = "reservation id";
    /// An order that the shop gives to a supplier.
    PurchaseOrderId = "purchase order id";
    /// Whoever the shop buys from.
    SupplierId = "supplier id";
    /// A place where stock lies.
    WarehouseId = "warehouse id";
    /// Units on their way from one warehouse to another.
    TransferId = "transfer id";
    /// A price reduction that runs for a time.
    PromotionId = "promotion id";
    /// A payment, by the name that the shop gave it.
    PaymentId = "payment id";
    /// A change of a base price, by the name that whoever proposed it gave it.
    PriceChangeId = "price change id";
    /// A rule of the shop's rule book.
    RuleId = "rule id";
    /// Somebody who sells the same thing.
    CompetitorId = "competitor id";
    /// A coupon, as it is typed in.
    CouponCode = "coupon code";
    /// A quote of a whole cart.
    QuoteId = "quote id";
    /// A visit to the shop, by the name that whoever serves it gave it.
    SessionId = "session id";
}

impl WarehouseId {
    /// The warehouse of a shop that has one.
    #[must_use]
    pub fn main() -> Self {
        Self("main".into())
    }
}

impl SupplierId {
    /// The supplier of a shop that has one.
    #[must_use]
    pub fn main() -> Self {
        Self("main".into())
    }
}

impl CustomerId {
    /// The pseudonym under which what belongs to the customer is sealed: the account's id itself.
    ///
    /// # Errors
    /// None for any customer id: they are shorter than a pseudonym may be.
    pub fn person(&self) -> Result<PersonId, PersonIdError> {
        PersonId::new(self.as_str())
    }

    /// Whether a person is this customer.
    #[must_use]
    pub fn is(&self, person: &PersonId) -> bool {
        self.as_str() == person.as_str()
    }
}

/// Whether a name ends like those that [`ReservationId::further`] and [`PaymentId::further`] make of an
/// order's: a point, a letter or none, and a number or none (`o-1.c2`, `o-1.b`, `o-1.2`). An order or a cart
/// of such a name would share holds and payments with another one.
pub(crate) fn is_part(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, part)| {
        let number = part.strip_prefix(|first: char| first.is_ascii_lowercase());
        let number = number.unwrap_or(part);
        !part.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

impl ReservationId {
    /// A further hold of the same owner: `o-1.b2`.
    ///
    /// # Errors
    /// When the two together are too long for an identifier.
    pub fn further(owner: &str, part: impl fmt::Display) -> Result<Self, IdError> {
        Self::new(format!("{owner}.{part}"))
    }
}

impl PaymentId {
    /// A further payment of an order: `o-1.2`.
    ///
    /// # Errors
    /// When the two together are too long for an identifier.
    pub fn further(order: &OrderId, part: impl fmt::Display) -> Result<Self, IdError> {
        Self::new(format!("{order}.{part}"))
    }
}

impl From<&CartId> for OrderId {
    /// The order that a cart becomes: a cart that is checked out twice is one order.
    fn from(cart: &CartId) -> Self {
        Self(cart.0.clone())
    }
}

impl From<&OrderId> for ReservationId {
    /// The first hold that an order has on each of its SKUs.
    fn from(order: &OrderId) -> Self {
        Self(order.0.clone())
    }
}

impl From<&OrderId> for QuoteId {
    /// The one quote that an order is priced by.
    fn from(order: &OrderId) -> Self {
        Self(order.0.clone())
    }
}

impl From<&OrderId> for PaymentId {
    /// The first payment of an order. Whatever is asked for under another name says which payment
    /// it adds to, or the gateway refuses it.
    fn from(order: &OrderId) -> Self {
        Self(order.0.clone())
    }
}
