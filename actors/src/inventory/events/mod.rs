//! The ledger of one SKU. Quantities are in units and always above zero.

mod backorder;
mod planning;
mod purchase;
mod reservation;
mod stock;

pub use backorder::{
    BackorderCancelled, BackorderFilled, BackorderPlaced, BackorderTermsSet, FilledAs,
    ReservationShorted,
};
pub use planning::{
    ForecastRevised, LowStockDetected, ReorderAlertGenerated, StockDepleted, StockRecovered,
    StockReplenished,
};
pub use purchase::{
    ProcurementNotified, PurchaseOrderAccepted, PurchaseOrderClosed, PurchaseOrderOutcomeLost,
    PurchaseOrderRaised, PurchaseOrderReceived, PurchaseOrderRefused,
};
pub use reservation::{
    ReleasedFrom, ReservationCommitted, ReservationConfirmed, ReservationExpired,
    ReservationExtended, ReservationReleased, ReservationSourced, StockReserved, StockShipped,
};
pub use stock::{
    Adjustment, AdjustmentReason, Condition, StockAdjusted, StockCounted, StockReceived,
    StockReturned, TransferDispatched, TransferReceived,
};

use purchase::{PurchaseOrderRaisedV1, PurchaseOrderReceivedV1};
use stock::{StockReceivedV1, StockReturnedV1};

use crate::domain::WarehouseId;

/// The only warehouse there was before events named one.
pub(super) fn first_warehouse() -> WarehouseId {
    WarehouseId::main()
}

mercato_runtime::events! {
    /// What happens to the stock of one SKU.
    pub enum InventoryEvent {
        StockReceived: 2 from { 1 => StockReceivedV1 },
        StockReserved: 1,
        ReservationConfirmed: 1,
        ReservationCommitted: 1,
        ReservationReleased: 1,
        ReservationExpired: 1,
        StockShipped: 1,
        StockReturned: 2 from { 1 => StockReturnedV1 },
        LowStockDetected: 1,
        StockRecovered: 1,
        ReorderAlertGenerated: 1,
        PurchaseOrderRaised: 2 from { 1 => PurchaseOrderRaisedV1 },
        ProcurementNotified: 1,
        PurchaseOrderReceived: 2 from { 1 => PurchaseOrderReceivedV1 },
        ReservationExtended: 1,
        ReservationSourced: 1,
        StockAdjusted: 1,
        StockCounted: 1,
        TransferDispatched: 1,
        TransferReceived: 1,
        PurchaseOrderAccepted: 1,
        PurchaseOrderRefused: 1,
        PurchaseOrderOutcomeLost: 1,
        PurchaseOrderClosed: 1,
        BackorderTermsSet: 1,
        BackorderPlaced: 1,
        BackorderFilled: 1,
        BackorderCancelled: 1,
        ReservationShorted: 1,
        StockDepleted: 1,
        StockReplenished: 1,
        ForecastRevised: 1,
    }
}
