//! One incarnation of a child, seen from its supervisor.

use std::time::Duration;

use ractor::{ActorCell, ActorId};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a killed actor may take to die. It dies at its next await, so only a worker stuck in
/// the middle of a message takes longer; a stop does not wait for that one for ever.
const KILL_WAIT: Duration = Duration::from_secs(1);

/// A running incarnation: ractor's handle to it, and the task which is over when everything of the
/// incarnation is dropped.
pub(crate) struct Life {
    cell: ActorCell,
    task: JoinHandle<()>,
}

impl Life {
    pub(crate) fn new(cell: ActorCell, task: JoinHandle<()>) -> Self {
        Self { cell, task }
    }

    pub(crate) fn id(&self) -> ActorId {
        self.cell.get_id()
    }

    /// Asks a worker to stop after the message it handles, which its drain loop notices.
    pub(crate) fn ask_worker(&self) {
        // Refused by an actor that has ended already, which is what we want.
        let _ = self.cell.drain();
    }

    /// Asks a supervisor to stop: before any news of its children, which it is about to stop.
    pub(crate) fn ask_supervisor(&self) {
        self.cell.stop(None);
    }

    /// Waits until nothing of the incarnation is left.
    pub(crate) async fn ended(&mut self) {
        if !self.task.is_finished() {
            // An error here is a panic in a drop, after the actor ended; it has no further meaning.
            let _ = (&mut self.task).await;
        }
    }

    /// Kills the incarnation; `false` if it does not even die of that.
    pub(crate) async fn kill(&mut self) -> bool {
        self.cell.kill();
        timeout(KILL_WAIT, self.ended()).await.is_ok()
    }

    /// Kills the incarnation without waiting for it; says whether it is dead already.
    pub(crate) fn give_up(&self) -> bool {
        self.cell.kill();
        self.task.is_finished()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use ractor::{Actor, ActorProcessingErr, ActorRef, ActorRuntime};

    use super::*;

    struct Idle;

    impl Actor for Idle {
        type Msg = ();
        type State = ();
        type Arguments = ();

        async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
            Ok(())
        }
    }

    /// Catches: an incarnation that ended in the moment in which it was given up, and that counts as
    /// one that holds a thread; and one that is taken for dead before it is.
    #[tokio::test(start_paused = true)]
    async fn whoever_is_given_up_is_dead_once_nothing_of_it_is_left() {
        let (actor, task) = ActorRuntime::spawn(None, Idle, ()).await.unwrap();
        let mut life = Life::new(actor.get_cell(), task);
        assert!(!life.give_up(), "it has yet to hear of that");
        life.ended().await;
        assert!(life.give_up());
    }
}
