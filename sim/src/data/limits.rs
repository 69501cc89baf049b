//! The bounds within which a transactions file is read.

/// Bounds for reading a transactions file; memory and time follow from them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReadLimits {
    /// Most rows below the header. Default 5,000,000 (the UCI file has 541,909).
    pub rows_max: u32,
    /// Most bytes in one row, in UTF-8. Default 65,536. It keeps an unclosed quote from pulling
    /// the whole file into memory as one field.
    pub row_bytes_max: u32,
    /// Most units in a line that is still believed. Default 10,000. The UCI file has lines of
    /// 74,215 and 80,995 units, each cancelled minutes later.
    pub line_quantity_max: u32,
    /// Largest share of rows that may be malformed, 0 to 1. Default 0.01.
    pub malformed_share_max: f64,
    /// Malformed rows that are always let pass, however short the file. Default 10.
    pub malformed_rows_free: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            rows_max: 5_000_000,
            row_bytes_max: 65_536,
            line_quantity_max: 10_000,
            malformed_share_max: 0.01,
            malformed_rows_free: 10,
        }
    }
}

impl ReadLimits {
    /// How many of `rows_read` rows may be malformed.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer saturates, so a share outside 0 to 1 only widens or closes the limit"
    )]
    pub(super) fn malformed_rows_max(&self, rows_read: u64) -> u64 {
        let by_share = (rows_read as f64 * self.malformed_share_max) as u64;
        by_share.max(self.malformed_rows_free)
    }
}
