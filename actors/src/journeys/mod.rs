//! What runs across agents: durable flows, the rules that start them, and request workflows.

mod activities;
mod cart;
mod checkout;
mod fulfil;
mod low_stock;
mod market;
mod order_change;
mod purchase;
mod quote;
mod register;
mod release;
mod reserve_cart;
mod returns;
mod settle;
mod stock_report;

pub use activities::{AUTHORISE, CAPTURE, CREATE_LABEL, LOOK_UP, LabelRequest, REFUND, VOID};
pub use cart::{CartError as CartPricingError, PricedCart, PricedCartLine, price_cart};
pub use checkout::{CHECKOUT, CheckoutError, CheckoutReceipt, CheckoutRequest, checkout};
pub use fulfil::{FULFIL, FulfilError, FulfilRequest, Fulfilled, fulfil};
pub use low_stock::{LOW_STOCK, LowStockError, LowStockOutcome, LowStockRequest, low_stock};
pub use market::{
    MARKET_SKUS_MAX, MarketWatch, MarketWatchError, MarketWatched, OBSERVE_MARKET, WATCH_MARKET,
    register_market, watch_market,
};
pub use order_change::{LineOption, ModificationOptions, OrderChangeError, modification_options};
pub use purchase::{
    LOOK_UP_PURCHASE, PLACE_PURCHASE, PURCHASE, PurchaseError, PurchaseOutcome, purchase,
    register_purchases,
};
pub use quote::lock_cart;
pub use register::register_journeys;
pub use release::{RELEASE, ReleaseError, ReleaseRequest, release};
pub use reserve_cart::{CartHold, reserve_cart};
pub use returns::{Inspection, RETURN, ReturnError, ReturnOutcome, ReturnRequest, return_goods};
pub use stock_report::{InventoryReport, inventory_report};
