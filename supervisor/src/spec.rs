//! The supervision tree as data, as its author writes it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::backoff::Backoff;
use crate::intensity::Intensity;
use crate::worker::AnyWorker;

/// Which siblings share the fate of a child that has to be restarted.
///
/// Those who do are stopped right to left, at once, and started left to right. Their mailboxes keep
/// every message meanwhile. Several crashes that fall together cause one group restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// None: children are independent.
    OneForOne,
    /// All: children depend on each other.
    OneForAll,
    /// Those started after it: each child depends on those before it.
    RestForOne,
}

/// When a child that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    Permanent,
    /// When it failed; once it has [finished](crate::InHand::finish), it has ended.
    Transient,
    /// Never, not even when a group restart stopped it.
    Temporary,
}

/// One child of a supervisor: a [worker](crate::worker_child) or a [supervisor](supervisor_child).
#[derive(Debug)]
pub struct ChildSpec {
    pub(crate) name: String,
    pub(crate) restart: Restart,
    pub(crate) shutdown_grace: Duration,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Worker(Arc<dyn AnyWorker>),
    Supervisor(SupervisorSpec),
}

impl ChildSpec {
    pub(crate) fn new(name: String, kind: Kind) -> Self {
        Self {
            name,
            restart: Restart::Permanent,
            shutdown_grace: Duration::from_secs(5),
            kind,
        }
    }

    /// Says when it is started again. Default [`Restart::Permanent`].
    #[must_use]
    pub fn restart(self, restart: Restart) -> Self {
        Self { restart, ..self }
    }

    /// Says how long a stop may take, from the request to the end, before the child is killed.
    /// Default five seconds. A supervisor needs none: it takes what its children take.
    #[must_use]
    pub fn shutdown_grace(self, shutdown_grace: Duration) -> Self {
        Self {
            shutdown_grace,
            ..self
        }
    }
}

/// A supervisor and its children.
#[derive(Debug)]
pub struct SupervisorSpec {
    /// Its part of the path; not empty, without a `/`, and unique among its siblings.
    pub name: String,
    /// Which siblings share a child's fate.
    pub strategy: Strategy,
    /// How many restarts are too many.
    pub intensity: Intensity,
    /// How long to wait before a restart.
    pub backoff: Backoff,
    /// The children, in start order.
    pub children: Vec<ChildSpec>,
}

impl SupervisorSpec {
    /// A supervisor without children, with the default intensity and backoff.
    pub fn new(name: impl Into<String>, strategy: Strategy) -> Self {
        Self {
            name: name.into(),
            strategy,
            intensity: Intensity::default(),
            backoff: Backoff::default(),
            children: Vec::new(),
        }
    }

    /// Adds a child, to be started after those added before.
    #[must_use]
    pub fn with_child(mut self, child: ChildSpec) -> Self {
        self.children.push(child);
        self
    }
}

/// A supervisor as the child of another. When it escalates, it counts there as a child that crashed.
pub fn supervisor_child(spec: SupervisorSpec) -> ChildSpec {
    ChildSpec::new(spec.name.clone(), Kind::Supervisor(spec))
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(_) => f.write_str("Worker"),
            Self::Supervisor(spec) => f.debug_tuple("Supervisor").field(spec).finish(),
        }
    }
}
