//! Why a file of the store was not opened, before anybody knows what it was to be: the journal and
//! the keys of persons lie in files of one kind, and each says it in words of its own.

use std::io;

use super::SuperblockError;
use crate::error::tells_damage;

#[derive(Debug)]
pub(crate) enum Refusal {
    /// It does not begin as such a file does.
    Foreign(String),
    /// Another process has it open.
    Locked,
    /// A newer version wrote it.
    Newer { found: u64, supported: u64 },
    /// None of its headers is what was written.
    Header(String),
    /// Its pages are not what was written.
    Pages(redb::Error),
    /// The system refuses it.
    Io(io::Error),
    /// The store said something else.
    Store(redb::Error),
}

impl Refusal {
    pub(crate) fn by_store(error: impl Into<redb::Error>) -> Self {
        match error.into() {
            redb::Error::DatabaseAlreadyOpen => Self::Locked,
            redb::Error::Io(source) if !tells_damage(source.kind()) => Self::Io(source),
            error @ (redb::Error::Io(_) | redb::Error::Corrupted(_)) => Self::Pages(error),
            error => Self::Store(error),
        }
    }
}

impl From<SuperblockError> for Refusal {
    fn from(error: SuperblockError) -> Self {
        match error {
            SuperblockError::Io(source) => Self::Io(source),
            SuperblockError::Newer { found, supported } => Self::Newer {
                found: found.into(),
                supported: supported.into(),
            },
            SuperblockError::Damaged => Self::Header(error.to_string()),
            error => Self::Foreign(error.to_string()),
        }
    }
}
