//! Makes a closed journal's file as small as it gets.

use std::path::Path;

use crate::error::AnyError;

/// Compacts the journal at `path`, which nobody has open.
pub(crate) fn compact(path: &Path) -> Result<(), AnyError> {
    let mut database = redb::Database::open(path)?;
    // Each pass moves what it can; the last one finds nothing more.
    const PASSES_MAX: usize = 16;
    for _ in 0..PASSES_MAX {
        if !database.compact()? {
            break;
        }
    }
    Ok(())
}
