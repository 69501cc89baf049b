//! Durable timers: a command that an entity gives itself for later.
//!
//! A decision sets a timer in the same append as its events, so there is no event without its timer
//! and no timer without its event. The command of a timer that is due clears it in the append that
//! records what came of it: it takes effect once, whatever crashes. Time that passed while the
//! process was down has passed; such a timer is due at the next start.

mod service;

use mercato_persistence::{Timer, TimerChange, Trace};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::agent::{Agent, Command, Kind};
use crate::clock::Timestamp;
use crate::codec;
use crate::envelope::Call;
use crate::error::AskFailure;
use crate::event::CodecError;
use crate::ids::CommandId;
use crate::telemetry::TraceContext;

pub use service::TimerStats;
pub(crate) use service::{Bell, TimerCounters, keep};

/// The longest name of a timer, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// What a decision does to one of its entity's timers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TimerOrder {
    Set {
        name: Box<str>,
        due: Timestamp,
        agent: &'static str,
        entity: Box<str>,
        kind: Kind,
        command: Result<StoredCommand, CodecError>,
    },
    Clear {
        name: Box<str>,
    },
}

/// A command as a timer keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredCommand {
    pub(crate) name: Box<str>,
    pub(crate) version: u16,
    pub(crate) body: Vec<u8>,
}

/// The payload of a timer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payload {
    /// The command that set it. No other sets a timer of this name under the same id.
    pub(crate) set_by: Uuid,
    pub(crate) command: StoredCommand,
}

/// The payload of a timer in a trace that did not begin with the command which set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct TracedPayload {
    payload: Payload,
    trace: Trace,
}

impl Payload {
    /// The stored form of a payload. A trace stands behind it, where the command's id does not say
    /// it, so that timers of before there were traces read as they did.
    fn encode(self, trace: Option<Trace>) -> Result<Vec<u8>, CodecError> {
        match trace {
            Some(trace) => codec::encode(&TracedPayload {
                payload: self,
                trace,
            }),
            None => codec::encode(&self),
        }
    }

    /// The payload, and the trace that its command goes on with.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, TraceContext), CodecError> {
        let (payload, trace) = match codec::decode::<TracedPayload>(bytes) {
            Ok(traced) => (traced.payload, Some(traced.trace)),
            // One form is a proper prefix of the other, so that no bytes are of both.
            Err(_) => (codec::decode::<Self>(bytes)?, None),
        };
        let set_by = CommandId::from_uuid(payload.set_by);
        Ok((payload, TraceContext::after(set_by, trace)))
    }
}

impl TimerOrder {
    pub(crate) fn set<C: Command>(name: Box<str>, due: Timestamp, command: &C) -> Self {
        Self::Set {
            name,
            due,
            agent: <C::Agent as Agent>::NAME,
            entity: command.entity().into(),
            kind: C::KIND,
            command: codec::encode(command).map(|body| StoredCommand {
                name: C::NAME.into(),
                version: C::VERSION,
                body,
            }),
        }
    }

    /// The change as the journal records it, decided by the command `call` about the entity `key`
    /// of `agent`, which knows the commands that `knows` says.
    pub(crate) fn change(
        self,
        call: &Call,
        agent: &str,
        key: &str,
        knows: impl Fn(&str) -> bool,
    ) -> Result<TimerChange, AskFailure> {
        let named = |name: Box<str>| {
            let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains('\0');
            fits.then_some(name).ok_or_else(|| {
                AskFailure::invalid(format_args!(
                    "a timer's name has 1 to {NAME_BYTES_MAX} bytes and no zero byte among them"
                ))
            })
        };
        match self {
            Self::Clear { name } => Ok(TimerChange::Clear { name: named(name)? }),
            Self::Set {
                name,
                due,
                agent: of,
                entity,
                kind,
                command,
            } => {
                let command = command.map_err(AskFailure::invalid)?;
                if of != agent || *entity != *key {
                    return Err(AskFailure::invalid(format_args!(
                        "the timer `{name}` of {agent}/{key} has a command for {of}/{entity}; a \
                         timer's command is for the entity that sets it"
                    )));
                }
                if kind == Kind::Read {
                    return Err(AskFailure::invalid(format_args!(
                        "`{}` is a read and cannot be a timer's command: nothing would come of it",
                        command.name
                    )));
                }
                if !knows(&command.name) {
                    return Err(AskFailure::invalid(format_args!(
                        "`{}` cannot be a timer's command: add it in `commands` of agent `{agent}`",
                        command.name
                    )));
                }
                let payload = Payload {
                    set_by: call.id.as_uuid(),
                    command,
                };
                let trace = call.trace.kept_with(call.id);
                Ok(TimerChange::Set {
                    name: named(name)?,
                    due_at_ms: due.as_millis(),
                    payload: payload.encode(trace).map_err(AskFailure::invalid)?,
                })
            }
        }
    }
}

/// The id of the command of a timer: each time that a timer is set it is another.
pub(crate) fn command_id(timer: &Timer, payload: &Payload) -> CommandId {
    let Timer {
        name, due_at_ms, ..
    } = timer;
    CommandId::from_uuid(payload.set_by).derive(&format!("timer/{name}/{due_at_ms}"))
}
