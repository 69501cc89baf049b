//! The lines of an export: one JSON object each, with one field that says what it is.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::record::{Append, EventData, FirstReply, Mark, Position, Recorded, TimerChange, Trace};

/// The name of the format, in the first line.
pub(super) const FORMAT: &str = "mercato-journal";
/// Its version, in the first line. Another layout gets another number.
pub(super) const VERSION: u32 = 1;
/// No line is longer. The largest append takes about half of it, and events are shown decoded only
/// where they are small.
pub(super) const LINE_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    /// The first line.
    Header(Header),
    /// First replies recorded before this are forgotten, from the next append on.
    RepliesFrom(Position),
    Append(AppendLine),
    /// How far a subscriber has come.
    Cursor(CursorLine),
    /// The last line: a file without it was cut short.
    End(End),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) version: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CursorLine {
    pub(super) name: Box<str>,
    pub(super) position: Position,
}

#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) appends: u64,
    pub(super) cursors: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppendLine {
    pub(super) position: Position,
    pub(super) stream: String,
    pub(super) version_before: u64,
    pub(super) recorded_at_ms: u64,
    mark: Option<MarkLine>,
    command: Option<CommandLine>,
    timers: Vec<TimerLine>,
    events: Vec<EventLine>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    trace: Option<TraceLine>,
}

/// Big-endian, as in the header `traceparent`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TraceLine {
    id: Hex,
    parent: Hex,
    flags: u8,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MarkLine {
    Open,
    Closed,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandLine {
    id: Uuid,
    /// Big-endian: JSON has no integers of this size.
    body_hash: Hex,
    reply: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum TimerLine {
    Set {
        name: Box<str>,
        due_at_ms: u64,
        payload: Hex,
    },
    Clear {
        name: Box<str>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventLine {
    name: String,
    version: u16,
    payload: Hex,
    /// For people and other programs. The payload is what counts; this is not read back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    view: Option<serde_json::Value>,
}

impl AppendLine {
    pub(super) fn new(
        recorded: Recorded,
        mut view: impl FnMut(&EventData) -> Option<serde_json::Value>,
    ) -> Self {
        let append = recorded.append;
        let events = append.events.into_iter().map(|event| EventLine {
            view: view(&event),
            name: event.name.into_owned(),
            version: event.version,
            payload: Hex(event.payload),
        });
        Self {
            position: recorded.position,
            version_before: recorded.version_before,
            recorded_at_ms: append.recorded_at_ms,
            mark: append.mark.map(|mark| match mark {
                Mark::Open => MarkLine::Open,
                Mark::Closed => MarkLine::Closed,
            }),
            command: append.command.map(|reply| CommandLine {
                id: reply.command,
                body_hash: Hex(reply.body_hash.to_be_bytes().to_vec()),
                reply: Hex(reply.reply),
            }),
            timers: append.timers.into_iter().map(TimerLine::from).collect(),
            events: events.collect(),
            trace: append.trace.map(|trace| TraceLine {
                id: Hex(trace.id.to_be_bytes().to_vec()),
                parent: Hex(trace.parent.to_be_bytes().to_vec()),
                flags: trace.flags,
            }),
            stream: append.stream.as_ref().to_owned(),
        }
    }

    /// The append; in words, what does not fit.
    pub(super) fn into_append(self) -> Result<Append, String> {
        let reply = |line: CommandLine| {
            Ok::<_, String>(FirstReply {
                command: line.id,
                body_hash: u128::from_be_bytes(line.body_hash.exactly("body_hash")?),
                reply: line.reply.0,
            })
        };
        let trace = |line: TraceLine| {
            Ok::<_, String>(Trace {
                id: u128::from_be_bytes(line.id.exactly("trace.id")?),
                parent: u64::from_be_bytes(line.parent.exactly("trace.parent")?),
                flags: line.flags,
            })
        };
        let events = self.events.into_iter().map(|event| EventData {
            name: event.name.into(),
            version: event.version,
            payload: event.payload.0,
        });
        Ok(Append {
            events: events.collect(),
            command: self.command.map(reply).transpose()?,
            mark: self.mark.map(|mark| match mark {
                MarkLine::Open => Mark::Open,
                MarkLine::Closed => Mark::Closed,
            }),
            timers: self.timers.into_iter().map(TimerChange::from).collect(),
            trace: self.trace.map(trace).transpose()?,
            ..Append::to(self.stream, self.version_before, self.recorded_at_ms)
        })
    }
}

impl From<TimerChange> for TimerLine {
    fn from(change: TimerChange) -> Self {
        match change {
            TimerChange::Set {
                name,
                due_at_ms,
                payload,
            } => Self::Set {
                name,
                due_at_ms,
                payload: Hex(payload),
            },
            TimerChange::Clear { name } => Self::Clear { name },
        }
    }
}

impl From<TimerLine> for TimerChange {
    fn from(line: TimerLine) -> Self {
        match line {
            TimerLine::Set {
                name,
                due_at_ms,
                payload,
            } => Self::Set {
                name,
                due_at_ms,
                payload: payload.0,
            },
            TimerLine::Clear { name } => Self::Clear { name },
        }
    }
}

/// Bytes as hexadecimal digits.
struct Hex(Vec<u8>);

impl Hex {
    /// The bytes of the field `name`, which has exactly so many.
    fn exactly<const N: usize>(self, name: &str) -> Result<[u8; N], String> {
        <[u8; N]>::try_from(self.0).map_err(|bytes| {
            let (expected, found) = (2 * N, 2 * bytes.len());
            format!("a `{name}` has {expected} hexadecimal digits, not {found}")
        })
    }
}

impl fmt::Debug for Hex {
    // Payloads may be a person's: never in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut digits = String::with_capacity(2 * self.0.len());
        for byte in &self.0 {
            digits.push(char::from(DIGITS[usize::from(byte >> 4)]));
            digits.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = Hex;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("hexadecimal digits, two for each byte")
            }

            fn visit_str<E: serde::de::Error>(self, digits: &str) -> Result<Hex, E> {
                let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
                if !rest.is_empty() {
                    return Err(E::custom("an odd number of hexadecimal digits"));
                }
                let digit = |digit: u8| {
                    let at = DIGITS
                        .iter()
                        .position(|known| *known == digit.to_ascii_lowercase());
                    at.and_then(|at| u8::try_from(at).ok())
                        .ok_or_else(|| E::custom("something else than a hexadecimal digit"))
                };
                let byte = |[high, low]: &[u8; 2]| Ok(digit(*high)? << 4 | digit(*low)?);
                pairs.iter().map(byte).collect::<Result<_, E>>().map(Hex)
            }
        }
        deserializer.deserialize_str(Digits)
    }
}
