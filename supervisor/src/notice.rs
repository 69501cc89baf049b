//! What happens in a tree, for those who count and watch.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One event in the life of a tree. Paths read like `root/inventory/3`; no notice ever holds a
/// message, but an error is whatever text a worker panicked with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SupervisionNotice {
    /// A child was started together with its supervisor.
    ChildStarted {
        /// The child.
        path: Arc<str>,
    },
    /// A child crashed, failed to start, or outlived its shutdown grace.
    ChildFailed {
        /// The child.
        path: Arc<str>,
        /// What it panicked with, or why it did not start.
        error: String,
    },
    /// A child was started again, after its own failure or in a group with a sibling's.
    ChildRestarted {
        /// The child.
        path: Arc<str>,
        /// Which restart within the intensity period this is, of the child whose failure led to it.
        attempt: u32,
        /// How long the restart was put off.
        after: Duration,
    },
    /// A child was stopped by its supervisor, or ended by itself.
    ChildStopped {
        /// The child.
        path: Arc<str>,
    },
    /// A supervisor had more failures than its intensity allows, and gave up.
    Escalated {
        /// The supervisor.
        path: Arc<str>,
        /// The failure that was one too many.
        reason: String,
    },
    /// The root has given up: nothing of the tree runs any more.
    Down {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for SupervisionNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChildStarted { path } => write!(f, "{path} started"),
            Self::ChildFailed { path, error } => write!(f, "{path} failed: {error}"),
            Self::ChildRestarted {
                path,
                attempt,
                after,
            } => {
                write!(f, "{path} restarted after {after:?} (attempt {attempt})")
            }
            Self::ChildStopped { path } => write!(f, "{path} stopped"),
            Self::Escalated { path, reason } => write!(f, "{path} escalated: {reason}"),
            Self::Down { reason } => write!(f, "down: {reason}"),
        }
    }
}
