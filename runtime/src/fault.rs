//! Where a fault may strike an agent on purpose. Nothing strikes where nobody asked for it.

use std::fmt;
use std::sync::Arc;

use crate::builder::RuntimeBuilder;

/// A moment in the life of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Moment {
    /// Its entity is about to be loaded, where it is not in memory.
    Load,
    /// It is about to be decided.
    Decide,
    /// It was decided, and its events are about to be applied to the state. Nothing is recorded yet.
    Evolve,
    /// It is recorded and applied, and about to be answered.
    Answer,
}

/// A command at such a moment, in its shard.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct FaultPoint<'a> {
    /// The moment.
    pub moment: Moment,
    /// The agent.
    pub agent: &'static str,
    /// The command's name.
    pub command: &'static str,
    /// Its entity's key.
    pub entity: &'a str,
    /// Whether it is the command of a timer.
    pub is_timer: bool,
}

type Strike = dyn Fn(&FaultPoint<'_>) + Send + Sync;

/// Who is asked at each moment, if anybody is.
#[derive(Clone, Default)]
pub(crate) struct FaultHook(Option<Arc<Strike>>);

impl FaultHook {
    pub(crate) fn new(strike: impl Fn(&FaultPoint<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(strike)))
    }

    pub(crate) fn at(&self, point: &FaultPoint<'_>) {
        if let Some(strike) = &self.0 {
            strike(point);
        }
    }
}

impl RuntimeBuilder {
    /// Asks this at each [`Moment`](crate::Moment) of each command, in its shard, which crashes where it
    /// panics: for tests and simulations, which show so that nothing is lost by it. Default: nobody.
    #[must_use]
    pub fn fault_hook(mut self, strike: impl Fn(&FaultPoint<'_>) + Send + Sync + 'static) -> Self {
        self.faults = FaultHook::new(strike);
        self
    }
}

impl fmt::Debug for FaultHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultHook({})", self.0.is_some())
    }
}
