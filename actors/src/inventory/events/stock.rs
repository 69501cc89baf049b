//! Units that come, go, or turn out to be fewer than was thought.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::first_warehouse;
use crate::domain::{Quantity, TransferId, WarehouseId};

/// Units arrived that no purchase order announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReceived {
    /// Where.
    pub warehouse: WarehouseId,
    /// How many.
    pub quantity: Quantity,
}

/// From when there was one warehouse.
#[derive(Serialize, Deserialize)]
pub(super) struct StockReceivedV1 {
    quantity: Quantity,
}

impl From<StockReceivedV1> for StockReceived {
    fn from(old: StockReceivedV1) -> Self {
        Self {
            warehouse: first_warehouse(),
            quantity: old.quantity,
        }
    }
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
    /// Where.
    pub warehouse: WarehouseId,
    /// How many.
    pub quantity: Quantity,
    /// In what condition.
    pub condition: Condition,
}

/// From when there was one warehouse.
#[derive(Serialize, Deserialize)]
pub(super) struct StockReturnedV1 {
    quantity: Quantity,
    condition: Condition,
}

impl From<StockReturnedV1> for StockReturned {
    fn from(old: StockReturnedV1) -> Self {
        Self {
            warehouse: first_warehouse(),
            quantity: old.quantity,
            condition: old.condition,
        }
    }
}

/// Why stock is other than the books said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdjustmentReason {
    /// A count found more, or fewer.
    CycleCount,
    /// It was stolen.
    Theft,
    /// It broke, or was found broken.
    Damage,
    /// It is past its date.
    Spoilage,
    /// It was put on another shelf, or booked wrongly, and is set right.
    Misplacement,
    /// Damaged goods left the warehouse for good.
    Disposal,
}

/// What an adjustment does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Adjustment {
    /// There are more for sale.
    Found(Quantity),
    /// There are fewer for sale: shrinkage.
    Lost(Quantity),
    /// Units for sale are damaged now, and set aside.
    Damaged(Quantity),
    /// Damaged units are gone.
    Disposed(Quantity),
}

/// The books were set right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockAdjusted {
    /// Where.
    pub warehouse: WarehouseId,
    /// By how much.
    pub adjustment: Adjustment,
    /// Why.
    pub reason: AdjustmentReason,
    /// When.
    pub at: Timestamp,
}

/// A shelf was counted. Where the count differs, an adjustment follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockCounted {
    /// Where.
    pub warehouse: WarehouseId,
    /// What the books said, in units.
    pub expected: u64,
    /// What was there, in units.
    pub counted: u64,
    /// When.
    pub at: Timestamp,
}

/// Units left one warehouse for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferDispatched {
    /// Its name.
    pub transfer: TransferId,
    /// From where.
    pub from: WarehouseId,
    /// To where.
    pub to: WarehouseId,
    /// How many.
    pub quantity: Quantity,
    /// When.
    pub at: Timestamp,
}

/// A transfer arrived, and is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferReceived {
    /// Which one.
    pub transfer: TransferId,
    /// To where.
    pub to: WarehouseId,
    /// How many arrived, in units: none where all were lost.
    pub arrived: u32,
    /// How many were lost on the way, in units.
    pub lost: u32,
    /// When.
    pub at: Timestamp,
}
