//! Real transactions: reading a file of retail invoices into facts the simulator can stand on.
//!
//! [`read_transactions`] reads the layout of the UCI *Online Retail* data set, plain or compressed
//! with zstd, row by row and within stated limits. Every row ends in exactly one [`RowClass`], and
//! [`RowReport`] says how many fell where, so that nothing is dropped in silence. With no file at
//! hand, [`Dataset::sample`] reads a small catalogue of the project's own making through the very
//! same reader.

mod builder;
mod columns;
mod dataset;
mod error;
mod limits;
mod price;
mod reader;
mod row;
mod rows;
mod source;

pub use dataset::{Basket, CURRENCY, Dataset, Line, ProductFacts, Span};
pub use error::DataError;
pub use limits::ReadLimits;
pub use reader::read_transactions;
pub use rows::{MalformedRow, RowClass, RowReport};
