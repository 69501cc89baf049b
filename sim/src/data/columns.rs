//! The header: where each column stands.

use csv::StringRecord;

use super::error::DataError;

/// The columns that must be there, in any order; others are ignored.
pub(super) const NAMES: [&str; 8] = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
];

/// The place of each column of [`NAMES`] in a row, and how many fields a row has.
pub(super) struct Columns {
    places: [usize; NAMES.len()],
    width: usize,
}

impl Columns {
    pub(super) fn find(header: &StringRecord, file: &str) -> Result<Self, DataError> {
        let place = |name: &str| header.iter().position(|found| found.trim() == name);
        let missing: Vec<&str> = NAMES
            .into_iter()
            .filter(|name| place(name).is_none())
            .collect();
        if !missing.is_empty() {
            return Err(DataError::WrongColumns {
                file: file.to_owned(),
                missing: missing.join(","),
                found: abridged(header),
            });
        }
        Ok(Self {
            places: NAMES.map(|name| place(name).unwrap_or_default()),
            width: header.len(),
        })
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The fields of a row in the order of [`NAMES`]. The row must have [`Columns::width`] fields.
    pub(super) fn pick<'r>(&self, record: &'r StringRecord) -> [&'r str; NAMES.len()] {
        self.places.map(|place| &record[place])
    }
}

/// The header as found, short enough for a message even when the file is no table at all.
fn abridged(header: &StringRecord) -> String {
    const CHARS_MAX: usize = 200;
    let text = header.iter().collect::<Vec<_>>().join(",");
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
