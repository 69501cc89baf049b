//! How many.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// A number of units: at least one, at most a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Quantity(NonZeroU32);

/// Why a number is no quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// Zero units.
    #[error("quantity is zero; ask for at least one unit")]
    Zero,
    /// Below zero.
    #[error("quantity is negative; a return is recorded as a return, not as a negative quantity")]
    Negative,
    /// More than anybody means.
    #[error("quantity is over {} units; split it", Quantity::MAX)]
    TooLarge,
}

impl Quantity {
    /// One unit.
    pub const ONE: Self = Self(NonZeroU32::MIN);
    /// The most units that one line or one movement may have.
    pub const MAX: u32 = 1_000_000;

    /// [`MAX`](Self::MAX) units.
    pub const MOST: Self = Self(NonZeroU32::MIN.saturating_add(Self::MAX - 1));

    /// So many units.
    ///
    /// # Errors
    /// When there are none, or more than [`MAX`](Self::MAX).
    pub fn new(units: u32) -> Result<Self, QuantityError> {
        match NonZeroU32::new(units) {
            None => Err(QuantityError::Zero),
            Some(_) if units > Self::MAX => Err(QuantityError::TooLarge),
            Some(units) => Ok(Self(units)),
        }
    }

    /// The number of units.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Both together.
    ///
    /// # Errors
    /// When that is more than [`MAX`](Self::MAX).
    pub fn plus(self, other: Self) -> Result<Self, QuantityError> {
        Self::new(self.get().saturating_add(other.get()))
    }
}

impl TryFrom<u32> for Quantity {
    type Error = QuantityError;

    fn try_from(units: u32) -> Result<Self, QuantityError> {
        Self::new(units)
    }
}

impl TryFrom<i64> for Quantity {
    type Error = QuantityError;

    fn try_from(units: i64) -> Result<Self, QuantityError> {
        if units < 0 {
            return Err(QuantityError::Negative);
        }
        Self::new(u32::try_from(units).map_err(|_| QuantityError::TooLarge)?)
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> Self {
        quantity.get()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
