//! The health of a tree as plain values, readable from any thread at any time.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

/// How a child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildState {
    /// At work.
    Running,
    /// Down, and to be started again, at once or after its backoff.
    Restarting,
    /// Stopped by its supervisor, not started yet, or ended by itself as it was meant to.
    Stopped,
    /// Ended by an error, for good.
    Failed,
}

impl ChildState {
    fn is_unwell(self) -> bool {
        matches!(self, Self::Restarting | Self::Failed)
    }
}

/// The health of one child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildHealth {
    /// Where it stands in the tree, like `root/inventory/3`.
    pub path: Arc<str>,
    /// How it is.
    pub state: ChildState,
    /// How often it was started again, by its own fault or a sibling's.
    pub restarts: u64,
    /// How many of its incarnations hung in a message and were given up. Each may still hold a
    /// thread, which is lost to this process if it never comes back.
    pub stuck: u64,
    /// The text of its last error, if it ever had one.
    pub last_error: Option<String>,
}

impl ChildHealth {
    pub(crate) fn new(path: Arc<str>) -> Self {
        Self {
            path,
            state: ChildState::Stopped,
            restarts: 0,
            stuck: 0,
            last_error: None,
        }
    }
}

/// The health of a whole tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeHealth {
    /// The state of the root, of one piece with `children`.
    pub state: RootState,
    /// Every child of every supervisor: in start order, each supervisor before its children.
    pub children: Vec<ChildHealth>,
}

/// The state of the root: what a readiness probe asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootState {
    /// All children that should run do.
    Running,
    /// Some children are restarting or have failed for good; the others run.
    Degraded {
        /// Their paths, in start order.
        children: Vec<Arc<str>>,
    },
    /// The root has given up. Nothing runs, and every mailbox is closed. An end state.
    Down {
        /// The failure that was one too many.
        reason: String,
    },
    /// Stopped on request. An end state.
    Stopped,
}

/// The one place where the tree's health is kept.
pub(crate) struct Board {
    rows: Mutex<Rows>,
    /// Follows `rows`. Its lock is taken before that of `rows`, never the other way round, because
    /// a watcher may ask for the health while it holds a borrow of the state.
    root: watch::Sender<RootState>,
}

struct Rows {
    children: Vec<ChildHealth>,
    /// Indexes into `children`, so that a large tree need not be searched at every restart.
    unwell: BTreeSet<usize>,
    end: Option<RootState>,
}

impl Rows {
    fn root_state(&self) -> RootState {
        match &self.end {
            Some(end) => end.clone(),
            None if self.unwell.is_empty() => RootState::Running,
            None => RootState::Degraded {
                children: self
                    .unwell
                    .iter()
                    .map(|&index| self.children[index].path.clone())
                    .collect(),
            },
        }
    }
}

impl Board {
    pub(crate) fn new(children: Vec<ChildHealth>) -> Self {
        let rows = Rows {
            children,
            unwell: BTreeSet::new(),
            end: None,
        };
        Self {
            root: watch::Sender::new(rows.root_state()),
            rows: Mutex::new(rows),
        }
    }

    pub(crate) fn update(&self, slot: usize, change: impl FnOnce(&mut ChildHealth)) {
        let mut rows = self.rows.lock();
        let row = &mut rows.children[slot];
        change(row);
        let unwell = row.state.is_unwell();
        let moved = if unwell {
            rows.unwell.insert(slot)
        } else {
            rows.unwell.remove(&slot)
        };
        drop(rows);
        if moved {
            self.publish();
        }
    }

    /// Declares the end. The first end stands: what is down does not become merely stopped.
    pub(crate) fn end(&self, state: RootState) {
        self.rows.lock().end.get_or_insert(state);
        self.publish();
    }

    fn publish(&self) {
        self.root.send_if_modified(|published| {
            let state = self.rows.lock().root_state();
            let modified = *published != state;
            *published = state;
            modified
        });
    }

    pub(crate) fn health(&self) -> TreeHealth {
        let rows = self.rows.lock();
        TreeHealth {
            state: rows.root_state(),
            children: rows.children.clone(),
        }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<RootState> {
        self.root.subscribe()
    }
}
