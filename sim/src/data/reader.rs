//! The pass over a file: each record into a row, each row into its class.

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::Path;

use csv::StringRecord;
use xxhash_rust::xxh3::xxh3_64;

use super::builder::DatasetBuilder;
use super::columns::{Columns, NAMES};
use super::dataset::Dataset;
use super::error::DataError;
use super::limits::ReadLimits;
use super::row::Row;
use super::rows::{RowClass, RowReport};
use super::source::{self, Rationed};

const BUFFER_BYTES: usize = 64 * 1024;

/// Reads a transactions file in the layout of the UCI *Online Retail* data set.
///
/// The file is CSV in UTF-8, plain or compressed with zstd (told apart by content). Columns are
/// found by name: `InvoiceNo`, `StockCode`, `Description`, `Quantity`, `InvoiceDate`, `UnitPrice`,
/// `CustomerID`, `Country`, in any order; others are ignored.
///
/// # Errors
/// [`DataError`] when the file is not there, is not what it should be, or breaks a limit. Single
/// rows that make no sense are counted, not refused, up to the limit.
pub fn read_transactions(path: &Path, limits: ReadLimits) -> Result<Dataset, DataError> {
    let file = path.display().to_string();
    let bytes = source::open(path, &file)?;
    read_named(&file, bytes, &limits)
}

/// Reads the content of a file that messages call `file`.
pub(super) fn read_named(
    file: &str,
    bytes: impl Read,
    limits: &ReadLimits,
) -> Result<Dataset, DataError> {
    let mut records = Records::new(file, bytes, limits);
    let mut record = StringRecord::new();
    if records.next(&mut record)?.is_none() {
        return Err(DataError::Empty {
            file: file.to_owned(),
        });
    }
    let columns = Columns::find(&record, file)?;

    let mut intake = Intake::default();
    let mut last_is_short = None;
    while let Some(row_number) = records.next(&mut record)? {
        if intake.rows.read() == u64::from(limits.rows_max) {
            let rows_max = limits.rows_max;
            return Err(DataError::TooManyRows {
                file: file.to_owned(),
                rows_max,
            });
        }
        last_is_short = (record.len() < columns.width()).then_some(row_number);
        if record.len() == columns.width() {
            intake.take(row_number, columns.pick(&record), limits);
        } else {
            let reason = format!("has {} fields, not {}", record.len(), columns.width());
            intake.rows.count_malformed(row_number, reason);
        }
    }
    if let Some(row) = last_is_short {
        let what = "the last row has too few fields";
        return Err(DataError::Truncated {
            file: file.to_owned(),
            row,
            what,
        });
    }
    let Intake { rows, builder, .. } = intake;
    if rows.read() == 0 {
        return Err(DataError::Empty {
            file: file.to_owned(),
        });
    }
    check_malformed(file, &rows, limits)?;
    Ok(builder.finish(rows))
}

/// What has been read so far.
#[derive(Default)]
struct Intake {
    rows: RowReport,
    builder: DatasetBuilder,
    seen: SeenRows,
}

impl Intake {
    /// Puts a row of the right width into its class, and into the dataset when it is a sale.
    fn take(&mut self, row_number: u64, fields: [&str; NAMES.len()], limits: &ReadLimits) {
        let row = match Row::parse(fields) {
            Ok(row) => row,
            Err(reason) => return self.rows.count_malformed(row_number, reason),
        };
        self.rows.exact_duplicates += u64::from(self.seen.contains_or_insert(&fields));
        match row.classify(limits) {
            Ok(sale) => {
                self.rows.count(RowClass::Sale);
                self.builder.add(&row, &sale);
            }
            Err(class) => self.rows.count(class),
        }
    }
}

fn check_malformed(file: &str, rows: &RowReport, limits: &ReadLimits) -> Result<(), DataError> {
    let (read, malformed) = (rows.read(), rows.of(RowClass::Malformed));
    let malformed_max = limits.malformed_rows_max(read);
    match rows.first_malformed.first() {
        Some(first) if malformed > malformed_max => Err(DataError::TooManyMalformed {
            file: file.to_owned(),
            first: first.clone(),
            malformed,
            read,
            malformed_max,
        }),
        _ => Ok(()),
    }
}

/// The records of a file, each within the limit on its length.
struct Records<'f, R> {
    file: &'f str,
    reader: csv::Reader<Rationed<R>>,
    row_bytes_max: u32,
}

impl<'f, R: Read> Records<'f, R> {
    fn new(file: &'f str, bytes: R, limits: &ReadLimits) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(Rationed::new(bytes));
        Self {
            file,
            reader,
            row_bytes_max: limits.row_bytes_max,
        }
    }

    /// Reads the next record and gives its row number, or `None` at the end.
    fn next(&mut self, record: &mut StringRecord) -> Result<Option<u64>, DataError> {
        // The parser reads whole buffers ahead, so a row may need one more than its own length.
        let allowance = u64::from(self.row_bytes_max) + BUFFER_BYTES as u64;
        self.reader.get_mut().renew(allowance);
        let row = row_number(self.reader.position());
        match self.reader.read_record(record) {
            Ok(false) => Ok(None),
            Ok(true) => {
                let row = record.position().map_or(row, row_number);
                let bytes: usize = record.iter().map(|field| field.len() + 1).sum();
                if bytes as u64 > u64::from(self.row_bytes_max) {
                    return Err(self.too_long(row));
                }
                Ok(Some(row))
            }
            Err(_) if self.reader.get_ref().is_spent() => Err(self.too_long(row)),
            Err(error) => Err(self.explain(error, row)),
        }
    }

    fn too_long(&self, row: u64) -> DataError {
        DataError::RowTooLong {
            file: self.file.to_owned(),
            row,
            bytes_max: self.row_bytes_max,
        }
    }

    fn explain(&self, error: csv::Error, row: u64) -> DataError {
        let file = self.file.to_owned();
        match error.into_kind() {
            csv::ErrorKind::Utf8 { pos, .. } => DataError::NotUtf8 {
                file,
                row: pos.map_or(row, |at| row_number(&at)),
            },
            csv::ErrorKind::Io(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => {
                DataError::Truncated {
                    file,
                    row,
                    what: "the compressed stream ends early",
                }
            }
            csv::ErrorKind::Io(cause) => DataError::Damaged { file, row, cause },
            other => DataError::Damaged {
                file,
                row,
                cause: io::Error::other(format!("{other:?}")),
            },
        }
    }
}

/// The header is row 1; blank lines are no rows.
fn row_number(position: &csv::Position) -> u64 {
    position.record() + 1
}

/// The rows seen so far, as hashes: eight bytes a row instead of ninety. Among the most rows that
/// are read, a false duplicate has a chance below one in a million.
#[derive(Default)]
struct SeenRows {
    hashes: HashSet<u64>,
    joined: String,
}

impl SeenRows {
    fn contains_or_insert(&mut self, fields: &[&str]) -> bool {
        self.joined.clear();
        for field in fields {
            self.joined.push_str(field);
            self.joined.push('\0');
        }
        !self.hashes.insert(xxh3_64(self.joined.as_bytes()))
    }
}
