//! Holding units for a shopper.

use std::borrow::Cow;
use std::time::Duration;

use mercato_runtime::{Command, Context, Decided, Timestamp};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::events::{ReservationExtended, StockReserved};
use super::state::{Hold, HoldState, Stock};
use super::{InventoryAgent, InventoryRejection};
use crate::domain::{Quantity, ReservationId, Sku};

/// Holds units for a while. Repeating it for the same reservation gets the same hold, for longer
/// where more time is asked for; a hold that lapsed is made anew where there still is stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveStock {
    /// The product.
    pub sku: Sku,
    /// The caller's name for the hold.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
    /// How long the hold lasts unless it is confirmed.
    pub ttl: Duration,
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Its name.
    pub reservation: ReservationId,
    /// How many units.
    pub quantity: Quantity,
    /// When it lapses; `None` once it is confirmed or further.
    pub expires_at: Option<Timestamp>,
}

impl Command for ReserveStock {
    type Agent = InventoryAgent;
    type Reply = Reservation;
    const NAME: &'static str = "ReserveStock";

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
        let ttl_max = agent.settings.reservation_ttl_max;
        if self.ttl.as_millis() == 0 || self.ttl > ttl_max {
            return Err(InventoryRejection::TimeToLive {
                max_ms: u64::try_from(ttl_max.as_millis()).unwrap_or(u64::MAX),
            });
        }
        let expires_at = context.now.plus(self.ttl);
        match stock.holds.seen(&self.reservation, context.now) {
            None | Some((_, HoldState::Expired)) => self.hold(stock, &mut draft, expires_at)?,
            Some((hold, state)) => {
                let held = self.again(hold, state, expires_at)?;
                if held == Some(expires_at) && state != (HoldState::Held { expires_at }) {
                    draft.record(ReservationExtended {
                        reservation: self.reservation.clone(),
                        expires_at,
                    });
                }
                return draft.reply(self.held_until(held));
            }
        }
        draft.reply(self.held_until(Some(expires_at)))
    }
}

impl ReserveStock {
    /// Check stock levels: is it there? Then reserve it.
    fn hold(
        &self,
        stock: &Stock,
        draft: &mut Draft<'_>,
        expires_at: Timestamp,
    ) -> Result<(), InventoryRejection> {
        let available = stock.sellable(&draft.balances());
        if u64::from(self.quantity.get()) > available {
            return Err(InventoryRejection::OutOfStock {
                requested: self.quantity.get(),
                available,
            });
        }
        draft.record(StockReserved {
            reservation: self.reservation.clone(),
            quantity: self.quantity,
            expires_at,
        });
        Ok(())
    }

    /// Until when a hold lasts that is asked for again: never shorter than before.
    fn again(
        &self,
        hold: &Hold,
        state: HoldState,
        expires_at: Timestamp,
    ) -> Result<Option<Timestamp>, InventoryRejection> {
        let id = self.reservation.clone();
        let until = match state {
            HoldState::Held { expires_at: before } => Some(before.max(expires_at)),
            HoldState::Confirmed
            | HoldState::Committed
            | HoldState::Shipped
            | HoldState::Expired => None,
            HoldState::Released => return Err(InventoryRejection::ReservationReleased(id)),
            HoldState::Backordered { promised_at } => {
                return Err(InventoryRejection::Backordered {
                    reservation: id,
                    promised_at,
                });
            }
        };
        if hold.quantity != self.quantity {
            return Err(InventoryRejection::ReservationDiffers {
                reservation: id,
                held: hold.quantity.get(),
            });
        }
        Ok(until)
    }

    fn held_until(&self, expires_at: Option<Timestamp>) -> Reservation {
        Reservation {
            reservation: self.reservation.clone(),
            quantity: self.quantity,
            expires_at,
        }
    }
}
