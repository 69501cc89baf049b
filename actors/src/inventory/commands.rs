//! Receiving, reserving and taking back units of one SKU.

use std::borrow::Cow;
use std::time::Duration;

use mercato_runtime::{Command, Context, Decided, Timestamp};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::events::{Condition, StockReceived, StockReserved, StockReturned};
use super::state::{HoldState, Stock};
use super::{InventoryAgent, InventoryRejection};
use crate::domain::{Quantity, ReservationId, Sku};

/// The most units of one SKU; far from where 64 bits end.
const ON_HAND_MAX: u64 = 1_000_000_000_000;

/// Books units that arrived. Replies with what is on hand then, in units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiveStock {
    /// The product.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
}

impl Command for ReceiveStock {
    type Agent = InventoryAgent;
    type Reply = i64;
    const NAME: &'static str = "ReceiveStock";

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
        check_room(&draft, self.quantity)?;
        draft.record(StockReceived {
            quantity: self.quantity,
        });
        let on_hand = draft.balances().on_hand;
        draft.reply(on_hand)
    }
}

/// Refuses what would pass the limit of one SKU's stock.
pub(super) fn check_room(draft: &Draft<'_>, more: Quantity) -> Result<(), InventoryRejection> {
    let on_hand = u64::try_from(draft.balances().on_hand).unwrap_or(0);
    if on_hand + u64::from(more.get()) > ON_HAND_MAX {
        return Err(InventoryRejection::StockLimit { max: ON_HAND_MAX });
    }
    Ok(())
}

/// Holds units for a while. Repeating it for the same reservation gets the same hold.
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
        let mut draft = Draft::open(agent, stock, &self.sku, context);
        if let Some(hold) = stock.hold(&self.reservation, context.now) {
            let expires_at = match hold.state {
                HoldState::Held { expires_at } => Some(expires_at),
                HoldState::Confirmed | HoldState::Committed | HoldState::Shipped => None,
                HoldState::Released => {
                    return Err(InventoryRejection::ReservationReleased(
                        self.reservation.clone(),
                    ));
                }
                HoldState::Expired => {
                    return Err(InventoryRejection::ReservationExpired(
                        self.reservation.clone(),
                    ));
                }
            };
            if hold.quantity != self.quantity {
                return Err(InventoryRejection::ReservationDiffers {
                    reservation: self.reservation.clone(),
                    held: hold.quantity.get(),
                });
            }
            return draft.reply(self.held_until(expires_at));
        }
        let ttl_max = agent.settings.reservation_ttl_max;
        if self.ttl.as_millis() == 0 || self.ttl > ttl_max {
            return Err(InventoryRejection::TimeToLive {
                max_ms: u64::try_from(ttl_max.as_millis()).unwrap_or(u64::MAX),
            });
        }
        let available = draft.balances().available();
        if i64::from(self.quantity.get()) > available {
            return Err(InventoryRejection::OutOfStock {
                requested: self.quantity.get(),
                available: u64::try_from(available).unwrap_or(0),
            });
        }
        let expires_at = context.now.plus(self.ttl);
        draft.record(StockReserved {
            reservation: self.reservation.clone(),
            quantity: self.quantity,
            expires_at,
        });
        draft.reply(self.held_until(Some(expires_at)))
    }
}

impl ReserveStock {
    fn held_until(&self, expires_at: Option<Timestamp>) -> Reservation {
        Reservation {
            reservation: self.reservation.clone(),
            quantity: self.quantity,
            expires_at,
        }
    }
}

/// Takes units back from a customer, after inspection. Replies with what is on hand then, in
/// units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnStock {
    /// The product.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// What inspection found.
    pub condition: Condition,
}

impl Command for ReturnStock {
    type Agent = InventoryAgent;
    type Reply = i64;
    const NAME: &'static str = "ReturnStock";

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
        let outstanding = stock.balances.shipped - stock.balances.returned;
        if i64::from(self.quantity.get()) > outstanding {
            return Err(InventoryRejection::ReturnExceedsShipped {
                outstanding: u64::try_from(outstanding).unwrap_or(0),
            });
        }
        draft.record(StockReturned {
            quantity: self.quantity,
            condition: self.condition,
        });
        let on_hand = draft.balances().on_hand;
        draft.reply(on_hand)
    }
}
