//! Death watch: one notice when an incarnation, or a child, has ended.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::error::WatchError;

/// How many may watch one child at a time.
const WATCHERS_MAX: usize = 4_096;

/// The end of one incarnation of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// The child, like `root/inventory/3`.
    pub path: Arc<str>,
    /// Which incarnation ended: 1 is the first. 0 where none was ever started.
    pub incarnation: u64,
    /// How.
    pub cause: DeathCause,
}

/// How an incarnation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeathCause {
    /// It panicked, or as a supervisor gave up.
    Failed {
        /// The panic's text, or the reason.
        error: String,
    },
    /// It made no progress and was given up.
    Hung {
        /// What it was in, and for how long.
        error: String,
    },
    /// It ended by itself, without an error.
    Finished,
    /// Its supervisor stopped it.
    Stopped,
    /// There was none to watch yet.
    NotStarted,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path, incarnation, ..
        } = self;
        match &self.cause {
            DeathCause::Failed { error } => write!(f, "{path} ({incarnation}) failed: {error}"),
            DeathCause::Hung { error } => write!(f, "{path} ({incarnation}) {error}"),
            DeathCause::Finished => write!(f, "{path} ({incarnation}) finished"),
            DeathCause::Stopped => write!(f, "{path} ({incarnation}) was stopped"),
            DeathCause::NotStarted => write!(f, "{path} was not started"),
        }
    }
}

/// Where deaths are awaited. Cheap to clone, and good for longer than its [`Tree`](crate::Tree): a
/// worker may hold one to watch its siblings.
#[derive(Clone)]
pub struct Watcher {
    deaths: Arc<Deaths>,
}

/// A notice that will come once. Dropped, nobody is told.
#[derive(Debug)]
#[must_use = "a watch tells nobody but who awaits it"]
pub struct DeathWatch {
    path: Arc<str>,
    notice: oneshot::Receiver<Death>,
}

impl Watcher {
    pub(crate) fn new(deaths: Arc<Deaths>) -> Self {
        Self { deaths }
    }

    /// Watches the incarnation of a child that is alive now. If none is, the notice of the last one
    /// is there at once.
    pub fn watch(&self, path: &str) -> Result<DeathWatch, WatchError> {
        self.deaths.watch(path, Until::Dead)
    }

    /// Watches a child until it has ended for good: no restart will follow. If it has, the notice
    /// is there at once.
    pub fn watch_for_good(&self, path: &str) -> Result<DeathWatch, WatchError> {
        self.deaths.watch(path, Until::Gone)
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").finish_non_exhaustive()
    }
}

impl DeathWatch {
    /// Waits for the end.
    pub async fn ended(self) -> Death {
        self.notice.await.unwrap_or(Death {
            // The process is ending: whoever would have told is gone.
            path: self.path,
            incarnation: 0,
            cause: DeathCause::Stopped,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Dead,
    Gone,
}

/// The lives and deaths of all children of a tree, by slot.
pub(crate) struct Deaths {
    slots: BTreeMap<Arc<str>, usize>,
    rows: Mutex<Vec<Row>>,
}

struct Row {
    last: Death,
    is_alive: bool,
    is_gone: bool,
    watchers: Vec<(Until, oneshot::Sender<Death>)>,
}

impl Deaths {
    pub(crate) fn new(paths: impl Iterator<Item = Arc<str>>) -> Self {
        let mut slots = BTreeMap::new();
        let mut rows = Vec::new();
        for (slot, path) in paths.enumerate() {
            slots.insert(path.clone(), slot);
            rows.push(Row {
                last: Death {
                    path,
                    incarnation: 0,
                    cause: DeathCause::NotStarted,
                },
                is_alive: false,
                is_gone: false,
                watchers: Vec::new(),
            });
        }
        Self {
            slots,
            rows: Mutex::new(rows),
        }
    }

    /// An incarnation has started.
    pub(crate) fn born(&self, slot: usize) {
        let row = &mut self.rows.lock()[slot];
        row.last.incarnation += 1;
        row.is_alive = true;
    }

    /// The incarnation has ended. The first cause stands.
    pub(crate) fn died(&self, slot: usize, cause: DeathCause) {
        let mut rows = self.rows.lock();
        let row = &mut rows[slot];
        if !std::mem::take(&mut row.is_alive) {
            return;
        }
        row.last.cause = cause;
        let told = row.take_watchers(|until| until == Until::Dead);
        let last = row.last.clone();
        drop(rows);
        tell(told, &last);
    }

    /// No incarnation will follow.
    pub(crate) fn gone(&self, slot: usize) {
        self.died(slot, DeathCause::Stopped);
        let mut rows = self.rows.lock();
        let row = &mut rows[slot];
        row.is_gone = true;
        let told = row.take_watchers(|_| true);
        let last = row.last.clone();
        drop(rows);
        tell(told, &last);
    }

    pub(crate) fn all_gone(&self) {
        let slots = self.rows.lock().len();
        for slot in 0..slots {
            self.gone(slot);
        }
    }

    fn watch(&self, path: &str, until: Until) -> Result<DeathWatch, WatchError> {
        let Some((path, slot)) = self.slots.get_key_value(path) else {
            return Err(WatchError::Unknown { path: path.into() });
        };
        let (sender, notice) = oneshot::channel();
        let mut rows = self.rows.lock();
        let row = &mut rows[*slot];
        let has_ended = match until {
            Until::Dead => !row.is_alive,
            Until::Gone => row.is_gone,
        };
        if has_ended {
            let last = row.last.clone();
            drop(rows);
            tell(vec![(until, sender)], &last);
        } else {
            if row.watchers.len() >= WATCHERS_MAX {
                row.watchers.retain(|(_, watcher)| !watcher.is_closed());
            }
            if row.watchers.len() >= WATCHERS_MAX {
                return Err(WatchError::TooMany {
                    path: path.to_string(),
                    watchers_max: WATCHERS_MAX,
                });
            }
            row.watchers.push((until, sender));
        }
        Ok(DeathWatch {
            path: path.clone(),
            notice,
        })
    }
}

impl Row {
    fn take_watchers(
        &mut self,
        which: impl Fn(Until) -> bool,
    ) -> Vec<(Until, oneshot::Sender<Death>)> {
        self.watchers
            .extract_if(.., |(until, _)| which(*until))
            .collect()
    }
}

/// Runs outside the lock: sending wakes whoever waits.
fn tell(watchers: Vec<(Until, oneshot::Sender<Death>)>, death: &Death) {
    for (_, watcher) in watchers {
        // Nobody waits any more.
        let _ = watcher.send(death.clone());
    }
}

#[cfg(test)]
mod tests;
