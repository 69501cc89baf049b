//! Commands that made their agent panic time and again, set aside where people can look at them.

use std::sync::Arc;

use mercato_persistence::{Append, AppendError, EventData, Journal, Position};
use serde::{Deserialize, Serialize};

use crate::agent::Agent;
use crate::clock::Clock;
use crate::codec;
use crate::envelope::Envelope;
use crate::error::AskFailure;
use crate::shard::append_failure;
use crate::stats::AgentCounters;

/// How often a note of a quarantined command is tried where other shards note theirs.
const RACES_MAX: u32 = 64;

/// What the journal keeps of a quarantined command.
#[derive(Debug, Serialize, Deserialize)]
struct CommandQuarantined {
    command: uuid::Uuid,
    name: String,
    attempts: u32,
    panic: String,
    body: Vec<u8>,
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
                codec::encode(&CommandQuarantined {
                    command: call.id.as_uuid(),
                    name: task.name().to_owned(),
                    attempts,
                    panic,
                    body,
                })
            })
            .map_err(AskFailure::invalid)
            .and_then(|payload| self.keep(A::NAME, &payload));
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

    fn keep(&self, agent: &str, payload: &[u8]) -> Result<Position, AskFailure> {
        let stream: Arc<str> = format!("quarantine/{agent}").into();
        for _ in 0..RACES_MAX {
            let version = self
                .journal
                .version(&stream)
                .map_err(AskFailure::unreadable)?;
            let now_ms = self.clock.now().as_millis();
            let appended = self.journal.append(Append {
                events: vec![EventData {
                    name: "CommandQuarantined".into(),
                    version: 1,
                    payload: payload.to_vec(),
                }],
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
