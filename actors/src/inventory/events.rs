//! The ledger of one SKU. Quantities are in units and always above zero.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{PurchaseOrderId, Quantity, ReservationId, Sku};

/// Units arrived that no purchase order announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReceived {
    /// How many.
    pub quantity: Quantity,
}

/// Units are held for a shopper until a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReserved {
    /// The hold.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
    /// When the hold lapses unless it is confirmed.
    pub expires_at: Timestamp,
}

/// A hold no longer lapses: its payment is authorised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationConfirmed {
    /// The hold.
    pub reservation: ReservationId,
}

/// Held units belong to a placed order. This is the demand that forecasts are made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationCommitted {
    /// The hold.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
    /// When.
    pub at: Timestamp,
}

/// From where units went back to stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReleasedFrom {
    /// They were held.
    Held,
    /// They were committed to an order.
    Committed,
}

/// Units are for sale again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationReleased {
    /// The hold.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
    /// What they were before.
    pub from: ReleasedFrom,
}

/// A hold lapsed; its units are for sale again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationExpired {
    /// The hold.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
}

/// Committed units left the warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockShipped {
    /// The hold that they were committed under.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
}

/// What inspection found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// As new: for sale again.
    Resaleable,
    /// Set aside; never for sale again.
    Damaged,
}

/// Units came back from a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReturned {
    /// How many.
    pub quantity: Quantity,
    /// In what condition.
    pub condition: Condition,
}

/// What is available fell to the reorder point, or stayed there after a delivery. Recorded once
/// until then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LowStockDetected {
    /// The product.
    pub sku: Sku,
    /// What was available then.
    pub available: u64,
    /// The reorder point then.
    pub reorder_point: u64,
}

/// What is available rose above the reorder point again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockRecovered {
    /// The product.
    pub sku: Sku,
    /// What was available then.
    pub available: u64,
}

/// Stock on hand and on its way does not cover what is expected to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReorderAlertGenerated {
    /// What is available, plus what is on its way, less the demand that waits.
    pub position: i64,
    /// The point below which more is bought.
    pub reorder_point: u64,
}

/// More was ordered from the supplier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrderRaised {
    /// Its name.
    pub order: PurchaseOrderId,
    /// How many units.
    pub quantity: Quantity,
    /// When.
    pub at: Timestamp,
    /// When it should arrive.
    pub expected_at: Timestamp,
}

/// The people who buy were told of a purchase order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcurementNotified {
    /// Which one.
    pub order: PurchaseOrderId,
}

/// What was ordered from the supplier arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrderReceived {
    /// Which order.
    pub order: PurchaseOrderId,
    /// How many units.
    pub quantity: Quantity,
    /// When.
    pub at: Timestamp,
}

mercato_runtime::events! {
    /// What happens to the stock of one SKU.
    pub enum InventoryEvent {
        StockReceived: 1,
        StockReserved: 1,
        ReservationConfirmed: 1,
        ReservationCommitted: 1,
        ReservationReleased: 1,
        ReservationExpired: 1,
        StockShipped: 1,
        StockReturned: 1,
        LowStockDetected: 1,
        StockRecovered: 1,
        ReorderAlertGenerated: 1,
        PurchaseOrderRaised: 1,
        ProcurementNotified: 1,
        PurchaseOrderReceived: 1,
    }
}
