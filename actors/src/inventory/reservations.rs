//! What becomes of a hold: confirmed, committed, shipped, or released.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::events::{
    ReleasedFrom, ReservationCommitted, ReservationConfirmed, ReservationReleased, StockShipped,
};
use super::state::{HoldState, Stock};
use super::{InventoryAgent, InventoryRejection};
use crate::domain::{Quantity, ReservationId, Sku};

macro_rules! on_reservation {
    ($($(#[$meta:meta])* $name:ident -> $reply:ident;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            /// The product.
            pub sku: Sku,
            /// The hold.
            pub reservation: ReservationId,
        }

        impl Command for $name {
            type Agent = InventoryAgent;
            type Reply = $reply;
            const NAME: &'static str = stringify!($name);

            fn entity(&self) -> Cow<'_, str> {
                self.sku.as_str().into()
            }

            fn decide(
                &self,
                agent: &InventoryAgent,
                stock: &Stock,
                context: &Context<'_>,
            ) -> Decided<Self> {
                let mut draft = Draft::open(agent, stock, &self.sku, context);
                let reply = self.write(stock, context, &mut draft)?;
                draft.reply(reply)
            }
        }
    )+};
}

on_reservation! {
    /// Confirms that the units are still held, and from now on keeps them until they are committed
    /// or released: an order that is placed after this can no longer lose its stock. Idempotent.
    ConfirmReservation -> Confirmed;
    /// Gives held units to a placed order. Idempotent.
    CommitReservation -> Committed;
    /// Gives held or committed units back. Idempotent, and harmless for a hold that never was: a
    /// safe undo of [`ReserveStock`](super::ReserveStock) whether or not it ran.
    ReleaseReservation -> Released;
    /// Takes committed units out of the warehouse. Idempotent.
    ShipStock -> Shipped;
}

/// The units are held until they are committed or released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// How many.
    pub quantity: Quantity,
}

/// The units belong to the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// How many.
    pub quantity: Quantity,
}

/// What a release found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Released {
    /// Units went back to stock.
    Released {
        /// How many.
        quantity: Quantity,
    },
    /// The hold never was, has lapsed, or was released before.
    NothingToRelease,
}

/// The units have left the warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipped {
    /// How many.
    pub quantity: Quantity,
}

impl ConfirmReservation {
    fn write(
        &self,
        stock: &Stock,
        context: &Context<'_>,
        draft: &mut Draft<'_>,
    ) -> Result<Confirmed, InventoryRejection> {
        let id = &self.reservation;
        let hold = stock
            .hold(id, context.now)
            .ok_or_else(|| InventoryRejection::UnknownReservation(id.clone()))?;
        match hold.state {
            HoldState::Held { .. } => draft.record(ReservationConfirmed {
                reservation: id.clone(),
            }),
            HoldState::Confirmed | HoldState::Committed | HoldState::Shipped => {}
            HoldState::Released => {
                return Err(InventoryRejection::ReservationReleased(id.clone()));
            }
            HoldState::Expired => return Err(InventoryRejection::ReservationExpired(id.clone())),
        }
        Ok(Confirmed {
            quantity: hold.quantity,
        })
    }
}

impl CommitReservation {
    fn write(
        &self,
        stock: &Stock,
        context: &Context<'_>,
        draft: &mut Draft<'_>,
    ) -> Result<Committed, InventoryRejection> {
        let id = &self.reservation;
        let hold = stock
            .hold(id, context.now)
            .ok_or_else(|| InventoryRejection::UnknownReservation(id.clone()))?;
        match hold.state {
            HoldState::Held { .. } | HoldState::Confirmed => draft.record(ReservationCommitted {
                reservation: id.clone(),
                quantity: hold.quantity,
                at: context.now,
            }),
            HoldState::Committed | HoldState::Shipped => {}
            HoldState::Released => {
                return Err(InventoryRejection::ReservationReleased(id.clone()));
            }
            HoldState::Expired => return Err(InventoryRejection::ReservationExpired(id.clone())),
        }
        Ok(Committed {
            quantity: hold.quantity,
        })
    }
}

impl ReleaseReservation {
    fn write(
        &self,
        stock: &Stock,
        context: &Context<'_>,
        draft: &mut Draft<'_>,
    ) -> Result<Released, InventoryRejection> {
        let id = &self.reservation;
        let Some(hold) = stock.hold(id, context.now) else {
            return Ok(Released::NothingToRelease);
        };
        let from = match hold.state {
            HoldState::Held { .. } | HoldState::Confirmed => ReleasedFrom::Held,
            HoldState::Committed => ReleasedFrom::Committed,
            HoldState::Released | HoldState::Expired => return Ok(Released::NothingToRelease),
            HoldState::Shipped => return Err(InventoryRejection::AlreadyShipped(id.clone())),
        };
        draft.record(ReservationReleased {
            reservation: id.clone(),
            quantity: hold.quantity,
            from,
        });
        Ok(Released::Released {
            quantity: hold.quantity,
        })
    }
}

impl ShipStock {
    fn write(
        &self,
        stock: &Stock,
        context: &Context<'_>,
        draft: &mut Draft<'_>,
    ) -> Result<Shipped, InventoryRejection> {
        let id = &self.reservation;
        let hold = stock
            .hold(id, context.now)
            .ok_or_else(|| InventoryRejection::UnknownReservation(id.clone()))?;
        match hold.state {
            HoldState::Committed => draft.record(StockShipped {
                reservation: id.clone(),
                quantity: hold.quantity,
            }),
            HoldState::Shipped => {}
            HoldState::Held { .. }
            | HoldState::Confirmed
            | HoldState::Released
            | HoldState::Expired => return Err(InventoryRejection::NotCommitted(id.clone())),
        }
        Ok(Shipped {
            quantity: hold.quantity,
        })
    }
}
