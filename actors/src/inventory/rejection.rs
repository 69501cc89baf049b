//! Why Inventory refuses.

use mercato_runtime::{Principal, Timestamp};
use serde::{Deserialize, Serialize};

use super::state::PurchaseState;
use crate::domain::{IdError, PurchaseOrderId, ReservationId, Sku, TransferId, WarehouseId};

/// Why Inventory refuses. Quantities are in units. Nothing is recorded of what is refused.
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
    /// The shop sells no such product.
    #[error("sku {0} is not in the catalogue; check its spelling or add the product first")]
    UnknownSku(Sku),
    /// The shop has no such warehouse.
    #[error("warehouse {0} is unknown; name one of the settings")]
    UnknownWarehouse(WarehouseId),
    /// So few warehouses have too little between them.
    #[error("{quantity} units do not lie in {splits_max} warehouses or fewer; transfer some first")]
    SplitLimit {
        /// What is to be sent.
        quantity: u32,
        /// From how many warehouses it may be sent.
        splits_max: u32,
    },
    /// The units are promised, and not there yet.
    #[error(
        "reservation {reservation} waits for stock, promised for {promised_at}; try again then"
    )]
    Backordered {
        /// The reservation.
        reservation: ReservationId,
        /// When stock is expected.
        promised_at: Timestamp,
    },
    /// More may not be ordered ahead.
    #[error("{requested} units ordered ahead, {left} may be; ask for fewer or wait for stock")]
    BackorderLimit {
        /// What was asked for.
        requested: u32,
        /// How many may still be ordered ahead.
        left: u64,
    },
    /// The shelf has less than is to leave it.
    #[error("warehouse {warehouse} can give {free} units; take fewer, or from another one")]
    ShelfLimit {
        /// The warehouse.
        warehouse: WarehouseId,
        /// What can leave it.
        free: u64,
    },
    /// A transfer leads to where it comes from.
    #[error("a transfer leads from one warehouse to another; name two")]
    TransferWithin,
    /// The transfer's name has another transfer.
    #[error("transfer {0} is of other units; use another id for another transfer")]
    TransferDiffers(TransferId),
    /// There is no such transfer, or it ended too long ago to be remembered.
    #[error("transfer {0} is unknown; dispatch it first")]
    UnknownTransfer(TransferId),
    /// More would arrive than was sent.
    #[error("{sent} units were sent; count what arrived again")]
    TransferExceeds {
        /// What was sent.
        sent: u32,
    },
    /// Too many transfers are on their way.
    #[error("{max} transfers are on their way; receive one first")]
    TransferLimit {
        /// The most at a time.
        max: usize,
    },
    /// A count is too far off to be one.
    #[error("the count differs by more than {max} units; count again, or adjust in parts")]
    CountDiffers {
        /// The largest difference.
        max: u32,
    },
    /// A reason that cannot have this effect.
    #[error("this adjustment cannot have this reason; choose a reason that fits")]
    AdjustmentReason,
    /// A purchase order does not go from where it stands to there.
    #[error("purchase order {order} stands at {state:?}; look at it before anything else is done")]
    PurchaseTransition {
        /// The order.
        order: PurchaseOrderId,
        /// Where it stands.
        state: PurchaseState,
    },
    /// A delivery came before one that must come first.
    #[error("delivery {expected} of the purchase order is next; book deliveries in their order")]
    DeliveryOutOfOrder {
        /// The number of the next one.
        expected: u32,
    },
    /// The hold belongs to an order already.
    #[error("reservation {0} belongs to an order already; reserve the stock under another id")]
    ReservationTaken(ReservationId),
    /// Stock is moved by the shop's own people and programs, through its journeys.
    #[error(
        "stock is the shop's to move; a shopper asks for it through a cart, an order or a return"
    )]
    NotStaff,
}

/// What only the shop's own people and programs may do.
pub(super) fn staff(principal: &Principal) -> Result<(), InventoryRejection> {
    match principal.as_user() {
        Some(_) => Err(InventoryRejection::NotStaff),
        None => Ok(()),
    }
}
