//! The port that ships parcels.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use futures::future::{self, BoxFuture, FutureExt};
use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, LedgerEntry, LedgerFull, LedgerOptions};
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
        order: &'a OrderId,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<TrackingNumber, CarrierError>>;
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

/// The number that a parcel is followed by, in the form of UPU standard S10: two letters for the
/// service, eight digits, a check digit, and the country: `RR473124829GB`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct TrackingNumber(Box<str>);

/// A text that is no S10 number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("tracking number is malformed or its check digit is wrong; copy it again from the label")]
pub struct TrackingNumberError;

impl TrackingNumber {
    /// Serial numbers have eight digits.
    const SERIALS: u32 = 100_000_000;

    /// Checks form and check digit.
    ///
    /// # Errors
    /// When one of them is wrong.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, TrackingNumberError> {
        let text = text.into();
        let valid = match text.as_bytes() {
            [service @ .., a, b] if service.len() == 11 => {
                let (letters, digits) = service.split_at(2);
                letters
                    .iter()
                    .chain([a, b])
                    .all(|letter| letter.is_ascii_uppercase())
                    && digits.iter().all(u8::is_ascii_digit)
                    && digits
                        .split_last()
                        .is_some_and(|(check, serial)| check_digit(serial) == *check)
            }
            _ => false,
        };
        valid.then_some(Self(text)).ok_or(TrackingNumberError)
    }

    /// The number of a registered parcel posted in the United Kingdom.
    fn registered(serial: u32) -> Self {
        let digits = format!("{:08}", serial % Self::SERIALS);
        let check = char::from(check_digit(digits.as_bytes()));
        Self(format!("RR{digits}{check}GB").into())
    }

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The S10 check digit of eight ASCII digits, itself as an ASCII digit.
fn check_digit(serial: &[u8]) -> u8 {
    const WEIGHTS: [u32; 8] = [8, 6, 4, 2, 3, 5, 9, 7];
    let sum: u32 = serial
        .iter()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    match 11 - sum % 11 {
        10 => b'0',
        11 => b'5',
        // One to nine.
        digit => b'0' + u8::try_from(digit).unwrap_or_default(),
    }
}

impl TryFrom<Box<str>> for TrackingNumber {
    type Error = TrackingNumberError;

    fn try_from(text: Box<str>) -> Result<Self, TrackingNumberError> {
        Self::new(text)
    }
}

impl From<TrackingNumber> for Box<str> {
    fn from(number: TrackingNumber) -> Self {
        number.0
    }
}

impl fmt::Display for TrackingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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

    fn label(&self, key: &str, order: &OrderId) -> Result<TrackingNumber, CarrierError> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = ledger.find(key) {
            return Ok(made.tracking.clone());
        }
        // Serial numbers go round after 100 million labels, as a real carrier's do.
        let serial = u32::try_from(ledger.entries().len() % TrackingNumber::SERIALS as usize)
            .unwrap_or_default();
        let tracking = TrackingNumber::registered(serial);
        ledger.record(LabelEntry {
            key: key.into(),
            order: order.clone(),
            tracking: tracking.clone(),
        })?;
        Ok(tracking)
    }
}

impl Carrier for InProcessCarrier {
    fn create_label<'a>(
        &'a self,
        key: &'a str,
        order: &'a OrderId,
        _address: &'a Address,
    ) -> BoxFuture<'a, Result<TrackingNumber, CarrierError>> {
        future::ready(self.label(key, order)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_example_has_its_check_digit() {
        assert_eq!(
            TrackingNumber::registered(47_312_482).as_str(),
            "RR473124829GB"
        );
        assert!(TrackingNumber::new("RR473124829GB").is_ok());
        assert!(TrackingNumber::new("RR473124828GB").is_err());
        assert!(TrackingNumber::new("RR47312482é").is_err());
    }
}
