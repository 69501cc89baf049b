//! What is appended, and what is read back.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    /// The event's stored name. Code that writes events knows their names when it is compiled.
    pub name: Cow<'static, str>,
    /// The version of the payload's layout.
    pub version: u16,
    /// The payload, as [`codec::encode`](crate::codec::encode) made it.
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

/// What an append does to one of its stream's timers.
///
/// A timer is kept until it is cleared. So whoever acts on a due timer clears it in the append
/// that records the act: then it fires once, whatever crashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimerChange {
    /// Sets the timer, or sets it anew.
    Set {
        /// Its name within the stream.
        name: Box<str>,
        /// When it is due, in milliseconds since the Unix epoch.
        due_at_ms: u64,
        /// What whoever set it wants to know when it is due.
        #[serde(with = "serde_bytes")]
        payload: Vec<u8>,
    },
    /// Clears the timer, where it is set.
    Clear {
        /// Its name within the stream.
        name: Box<str>,
    },
}

/// A timer that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// The stream that set it.
    pub stream: Arc<str>,
    /// Its name within the stream.
    pub name: Box<str>,
    /// When it is due, in milliseconds since the Unix epoch.
    pub due_at_ms: u64,
    /// What whoever set it wants to know.
    pub payload: Vec<u8>,
}

/// What an append belongs to, over all agents, flows and processes: one trace of what followed from
/// one thing. The journal keeps it and makes nothing of it; its parts are those of the W3C
/// recommendation *Trace Context*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The id of the whole trace.
    pub id: u128,
    /// The id of the span that led to the append; 0 where that follows from the command's id.
    pub parent: u64,
    /// The trace flags.
    pub flags: u8,
}

/// One atomic append: all of it becomes durable, or none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The stream it belongs to: `inventory/85123A`.
    pub stream: Arc<str>,
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
    /// What it does to the stream's timers, in order.
    pub timers: Vec<TimerChange>,
    /// The trace that it belongs to, where that is not the one which began with its command.
    pub trace: Option<Trace>,
}

impl Append {
    /// An append to `stream`, which the writer believes to have `expected_version` events, decided
    /// at `recorded_at_ms` milliseconds since the Unix epoch. It holds nothing yet.
    #[must_use]
    pub fn to(stream: impl Into<Arc<str>>, expected_version: u64, recorded_at_ms: u64) -> Self {
        Self {
            stream: stream.into(),
            expected_version,
            recorded_at_ms,
            events: Vec::new(),
            command: None,
            mark: None,
            timers: Vec::new(),
            trace: None,
        }
    }
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

impl Recorded {
    /// The number of events the stream had after it.
    #[must_use]
    pub fn version_after(&self) -> u64 {
        self.version_before + self.append.events.len() as u64
    }
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
