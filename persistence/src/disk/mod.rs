//! What lies between redb and the disk, and a disk that fails on demand.

pub(crate) mod fuse;
pub(crate) mod simulated;
pub(crate) mod superblock;

mod cut;
mod fault;
mod frame;
mod header;

pub(crate) use header::SuperblockError;
