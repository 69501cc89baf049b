//! What can go wrong at the journal's boundary.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use crate::block::BlockError;
use crate::codec::CodecError;
use crate::record::Position;

/// A journal that could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no file to look at.
    #[error("there is no journal at {path}; check that the folder exists, and the name")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is something else.
    #[error(
        "{path} is not a Mercato journal ({reason}); name another file, or move this one away to start afresh"
    )]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// Another process has it open.
    #[error("{path} is in use by another process; stop that process first, or name another file")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A newer version wrote it.
    #[error(
        "{path} has journal format {found}, and this version reads up to {supported}; use the newer mercato that wrote it"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format in the file.
        found: u64,
        /// The newest format that this code reads.
        supported: u64,
    },
    /// The file is a journal, but parts of it are not what was written.
    #[error("{path} is damaged: {source}; restore a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first damage found.
        source: ReadError,
    },
    /// The file or its folder cannot be used.
    #[error("cannot open {path}: {source}; check that the folder exists and may be written")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The disk failed, and there is no way to open it anew.
    #[error("{path} cannot be opened anew after its disk failed; open the journal again")]
    NotResumable {
        /// The file.
        path: PathBuf,
    },
    /// The keys of persons beside it cannot be opened.
    #[error(transparent)]
    Vault(#[from] crate::vault::VaultError),
    /// The store said something else.
    #[error("cannot open {path}: {reason}")]
    Store {
        /// The file.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
}

/// An append that was not taken. Nothing was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The stream has moved on: somebody else wrote to it, or the writer's state is stale.
    #[error(
        "stream `{stream}` is at version {actual}, not at {expected}; load it again and decide anew"
    )]
    WrongVersion {
        /// The stream.
        stream: Arc<str>,
        /// What the writer believed.
        expected: u64,
        /// What is true.
        actual: u64,
    },
    /// The command was recorded before; its first reply stands.
    #[error("command {command} is recorded already")]
    Repeated {
        /// The command.
        command: uuid::Uuid,
    },
    /// The append is larger than the journal takes.
    #[error(
        "the append of {bytes} bytes is above the limit of {limit}; split it, or raise `record_bytes_max`"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Too much waits to be written; wait for room and try again.
    #[error(
        "the journal's queue is full ({bytes} bytes wait to be written); wait for room and try again"
    )]
    Full {
        /// How much waits.
        bytes: usize,
    },
    /// It follows from what the journal took back when its disk failed.
    #[error(transparent)]
    WrongEpoch(#[from] WrongEpoch),
    /// A timer is kept under its stream's name and its own, which a zero byte keeps apart.
    #[error(
        "the stream {stream:?} has a zero byte in its name and cannot carry timers; name it without one"
    )]
    ZeroByte {
        /// The stream.
        stream: Arc<str>,
    },
    /// The store could not say how many events the stream has.
    #[error("cannot tell the version of stream `{stream}`: {reason}")]
    Unreadable {
        /// The stream.
        stream: Arc<str>,
        /// What the store said.
        reason: Box<str>,
    },
    /// An event or a reply has no stored form.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The journal takes nothing more.
    #[error(transparent)]
    Failed(#[from] JournalFailed),
}

/// Why the journal takes nothing more: its disk failed, or it was closed.
///
/// Nothing that was acknowledged is lost; what was not yet durable never will be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal is read-only: {reason}")]
pub struct JournalFailed {
    reason: Arc<str>,
}

impl JournalFailed {
    pub(crate) fn because(reason: impl std::fmt::Display) -> Self {
        Self {
            reason: reason.to_string().into(),
        }
    }

    pub(crate) fn closed() -> Self {
        Self::because("it was closed")
    }

    pub(crate) fn taken_back() -> Self {
        Self::because("its disk failed since, and what was not durable by then was taken back")
    }
}

/// What was handed in follows from an epoch of the journal that is over: its disk failed since, and
/// what was not durable by then was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the journal's disk failed since: this follows from what was known in epoch {expected}, and the journal is in epoch {actual}; load what is there and decide anew"
)]
pub struct WrongEpoch {
    /// The epoch that it follows from.
    pub expected: u64,
    /// The epoch that the journal is in.
    pub actual: u64,
}

/// A read that failed. What is damaged is named, never served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A block does not hold together.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// A record has an unknown layout.
    #[error("the record at position {position} cannot be read: {source}")]
    Record {
        /// Its position.
        position: Position,
        /// Why.
        source: CodecError,
    },
    /// None of the file's headers is what was written, or the file ends with them.
    #[error("the file's headers, or what they point to, are gone")]
    Header,
    /// A row of the index does not match its checksum.
    #[error("the row of `{key}` in table `{table}` does not match its checksum")]
    Row {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
    },
    /// A position that should be there is not.
    #[error("no block holds position {position}")]
    Missing {
        /// The position.
        position: Position,
    },
    /// The disk failed, and the file is not open while the journal waits for it to come back.
    #[error("the journal's disk is away; the journal goes on when it is back")]
    Away,
    /// The store could not read its file.
    #[error("the store cannot be read: {0}")]
    Store(#[from] Box<redb::Error>),
}

impl ReadError {
    /// Whether it is the disk that failed, and not what is stored: the same read may well succeed
    /// once the journal goes on, see [`Journal::until_writable`](crate::Journal::until_writable).
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Away => true,
            // redb answers nothing more after any of these, until it is opened anew.
            Self::Store(error) => match &**error {
                redb::Error::Io(source) => !tells_damage(source.kind()),
                redb::Error::Backend(_)
                | redb::Error::PreviousIo
                | redb::Error::DatabaseClosed
                | redb::Error::LockPoisoned(_) => true,
                _ => false,
            },
            _ => false,
        }
    }

    pub(crate) fn store(error: impl Into<redb::Error>) -> Self {
        Self::Store(Box::new(error.into()))
    }
}

/// Whether an error of this kind says that something else is stored than was written. Others say
/// that the disk does not answer.
pub(crate) fn tells_damage(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
}
