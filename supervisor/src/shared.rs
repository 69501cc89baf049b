//! What all supervisors of one tree have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rand::RngCore;

use crate::backoff::Backoff;
use crate::death::Deaths;
use crate::health::{Board, ChildHealth, RootState};
use crate::notice::SupervisionNotice;
use crate::panic::contain;
use crate::tree::TreeOptions;

pub(crate) struct Shared {
    pub(crate) board: Board,
    pub(crate) deaths: Arc<Deaths>,
    now: Arc<dyn Fn() -> Duration + Send + Sync>,
    rng: Mutex<Box<dyn RngCore + Send>>,
    on_event: Arc<dyn Fn(&SupervisionNotice) + Send + Sync>,
    stopping: AtomicBool,
}

impl Shared {
    pub(crate) fn new(children: Vec<ChildHealth>, options: TreeOptions) -> Self {
        let paths = children.iter().map(|child| child.path.clone());
        Self {
            deaths: Arc::new(Deaths::new(paths)),
            board: Board::new(children),
            now: options.now,
            rng: Mutex::new(options.rng),
            on_event: options.on_event,
            stopping: AtomicBool::new(false),
        }
    }

    pub(crate) fn now(&self) -> Duration {
        (self.now)()
    }

    pub(crate) fn delay(&self, backoff: &Backoff, attempt: u32) -> Duration {
        backoff.delay(attempt, &mut **self.rng.lock())
    }

    /// Logs a notice and passes it on. An observer that panics harms nobody but itself.
    pub(crate) fn tell(&self, notice: &SupervisionNotice) {
        match notice {
            SupervisionNotice::Down { .. } | SupervisionNotice::Escalated { .. } => {
                tracing::error!("{notice}");
            }
            SupervisionNotice::ChildFailed { .. } => tracing::warn!("{notice}"),
            _ => tracing::debug!("{notice}"),
        }
        if let Err(panic) = contain(|| (self.on_event)(notice)) {
            tracing::error!(panic, "the observer of the supervision tree panicked");
        }
    }

    /// Declares the end of the tree.
    pub(crate) fn end(&self, state: RootState) {
        self.deaths.all_gone();
        self.board.end(state);
    }

    /// From now on, a supervisor that is stopped is stopped for good.
    pub(crate) fn begin_stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}
