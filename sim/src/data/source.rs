//! The bytes of a file: opened, recognised by content, decompressed, and read within bounds.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::Path;

use super::error::DataError;

const ZSTD_MAGIC: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];

/// Kinds of file that people are likely to name by mistake; UCI itself hands out an `.xlsx`.
const OTHER_MAGIC: [(&[u8], &str); 2] = [
    (b"PK\x03\x04", "a zip archive or spreadsheet (.xlsx)"),
    (&[0x1F, 0x8B], "gzip"),
];

/// Opens a plain or zstd-compressed file; the content decides which it is, not the name.
pub(super) fn open(path: &Path, file: &str) -> Result<Box<dyn Read>, DataError> {
    let refuse = |cause: io::Error| match cause.kind() {
        io::ErrorKind::NotFound => DataError::Missing {
            file: file.to_owned(),
        },
        _ => DataError::Unreadable {
            file: file.to_owned(),
            cause,
        },
    };
    if fs::metadata(path).map_err(refuse)?.is_dir() {
        return Err(DataError::Directory {
            file: file.to_owned(),
        });
    }
    let mut plain = File::open(path).map_err(refuse)?;
    let mut head = Vec::with_capacity(ZSTD_MAGIC.len());
    plain
        .by_ref()
        .take(ZSTD_MAGIC.len() as u64)
        .read_to_end(&mut head)
        .map_err(refuse)?;

    if let Some((_, found)) = OTHER_MAGIC
        .into_iter()
        .find(|(magic, _)| head.starts_with(magic))
    {
        return Err(DataError::OtherFormat {
            file: file.to_owned(),
            found,
        });
    }
    let compressed = head == ZSTD_MAGIC;
    let whole = Cursor::new(head).chain(plain);
    if compressed {
        Ok(Box::new(zstd::Decoder::new(whole).map_err(refuse)?))
    } else {
        Ok(Box::new(whole))
    }
}

/// A reader that hands out a limited number of bytes until its allowance is renewed.
///
/// The CSV parser grows one record for as long as a quote stays open; renewing the allowance for
/// each record bounds what one record can take.
pub(super) struct Rationed<R> {
    inner: R,
    left: u64,
}

impl<R> Rationed<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, left: 0 }
    }

    pub(super) fn renew(&mut self, bytes: u64) {
        self.left = bytes;
    }

    /// Whether the allowance is what stopped the reading.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }
}

impl<R: Read> Read for Rationed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_spent() {
            return Err(io::Error::other("the row is too long"));
        }
        let allowed = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let read = self.inner.read(&mut buffer[..allowed])?;
        self.left -= read as u64;
        Ok(read)
    }
}
