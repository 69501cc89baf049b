//! The header page of the store, kept twice.
//!
//! redb overwrites its header in place, in the same sync as the data that the header points to. A
//! disk that loses its power in the middle of a sector may leave garbage in it, and with the one
//! header the whole file would be lost. So the header lives in two slots that are written in
//! turn: the one that the last sync made durable is never touched before the next sync has made
//! the other one durable. A cut costs at most the header that was being written, and what stands
//! then is the state before the commit that nobody was told of.
//!
//! ```text
//! physical 0      slot A: frame in the first sector, its copy in the fifth
//! physical 4096   slot B: likewise
//! physical 8192   the store's offset 4096, and so on
//! ```
//!
//! The copy inside a slot is for rot, not for power cuts: one bad sector under the newest header
//! must not bring back the header before it, and with it a journal without its last commit.

use std::io;
use std::ops::Bound;

use parking_lot::Mutex;
use redb::{BackendError, StorageBackend};

use super::frame::Frame;
use super::header::{FILE_FORMAT, Header, PAGE, SuperblockError};

/// How much later everything behind the header page lies than redb believes.
const SHIFT: u64 = PAGE;

/// A disk whose header page is kept twice.
#[derive(Debug)]
pub(crate) struct Superblock<B> {
    disk: B,
    // Held over a whole sync: a header written in the middle of one would overwrite the header
    // that the sync is about to be trusted with.
    header: Mutex<Header>,
}

impl<B: StorageBackend> Superblock<B> {
    /// Looks at `disk`, which it only reads; an empty one is a fresh start.
    pub(crate) fn open(disk: B) -> Result<Self, SuperblockError> {
        let header = Mutex::new(Header::read(&disk)?);
        Ok(Self { disk, header })
    }

    fn write_header(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut header = self.header.lock();
        let image = header.with(offset, data)?;
        if !header.settled {
            self.disk.sync_data()?;
            header.settled = true;
        }
        // Raised whether or not the write succeeds: two headers never share a number.
        header.sequence += 1;
        let frame = Frame {
            format: FILE_FORMAT,
            sequence: header.sequence,
            header: image,
        };
        let bytes = frame.encode();
        for at in header.durable.other().frames() {
            self.disk.write(at, &bytes)?;
        }
        header.written = true;
        header.image = image;
        Ok(())
    }

    /// Once the lock is held, nobody else writes the header: what was read before may be stale.
    fn locked(&self, acquired: bool) -> Result<bool, BackendError> {
        if acquired {
            let mut header = self.header.lock();
            if !header.written {
                *header = Header::read(&self.disk).map_err(|error| match error {
                    SuperblockError::Io(error) => BackendError::Io(error),
                    error => BackendError::Io(io::Error::new(io::ErrorKind::InvalidData, error)),
                })?;
            }
        }
        Ok(acquired)
    }
}

/// Where a range of the store parts into the header page and what follows it.
fn header_part(offset: u64, len: usize) -> usize {
    usize::try_from(PAGE.saturating_sub(offset))
        .unwrap_or(usize::MAX)
        .min(len)
}

impl<B: StorageBackend> StorageBackend for Superblock<B> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.len()?.saturating_sub(SHIFT))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (header, data) = out.split_at_mut(header_part(offset, out.len()));
        if !header.is_empty() {
            self.header.lock().copy_out(offset, header);
        }
        if data.is_empty() {
            return Ok(());
        }
        self.disk.read(offset.max(PAGE) + SHIFT, data)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len < PAGE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{len} bytes are no room for the store's header page of {PAGE}"),
            ));
        }
        self.disk.set_len(len + SHIFT)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut header = self.header.lock();
        // A sync that fails may have thrown away what it was to write, and the next one that
        // succeeds says nothing of it: the durable slot stays the durable slot.
        let written = std::mem::take(&mut header.written);
        self.disk.sync_data()?;
        header.settled = true;
        if written {
            header.durable = header.durable.other();
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (header, data) = data.split_at(header_part(offset, data.len()));
        if !header.is_empty() {
            self.write_header(offset, header)?;
        }
        if data.is_empty() {
            return Ok(());
        }
        self.disk.write(offset.max(PAGE) + SHIFT, data)
    }

    fn close(&self) -> io::Result<()> {
        self.disk.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        let acquired = self.disk.try_lock_range(start, end)?;
        self.locked(acquired)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        let acquired = self.disk.try_lock_shared_range(start, end)?;
        self.locked(acquired)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.lock_range(start, end)?;
        self.locked(true).map(drop)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.lock_shared_range(start, end)?;
        self.locked(true).map(drop)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.disk.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests;
