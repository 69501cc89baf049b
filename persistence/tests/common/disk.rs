//! A disk in memory that remembers what it held at each sync, and fails when it is told to.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use redb::StorageBackend;

/// What a broken disk does when it is asked to sync.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    Refuses,
    Panics,
}

#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    bytes: Vec<u8>,
    at_syncs: Vec<Vec<u8>>,
    fault: Option<Fault>,
}

impl Disk {
    pub fn holding(bytes: Vec<u8>) -> Self {
        let inner = Inner {
            bytes,
            ..Inner::default()
        };
        Self(Arc::new(Mutex::new(inner)))
    }

    pub fn breaks(&self, fault: Fault) {
        self.0.lock().fault = Some(fault);
    }

    /// What a power cut right after each sync so far would have left.
    pub fn at_syncs(&self) -> Vec<Self> {
        let inner = self.0.lock();
        inner.at_syncs.iter().cloned().map(Self::holding).collect()
    }

    /// What the next process finds when the power fails now: what was synced last.
    pub fn after_power_cut(&self) -> Self {
        self.at_syncs().pop().unwrap_or_default()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.0.lock();
        let held = usize::try_from(offset)
            .ok()
            .and_then(|start| inner.bytes.get(start..start.checked_add(out.len())?));
        out.copy_from_slice(held.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.0.lock().bytes.resize(len, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut inner = self.0.lock();
        match inner.fault {
            None => {
                let held = inner.bytes.clone();
                inner.at_syncs.push(held);
                Ok(())
            }
            Some(Fault::Refuses) => Err(io::Error::other("the disk is gone")),
            Some(Fault::Panics) => panic!("the disk driver panicked"),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut inner = self.0.lock();
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let end = start + data.len();
        if inner.bytes.len() < end {
            inner.bytes.resize(end, 0);
        }
        inner.bytes[start..end].copy_from_slice(data);
        Ok(())
    }
}
