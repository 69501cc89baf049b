//! Inventory: what is in stock, what is promised to whom, and when to buy more.
//!
//! The entity is a SKU. Its events are an append-only ledger of movements: every balance is the
//! sum of what its events moved, and what can be sold is derived from the balances each time.

mod commands;
mod demand;
mod draft;
mod events;
mod procurement;
mod reads;
mod reservations;
mod state;

use mercato_runtime::{Agent, Commands};
use serde::{Deserialize, Serialize};

use crate::domain::{IdError, PurchaseOrderId, ReservationId};

pub use commands::{ReceiveStock, Reservation, ReserveStock, ReturnStock};
pub use demand::Forecast;
pub use events::{
    Condition, InventoryEvent, LowStockDetected, ProcurementNotified, PurchaseOrderRaised,
    PurchaseOrderReceived, ReleasedFrom, ReorderAlertGenerated, ReservationCommitted,
    ReservationConfirmed, ReservationExpired, ReservationReleased, StockReceived, StockRecovered,
    StockReserved, StockReturned, StockShipped,
};
pub use procurement::{ConsiderReorder, InventorySettings, ReceivePurchaseOrder, ReorderStatus};
pub use reads::{
    CheckStock, ForecastDemand, OpenReservation, OpenReservations, ShippingState, ShippingStatus,
    StockLevels, StockStatus,
};
pub use reservations::{
    CommitReservation, Committed, ConfirmReservation, Confirmed, ReleaseReservation, Released,
    ShipStock, Shipped,
};
pub use state::{Balances, HoldState, Stock};

/// The agent that owns stock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InventoryAgent {
    settings: InventorySettings,
}

impl InventoryAgent {
    /// An inventory with these settings.
    #[must_use]
    pub fn new(settings: InventorySettings) -> Self {
        Self { settings }
    }
}

impl Agent for InventoryAgent {
    const NAME: &'static str = "inventory";
    type State = Stock;
    type Event = InventoryEvent;
    type Rejection = InventoryRejection;

    fn evolve(state: &mut Stock, event: &InventoryEvent) {
        state.apply(event);
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add::<ReceiveStock>()
            .add::<ReserveStock>()
            .add::<ConfirmReservation>()
            .add::<CommitReservation>()
            .add::<ReleaseReservation>()
            .add::<ShipStock>()
            .add::<ReturnStock>()
            .add::<ConsiderReorder>()
            .add::<ReceivePurchaseOrder>()
            .add::<CheckStock>()
            .add::<ForecastDemand>()
            .add::<OpenReservations>()
            .add::<ShippingStatus>();
    }
}

/// Why Inventory refuses. Quantities are in units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryRejection {
    /// Less is available than was asked for.
    #[error("out of stock: {requested} asked for, {available} available; ask for fewer or wait")]
    OutOfStock {
        /// What was asked for.
        requested: u32,
        /// What could be had now.
        available: u64,
    },
    /// The reservation id holds another quantity.
    #[error("reservation {reservation} holds {held} units; use another id for another quantity")]
    ReservationDiffers {
        /// The reservation.
        reservation: ReservationId,
        /// What it holds.
        held: u32,
    },
    /// There is no such reservation, or it ended too long ago to be remembered.
    #[error("reservation {0} is unknown; reserve the stock first")]
    UnknownReservation(ReservationId),
    /// The hold lapsed before it was confirmed.
    #[error("reservation {0} expired; reserve the stock again")]
    ReservationExpired(ReservationId),
    /// The hold was given back.
    #[error("reservation {0} was released; reserve the stock again under another id")]
    ReservationReleased(ReservationId),
    /// The units have not been committed to an order.
    #[error("reservation {0} is not committed; commit it before it ships")]
    NotCommitted(ReservationId),
    /// The units have left.
    #[error("reservation {0} has shipped; take the units back as a return")]
    AlreadyShipped(ReservationId),
    /// A hold must end some time, and not too late.
    #[error("time to live must be above zero and at most {max_ms} ms; choose one in between")]
    TimeToLive {
        /// The longest that a hold may last.
        max_ms: u64,
    },
    /// More would come back than ever left.
    #[error("only {outstanding} units are out with customers; correct the quantity returned")]
    ReturnExceedsShipped {
        /// What left and has not come back.
        outstanding: u64,
    },
    /// The warehouse holds no more.
    #[error("stock would pass {max} units; check the quantity received")]
    StockLimit {
        /// The most units of one SKU.
        max: u64,
    },
    /// There is no such open purchase order.
    #[error("purchase order {0} is not open; check its number")]
    UnknownPurchaseOrder(PurchaseOrderId),
    /// A purchase order could not be named after its command.
    #[error("purchase order cannot be named: {0}")]
    PurchaseOrderName(IdError),
}
