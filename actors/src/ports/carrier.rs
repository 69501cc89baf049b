//! The port that ships parcels.

use std::sync::{Mutex, PoisonError};

use futures::future::{self, BoxFuture, FutureExt};
use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, LedgerEntry, LedgerFull, LedgerOptions};
use super::tracking::TrackingNumber;
use crate::domain::{Address, OrderId};

/// Makes shipping labels.
pub trait Carrier: Send + Sync + 'static {
    /// Makes the label of one parcel; a repeated key gets the first label again.
    ///
    /// # Errors
    /// When no label was made, or nobody knows whether one was.
    fn create_label<'a>(
        &'a self,
        key: &'a str,
        parcel: &'a Consignment,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<TrackingNumber, CarrierError>>;
}

/// A parcel that is handed to a carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consignment {
    /// The order in it.
    pub order: OrderId,
    /// Which of the order's parcels, from 1.
    pub parcel: u32,
    /// What it weighs.
    pub grams: u64,
}

/// What a carrier tells of a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingScan {
    /// When it happened, by the carrier's clock.
    pub at: Timestamp,
    /// What happened.
    pub status: ParcelStatus,
}

/// What can happen to a parcel on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ParcelStatus {
    /// The carrier has it.
    Accepted,
    /// It moves.
    InTransit,
    /// It is at customs.
    AtCustoms,
    /// It comes today.
    OutForDelivery,
    /// It could not be handed over.
    DeliveryFailed,
    /// It is there.
    Delivered,
    /// It goes back to the shop.
    ReturnedToSender,
}

impl std::fmt::Display for ParcelStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Accepted => "with the carrier",
            Self::InTransit => "on its way",
            Self::AtCustoms => "at customs",
            Self::OutForDelivery => "out for delivery",
            Self::DeliveryFailed => "back at the depot, because nobody could take it",
            Self::Delivered => "delivered",
            Self::ReturnedToSender => "on its way back to us",
        })
    }
}

/// Why there is no label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CarrierError {
    /// The carrier cannot be reached, or is busy: the same key may be tried again.
    #[error("the carrier is unavailable; try again with the same key")]
    Transient,
    /// The carrier will not take the parcel.
    #[error("the carrier refused the parcel: {reason}")]
    Refused {
        /// What the carrier says; it holds no address.
        reason: Box<str>,
    },
}

impl From<LedgerFull> for CarrierError {
    fn from(full: LedgerFull) -> Self {
        Self::Refused {
            reason: full.to_string().into(),
        }
    }
}

/// A label that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelEntry {
    /// The key that asked for it.
    pub key: Box<str>,
    /// The order in the parcel.
    pub order: OrderId,
    /// The number on the label.
    pub tracking: TrackingNumber,
}

impl LedgerEntry for LabelEntry {
    fn key(&self) -> &str {
        &self.key
    }
}

/// A carrier inside this process: a label is an entry in its ledger.
pub struct InProcessCarrier {
    // Held for a few instructions and never across an await.
    ledger: Mutex<Ledger<LabelEntry>>,
}

impl InProcessCarrier {
    /// A carrier that has made no label.
    #[must_use]
    pub fn new(options: LedgerOptions<LabelEntry>) -> Self {
        Self {
            ledger: Mutex::new(Ledger::new(options)),
        }
    }

    /// Puts back what an earlier life of this carrier did.
    ///
    /// # Errors
    /// When there are more entries than the options allow.
    pub fn restore(&self, entries: impl IntoIterator<Item = LabelEntry>) -> Result<(), LedgerFull> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .into_iter()
            .try_for_each(|entry| ledger.restore(entry))
    }

    /// Every label that was made, in order.
    #[must_use]
    pub fn ledger(&self) -> Vec<LabelEntry> {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.entries().to_vec()
    }

    fn label(&self, key: &str, parcel: &Consignment) -> Result<TrackingNumber, CarrierError> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = ledger.find(key) {
            return Ok(made.tracking.clone());
        }
        // Serial numbers go round after 100 million labels, as a real carrier's do.
        let tracking = TrackingNumber::parcel(ledger.entries().len());
        ledger.record(LabelEntry {
            key: key.into(),
            order: parcel.order.clone(),
            tracking: tracking.clone(),
        })?;
        Ok(tracking)
    }
}

impl Carrier for InProcessCarrier {
    fn create_label<'a>(
        &'a self,
        key: &'a str,
        parcel: &'a Consignment,
        _address: &'a Address,
    ) -> BoxFuture<'a, Result<TrackingNumber, CarrierError>> {
        future::ready(self.label(key, parcel)).boxed()
    }
}
