//! `mercato journal backup`, `restore` and `compact`.

use std::path::Path;

use mercato_actors::runtime::persistence::{Backup, backup, compact, restore};

use super::told;
use crate::output::print;

pub(super) fn backup_to(file: &Path, to: &Path) -> Result<bool, String> {
    match told(backup(file, to))? {
        Some(taken) => describe("backed up to", to, &taken),
        None => Ok(false),
    }
}

pub(super) fn restore_to(backup: &Path, to: &Path) -> Result<bool, String> {
    match told(restore(backup, to))? {
        Some(restored) => describe("restored to", to, &restored),
        None => Ok(false),
    }
}

fn describe(what: &str, to: &Path, copy: &Backup) -> Result<bool, String> {
    print(&format_args!(
        "{what} {}: {} appends with {} events, up to position {}, in {} bytes; verified\n",
        to.display(),
        copy.records,
        copy.events,
        copy.last,
        copy.bytes
    ))?;
    Ok(true)
}

pub(super) fn compact_file(file: &Path) -> Result<bool, String> {
    let Some(compacted) = told(compact(file))? else {
        return Ok(false);
    };
    print(&format_args!(
        "compacted {}: {} bytes before, {} after\n",
        file.display(),
        compacted.bytes_before,
        compacted.bytes_after
    ))?;
    Ok(true)
}
