//! What was promised before it was there.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Quantity, ReservationId};
use crate::inventory::backorder::BackorderTerms;

/// From now on the product may be ordered ahead on these terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackorderTermsSet {
    /// The terms.
    pub terms: BackorderTerms,
}

/// A customer waits for units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackorderPlaced {
    /// The hold that it will be.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
    /// When they were promised for.
    pub promised_at: Timestamp,
    /// When.
    pub at: Timestamp,
}

/// What a backorder is once there is stock for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FilledAs {
    /// A hold that lapses.
    Held {
        /// When.
        expires_at: Timestamp,
    },
    /// A hold that does not lapse, as it was before it went short.
    Confirmed,
    /// Units of a placed order, as before they went short.
    Committed,
}

/// Stock came, and is held for a customer who waited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackorderFilled {
    /// The hold.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
    /// As what.
    pub filled_as: FilledAs,
}

/// A customer no longer waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackorderCancelled {
    /// The hold that it would have been.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
}

/// Promised units are not there after all: a count, a theft. The promise stands, and waits for
/// stock before those who came later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationShorted {
    /// The hold.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
    /// What it will be again.
    pub fills_as: FilledAs,
    /// When stock is expected.
    pub promised_at: Timestamp,
}
