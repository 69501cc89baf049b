//! What happens to an order.

use mercato_runtime::Personal;
use serde::{Deserialize, Serialize};

use super::totals::PricedOrder;
use crate::domain::{
    CustomerId, Destination, EmailAddress, Money, OrderId, PaymentId, Quantity, Sku,
};
use crate::ports::{DeclineReason, PaymentMethod, TrackingNumber};

/// So many of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
}

/// Everything that a shopper gives with an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDetails {
    /// Who orders.
    pub customer: CustomerId,
    /// Where mail about it goes, sealed for who orders.
    pub email: Personal<EmailAddress>,
    /// What is ordered: each SKU once.
    pub lines: Vec<OrderLine>,
    /// Where it goes, which decides the tax; sealed for who orders.
    pub address: Destination,
    /// How it is paid.
    pub method: PaymentMethod,
}

/// Valid details arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderReceived {
    /// What was ordered, by whom.
    pub details: OrderDetails,
}

/// Prices, tax and shipping are frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPriced {
    /// What it costs, line by line, with the quotes that say why.
    pub priced: PricedOrder,
}

/// The money is set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentAuthorised {
    /// Which payment.
    pub payment: PaymentId,
}

/// The payment was asked for and the answer was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentOutcomeLost {
    /// Which payment.
    pub payment: PaymentId,
}

/// The payment was declined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentDeclined {
    /// Why.
    pub reason: DeclineReason,
}

/// The shopper has a promise. Fulfilment and the confirmation follow from this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// The order.
    pub order: OrderId,
    /// Who bought.
    pub customer: CustomerId,
    /// Where mail about it goes.
    pub email: Personal<EmailAddress>,
    /// What was bought.
    pub lines: Vec<OrderLine>,
    /// What is to be paid, tax and shipping included.
    pub total: Money,
}

/// The order goes to another address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderChanged {
    /// Where it goes now.
    pub address: Destination,
}

/// The parcel has a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelRecorded {
    /// The number on it.
    pub tracking: TrackingNumber,
}

/// The money is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentCaptured {
    /// How much.
    pub amount: Money,
}

/// Why an order was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CancelReason {
    /// The checkout could not be finished; its own undo steps give everything back.
    CheckoutFailed,
    /// The customer changed their mind.
    Customer,
    /// The shop decided it.
    Merchant,
}

/// The order will not be fulfilled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// The order.
    pub order: OrderId,
    /// Why.
    pub reason: CancelReason,
    /// What had been ordered.
    pub lines: Vec<OrderLine>,
}

/// Some of the order is coming back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnRequested {
    /// What.
    pub lines: Vec<OrderLine>,
    /// What is due for it.
    pub refund: Money,
}

/// Inspection turned the return down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnRefused;

/// Money was given back for what came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRecorded {
    /// How much.
    pub amount: Money,
}

mercato_runtime::events! {
    /// What happens to an order.
    pub enum OrderEvent {
        OrderReceived: 1,
        OrderPriced: 1,
        PaymentAuthorised: 1,
        PaymentOutcomeLost: 1,
        PaymentDeclined: 1,
        OrderPlaced: 1,
        OrderChanged: 1,
        LabelRecorded: 1,
        PaymentCaptured: 1,
        OrderCancelled: 1,
        ReturnRequested: 1,
        ReturnRefused: 1,
        RefundRecorded: 1,
    }
}
