//! The port through which the shop buys from suppliers.

use futures::future::BoxFuture;
use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::ledger::LedgerFull;
use crate::domain::{PurchaseOrderId, Quantity, Sku, SupplierId, WarehouseId};

/// Gives purchase orders to suppliers, and tells what has come of them.
///
/// An order is named by the shop: placed twice, it is one order.
pub trait Procurement: Send + Sync + 'static {
    /// Gives an order to its supplier.
    ///
    /// # Errors
    /// When the supplier does not take it, cannot be reached, or nobody knows.
    fn place<'a>(
        &'a self,
        request: &'a PurchaseRequest,
    ) -> BoxFuture<'a, Result<PurchaseAccepted, ProcurementError>>;

    /// What has come of an order by a moment; `None` where no supplier has it.
    ///
    /// # Errors
    /// When nobody can tell now.
    fn lookup<'a>(
        &'a self,
        request: &'a PurchaseLookup,
    ) -> BoxFuture<'a, Result<Option<PurchaseRecord>, ProcurementError>>;
}

/// A purchase order as a supplier sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseRequest {
    /// Its name.
    pub order: PurchaseOrderId,
    /// Who is asked.
    pub supplier: SupplierId,
    /// The product.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
    /// Where it goes.
    pub warehouse: WarehouseId,
    /// When it is ordered.
    pub at: Timestamp,
}

/// A supplier takes an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseAccepted {
    /// When it is promised for.
    pub promised_at: Timestamp,
}

/// A question about an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseLookup {
    /// Which one.
    pub order: PurchaseOrderId,
    /// By when.
    pub now: Timestamp,
}

/// What has come of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseRecord {
    /// When it is promised for.
    pub promised_at: Timestamp,
    /// What has arrived, in its order: at most [`DELIVERIES_MAX`](Self::DELIVERIES_MAX).
    pub deliveries: Vec<PurchaseDelivery>,
    /// Whether nothing more will come.
    pub complete: bool,
}

impl PurchaseRecord {
    /// The most deliveries of one order.
    pub const DELIVERIES_MAX: usize = 8;
}

/// A delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseDelivery {
    /// How many units.
    pub quantity: Quantity,
    /// When it arrived.
    pub at: Timestamp,
}

/// Why an order was not placed, or not found out about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProcurementError {
    /// The supplier does not take the order.
    #[error("the supplier refused the order: {reason}")]
    Refused {
        /// What the supplier says.
        reason: Box<str>,
    },
    /// The supplier cannot be reached, or is busy: the same order may be placed again.
    #[error("the supplier is unavailable; place the same order again")]
    Transient,
    /// The order may have been placed, or not.
    #[error("nobody knows whether the supplier has the order; look it up")]
    Unknown,
    /// The name was used for another order.
    #[error("a purchase order of this name is for something else; use another name")]
    NameReused,
}

impl From<LedgerFull> for ProcurementError {
    fn from(full: LedgerFull) -> Self {
        Self::Refused {
            reason: full.to_string().into(),
        }
    }
}
