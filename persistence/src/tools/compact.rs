//! Gives the room that a journal's file wastes back to the disk.

use std::path::Path;

use super::backup::sound;
use super::error::ToolError;
use crate::store::Store;

/// What compacting did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compacted {
    /// The size of the file before.
    pub bytes_before: u64,
    /// The size of the file after.
    pub bytes_after: u64,
}

/// Compacts the journal at `path`, which nobody may have open. What it holds stays as it is.
///
/// The file is verified first, since compacting overwrites what could still be looked at. It works
/// in place: pages move in commits of the store, each durable before the pages that it leaves are
/// used again, and the file is cut off only behind what the last commit knows. A crash in the
/// middle leaves a sound file with the same records, as large as it was or smaller.
///
/// # Errors
/// See [`ToolError`].
pub fn compact(path: impl AsRef<Path>) -> Result<Compacted, ToolError> {
    let path = path.as_ref();
    sound(path, "restore a backup; a damaged file is not compacted")?;
    let failed = |error: &dyn std::fmt::Display| ToolError::write(path, error);
    let length = || std::fs::metadata(path).map(|file| file.len());
    let bytes_before = length().map_err(|error| failed(&error))?;
    let mut store = Store::existing(path)?;
    store.compact().map_err(|error| failed(&error))?;
    drop(store);
    std::fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| failed(&error))?;
    let bytes_after = length().map_err(|error| failed(&error))?;
    Ok(Compacted {
        bytes_before,
        bytes_after,
    })
}

#[cfg(test)]
mod tests;
