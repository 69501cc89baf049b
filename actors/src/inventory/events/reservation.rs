//! What is promised to whom.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Quantity, ReservationId};
use crate::inventory::sourcing::Source;

/// Units are held for a shopper until a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReserved {
    /// The hold.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
    /// When the hold lapses unless it is confirmed.
    pub expires_at: Timestamp,
}

/// A hold lasts longer: it was asked for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationExtended {
    /// The hold.
    pub reservation: ReservationId,
    /// When it lapses now.
    pub expires_at: Timestamp,
}

/// A hold no longer lapses: its payment is authorised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationConfirmed {
    /// The hold.
    pub reservation: ReservationId,
}

/// It was decided from where held units are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationSourced {
    /// The hold.
    pub reservation: ReservationId,
    /// How many from which warehouse: together the quantity of the hold.
    pub sources: Vec<Source>,
}

/// Held units belong to a placed order. This is the demand that forecasts are made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationCommitted {
    /// The hold.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
    /// When.
    pub at: Timestamp,
}

/// From where units went back to stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReleasedFrom {
    /// They were held.
    Held,
    /// They were committed to an order.
    Committed,
}

/// Units are for sale again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationReleased {
    /// The hold.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
    /// What they were before.
    pub from: ReleasedFrom,
}

/// A hold lapsed; its units are for sale again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationExpired {
    /// The hold.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
}

/// Committed units left the warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockShipped {
    /// The hold that they were committed under.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
}
