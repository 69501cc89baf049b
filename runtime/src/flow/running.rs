//! A flow on its way, and whoever waits for its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use mercato_persistence::Position;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::context::Flow;
use super::log::FlowLog;
use crate::error::AskFailure;

/// The end of a flow, or of our efforts: how it ended, or why it cannot go on here.
pub(super) type End = Option<Result<Ended, Unended>>;

/// Why a flow cannot go on here.
#[derive(Debug, Clone)]
pub(super) struct Unended {
    pub(super) failure: AskFailure,
    /// Whoever joins it in a later epoch of the journal is not meant: its task has yet to see that the
    /// disk is back.
    pub(super) until: u64,
}

impl Unended {
    /// Nobody is at the flow any more.
    pub(super) fn for_good(failure: AskFailure) -> Self {
        let until = u64::MAX;
        Self { failure, until }
    }
}

/// How a flow ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    /// Its encoded result.
    pub(crate) outcome: Arc<[u8]>,
    /// What the result depends on.
    pub(crate) position: Position,
    /// The epoch of the journal that the position is of.
    pub(crate) epoch: u64,
}

/// A flow on its way.
pub(super) struct Running {
    pub(super) end: watch::Sender<End>,
    pub(super) crash: Notify,
    /// Its latest run, whose log is written to by nobody else. `None` before the first.
    pub(super) current: Mutex<Option<Flow>>,
    /// How often its function was run.
    pub(super) runs: AtomicU32,
    /// Whether no run of it was ever begun, here or before a crash.
    untried: AtomicBool,
    /// Set where there is more to do although its task may be about to let go.
    again: AtomicBool,
    /// Whether its end was counted: one that is taken back comes a second time.
    counted: AtomicBool,
}

impl Running {
    /// Of a flow that has just been started.
    pub(super) fn first() -> Arc<Self> {
        Self::new(true)
    }

    /// Of a flow that may have taken steps before.
    pub(super) fn again() -> Arc<Self> {
        Self::new(false)
    }

    fn new(untried: bool) -> Arc<Self> {
        Arc::new(Self {
            end: watch::Sender::new(None),
            crash: Notify::new(),
            current: Mutex::new(None),
            runs: AtomicU32::new(0),
            untried: AtomicBool::new(untried),
            again: AtomicBool::new(false),
            counted: AtomicBool::new(false),
        })
    }

    /// There is more to do, although its task may be about to let go.
    pub(super) fn go_on(&self) {
        self.again.store(true, Ordering::Release);
    }

    /// There is more to do: what it ended with does not stand, or not all of it.
    pub(super) fn reopen(&self) {
        self.go_on();
        self.end.send_replace(None);
    }

    /// It runs from its beginning, and its end counts again.
    pub(super) fn begin_anew(&self) {
        self.reopen();
        self.counted.store(false, Ordering::Release);
    }

    /// Whether there is more to do, asked once.
    pub(super) fn takes_again(&self) -> bool {
        self.again.swap(false, Ordering::AcqRel)
    }

    /// Whether its end is counted for the first time. Another one counts anew where it began anew.
    pub(super) fn counts(&self) -> bool {
        !self.counted.swap(true, Ordering::AcqRel)
    }

    /// Whether the run that begins is the very first.
    pub(super) fn is_first_run(&self) -> bool {
        self.untried.swap(false, Ordering::AcqRel)
    }
}

/// A flow that somebody wants to know the end of.
pub(super) struct Joined {
    pub(super) started_at: Position,
    /// The epoch of the journal that it was joined in.
    pub(super) epoch: u64,
    pub(super) end: watch::Receiver<End>,
}

impl Joined {
    /// Of a flow that is on its way.
    pub(super) fn to(running: &Running, log: &FlowLog) -> Self {
        Self {
            started_at: log.position,
            epoch: log.epoch,
            end: running.end.subscribe(),
        }
    }

    /// Of a flow whose end the journal knows already.
    pub(super) fn ended(log: &FlowLog, outcome: Vec<u8>) -> Self {
        let ended = Ended {
            outcome: outcome.into(),
            position: log.position,
            epoch: log.epoch,
        };
        Self {
            started_at: log.position,
            epoch: log.epoch,
            end: watch::Sender::new(Some(Ok(ended))).subscribe(),
        }
    }
}
