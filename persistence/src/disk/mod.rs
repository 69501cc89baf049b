//! What lies between redb and the disk, and a disk that fails on demand.

pub(crate) mod fuse;
pub(crate) mod simulated;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the store is put on it in a step of its own")
)]
pub(crate) mod superblock;

mod cut;
mod fault;
mod frame;
mod header;
