//! A running supervision tree.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::RngCore;
use tokio::sync::watch;

use crate::death::Watcher;
use crate::error::StartError;
use crate::health::{RootState, TreeHealth};
use crate::life::Life;
use crate::notice::SupervisionNotice;
use crate::plan::Plan;
use crate::shared::Shared;
use crate::spec::SupervisorSpec;

/// What a tree takes from outside: the time, the randomness, and who wants to know.
pub struct TreeOptions {
    /// The time since some fixed instant, on the clock that tokio's timers follow.
    pub now: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// Where the jitter of restarts is drawn from.
    pub rng: Box<dyn RngCore + Send>,
    /// Told of everything that happens, in order for each supervisor, within its task: so it must
    /// be quick. Default: nobody.
    pub on_event: Arc<dyn Fn(&SupervisionNotice) + Send + Sync>,
}

impl TreeOptions {
    /// Options with this clock and this source of randomness.
    pub fn new(
        now: impl Fn() -> Duration + Send + Sync + 'static,
        rng: impl RngCore + Send + 'static,
    ) -> Self {
        Self {
            now: Arc::new(now),
            rng: Box::new(rng),
            on_event: Arc::new(|_| {}),
        }
    }

    /// Says who is told of everything that happens.
    #[must_use]
    pub fn on_event(self, observer: impl Fn(&SupervisionNotice) + Send + Sync + 'static) -> Self {
        Self {
            on_event: Arc::new(observer),
            ..self
        }
    }
}

impl fmt::Debug for TreeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreeOptions").finish_non_exhaustive()
    }
}

/// A running supervision tree. Dropped, it is stopped like by [`stop`](Self::stop), but nobody waits.
#[must_use = "a tree that is dropped stops"]
pub struct Tree {
    shared: Arc<Shared>,
    root: Life,
}

impl Tree {
    /// Starts all children, left to right and depth first. If one does not start, those before it
    /// are stopped again, and nothing runs; their mailboxes stay open and keep what they hold.
    pub async fn start(spec: SupervisorSpec, options: TreeOptions) -> Result<Self, StartError> {
        let (plan, rows) = Plan::root(spec)?;
        let shared = Arc::new(Shared::new(rows, options));
        let root = plan.start(shared.clone(), None).await?;
        Ok(Self { shared, root })
    }

    /// How the tree and each child is right now. Synchronous, from any thread.
    pub fn health(&self) -> TreeHealth {
        self.shared.board.health()
    }

    /// The state of the root, now and whenever it changes.
    pub fn watch(&self) -> watch::Receiver<RootState> {
        self.shared.board.watch()
    }

    /// Where the deaths of its children are awaited.
    pub fn watcher(&self) -> Watcher {
        Watcher::new(self.shared.deaths.clone())
    }

    /// Stops the children right to left, each within its shutdown grace: its mailbox is closed and
    /// worked off, so what a child sends to those before it on the way is still handled. What
    /// the grace was too short for is handed to the [dead letters](crate::DeadLetter). Returns when
    /// nothing of the tree is left.
    pub async fn stop(mut self) {
        self.stop_in_place().await;
    }

    /// The same for an owner who cannot give it away.
    pub async fn stop_in_place(&mut self) {
        self.begin_stop();
        self.root.ended().await;
    }

    fn begin_stop(&self) {
        self.shared.begin_stop();
        self.root.ask_supervisor();
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.begin_stop();
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree")
            .field("health", &self.health())
            .finish()
    }
}
