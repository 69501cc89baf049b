//! Which trace something belongs to: one id for all that follows from one thing.

use std::fmt;
use std::str::FromStr;

use mercato_persistence::{Append, Trace};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::ids::CommandId;

/// The bit of the flags that says that somebody records the trace.
const SAMPLED: u8 = 1;

/// The trace that something belongs to, and the span in it that led there, as the W3C
/// recommendation *Trace Context* (level 1, 2021) has it. Its text is the header `traceparent`.
///
/// A command that nobody gave a trace begins one, whose id is the command's own: asking again
/// under the same key goes on in the same trace. What follows from it carries it on, over agents,
/// flows, triggers, timers and ports, and after a crash too: the journal keeps it.
///
/// ```
/// use mercato_runtime::{Caller, TraceContext};
///
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let context: TraceContext = header.parse()?;
/// assert_eq!(context.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
/// assert!(context.is_sampled());
/// assert_eq!(context.to_string(), header);
/// let caller = Caller::system().traced(context);
/// # let _ = caller;
/// # Ok::<_, mercato_runtime::TraceparentError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

impl TraceContext {
    /// The id of the trace: 16 bytes, big-endian, never zero.
    #[must_use]
    pub const fn trace_id(self) -> u128 {
        self.trace_id
    }

    /// The id of the span that led here: 8 bytes, big-endian; 0 where nobody knows it.
    #[must_use]
    pub const fn span_id(self) -> u64 {
        self.span_id
    }

    /// Whether whoever began the trace records it. What nobody records has no spans.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The trace that a command begins.
    pub(crate) fn begun_by(id: CommandId) -> Self {
        Self {
            // The nil id would be no id of a trace.
            trace_id: id.as_uuid().as_u128().max(1),
            span_id: 0,
            flags: SAMPLED,
        }
    }

    /// The trace that what follows from an append belongs to. Where nothing led to it that could
    /// have had one, `event` begins it.
    pub(crate) fn of_append(append: &Append, event: CommandId) -> Self {
        Self::known_of(append).unwrap_or(Self::begun_by(event))
    }

    /// The trace that an append belongs to, where one led to it.
    pub(crate) fn known_of(append: &Append) -> Option<Self> {
        match &append.command {
            Some(first) => {
                let command = CommandId::from_uuid(first.command);
                Some(Self::after(command, append.trace))
            }
            None => append.trace.map(Self::from),
        }
    }

    /// The trace that goes on after a command, with what was [kept](Self::kept_with) of it.
    pub(crate) fn after(command: CommandId, kept: Option<Trace>) -> Self {
        let known = kept.map_or(Self::begun_by(command), Self::from);
        known.within(span_of(command))
    }

    /// What is kept with the append of a command; nothing where the command's id says it all.
    pub(crate) fn kept_with(self, command: CommandId) -> Option<Trace> {
        let said = Self::begun_by(command);
        let kept = Trace {
            id: self.trace_id,
            parent: 0,
            flags: self.flags,
        };
        (Trace::from(said) != kept).then_some(kept)
    }

    /// The same trace, as it is seen from within a span.
    pub(crate) const fn within(self, span_id: u64) -> Self {
        Self { span_id, ..self }
    }
}

/// The span in which a command is first handled: it follows from its id, so that what follows from
/// its events knows it after a crash too.
pub(crate) fn span_of(command: CommandId) -> u64 {
    derived(command, 0)
}

/// The span of a call to a port under the command id of its step.
pub(crate) fn port_span_of(step: CommandId) -> u64 {
    derived(step, 1)
}

/// The span in which a caller waits for a flow.
pub(crate) fn run_span_of(call: CommandId) -> u64 {
    derived(call, 2)
}

fn derived(id: CommandId, part: u64) -> u64 {
    // Zero is no id of a span.
    xxh3_64_with_seed(id.as_uuid().as_bytes(), part).max(1)
}

impl From<Trace> for TraceContext {
    fn from(trace: Trace) -> Self {
        Self {
            trace_id: trace.id.max(1),
            span_id: trace.parent,
            flags: trace.flags,
        }
    }
}

impl From<TraceContext> for Trace {
    fn from(context: TraceContext) -> Self {
        Self {
            id: context.trace_id,
            parent: context.span_id,
            flags: context.flags,
        }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            span_id,
            flags,
        } = self;
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{flags:02x}")
    }
}

