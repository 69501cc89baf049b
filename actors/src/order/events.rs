//! What happens to an order.

use mercato_runtime::{Personal, Timestamp};
use serde::{Deserialize, Serialize};

use super::earlier::{LabelRecordedV1, OrderPricedV1, PaymentCapturedV1, RefundRecordedV1};
use super::totals::PricedOrder;
use crate::domain::{
    CustomerId, Destination, EmailAddress, Money, OrderId, PaymentId, Quantity, ReservationId, Sku,
};
use crate::ports::{DeclineReason, PaymentMethod, TrackingNumber, TrackingScan};
use crate::pricing::Segment;

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

/// It is priced on other terms than everybody's: those that its customer has. Where this did not happen
/// the terms are [`Segment::Standard`], or (of old orders) unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsAgreed {
    /// Which.
    pub segment: Segment,
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

/// Units that are held in stock for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockHold {
    /// What.
    pub sku: Sku,
    /// The hold's name at Inventory.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
}

/// Units are held for the order, beside those that were held before. What is ordered and not held is
/// on backorder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockAllocated {
    /// The holds.
    pub holds: Vec<StockHold>,
}

/// A change of the order is being worked out; until it ends nothing else moves the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeBegun {
    /// The change's own name: only under it can it be ended.
    pub change: Box<str>,
}

/// The change came to nothing; the order is as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeAbandoned;

/// A change was accepted: this is the order from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRevised {
    /// The order.
    pub order: OrderId,
    /// Which version this is; the first one is 1.
    pub revision: u32,
    /// What is ordered.
    pub lines: Vec<OrderLine>,
    /// What it costs.
    pub priced: PricedOrder,
    /// What is held for it.
    pub holds: Vec<StockHold>,
    /// What was held and no longer is needed.
    pub freed: Vec<StockHold>,
    /// The payment of the difference, where there is one.
    pub supplement: Option<MoneyPart>,
}

/// The order is being packed: from here on it can be neither changed nor cancelled as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FulfilmentBegun {
    /// The order.
    pub order: OrderId,
}

/// The order goes to another address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderChanged {
    /// Where it goes now.
    pub address: Destination,
}

/// A parcel has a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelRecorded {
    /// Which of the order's parcels, from 1.
    pub parcel: u32,
    /// What is in it. Nothing is named where the order was one parcel, and left before it was paid:
    /// so it was in the first version of this event.
    pub contents: Vec<StockHold>,
    /// The number on it.
    pub tracking: TrackingNumber,
}

/// A part of an amount, and the payment that it is a part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyPart {
    /// Which payment.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
}

/// The money for a parcel is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentCaptured {
    /// How much.
    pub amount: Money,
    /// From which payments; from the first one where none is named.
    pub parts: Vec<MoneyPart>,
}

/// A parcel is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelDispatched {
    /// Which.
    pub parcel: u32,
    /// When.
    pub at: Timestamp,
}

/// The carrier told of a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelTracked {
    /// Which.
    pub parcel: u32,
    /// What it told.
    pub scan: TrackingScan,
}

/// What is not sent of a line will not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCancelled {
    /// The order.
    pub order: OrderId,
    /// The product.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
    /// Why.
    pub reason: CancelReason,
    /// What was held for them.
    pub freed: Vec<StockHold>,
}

/// The gateway no longer sets the money aside; what was captured stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorisationExpired {
    /// The order.
    pub order: OrderId,
    /// Which payment.
    pub payment: PaymentId,
}

/// What is still to be taken is set aside anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorisationRenewed {
    /// The new payment, and what it sets aside.
    pub payment: MoneyPart,
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
    /// It was not paid in time.
    Unpaid,
    /// It stayed on backorder for too long.
    BackorderExpired,
    /// Its money was no longer set aside, and could not be set aside anew.
    PaymentExpired,
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

/// What the warehouse found of one product in a returned parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnFinding {
    /// The product.
    pub sku: Sku,
    /// Units that can be sold again.
    pub resaleable: u32,
    /// Units that cannot.
    pub damaged: u32,
}

/// The parcel of a return was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnInspected {
    /// What was in it.
    pub findings: Vec<ReturnFinding>,
    /// What is due for that.
    pub refund: Money,
}

/// The goods of a return did not come in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnLapsed;

/// Money was given back for what came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRecorded {
    /// How much.
    pub amount: Money,
    /// To which payments; to the first one where none is named.
    pub parts: Vec<MoneyPart>,
}

mercato_runtime::events! {
    /// What happens to an order.
    pub enum OrderEvent {
        OrderReceived: 1,
        OrderPriced: 2 from { 1 => OrderPricedV1 },
        PaymentAuthorised: 1,
        PaymentOutcomeLost: 1,
        PaymentDeclined: 1,
        StockAllocated: 1,
        OrderPlaced: 1,
        OrderChanged: 1,
        ChangeBegun: 1,
        ChangeAbandoned: 1,
        OrderRevised: 1,
        FulfilmentBegun: 1,
        LabelRecorded: 2 from { 1 => LabelRecordedV1 },
        PaymentCaptured: 2 from { 1 => PaymentCapturedV1 },
        ParcelDispatched: 1,
        ParcelTracked: 1,
        LineCancelled: 1,
        AuthorisationExpired: 1,
        AuthorisationRenewed: 1,
        OrderCancelled: 1,
        ReturnRequested: 1,
        ReturnInspected: 1,
        ReturnRefused: 1,
        ReturnLapsed: 1,
        RefundRecorded: 2 from { 1 => RefundRecordedV1 },
        TermsAgreed: 1,
    }
}
