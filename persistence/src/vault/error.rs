//! What can go wrong at the vault's boundary. No message holds personal data or a key.

use std::path::PathBuf;

use super::cipher::PLAIN_BYTES_MAX;
use super::person::{PersonId, PersonIdError};

/// A vault that could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// There is no file of keys to look at.
    #[error(
        "there are no keys of persons at {path}; name the journal that they lie beside, or put its file of keys back"
    )]
    Missing {
        /// Where they were looked for.
        path: PathBuf,
    },
    /// The file is something else.
    #[error(
        "{path} holds no persons' keys ({reason}); put the journal's own file of keys there, or move this one away"
    )]
    NotAVault {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// Another process has it open.
    #[error("{path} is in use by another process; stop that process first")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A newer version wrote it.
    #[error(
        "{path} has format {found} for keys, and this version reads up to {supported}; use the newer mercato that wrote it"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format in the file.
        found: u64,
        /// The newest format that this code reads.
        supported: u64,
    },
    /// An erasure was cut off, and what it needs to be finished is gone.
    #[error(
        "{path} is missing and {leftover} is there: an erasure was cut off and its new file is gone; restore a backup of the keys and erase again"
    )]
    Torn {
        /// Where the keys should be.
        path: PathBuf,
        /// The file that was to be wiped.
        leftover: PathBuf,
    },
    /// The file or its folder cannot be used.
    #[error("cannot open {path}: {source}; check that the folder exists and may be written")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store said something else.
    #[error("cannot open {path}: {reason}; restore a backup of the keys")]
    Store {
        /// The file.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
}

/// Why a value was not sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The person was erased. An id is not used twice: what was sealed before would look damaged.
    #[error("{person} was erased; a person who comes back gets a new id")]
    Erased {
        /// Who.
        person: PersonId,
    },
    /// The id given for the person is none.
    #[error(transparent)]
    Person(#[from] PersonIdError),
    /// The value is too large.
    #[error("the value has {bytes} bytes, more than {PLAIN_BYTES_MAX}; split it")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The value has no stored form.
    #[error("the value has no stored form; give its type one that the journal's codec takes")]
    Unstorable,
    /// No key could be drawn.
    #[error("no key can be drawn: {0}; see why the system gives no randomness")]
    Randomness(String),
    /// The keys cannot be read or written.
    #[error("the keys cannot be reached: {0}; see the disk that holds them")]
    Store(String),
}

/// Why a sealed value was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// The person was erased; nobody can read it any more.
    #[error("{person} was erased")]
    Erased {
        /// Who.
        person: PersonId,
    },
    /// This vault never had a key of this person: it is another journal's, or was restored from a
    /// time before.
    #[error("there is no key of {person}; put the file of keys back that belongs to this journal")]
    NoKey {
        /// Who.
        person: PersonId,
    },
    /// The bytes are not what was sealed for this person, or hold no value of this type.
    #[error("what was sealed for {person} is damaged; restore a backup of the journal")]
    Damaged {
        /// Who.
        person: PersonId,
    },
    /// The keys cannot be read.
    #[error("the keys cannot be reached: {0}; see the disk that holds them")]
    Store(String),
}

/// An erasure that was not finished. Erasing the same persons again goes on with it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EraseError {
    /// The keys are as they were.
    #[error("nothing was erased: {0}; see the disk that holds the keys, and erase again")]
    Untouched(String),
    /// The persons are erased, but bytes of their keys may still lie in a file that waits to be
    /// wiped. The next erasure, or the next opening, wipes it.
    #[error("the persons are erased, but {leftover} could not be wiped: {source}; erase again")]
    Unwiped {
        /// The file.
        leftover: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file of keys could neither be replaced nor put back. The vault takes nothing more;
    /// the next opening finishes what was begun.
    #[error("the file of keys is between two names: {0}; stop, see the disk, and start again")]
    Torn(String),
}
