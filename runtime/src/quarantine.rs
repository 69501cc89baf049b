//! Commands that made their agent panic time and again, set aside where people can look at them.

use std::sync::Arc;

use mercato_persistence::{Append, AppendError, EventData, Journal, Position};
use serde::{Deserialize, Serialize};

use crate::agent::Agent;
use crate::clock::Clock;
use crate::envelope::Envelope;
use crate::error::AskFailure;
use crate::event::Event;
use crate::readable::bytes;
use crate::shard::append_failure;
use crate::stats::AgentCounters;

/// How often a note of a quarantined command is tried where other shards note theirs.
const RACES_MAX: u32 = 64;

/// The first part of the streams' names; the agent's is the other.
pub(crate) const QUARANTINE: &str = "quarantine";

/// A command was set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CommandQuarantined {
    command: uuid::Uuid,
    name: String,
    attempts: u32,
    panic: String,
    #[serde(serialize_with = "bytes")]
    body: Vec<u8>,
}

crate::events! {
    /// What the journal keeps of the commands that an agent could not serve.
    pub(crate) enum QuarantineEvent { CommandQuarantined: 1 }
}

/// Takes one shard's poison: keeps it in the journal and tells who asked.
pub(crate) struct Quarantine {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Clock,
    pub(crate) counters: Arc<AgentCounters>,
}

impl Quarantine {
    pub(crate) fn take<A: Agent>(&self, envelope: Envelope<A>, attempts: u32, panic: String) {
        let Envelope::Command { call, mut task } = envelope else {
            return;
        };
        self.counters.quarantined.add();
        tracing::error!(
            agent = A::NAME,
            command = task.name(),
            id = %call.id,
            attempts,
            "a command was quarantined"
        );
        let kept = task
            .body()
            .and_then(|body| {
                let event = QuarantineEvent::from(CommandQuarantined {
                    command: call.id.as_uuid(),
                    name: task.name().to_owned(),
                    attempts,
                    panic,
                    body,
                });
                Ok(EventData {
                    name: event.name().into(),
                    version: event.version(),
                    payload: event.encode()?,
                })
            })
            .map_err(AskFailure::invalid)
            .and_then(|event| self.keep(A::NAME, &event));
        match kept {
            Ok(position) => task.fail(AskFailure::Quarantined { attempts }, position),
            // Nobody will find it where it is said to be; asked again it comes here again.
            Err(failure) if failure.is_interruption() => task.fail(failure, Position::START),
            Err(failure) => {
                tracing::error!(agent = A::NAME, %failure, "a quarantined command could not be kept");
                task.fail(AskFailure::Quarantined { attempts }, Position::START);
            }
        }
    }

    fn keep(&self, agent: &str, event: &EventData) -> Result<Position, AskFailure> {
        let stream: Arc<str> = format!("{QUARANTINE}/{agent}").into();
        for _ in 0..RACES_MAX {
            let version = self
                .journal
                .version(&stream)
                .map_err(AskFailure::unreadable)?;
            let now_ms = self.clock.now().as_millis();
            let appended = self.journal.append(Append {
                events: vec![event.clone()],
                ..Append::to(stream.clone(), version, now_ms)
            });
            match appended {
                Ok(appended) => return Ok(appended.position),
                // Another shard of the agent noted its own in between.
                Err(AppendError::WrongVersion { .. }) => {}
                Err(error) => return Err(append_failure(error)),
            }
        }
        Err(AskFailure::storage("too many shards quarantine at once"))
    }
}
