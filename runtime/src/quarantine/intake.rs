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

#[cfg(test)]
#[allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
mod tests {
    use std::borrow::Cow;
    use std::sync::Arc;
    use std::time::Duration;

    use mercato_persistence::{DiskPace, Journal, JournalOptions, RedbJournal, WriterPlace};
    use serde::{Deserialize, Serialize};
    use tokio::sync::oneshot;

    use super::*;
    use crate::agent::{Command, Context, Decided, Decision};
    use crate::clock::{Clock, Timestamp};
    use crate::envelope::{Call, TypedTask};
    use crate::error::AskError;
    use crate::ids::CommandId;
    use crate::principal::Principal;
    use crate::registry::Commands;
    use crate::telemetry::TraceContext;

    struct EvenDisk;

    impl DiskPace for EvenDisk {
        fn commit_time(&mut self, _: usize) -> Duration {
            Duration::from_millis(2)
        }
    }

    struct Vexed;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Endured;

    crate::events! { enum VexedEvent { Endured: 1 } }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
    #[error("never")]
    struct Never;

    impl Agent for Vexed {
        const NAME: &'static str = "vexed";
        type State = ();
        type Event = VexedEvent;
        type Rejection = Never;

        fn evolve((): &mut (), _: &VexedEvent) {}

        fn commands(_: &mut Commands<Self>) {}
    }

    #[derive(Debug, Clone, Serialize, Deserialize)]
    struct Vex {
        why: String,
    }

    impl Command for Vex {
        type Agent = Vexed;
        type Reply = ();
        const NAME: &'static str = "Vex";

        fn entity(&self) -> Cow<'_, str> {
            "one".into()
        }

        fn decide(&self, _: &Vexed, (): &(), _: &Context<'_>) -> Decided<Self> {
            Ok(Decision::reply(()))
        }
    }

    /// What whoever asks is told where their command, with a body of so many bytes, used up its attempts.
    fn told(ward: &Ward, key: &str, bytes: usize) -> (AskFailure, bool) {
        let (sender, mut receiver) = oneshot::channel();
        let why = "x".repeat(bytes);
        let task = Box::new(TypedTask::new(Vex { why }, sender));
        let id = CommandId::from_key(key);
        let call = Call {
            id,
            epoch: 0,
            deadline: Timestamp::from_millis(u64::MAX),
            principal: Principal::System,
            causation: None,
            trace: TraceContext::begun_by(id),
            timer: None,
        };
        let counters = AgentCounters::default();
        let panic = "vexed".to_owned();
        ward.take::<Vexed>(&counters, Envelope::Command { call, task }, 3, panic);
        assert_eq!(counters.quarantined.get(), 1);
        match receiver.try_recv().unwrap() {
            (Err(AskError::Failed(failure)), at) => (failure, at > Position::START),
            other => panic!("{other:?}"),
        }
    }

    /// Catches: whoever is told that their command stands aside though the journal went away under it, or
    /// is told of the journal where it is the command that can never be kept.
    #[tokio::test(start_paused = true)]
    async fn whoever_asked_is_told_that_it_stands_aside_unless_the_journal_is_away() {
        let writer = WriterPlace::Task(Box::new(EvenDisk));
        let journal = RedbJournal::in_memory(JournalOptions::default(), writer).unwrap();
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let clock = Clock::starting_at(Timestamp::from_millis(1_000_000));
        let ward = Ward::new(journal.clone(), clock, Vexed::NAME, 10);
        let attempts = 3;
        let aside = AskFailure::Quarantined { attempts };
        assert_eq!(told(&ward, "kept", 10), (aside.clone(), true));
        let too_large = JournalOptions::default().record_bytes_max;
        assert_eq!(told(&ward, "too large", too_large), (aside, false));
        assert_eq!(ward.size(), Some(1));
        journal.close().await.unwrap();
        let (away, depends) = told(&ward, "too late", 10);
        assert!(matches!(away, AskFailure::ReadOnly { .. }), "{away:?}");
        assert!(!depends);
    }
}
