//! What becomes of a hold: confirmed, committed, shipped, or released.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::events::{
    BackorderCancelled, ReleasedFrom, ReservationCommitted, ReservationConfirmed,
    ReservationReleased, ReservationSourced, StockShipped,
};
use super::sourcing::{source, source_anywhere};
use super::state::{Hold, HoldState, Stock};
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
                let mut draft = Draft::open(agent, stock, &self.sku, context)?;
                let reply = self.write(agent, stock, context, &mut draft)?;
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
    /// Gives back units that are held for a cart, while nobody has confirmed them. Idempotent, and
    /// harmless for what an order has by now, whose hold may have the cart's name.
    ReleaseCartHold -> Released;
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
        _agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
        draft: &mut Draft<'_>,
    ) -> Result<Confirmed, InventoryRejection> {
        let quantity = match stock.holds.seen(&self.reservation, context.now) {
            // It was confirmed, and is on its way.
            Some((hold, HoldState::Shipped)) => hold.quantity,
            _ => {
                let hold = draft.open_hold(&self.reservation)?;
                if let HoldState::Held { .. } = hold.state {
                    draft.record(ReservationConfirmed {
                        reservation: self.reservation.clone(),
                    });
                }
                hold.quantity
            }
        };
        Ok(Confirmed { quantity })
    }
}

impl CommitReservation {
    fn write(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
        draft: &mut Draft<'_>,
    ) -> Result<Committed, InventoryRejection> {
        if let Some((hold, HoldState::Shipped)) = stock.holds.seen(&self.reservation, context.now) {
            return Ok(Committed {
                quantity: hold.quantity,
            });
        }
        let hold = draft.open_hold(&self.reservation)?;
        if hold.state != HoldState::Committed {
            source_unsourced(agent, draft, &self.reservation, hold)?;
            draft.record(ReservationCommitted {
                reservation: self.reservation.clone(),
                quantity: hold.quantity,
                at: context.now,
            });
            draft.revise_stale_forecast();
        }
        Ok(Committed {
            quantity: hold.quantity,
        })
    }
}

/// Decides from where a hold is sent that nobody decided it for: the cheapest way to nowhere in
/// particular, and whatever way there is where that takes too many parcels.
fn source_unsourced(
    agent: &InventoryAgent,
    draft: &mut Draft<'_>,
    reservation: &ReservationId,
    hold: &Hold,
) -> Result<(), InventoryRejection> {
    if !hold.sources.is_empty() {
        return Ok(());
    }
    let settings = &agent.settings;
    let splits_max = settings.splits_max.get();
    let after = draft.after();
    let shelves = &after.shelves;
    let sourced = source(
        &settings.warehouses,
        shelves,
        hold.quantity,
        None,
        splits_max,
    );
    let sources = sourced
        .map(|sourcing| sourcing.sources)
        .or_else(|| source_anywhere(shelves, hold.quantity))
        // What is held lies somewhere, so this is never reached.
        .ok_or(InventoryRejection::SplitLimit {
            quantity: hold.quantity.get(),
            splits_max,
        })?;
    draft.record(ReservationSourced {
        reservation: reservation.clone(),
        sources,
    });
    Ok(())
}

impl ReleaseReservation {
    fn write(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
        draft: &mut Draft<'_>,
    ) -> Result<Released, InventoryRejection> {
        #[cfg(not(feature = "planted-bugs"))]
        let _ = agent;
        let id = &self.reservation;
        let Some((hold, state)) = stock.holds.seen(id, context.now) else {
            return Ok(Released::NothingToRelease);
        };
        let (reservation, quantity) = (id.clone(), hold.quantity);
        let from = match state {
            HoldState::Held { .. } | HoldState::Confirmed => ReleasedFrom::Held,
            HoldState::Committed => ReleasedFrom::Committed,
            HoldState::Backordered { .. } => {
                draft.record(BackorderCancelled {
                    reservation,
                    quantity,
                });
                return Ok(Released::Released { quantity });
            }
            HoldState::Released | HoldState::Expired => return Ok(Released::NothingToRelease),
            HoldState::Shipped => return Err(InventoryRejection::AlreadyShipped(id.clone())),
        };
        let released = ReservationReleased {
            reservation,
            quantity,
            from,
        };
        #[cfg(feature = "planted-bugs")]
        if agent.releases_twice {
            draft.record(released.clone());
        }
        draft.record(released);
        Ok(Released::Released { quantity })
    }
}

impl ReleaseCartHold {
    fn write(
        &self,
        _: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
        draft: &mut Draft<'_>,
    ) -> Result<Released, InventoryRejection> {
        let held = stock.holds.seen(&self.reservation, context.now);
        let Some((hold, HoldState::Held { .. })) = held else {
            return Ok(Released::NothingToRelease);
        };
        let quantity = hold.quantity;
        draft.record(ReservationReleased {
            reservation: self.reservation.clone(),
            quantity,
            from: ReleasedFrom::Held,
        });
        Ok(Released::Released { quantity })
    }
}

impl ShipStock {
    fn write(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
        draft: &mut Draft<'_>,
    ) -> Result<Shipped, InventoryRejection> {
        let id = &self.reservation;
        let (hold, state) = stock
            .holds
            .seen(id, context.now)
            .ok_or_else(|| InventoryRejection::UnknownReservation(id.clone()))?;
        match state {
            HoldState::Committed => {
                // What went short and was filled again has no source yet.
                source_unsourced(agent, draft, id, hold)?;
                draft.record(StockShipped {
                    reservation: id.clone(),
                    quantity: hold.quantity,
                });
            }
            HoldState::Shipped => {}
            HoldState::Backordered { promised_at } => {
                return Err(InventoryRejection::Backordered {
                    reservation: id.clone(),
                    promised_at,
                });
            }
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
