//! What became of the rows: the classes, and the count of each.

use std::fmt;

/// The one class in which a row ends.
///
/// A row that fits several takes the first in the order of [`RowClass::ALL`] after `Sale`, with
/// `Malformed` before all: what cannot be read cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowClass {
    /// A sold line; the only class that enters the dataset.
    Sale,
    /// A line of a cancelled invoice (`InvoiceNo` starts with `C`).
    Cancelled,
    /// Postage, fees, vouchers, adjustments: the stock code does not start with five digits. In
    /// the UCI file every product code does, and POST, DOT, M, D, S, B, C2, CRUK, PADS, BANK
    /// CHARGES, AMAZONFEE, DCGS... and gift_0001_.. do not.
    NonProduct,
    /// A negative quantity on an invoice that is not cancelled: returned, damaged or written off.
    Returned,
    /// No description.
    EmptyDescription,
    /// A price of zero.
    PriceZero,
    /// A price below zero.
    PriceNegative,
    /// A price that is no whole number of minor units.
    PriceFraction,
    /// More units than a line may have (`ReadLimits::line_quantity_max`).
    QuantityAbsurd,
    /// A wrong number of fields, or a number or date that is none.
    Malformed,
}

impl RowClass {
    /// All classes, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::Sale,
        Self::Cancelled,
        Self::NonProduct,
        Self::Returned,
        Self::EmptyDescription,
        Self::PriceZero,
        Self::PriceNegative,
        Self::PriceFraction,
        Self::QuantityAbsurd,
        Self::Malformed,
    ];

    /// The class in a few words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Cancelled => "cancelled invoice",
            Self::NonProduct => "not a product (postage, fees, ...)",
            Self::Returned => "returned or written off",
            Self::EmptyDescription => "no description",
            Self::PriceZero => "price is zero",
            Self::PriceNegative => "price is negative",
            Self::PriceFraction => "price in fractions of a penny",
            Self::QuantityAbsurd => "absurd quantity",
            Self::Malformed => "malformed row",
        }
    }
}

/// A row that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedRow {
    /// Which row; the header is row 1, and blank lines are no rows.
    pub row: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// How many rows fell into each class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowReport {
    counts: [u64; RowClass::ALL.len()],
    /// Well-formed rows that repeat an earlier row in every column. They are counted here and kept
    /// in their class: an invoice line has no number of its own, so an article entered twice on one
    /// invoice looks exactly like this, and dropping it would lose units that were sold and paid.
    pub exact_duplicates: u64,
    /// The first malformed rows, at most [`RowReport::MALFORMED_KEPT`].
    pub first_malformed: Vec<MalformedRow>,
}

impl RowReport {
    /// How many malformed rows are kept with their reasons.
    pub const MALFORMED_KEPT: usize = 5;

    /// The rows of one class.
    pub fn of(&self, class: RowClass) -> u64 {
        self.counts[class as usize]
    }

    /// All rows below the header.
    pub fn read(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The rows that are no sales.
    pub fn skipped(&self) -> u64 {
        self.read() - self.of(RowClass::Sale)
    }

    /// Each class with its count, in the order of [`RowClass::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (RowClass, u64)> + '_ {
        RowClass::ALL.into_iter().zip(self.counts)
    }

    pub(super) fn count(&mut self, class: RowClass) {
        self.counts[class as usize] += 1;
    }

    pub(super) fn count_malformed(&mut self, row: u64, reason: String) {
        self.count(RowClass::Malformed);
        if self.first_malformed.len() < Self::MALFORMED_KEPT {
            self.first_malformed.push(MalformedRow { row, reason });
        }
    }
}

/// A table: one line a class, then the repeated rows and the first malformed ones.
impl fmt::Display for RowReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<40}{:>10}", "rows read", self.read())?;
        for (class, rows) in self.iter() {
            writeln!(f, "  {:<38}{rows:>10}", class.label())?;
        }
        write!(
            f,
            "{:<40}{:>10}",
            "exact duplicates (kept)", self.exact_duplicates
        )?;
        for MalformedRow { row, reason } in &self.first_malformed {
            write!(f, "\n  malformed: row {row}: {reason}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_all_is_the_order_of_the_counts() {
        for (index, class) in RowClass::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, index);
        }
    }
}
