//! What runs across agents: durable flows, the rules that start them, and request workflows.

mod activities;
mod backorder;
mod cart;
mod checkout;
mod fulfil;
mod hold;
mod label;
mod low_stock;
mod market;
mod order_change;
mod purchase;
mod quote;
mod quotes;
mod reconcile;
mod register;
mod release;
mod renew;
mod returns;
mod revise;
mod settle;
mod stock_report;

pub use activities::{
    AUTHORISE, CAPTURE, CREATE_LABEL, LOOK_UP, LabelRequest, REFUND, STATEMENT, StatementRequest,
    VOID,
};
pub use cart::{
    CartError as CartPricingError, PricedCart, PricedCartLine, add_to_cart, calculate_total,
    remove_from_cart,
};
pub use checkout::{
    BackorderChoice, BackorderedLine, CHECKOUT, CheckoutError, CheckoutReceipt, CheckoutRequest,
    checkout,
};
pub use fulfil::{FULFIL, FulfilError, FulfilRequest, Fulfilled, fulfil};
pub use label::{ShippingLabelError, shipping_label};
pub use low_stock::{LOW_STOCK, LowStockError, LowStockOutcome, LowStockRequest, low_stock};
pub use market::{
    MARKET_SKUS_MAX, MarketWatch, MarketWatchError, MarketWatched, OBSERVE_MARKET, WATCH_MARKET,
    register_market, watch_market,
};
pub use order_change::{
    Alternative, LineOption, ModificationOptions, OrderChangeError, modification_options,
};
pub use purchase::{
    LOOK_UP_PURCHASE, PLACE_PURCHASE, PURCHASE, PurchaseError, PurchaseOutcome, purchase,
    register_purchases,
};
pub use quote::lock_cart;
pub use reconcile::{
    Difference, DifferenceKind, RECONCILE, ReconcileError, ReconcileRequest, Reconciliation,
    reconcile,
};
pub use register::register_journeys;
pub use release::{RELEASE, RELEASE_STOCK, ReleaseError, ReleaseRequest, release, release_stock};
pub use renew::{RENEW_PAYMENT, RenewError, RenewRequest, Renewed, renew_payment};
pub use returns::{
    Inspection, RECEIVE_RETURN, RETURN, ReturnError, ReturnOutcome, ReturnRequest, ReturnedParcel,
    receive_return, return_goods,
};
pub use revise::{ChangeReceipt, ORDER_CHANGE, OrderChangeRequest, ReviseError, change_order};
pub use stock_report::{InventoryReport, inventory_report};