/// A header `traceparent` that cannot be read. The recommendation has its receiver go on as if there
/// were none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceparentError {
    /// It has not the form `00-<32 digits>-<16 digits>-<2 digits>`.
    #[error(
        "a traceparent reads `00-<32 digits>-<16 digits>-<2 digits>`, with hexadecimal digits in \
         lower case"
    )]
    Form,
    /// The version `ff` is none.
    #[error("a traceparent of version ff is invalid")]
    Version,
    /// An id is all zeros.
    #[error("a traceparent's ids must not be all zeros")]
    Zero,
}

impl FromStr for TraceContext {
    type Err = TraceparentError;

    fn from_str(text: &str) -> Result<Self, TraceparentError> {
        let mut parts = text.split('-');
        let mut digits = |count: usize| {
            let part = parts.next().ok_or(TraceparentError::Form)?;
            let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            if part.len() != count || !part.bytes().all(plain) {
                return Err(TraceparentError::Form);
            }
            u128::from_str_radix(part, 16).map_err(|_| TraceparentError::Form)
        };
        let version = digits(2)?;
        let (trace_id, span_id, flags) = (digits(32)?, digits(16)?, digits(2)?);
        if version == 0xff {
            return Err(TraceparentError::Version);
        }
        // A later version may say more after what this one says.
        if version == 0 && parts.next().is_some() {
            return Err(TraceparentError::Form);
        }
        let span_id = u64::try_from(span_id).map_err(|_| TraceparentError::Form)?;
        if trace_id == 0 || span_id == 0 {
            return Err(TraceparentError::Zero);
        }
        Ok(Self {
            trace_id,
            span_id,
            // Version 00 knows one flag, and the others are not to be passed on.
            flags: u8::try_from(flags & u128::from(SAMPLED)).unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    /// Catches: a header that is taken though the recommendation calls it invalid, and one of a
    /// later version that is not.
    #[test]
    fn a_traceparent_is_read_as_the_recommendation_says() {
        let read = |text: &str| text.parse::<TraceContext>();
        let context = read(HEADER).expect("a valid header");
        assert_eq!(context.to_string(), HEADER);
        let trace_id = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
        assert_eq!(context.trace_id(), trace_id);
        assert_eq!(context.span_id(), 0x00f0_67aa_0ba9_02b7);
        assert!(context.is_sampled());
        assert!(
            !read(&HEADER.replace("-01", "-00"))
                .expect("valid")
                .is_sampled()
        );
        assert_eq!(read(&HEADER.replace("-01", "-03")), Ok(context));
        let later = format!("cc{}-what-comes", &HEADER[2..]);
        assert_eq!(read(&later), Ok(context));
        for (text, error) in [
            ("", TraceparentError::Form),
            (&HEADER[..54], TraceparentError::Form),
            (&format!("{HEADER}-01"), TraceparentError::Form),
            (&HEADER.to_uppercase(), TraceparentError::Form),
            (&HEADER.replace("4bf", "+bf"), TraceparentError::Form),
            (&HEADER.replacen("00", "ff", 1), TraceparentError::Version),
            (
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                TraceparentError::Zero,
            ),
            (
                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                TraceparentError::Zero,
            ),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }

    /// Catches: a trace that is lost on its way through the journal, and one that is written though
    /// the command's id says it.
    #[test]
    fn the_journal_keeps_a_trace_where_the_commands_id_is_not_one() {
        let command = CommandId::from_key("a command");
        let event = CommandId::from_key("an event");
        let of = |trace, command: Option<CommandId>| {
            let command = command.map(|id| mercato_persistence::FirstReply {
                command: id.as_uuid(),
                body_hash: 0,
                reply: Vec::new(),
            });
            let append = Append {
                trace,
                command,
                ..Append::to("counters/a", 0, 0)
            };
            TraceContext::of_append(&append, event)
        };
        let begun = TraceContext::begun_by(command);
        assert_eq!(begun.kept_with(command), None);
        let found = of(None, Some(command));
        assert_eq!(found, begun.within(span_of(command)));
        let context: TraceContext = HEADER.parse().expect("a valid header");
        let kept = context.kept_with(command);
        assert!(kept.is_some());
        assert_eq!(of(kept, Some(command)), context.within(span_of(command)));
        assert_eq!(of(None, None), TraceContext::begun_by(event));
        let unsampled = TraceContext { flags: 0, ..begun };
        assert!(!of(unsampled.kept_with(command), Some(command)).is_sampled());
    }
}
