//! Inventory: what is in stock, what is promised to whom, and when to buy more.
//!
//! The entity is a SKU. Its events are an append-only ledger of movements: every balance is the
//! sum of what its events moved, and what can be sold is derived from the balances each time.
//! Holds are against the stock of all warehouses; from where they are sent is decided when they are
//! committed, or before.

pub mod forecast;
pub mod replenish;

mod backorder;
mod count;
mod delivery;
mod draft;
mod events;
mod goods;
mod hand_over;
mod history;
mod lapse;
mod outlook;
mod planning;
mod purchase;
mod reads;
mod rejection;
mod report;
mod reservations;
mod reserve;
mod settings;
mod sourcing;
mod state;
mod transfer;

use std::sync::Arc;

use mercato_runtime::{Agent, Commands};

use crate::domain::{Catalogue, Sku};

pub use backorder::{Backorder, BackorderStock, BackorderTerms, SetBackorderTerms};
pub use count::{AdjustStock, Adjusted, CountStock};
pub use delivery::{ClosePurchaseOrder, ReceivePurchaseOrder};
pub use events::{
    Adjustment, AdjustmentReason, BackorderCancelled, BackorderFilled, BackorderPlaced,
    BackorderTermsSet, Condition, FilledAs, ForecastRevised, InventoryEvent, LowStockDetected,
    ProcurementNotified, PurchaseOrderAccepted, PurchaseOrderClosed, PurchaseOrderOutcomeLost,
    PurchaseOrderRaised, PurchaseOrderReceived, PurchaseOrderRefused, ReleasedFrom,
    ReorderAlertGenerated, ReservationCommitted, ReservationConfirmed, ReservationExpired,
    ReservationExtended, ReservationReleased, ReservationShorted, ReservationSourced,
    StockAdjusted, StockCounted, StockDepleted, StockReceived, StockRecovered, StockReplenished,
    StockReserved, StockReturned, StockShipped, TransferDispatched, TransferReceived,
};
pub use goods::{ReceiveStock, ReceiveStockAt, ReturnStock};
pub use hand_over::HandOverReservation;
pub use lapse::SweepHolds;
pub use outlook::{Forecast, MeasuredError};
pub use planning::{ForecastDemand, ReviseForecast};
pub use purchase::{ConsiderReorder, ProcurementOutcome, RecordProcurement, ReorderStatus};
pub use reads::{
    CheckStock, OpenReservation, OpenReservations, ShippingState, ShippingStatus, StockLevels,
    StockStatus,
};
pub use rejection::InventoryRejection;
pub use report::{InventoryAlert, ReportStock, StockReport, Waiting};
pub use reservations::{
    CommitReservation, Committed, ConfirmReservation, Confirmed, ReleaseCartHold,
    ReleaseReservation, Released, ShipStock, Shipped,
};
pub use reserve::{Reservation, ReserveStock};
pub use settings::InventorySettings;
pub use sourcing::{Source, SourceReservation, Sourcing, Warehouse, Warehouses, WarehousesError};
pub use state::{
    Balances, HoldState, PurchaseOrder, PurchaseState, Shelf, Stock, SupplierPerformance,
};
pub use transfer::{DispatchTransfer, ReceiveTransfer};

/// The agent that owns stock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InventoryAgent {
    settings: InventorySettings,
    catalogue: Option<Arc<Catalogue>>,
    #[cfg(feature = "planted-bugs")]
    pub(crate) releases_twice: bool,
}

impl InventoryAgent {
    /// An inventory with these settings, of whatever SKUs it is asked for.
    #[must_use]
    pub fn new(settings: InventorySettings) -> Self {
        Self {
            settings,
            catalogue: None,
            #[cfg(feature = "planted-bugs")]
            releases_twice: false,
        }
    }

    /// The same, of these products alone: every other SKU is refused.
    #[must_use]
    pub fn of(mut self, catalogue: Arc<Catalogue>) -> Self {
        self.catalogue = Some(catalogue);
        self
    }

    fn check(&self, sku: &Sku) -> Result<(), InventoryRejection> {
        match &self.catalogue {
            Some(catalogue) if catalogue.get(sku).is_none() => {
                Err(InventoryRejection::UnknownSku(sku.clone()))
            }
            _ => Ok(()),
        }
    }
}

impl Agent for InventoryAgent {
    const NAME: &'static str = "inventory";
    const STATE_VERSION: u16 = 2;
    type State = Stock;
    type Event = InventoryEvent;
    type Rejection = InventoryRejection;

    fn evolve(state: &mut Stock, event: &InventoryEvent) {
        state.apply(event);
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add::<ReceiveStock>()
            .add::<ReceiveStockAt>()
            .add::<ReserveStock>()
            .add::<ConfirmReservation>()
            .add::<HandOverReservation>()
            .add::<SourceReservation>()
            .add::<CommitReservation>()
            .add::<ReleaseReservation>()
            .add::<ReleaseCartHold>()
            .add::<ShipStock>()
            .add::<ReturnStock>()
            .add::<SweepHolds>()
            .add::<SetBackorderTerms>()
            .add::<BackorderStock>()
            .add::<DispatchTransfer>()
            .add::<ReceiveTransfer>()
            .add::<AdjustStock>()
            .add::<CountStock>()
            .add::<ReviseForecast>()
            .add::<ConsiderReorder>()
            .add::<RecordProcurement>()
            .add::<ReceivePurchaseOrder>()
            .add::<ClosePurchaseOrder>()
            .add::<CheckStock>()
            .add::<ForecastDemand>()
            .add::<OpenReservations>()
            .add::<ShippingStatus>()
            .add::<ReportStock>();
    }
}
