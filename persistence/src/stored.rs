//! The stored form of an append.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::codec::{self, CodecError, FORMAT};
use crate::record::{Append, EventData, FirstReply, Mark, Position, Recorded, TimerChange, Trace};

/// The layout of a stored record, after its format byte. What the index needs stands first. The
/// trace follows it where there is one, and nothing where there is none, as in the records of
/// before there were traces.
#[derive(Serialize)]
struct Written<'a> {
    stream: &'a str,
    version_before: u64,
    recorded_at_ms: u64,
    mark: Option<Mark>,
    command: &'a Option<FirstReply>,
    events: &'a [EventData],
    timers: &'a [TimerChange],
}

/// The same layout, taken over.
#[derive(Deserialize)]
struct Body {
    stream: Box<str>,
    version_before: u64,
    recorded_at_ms: u64,
    mark: Option<Mark>,
    command: Option<FirstReply>,
    events: Vec<EventData>,
    timers: Vec<TimerChange>,
}

/// The same layout as far as the index needs it, borrowed: opening a journal reads many of these.
#[derive(Debug, Deserialize)]
pub(crate) struct Outline<'a> {
    pub(crate) stream: &'a str,
    pub(crate) version_before: u64,
    pub(crate) recorded_at_ms: u64,
    #[allow(
        dead_code,
        reason = "part of the layout; the block's link tells the outcome"
    )]
    mark: Option<Mark>,
    #[serde(borrow)]
    pub(crate) command: Option<CommandOutline<'a>>,
    /// The length of the list of events, which is what it begins with.
    pub(crate) events: Count,
}

/// A first reply, borrowed.
#[derive(Debug, Deserialize)]
pub(crate) struct CommandOutline<'a> {
    pub(crate) command: Uuid,
    #[allow(dead_code, reason = "part of the layout")]
    body_hash: u128,
    #[allow(dead_code, reason = "part of the layout")]
    #[serde(with = "serde_bytes")]
    reply: &'a [u8],
}

/// How many elements follow: lists begin with their length, written as a `u64` is.
pub(crate) type Count = u64;

/// The bytes of one append. They say nothing of its position: the block that holds them does.
pub(crate) fn encode_append(append: &Append) -> Result<Vec<u8>, CodecError> {
    let payloads: usize = append.events.iter().map(|event| event.payload.len()).sum();
    let mut bytes = Vec::with_capacity(payloads + append.stream.len() + 128);
    bytes.push(FORMAT);
    codec::encode_into(
        &Written {
            stream: &append.stream,
            version_before: append.expected_version,
            recorded_at_ms: append.recorded_at_ms,
            mark: append.mark,
            command: &append.command,
            events: &append.events,
            timers: &append.timers,
        },
        &mut bytes,
    )?;
    if let Some(trace) = &append.trace {
        codec::encode_into(trace, &mut bytes)?;
    }
    Ok(bytes)
}

/// Reads one append that stands at `position`.
pub(crate) fn decode_append(position: Position, bytes: &[u8]) -> Result<Recorded, CodecError> {
    let (body, rest) = codec::decode_first::<Body>(body(bytes)?)?;
    let trace: Option<Trace> = match rest {
        [] => None,
        trace => Some(codec::decode(trace)?),
    };
    Ok(Recorded {
        position,
        version_before: body.version_before,
        append: Append {
            stream: body.stream.into(),
            expected_version: body.version_before,
            recorded_at_ms: body.recorded_at_ms,
            events: body.events,
            command: body.command,
            mark: body.mark,
            timers: body.timers,
            trace,
        },
    })
}

/// Reads what the index needs of one append.
pub(crate) fn outline(bytes: &[u8]) -> Result<Outline<'_>, CodecError> {
    codec::decode_prefix(body(bytes)?)
}

fn body(bytes: &[u8]) -> Result<&[u8], CodecError> {
    let (&format, body) = bytes
        .split_first()
        .ok_or_else(|| CodecError::Decode("an empty record".into()))?;
    if format == FORMAT {
        Ok(body)
    } else {
        Err(CodecError::Format { found: format })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outline_tells_what_the_whole_record_tells() {
        let append = Append {
            events: vec![
                EventData {
                    name: "Counted".into(),
                    version: 3,
                    payload: vec![7; 300],
                };
                260
            ],
            command: Some(FirstReply {
                command: Uuid::from_u128(5),
                body_hash: 6,
                reply: vec![1; 70],
            }),
            mark: Some(Mark::Open),
            timers: vec![TimerChange::Clear {
                name: "late".into(),
            }],
            trace: Some(Trace {
                id: 7 << 100,
                parent: 8,
                flags: 1,
            }),
            ..Append::to("order/7", 41, 1_700_000_000_000)
        };
        let bytes = encode_append(&append).expect("a stored form");
        let outline = outline(&bytes).expect("a sound record");
        let whole = decode_append(Position::new(9), &bytes).expect("a sound record");
        assert_eq!(whole.append, append);
        assert_eq!(outline.stream, "order/7");
        assert_eq!(outline.version_before, 41);
        assert_eq!(outline.recorded_at_ms, 1_700_000_000_000);
        assert_eq!(outline.mark, Some(Mark::Open));
        assert_eq!(outline.command.map(|c| c.command), Some(Uuid::from_u128(5)));
        assert_eq!(outline.events, 260);
    }

    /// Catches: a record of before there were traces that is not read any more, and a record that
    /// is longer for a trace which it does not have.
    #[test]
    fn a_record_without_a_trace_is_what_it_was_before_there_were_any() {
        let without = Append::to("order/7", 41, 9);
        let with = Append {
            trace: Some(Trace {
                id: 1,
                parent: 0,
                flags: 0,
            }),
            ..without.clone()
        };
        let bytes = encode_append(&without).expect("a stored form");
        let longer = encode_append(&with).expect("a stored form");
        assert_eq!(longer[..bytes.len()], bytes);
        assert!(longer.len() > bytes.len());
        let read = |bytes: &[u8]| decode_append(Position::new(1), bytes).map(|it| it.append);
        assert_eq!(read(&bytes), Ok(without));
        assert_eq!(read(&longer), Ok(with));
        assert!(read(&longer[..longer.len() - 1]).is_err(), "cut short");
        let mut trailing = longer;
        trailing.push(0);
        assert!(read(&trailing).is_err(), "something else follows");
    }
}
