//! What lies between redb and the disk, and a disk that fails on demand.

pub(crate) mod fuse;
pub(crate) mod simulated;
pub(crate) mod superblock;

mod cut;
mod fault;
mod frame;
mod header;
mod place;
mod refusal;

use std::fs::File;
use std::io;
use std::path::Path;

pub(crate) use header::SuperblockError;
pub(crate) use place::place_new;
pub(crate) use refusal::Refusal;

/// Lets go of what the operating system remembers of the file. After a sync that failed it may
/// remember pages that never reached the disk, as if they had.
pub(crate) fn forget_cached(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    #[cfg(target_os = "linux")]
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    drop(file);
    Ok(())
}
