//! The policies in force, which may be exchanged while the runtime works.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::check::InvalidPolicies;
use super::dependency::Dependency;
use super::settings::{Policies, Policy};

/// The policies in force, and how often they were exchanged.
///
/// A call keeps the policy that it began with; the next call of each dependency has the new one.
/// What a dependency has seen so far (its breaker, its budget) is kept.
///
/// ```
/// use mercato_runtime::{Dependency, Policies, PolicyBook};
///
/// let book = PolicyBook::new(Policies::default())?;
/// let mut policies = Policies::default();
/// policies.default.network_timeout.attempts_max = 2;
/// assert_eq!(book.reload(policies.clone())?, 2);
/// policies.default.network_timeout.attempts_max = 0;
/// assert!(book.reload(policies).is_err());
/// assert_eq!(book.version(), 2);
/// assert_eq!(book.policy(Dependency::Port("mail")).network_timeout.attempts_max, 2);
/// # Ok::<_, mercato_runtime::InvalidPolicies>(())
/// ```
#[derive(Debug)]
pub struct PolicyBook {
    current: RwLock<Arc<Policies>>,
    version: AtomicU64,
}

impl PolicyBook {
    /// A book that begins with these.
    ///
    /// # Errors
    /// With everything that is wrong with them.
    pub fn new(policies: Policies) -> Result<Self, InvalidPolicies> {
        checked(&policies)?;
        Ok(Self::with(policies))
    }

    fn with(policies: Policies) -> Self {
        Self {
            current: RwLock::new(Arc::new(policies)),
            version: AtomicU64::new(1),
        }
    }

    /// Puts these in force for every call that begins from now on, and gives their version.
    ///
    /// # Errors
    /// With everything that is wrong with them; those before stay in force.
    pub fn reload(&self, policies: Policies) -> Result<u64, InvalidPolicies> {
        checked(&policies)?;
        let mut current = self.current.write();
        *current = Arc::new(policies);
        // Raised under the lock, so that nobody takes the old ones for the new version.
        let version = self.version.fetch_add(1, Ordering::AcqRel) + 1;
        drop(current);
        tracing::info!(version, "the policies were exchanged");
        Ok(version)
    }

    /// The version in force; the first is 1.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// All policies in force.
    #[must_use]
    pub fn policies(&self) -> Arc<Policies> {
        self.current.read().clone()
    }

    /// The policy in force for calls to a dependency.
    #[must_use]
    pub fn policy(&self, dependency: Dependency) -> Policy {
        self.current.read().of(dependency).clone()
    }

    /// The policy in force, and its version.
    pub(super) fn versioned(&self, dependency: Dependency) -> (u64, Policy) {
        let current = self.current.read();
        (self.version(), current.of(dependency).clone())
    }
}

impl Default for PolicyBook {
    /// The error table. A test holds it to what is valid.
    fn default() -> Self {
        Self::with(Policies::default())
    }
}

fn checked(policies: &Policies) -> Result<(), InvalidPolicies> {
    let problems = policies.problems();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(InvalidPolicies { problems })
    }
}
