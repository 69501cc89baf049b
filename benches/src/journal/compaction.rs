//! Makes a closed journal's file as small as it gets.

use std::path::Path;

use crate::error::AnyError;

/// Compacts the journal at `path`, which nobody has open.
pub(crate) fn compact(path: &Path) -> Result<(), AnyError> {
    mercato_runtime::persistence::compact(path)?;
    Ok(())
}
