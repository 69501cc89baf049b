//! Handing what is held for a cart to an order.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::events::{
    ReleasedFrom, ReservationConfirmed, ReservationReleased, ReservationSourced, StockReserved,
};
use super::reservations::Confirmed;
use super::state::{HoldState, Stock};
use super::{InventoryAgent, InventoryRejection};
use crate::domain::{Quantity, ReservationId, Sku};

/// Hands the units of a hold to another name, in one decision: the hold under the first name ends,
/// and one under the second begins that lapses no longer. Nobody can come in between.
///
/// Of two who ask for the same hold the first one gets it, and the other finds it released. Repeating
/// it for the same two names changes nothing. What is confirmed already belongs to somebody, and is
/// not handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOverReservation {
    /// The product.
    pub sku: Sku,
    /// The hold that ends.
    pub from: ReservationId,
    /// The hold that begins.
    pub to: ReservationId,
    /// How many units are believed to be held: no others are handed over.
    pub quantity: Quantity,
}

impl Command for HandOverReservation {
    type Agent = InventoryAgent;
    type Reply = Confirmed;
    const NAME: &'static str = "HandOverReservation";

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
        let reply = Confirmed {
            quantity: self.quantity,
        };
        let present = stock.holds.seen(&self.to, context.now);
        // A name whose hold has lapsed is free again, as it is to whoever reserves.
        if let Some((held, state)) = present.filter(|(_, state)| *state != HoldState::Expired) {
            self.check_quantity(&self.to, held.quantity)?;
            if state != HoldState::Shipped
                && let HoldState::Held { .. } = draft.open_hold(&self.to)?.state
            {
                draft.record(ReservationConfirmed {
                    reservation: self.to.clone(),
                });
            }
            return draft.reply(reply);
        }
        let hold = draft.open_hold(&self.from)?;
        self.check_quantity(&self.from, hold.quantity)?;
        let HoldState::Held { expires_at } = hold.state else {
            return Err(InventoryRejection::ReservationTaken(self.from.clone()));
        };
        draft.record(ReservationReleased {
            reservation: self.from.clone(),
            quantity: hold.quantity,
            from: ReleasedFrom::Held,
        });
        draft.record(StockReserved {
            reservation: self.to.clone(),
            quantity: hold.quantity,
            expires_at,
        });
        if !hold.sources.is_empty() {
            draft.record(ReservationSourced {
                reservation: self.to.clone(),
                sources: hold.sources.clone(),
            });
        }
        draft.record(ReservationConfirmed {
            reservation: self.to.clone(),
        });
        draft.reply(reply)
    }
}

impl HandOverReservation {
    fn check_quantity(
        &self,
        reservation: &ReservationId,
        held: Quantity,
    ) -> Result<(), InventoryRejection> {
        if held == self.quantity {
            return Ok(());
        }
        Err(InventoryRejection::ReservationDiffers {
            reservation: reservation.clone(),
            held: held.get(),
        })
    }
}
