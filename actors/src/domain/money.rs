//! Money in whole minor units of one currency. No floating point comes near it.

use std::cmp::Ordering;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Currency;

/// Hundredths of a percent: 250 is 2.5 %. May be negative.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub struct BasisPoints(i32);

impl BasisPoints {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The whole: 100 %.
    pub const WHOLE: Self = Self(10_000);

    /// So many hundredths of a percent.
    #[must_use]
    pub const fn new(points: i32) -> Self {
        Self(points)
    }

    /// The number of hundredths of a percent.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let points = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}%", points / 100, points % 100)
    }
}

/// Why a calculation with money has no result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// The result does not fit 64 bits of minor units.
    #[error("amount is too large to represent; use smaller quantities or prices")]
    Overflow,
    /// Two amounts of different currencies met.
    #[error("cannot combine {left} with {right}; convert to one currency first")]
    CurrencyMismatch {
        /// The currency of the first amount.
        left: Currency,
        /// The currency of the second amount.
        right: Currency,
    },
    /// There was nothing to divide an amount by.
    #[error("cannot allocate an amount over weights that sum to zero; give a positive weight")]
    NoWeights,
}

/// An amount in whole minor units (pence, cents, yen) of one currency.
///
/// ```
/// use mercato_actors::{BasisPoints, Currency, Money};
///
/// let price = Money::new(1_999, Currency::GBP);
/// assert_eq!(price.to_string(), "19.99 GBP");
/// let parts = price.allocate(&[1, 1, 1])?;
/// assert_eq!(parts.iter().map(|part| part.minor()).collect::<Vec<_>>(), [667, 666, 666]);
/// assert_eq!(price.portion(BasisPoints::new(2_000))?.minor(), 400);
/// # Ok::<(), mercato_actors::MoneyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// So many minor units.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// No money, in a currency.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// The amount in minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is more than nothing.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum of both.
    ///
    /// # Errors
    /// On overflow, or when the currencies differ.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.minor.checked_add(other.minor))
    }

    /// This less the other; may be negative.
    ///
    /// # Errors
    /// On overflow, or when the currencies differ.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.minor.checked_sub(other.minor))
    }

    /// So many times this.
    ///
    /// # Errors
    /// On overflow.
    pub fn times(self, factor: u32) -> Result<Self, MoneyError> {
        self.with(self.minor.checked_mul(i64::from(factor)))
    }

    /// A share of this, rounded half to even: over many lines halves cancel out.
    ///
    /// # Errors
    /// On overflow.
    pub fn portion(self, share: BasisPoints) -> Result<Self, MoneyError> {
        let product = i128::from(self.minor) * i128::from(share.get());
        self.with(i64::try_from(div_half_even(product, 10_000)).ok())
    }

    /// This raised (or, below zero, lowered) by a share of itself, rounded half to even.
    ///
    /// # Errors
    /// On overflow.
    pub fn adjusted(self, by: BasisPoints) -> Result<Self, MoneyError> {
        self.plus(self.portion(by)?)
    }

    /// Divides this by weight so that the parts sum to it exactly: each part is its share rounded
    /// down, and what remains goes, one minor unit each, to the largest remainders, the earlier
    /// part first where they are equal.
    ///
    /// # Errors
    /// When all weights are zero, or there is none.
    pub fn allocate(self, weights: &[u64]) -> Result<Vec<Self>, MoneyError> {
        let total: u128 = weights.iter().copied().map(u128::from).sum();
        if total == 0 {
            return Err(MoneyError::NoWeights);
        }
        let amount = u128::from(self.minor.unsigned_abs());
        let mut parts = Vec::with_capacity(weights.len());
        let mut remainders = Vec::with_capacity(weights.len());
        let mut left = amount;
        for (place, weight) in weights.iter().enumerate() {
            let product = amount * u128::from(*weight);
            let part = product / total;
            left -= part;
            parts.push(part);
            remainders.push((product % total, place));
        }
        remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        // Fewer units are left than there are non-zero remainders, so each goes to another part.
        for ((_, place), _) in remainders.iter().zip(0..left) {
            parts[*place] += 1;
        }
        parts
            .into_iter()
            .map(|part| {
                let part = i128::try_from(part).map_err(|_| MoneyError::Overflow)?;
                let signed = if self.minor < 0 { -part } else { part };
                self.with(i64::try_from(signed).ok())
            })
            .collect()
    }

    /// The sum of amounts in one currency; zero when there is none.
    ///
    /// # Errors
    /// On overflow, or when an amount is in another currency.
    pub fn sum(
        currency: Currency,
        amounts: impl IntoIterator<Item = Self>,
    ) -> Result<Self, MoneyError> {
        amounts
            .into_iter()
            .try_fold(Self::zero(currency), Self::plus)
    }

    /// How this compares with the other.
    ///
    /// # Errors
    /// When the currencies differ.
    pub fn compare(self, other: Self) -> Result<Ordering, MoneyError> {
        self.same_currency(other)?;
        Ok(self.minor.cmp(&other.minor))
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::CurrencyMismatch {
            left: self.currency,
            right: other.currency,
        })
    }

    fn with(self, minor: Option<i64>) -> Result<Self, MoneyError> {
        minor
            .map(|minor| Self::new(minor, self.currency))
            .ok_or(MoneyError::Overflow)
    }
}

/// `numerator / denominator` for a positive denominator, halves to the even neighbour.
fn div_half_even(numerator: i128, denominator: i128) -> i128 {
    let floor = numerator.div_euclid(denominator);
    let twice = numerator.rem_euclid(denominator) * 2;
    match twice.cmp(&denominator) {
        Ordering::Less => floor,
        Ordering::Greater => floor + 1,
        Ordering::Equal => floor + floor.rem_euclid(2),
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        let decimals = self.currency.decimals();
        let unit = 10u64.pow(decimals);
        let (whole, rest) = (minor / unit, minor % unit);
        match usize::try_from(decimals) {
            Ok(width) if width > 0 => write!(f, "{sign}{whole}.{rest:0width$} {}", self.currency),
            _ => write!(f, "{sign}{whole} {}", self.currency),
        }
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
