//! The words of the shop: identifiers, money, products, carts, addresses.
//!
//! Every value here is valid from the moment it exists: constructors refuse what must not be, and
//! reading one back from bytes goes through the same constructor.

mod cart;
mod catalogue;
mod currency;
mod destination;
mod ids;
mod money;
mod person;
mod quantity;

pub use cart::{Cart, CartError, CartHold, CartLine, HeldPrice};
pub use catalogue::{Catalogue, CatalogueError, Product};
pub use currency::{Currency, CurrencyError};
pub use destination::Destination;
pub(crate) use ids::is_part;
pub use ids::{
    CartId, CompetitorId, CouponCode, CustomerId, IdError, IdProblem, OrderId, PaymentId,
    PriceChangeId, PromotionId, PurchaseOrderId, QuoteId, ReservationId, RuleId, SessionId, Sku,
    SupplierId, TransferId, WarehouseId,
};
pub use money::{BasisPoints, Money, MoneyError};
pub use person::{Address, AddressPart, EmailAddress, Jurisdiction, PersonError};
pub use quantity::{Quantity, QuantityError};
