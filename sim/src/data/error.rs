//! What can be wrong with a transactions file, said so that it can be mended.

use std::io;

use thiserror::Error;

use super::rows::MalformedRow;

/// Why a transactions file could not be read.
///
/// Each message names the file, the row where there is one (the header is row 1), what was wrong
/// and what to do about it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// No file stands at the path.
    #[error(
        "{file}: no such file; check the path, or give no file to use the sample the project carries"
    )]
    Missing {
        /// The file as it was named.
        file: String,
    },
    /// The path is a directory.
    #[error("{file}: is a directory; name the transactions file inside it")]
    Directory {
        /// The file as it was named.
        file: String,
    },
    /// The operating system refuses the file.
    #[error("{file}: cannot be read: {cause}; check its permissions and the disk it lies on")]
    Unreadable {
        /// The file as it was named.
        file: String,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The file is of a kind that is recognised but not read.
    #[error("{file}: is {found}, not CSV; export or unpack it to .csv (or .csv.zst) and name that")]
    OtherFormat {
        /// The file as it was named.
        file: String,
        /// What the first bytes say it is.
        found: &'static str,
    },
    /// There is no row below the header, or nothing at all.
    #[error(
        "{file}: is empty: it has no rows of transactions; download or export it again, header and rows"
    )]
    Empty {
        /// The file as it was named.
        file: String,
    },
    /// The header lacks columns.
    #[error(
        "{file}, row 1: wrong columns: missing {missing}; found {found}; name the columns in the \
         first row as {}, separated by commas, in any order",
        super::columns::NAMES.join(",")
    )]
    WrongColumns {
        /// The file as it was named.
        file: String,
        /// The columns that are missing.
        missing: String,
        /// The columns that are there.
        found: String,
    },
    /// A row holds bytes that are not UTF-8.
    #[error(
        "{file}, row {row}: not UTF-8; convert it first, for example with \
         `iconv -f ISO-8859-1 -t UTF-8 old.csv > new.csv`"
    )]
    NotUtf8 {
        /// The file as it was named.
        file: String,
        /// The row, counting the header as 1.
        row: u64,
    },
    /// The file ends before its content does.
    #[error("{file}, row {row}: the file is cut short: {what}; copy or download it again")]
    Truncated {
        /// The file as it was named.
        file: String,
        /// The row at which it ends.
        row: u64,
        /// How the cut shows.
        what: &'static str,
    },
    /// Reading failed in the middle, for instance on a compressed stream that does not decode.
    #[error("{file}, row {row}: cannot be read on: {cause}; copy or download it again")]
    Damaged {
        /// The file as it was named.
        file: String,
        /// The row that could not be read.
        row: u64,
        /// What the decoder or the disk said.
        cause: io::Error,
    },
    /// One row is longer than allowed.
    #[error(
        "{file}, row {row}: the row is longer than {bytes_max} bytes; look for a quote that is \
         never closed, or raise `row_bytes_max`"
    )]
    RowTooLong {
        /// The file as it was named.
        file: String,
        /// The row that is too long.
        row: u64,
        /// The limit.
        bytes_max: u32,
    },
    /// There are more rows than allowed.
    #[error("{file}: has more than {rows_max} rows; split the file, or raise `rows_max`")]
    TooManyRows {
        /// The file as it was named.
        file: String,
        /// The limit.
        rows_max: u32,
    },
    /// Too many rows make no sense: the file is likely not what it was taken for.
    #[error(
        "{file}, row {}: {}; {malformed} of {read} rows are malformed and at most {malformed_max} \
         may be; mend or remove them, or raise `malformed_share_max`",
        first.row, first.reason
    )]
    TooManyMalformed {
        /// The file as it was named.
        file: String,
        /// The first malformed row.
        first: MalformedRow,
        /// How many rows are malformed.
        malformed: u64,
        /// How many rows were read.
        read: u64,
        /// How many may be malformed in a file of this length.
        malformed_max: u64,
    },
}
