//! What runs across agents: durable flows, the rules that start them, and request workflows.

mod activities;
mod cart;
mod checkout;
mod fulfil;
mod low_stock;
mod order_change;
mod register;
mod release;
mod returns;
mod settle;

pub use activities::{AUTHORISE, CAPTURE, CREATE_LABEL, LOOK_UP, LabelRequest, REFUND, VOID};
pub use cart::{CartError as CartPricingError, PricedCart, PricedCartLine, price_cart};
pub use checkout::{CHECKOUT, CheckoutError, CheckoutReceipt, CheckoutRequest, checkout};
pub use fulfil::{FULFIL, FulfilError, FulfilRequest, Fulfilled, fulfil};
pub use low_stock::{LOW_STOCK, LowStockError, LowStockOutcome, LowStockRequest, low_stock};
pub use order_change::{LineOption, ModificationOptions, OrderChangeError, modification_options};
pub use register::register_journeys;
pub use release::{RELEASE, ReleaseError, ReleaseRequest, release};
pub use returns::{Inspection, RETURN, ReturnError, ReturnOutcome, ReturnRequest, return_goods};
