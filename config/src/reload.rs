//! Reads the configuration again while the program works: all of it counts, or nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::key::Key;
use crate::load::{Configuration, Loaded, Sources, load, schema_of};
use crate::problem::{ConfigError, Origin};
use crate::schema::Node;
use crate::tree::Tree;
use crate::write::{is_leaf, literal};

/// The mark of what may change while the program works: `#[schemars(extend("x-reloads" = true))]`.
/// What is not marked, and is in nothing that is, needs a restart.
pub(crate) const RELOADS: &str = "x-reloads";

/// The configuration in force, which may be read again.
///
/// Whoever needs to know of a change is told by `apply`, which is given the new configuration when
/// it has been checked as a whole and differs in nothing that needs a restart.
pub struct Live<T> {
    current: RwLock<Arc<Loaded<T>>>,
    apply: Apply<T>,
    clock: Box<dyn Fn() -> Duration + Send + Sync>,
    /// When it was last tried. One reload at a time.
    tried: Mutex<Option<Duration>>,
}

type Refusal = Box<dyn std::error::Error + Send + Sync>;
type Apply<T> = Box<dyn Fn(&T) -> Result<(), Refusal> + Send + Sync>;

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub key: Key,
    /// What it was, as it is written; none where it was not there.
    pub before: Option<String>,
    /// What it is to be.
    pub after: Option<String>,
    /// Who says so.
    pub origin: Origin,
    /// Whether it counts at once; otherwise it needs a restart.
    pub reloads: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |it: &Option<String>| it.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(
            f,
            "{}: {} -> {} ({})",
            self.key,
            side(&self.before),
            side(&self.after),
            self.origin
        )
    }
}

/// Why a configuration was not put in force. The one before is, in every part.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// It was read a moment ago.
    #[error("the configuration was read a moment ago; try again in {} ms", retry_after.as_millis())]
    TooSoon {
        /// When it may be tried again.
        retry_after: Duration,
    },
    /// It cannot be read, or is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It changes what cannot change while the program works.
    #[error(
        "nothing was changed, since some of it needs a restart:{}",
        listed(changes)
    )]
    NeedsRestart {
        /// Everything that differs, in the order of the file; what needs a restart is marked.
        changes: Vec<Change>,
    },
    /// A part of the program did not take it.
    #[error("nothing was changed: {0}")]
    Refused(#[source] Refusal),
}

impl ReloadError {
    /// The keys that need a restart.
    pub fn restart(&self) -> impl Iterator<Item = &Key> {
        let changes = match self {
            Self::NeedsRestart { changes } => changes.as_slice(),
            _ => &[],
        };
        changes.iter().filter(|it| !it.reloads).map(|it| &it.key)
    }
}

fn listed(changes: &[Change]) -> String {
    let line = |it: &Change| {
        let restart = if it.reloads { "" } else { ", needs a restart" };
        format!("\n  {it}{restart}")
    };
    changes.iter().map(line).collect()
}

impl<T: Configuration> Live<T> {
    /// It may be read again after this time, not sooner.
    pub const PERIOD_MIN: Duration = Duration::from_secs(1);

    /// Begins with what was loaded. `apply` puts a new configuration in force, all of it or nothing;
    /// `clock` tells the time since some beginning.
    pub fn new(
        loaded: Loaded<T>,
        clock: impl Fn() -> Duration + Send + Sync + 'static,
        apply: impl Fn(&T) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self {
            current: RwLock::new(Arc::new(loaded)),
            apply: Box::new(apply),
            clock: Box::new(clock),
            tried: Mutex::default(),
        }
    }

    /// The configuration in force.
    #[must_use]
    pub fn current(&self) -> Arc<Loaded<T>> {
        self.current.read().clone()
    }

    /// Reads the sources again and puts what they say in force, all of it or nothing. Gives what
    /// changed; nothing where it is all the same.
    ///
    /// # Errors
    /// When it is wrong, changes what needs a restart, or comes too soon after the last one. Then
    /// nothing is changed.
    pub fn reload(&self, sources: &Sources) -> Result<Vec<Change>, ReloadError> {
        let mut tried = self.tried.lock();
        let now = (self.clock)();
        let next = tried.map(|at| at.saturating_add(Self::PERIOD_MIN));
        if let Some(retry_after) = next.and_then(|next| next.checked_sub(now))
            && !retry_after.is_zero()
        {
            return Err(ReloadError::TooSoon { retry_after });
        }
        *tried = Some(now);
        let loaded = load::<T>(sources)?;
        let changes = differences(&self.current(), &loaded);
        if changes.iter().any(|it| !it.reloads) {
            return Err(ReloadError::NeedsRestart { changes });
        }
        if !changes.is_empty() {
            (self.apply)(&loaded.config).map_err(ReloadError::Refused)?;
            for change in &changes {
                tracing::info!(key = %change.key, origin = %change.origin, "configuration changed");
            }
        }
        *self.current.write() = Arc::new(loaded);
        Ok(changes)
    }
}

impl<T> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

/// What differs, value by value.
fn differences<T: Configuration>(before: &Loaded<T>, after: &Loaded<T>) -> Vec<Change> {
    let schema = schema_of::<T>();
    let mut found = Vec::new();
    let mut compare = Compare {
        after,
        found: &mut found,
    };
    compare.at(
        Node::root(&schema),
        (Some(&before.tree), Some(&after.tree)),
        &Key::default(),
        false,
    );
    found
}

struct Compare<'a, T> {
    after: &'a Loaded<T>,
    found: &'a mut Vec<Change>,
}

impl<T: Configuration> Compare<'_, T> {
    fn at(
        &mut self,
        node: Node<'_>,
        (before, after): (Option<&Tree>, Option<&Tree>),
        key: &Key,
        reloads: bool,
    ) {
        if before == after {
            return;
        }
        let reloads = node.mark(RELOADS).unwrap_or(reloads);
        let table = |tree: Option<&Tree>| match tree {
            Some(Tree::Table(table)) => Some(table.clone()),
            _ => None,
        };
        let whole = |tree: Option<&Tree>| match tree {
            None | Some(Tree::Nothing) => true,
            Some(tree) => is_leaf(node, tree),
        };
        if whole(before) || whole(after) {
            let written = |tree: &Tree| match is_leaf(node, tree) {
                true => literal(Some(node), tree),
                false => "a table".to_owned(),
            };
            self.found.push(Change {
                key: key.clone(),
                before: before.map(written),
                after: after.map(written),
                origin: self.after.origin(key),
                reloads,
            });
            return;
        }
        let before = table(before).unwrap_or_default();
        let after = table(after).unwrap_or_default();
        let gone = before.keys().filter(|name| !after.contains_key(*name));
        for name in after.keys().chain(gone) {
            if let Some(below) = node.below_name(name) {
                let both = (before.get(name), after.get(name));
                self.at(below, both, &key.child(name), reloads);
            }
        }
    }
}
