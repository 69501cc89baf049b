//! The facts that a transactions file comes down to.

use std::ops::Range;

use jiff::civil::DateTime;

use super::error::DataError;
use super::limits::ReadLimits;
use super::reader::read_named;
use super::rows::RowReport;

/// The currency of the layout's prices (ISO 4217).
pub const CURRENCY: &str = "GBP";

const SAMPLE: &str = include_str!("../../data/sample_transactions.csv");

/// Products and baskets of a transactions file, in the order of the file.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The products that were sold at least once. Their place here is their index elsewhere.
    pub products: Vec<ProductFacts>,
    /// The invoices with at least one sold line.
    pub baskets: Vec<Basket>,
    pub(super) lines: Vec<Line>,
    /// The countries of the baskets.
    pub countries: Vec<String>,
    /// How many different customers are named.
    pub customers: usize,
    /// What became of each row.
    pub rows: RowReport,
    /// First and last sale; `None` when nothing was sold.
    pub span: Option<Span>,
}

/// What the sales say about one product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductFacts {
    /// The stock code, in the case in which the file has it.
    pub stock_code: String,
    /// The most common description, trimmed; of equals, the first.
    pub description: String,
    /// The most common unit price in minor units of [`CURRENCY`]; of equals, the lowest.
    pub price_minor: i64,
    /// In how many rows it was sold.
    pub sale_lines: u64,
    /// How many units were sold.
    pub units_sold: u64,
}

/// One invoice. Its lines are at [`Dataset::lines`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basket {
    /// When it was written, in the shop's local time.
    pub at: DateTime,
    /// Which customer, counted from 0; `None` when the file names none.
    pub customer: Option<u32>,
    /// Index into [`Dataset::countries`].
    pub country: u32,
    pub(super) lines: Range<usize>,
}

/// One sold line. A product can stand in several lines of a basket, as it can in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Index into [`Dataset::products`].
    pub product: u32,
    /// Units.
    pub quantity: u32,
}

/// The time between two sales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first sale.
    pub first: DateTime,
    /// The last sale.
    pub last: DateTime,
}

impl Dataset {
    /// A small catalogue with a few hundred baskets, made up for this project.
    ///
    /// # Errors
    /// None in practice: the file is part of the program, and a test reads it.
    pub fn sample() -> Result<Self, DataError> {
        read_named(
            "the built-in sample",
            SAMPLE.as_bytes(),
            &ReadLimits::default(),
        )
    }

    /// The lines of one of this dataset's baskets.
    pub fn lines(&self, basket: &Basket) -> &[Line] {
        self.lines.get(basket.lines.clone()).unwrap_or_default()
    }
}
