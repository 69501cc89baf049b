//! What is bought.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::first_warehouse;
use crate::domain::{PurchaseOrderId, Quantity, SupplierId, WarehouseId};

/// More is to be bought: the order stands in the books before the supplier is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrderRaised {
    /// Its name.
    pub order: PurchaseOrderId,
    /// From whom.
    pub supplier: SupplierId,
    /// To where.
    pub warehouse: WarehouseId,
    /// How many units.
    pub quantity: Quantity,
    /// When.
    pub at: Timestamp,
    /// When it should arrive.
    pub expected_at: Timestamp,
}

/// From when there was one supplier and one warehouse.
#[derive(Serialize, Deserialize)]
pub(super) struct PurchaseOrderRaisedV1 {
    order: PurchaseOrderId,
    quantity: Quantity,
    at: Timestamp,
    expected_at: Timestamp,
}

impl From<PurchaseOrderRaisedV1> for PurchaseOrderRaised {
    fn from(old: PurchaseOrderRaisedV1) -> Self {
        Self {
            order: old.order,
            supplier: SupplierId::main(),
            warehouse: first_warehouse(),
            quantity: old.quantity,
            at: old.at,
            expected_at: old.expected_at,
        }
    }
}

/// Procurement was asked for a purchase order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcurementNotified {
    /// Which one.
    pub order: PurchaseOrderId,
}

/// The supplier takes the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrderAccepted {
    /// Which one.
    pub order: PurchaseOrderId,
    /// When the supplier promises it for.
    pub promised_at: Timestamp,
}

/// The supplier does not take the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrderRefused {
    /// Which one.
    pub order: PurchaseOrderId,
    /// How many units it was for.
    pub quantity: Quantity,
    /// What the supplier says.
    pub reason: Box<str>,
}

/// Nobody knows whether the supplier has the order. It counts as ordered until the supplier says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrderOutcomeLost {
    /// Which one.
    pub order: PurchaseOrderId,
}

/// A delivery of a purchase order arrived: the whole of it, a part, or more than was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrderReceived {
    /// Which order.
    pub order: PurchaseOrderId,
    /// Which of its deliveries, the first being 1.
    pub delivery: u32,
    /// Where.
    pub warehouse: WarehouseId,
    /// How many units.
    pub quantity: Quantity,
    /// How many of them had been ordered, in units: the rest is more than was ordered.
    pub ordered: u32,
    /// When.
    pub at: Timestamp,
}

/// From when an order came as a whole.
#[derive(Serialize, Deserialize)]
pub(super) struct PurchaseOrderReceivedV1 {
    order: PurchaseOrderId,
    quantity: Quantity,
    at: Timestamp,
}

impl From<PurchaseOrderReceivedV1> for PurchaseOrderReceived {
    fn from(old: PurchaseOrderReceivedV1) -> Self {
        Self {
            order: old.order,
            delivery: 1,
            warehouse: first_warehouse(),
            ordered: old.quantity.get(),
            quantity: old.quantity,
            at: old.at,
        }
    }
}

/// A purchase order is over before all of it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrderClosed {
    /// Which one.
    pub order: PurchaseOrderId,
    /// How many units never came.
    pub missing: Quantity,
    /// When.
    pub at: Timestamp,
}
