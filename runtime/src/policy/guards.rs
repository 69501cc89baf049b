//! The guards of one runtime: one for each dependency.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::clock::Clock;
use crate::entropy::Entropy;

use super::book::PolicyBook;
use super::dependency::Dependency;
use super::guard::Guard;
use super::monitor::{Monitor, Nobody};
use super::stats::PolicyStats;

/// One guard for each dependency, made when it is first asked for. Cheap to share.
///
/// A runtime has its own; see [`Handle::guard`](crate::Handle::guard). This one is for whoever calls
/// something outside a runtime.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::sync::Arc;
/// use std::time::Duration;
/// use mercato_runtime::{
///     ActivityError, ActivityErrorKind, Answer, Clock, Dependency, Entropy, Guards, PolicyBook,
///     Repeat, Request, Timestamp,
/// };
///
/// let clock = Clock::starting_at(Timestamp::from_millis(0));
/// let guards = Guards::new(Arc::new(PolicyBook::default()), clock, Arc::new(Entropy::seeded(7)));
/// let rates = guards.of(Dependency::Port("rates"));
/// let deadline = clock.now().plus(Duration::from_secs(20));
/// let answer = rates
///     .call(
///         Request::new(Repeat::Safe, deadline).cached(|| Some((1.17, Duration::from_secs(90)))),
///         |_attempt| async { Err(ActivityError::new(ActivityErrorKind::TimedOut, "", "")) },
///     )
///     .await;
/// let age = Duration::from_secs(90);
/// assert_eq!(answer, Ok(Answer::Stale { value: 1.17, age }));
/// assert_eq!(rates.stats().attempts, 3);
/// # }
/// ```
pub struct Guards {
    book: Arc<PolicyBook>,
    clock: Clock,
    entropy: Arc<Entropy>,
    monitor: Arc<dyn Monitor>,
    made: RwLock<BTreeMap<Dependency, Arc<Guard>>>,
}

impl Guards {
    /// Guards under these policies.
    #[must_use]
    pub fn new(book: Arc<PolicyBook>, clock: Clock, entropy: Arc<Entropy>) -> Self {
        Self {
            book,
            clock,
            entropy,
            monitor: Arc::new(Nobody),
            made: RwLock::default(),
        }
    }

    /// The same, telling this monitor what goes wrong.
    #[must_use]
    pub fn told_to(self, monitor: Arc<dyn Monitor>) -> Self {
        Self { monitor, ..self }
    }

    /// The policies in force.
    #[must_use]
    pub fn book(&self) -> &Arc<PolicyBook> {
        &self.book
    }

    /// The guard before a dependency.
    #[must_use]
    pub fn of(&self, dependency: Dependency) -> Arc<Guard> {
        if let Some(guard) = self.made.read().get(&dependency) {
            return guard.clone();
        }
        let mut made = self.made.write();
        let guard = made.entry(dependency).or_insert_with(|| {
            Arc::new(Guard::new(
                dependency,
                self.book.clone(),
                self.clock,
                &self.entropy,
                self.monitor.clone(),
            ))
        });
        guard.clone()
    }

    /// What became of the calls to each dependency, in the order of their names.
    #[must_use]
    pub fn stats(&self) -> Vec<PolicyStats> {
        self.made
            .read()
            .values()
            .map(|guard| guard.stats())
            .collect()
    }
}

impl std::fmt::Debug for Guards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.made.read().keys()).finish()
    }
}
