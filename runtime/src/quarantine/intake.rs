//! How a command comes to stand aside.

use mercato_persistence::Position;

use super::ward::{Condemned, Ward};
use crate::agent::Agent;
use crate::envelope::Envelope;
use crate::error::AskFailure;
use crate::stats::AgentCounters;

impl Ward {
    /// Takes a message that used up its attempts: keeps the command, and tells who asked.
    pub(crate) fn take<A: Agent>(
        &self,
        counters: &AgentCounters,
        envelope: Envelope<A>,
        attempts: u32,
        panic: String,
    ) {
        let Envelope::Command { call, mut task } = envelope else {
            return;
        };
        counters.quarantined.add();
        tracing::error!(
            agent = A::NAME,
            command = task.name(),
            id = %call.id,
            attempts,
            "a command was quarantined"
        );
        let condemned = task
            .body()
            .map_err(AskFailure::invalid)
            .map(|body| Condemned {
                command: call.id.as_uuid(),
                name: task.name(),
                version: task.version(),
                entity: task.entity().into(),
                principal: call.principal,
                attempts,
                panic,
                body,
            });
        match condemned.and_then(|condemned| self.condemn(condemned)) {
            Ok((answer, depends_on)) => task.fail(answer, depends_on),
            // Nobody will find it where it is said to be; asked again it comes here again.
            Err(failure) if failure.is_interruption() => task.fail(failure, Position::START),
            Err(failure) => {
                tracing::error!(agent = A::NAME, %failure, "a quarantined command could not be kept");
                task.fail(AskFailure::Quarantined { attempts }, Position::START);
            }
        }
    }
}
