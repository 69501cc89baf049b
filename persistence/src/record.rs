//! What is appended, and what is read back.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::codec::{self, CodecError, FORMAT};

/// A place in the journal's total order. The first record stands at 1; 0 is before everything.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Position(u64);

impl Position {
    /// Before the first record.
    pub const START: Self = Self(0);

    /// The place with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One event as the journal keeps it: a name and a version that outlive the code, and bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventData {
    /// The event's stored name.
    pub name: Box<str>,
    /// The version of the payload's layout.
    pub version: u16,
    /// The payload, as [`codec::encode`] made it.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
}

/// The dedupe record of a command: what answers it when it comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstReply {
    /// The command's idempotency key.
    pub command: Uuid,
    /// A hash of the command's body: the same key with another body is an error, not a repeat.
    pub body_hash: u128,
    /// The first reply, encoded.
    #[serde(with = "serde_bytes")]
    pub reply: Vec<u8>,
}

/// Whether a stream still has work to do. Kept with the append, so that unfinished streams are
/// found at start without reading the finished ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// There is work to do.
    Open,
    /// All is done.
    Closed,
}

/// One atomic append: all of it becomes durable, or none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The stream it belongs to: `inventory/85123A`.
    pub stream: Box<str>,
    /// How many events the writer believes the stream has; the append fails where it is wrong.
    pub expected_version: u64,
    /// When it was decided, in milliseconds since the Unix epoch.
    pub recorded_at_ms: u64,
    /// The events, in order. May be empty where only the reply is to be kept.
    pub events: Vec<EventData>,
    /// The dedupe record of the command that caused it.
    pub command: Option<FirstReply>,
    /// Changes whether the stream counts as unfinished.
    pub mark: Option<Mark>,
}

/// One append as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where it stands.
    pub position: Position,
    /// The number of events the stream had before it.
    pub version_before: u64,
    /// What was appended.
    pub append: Append,
}

/// The state of one entity at some version, so that its events need not all be read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The stream it sums up.
    pub stream: Box<str>,
    /// The version of the state's layout; another one is set aside, never misread.
    pub state_version: u16,
    /// How many of the stream's events it holds.
    pub stream_version: u64,
    /// The position of the last append it holds.
    pub position: Position,
    /// The state, encoded.
    #[serde(with = "serde_bytes")]
    pub state: Vec<u8>,
}

/// The layout of a stored record, after its format byte.
#[derive(Deserialize)]
struct Body {
    stream: Box<str>,
    version_before: u64,
    recorded_at_ms: u64,
    events: Vec<EventData>,
    command: Option<FirstReply>,
    mark: Option<Mark>,
}

/// The bytes of one append. They say nothing of its position: the block that holds them does.
pub(crate) fn encode_append(append: &Append) -> Result<Arc<[u8]>, CodecError> {
    #[derive(Serialize)]
    struct BodyRef<'a> {
        stream: &'a str,
        version_before: u64,
        recorded_at_ms: u64,
        events: &'a [EventData],
        command: &'a Option<FirstReply>,
        mark: &'a Option<Mark>,
    }
    let payloads: usize = append.events.iter().map(|event| event.payload.len()).sum();
    let mut bytes = Vec::with_capacity(payloads + 128);
    bytes.push(FORMAT);
    codec::encode_into(
        &BodyRef {
            stream: &append.stream,
            version_before: append.expected_version,
            recorded_at_ms: append.recorded_at_ms,
            events: &append.events,
            command: &append.command,
            mark: &append.mark,
        },
        &mut bytes,
    )?;
    Ok(bytes.into())
}

/// Reads one append that stands at `position`.
pub(crate) fn decode_append(position: Position, bytes: &[u8]) -> Result<Recorded, CodecError> {
    let (&format, body) = bytes
        .split_first()
        .ok_or_else(|| CodecError::Decode("an empty record".into()))?;
    if format != FORMAT {
        return Err(CodecError::Format { found: format });
    }
    let body: Body = codec::decode(body)?;
    Ok(Recorded {
        position,
        version_before: body.version_before,
        append: Append {
            stream: body.stream,
            expected_version: body.version_before,
            recorded_at_ms: body.recorded_at_ms,
            events: body.events,
            command: body.command,
            mark: body.mark,
        },
    })
}
