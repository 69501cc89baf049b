//! Where a fault may strike an agent on purpose. Nothing strikes where nobody asked for it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Sleep;

use crate::builder::RuntimeBuilder;
use crate::envelope::Call;

/// A moment in the life of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Moment {
    /// Its entity is about to be loaded, where it is not in memory.
    Load,
    /// Its entity is being loaded, and half of the appends that are read at once are applied.
    Replay,
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
    /// The command's name; empty where an entity is loaded before any command asks for it.
    pub command: &'static str,
    /// Its entity's key.
    pub entity: &'a str,
    /// Whether it is the command of a timer.
    pub is_timer: bool,
}

/// A shard that is about to take its next message.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct StallPoint {
    /// The agent.
    pub agent: &'static str,
    /// Which of its shards, counted from 0.
    pub shard: usize,
}

/// A command that somebody in the runtime sends to an agent: a flow, a workflow, a trigger or a timer.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct DelayPoint {
    /// The agent that it is sent to.
    pub agent: &'static str,
    /// The command's name.
    pub command: &'static str,
}

type Strike = dyn Fn(&FaultPoint<'_>) + Send + Sync;
type Stall = dyn Fn(&StallPoint) -> Option<BoxFuture<'static, ()>> + Send + Sync;
type Delay = dyn Fn(&DelayPoint) -> Duration + Send + Sync;

/// Who is asked, if anybody is.
#[derive(Clone, Default)]
pub(crate) struct FaultHooks {
    strike: Option<Arc<Strike>>,
    stall: Option<Arc<Stall>>,
    delay: Option<Arc<Delay>>,
}

impl FaultHooks {
    pub(crate) fn at(&self, point: &FaultPoint<'_>) {
        if let Some(strike) = &self.strike {
            strike(point);
        }
    }

    /// What a shard is to wait for.
    pub(crate) fn stall(
        &self,
        agent: &'static str,
        shard: usize,
    ) -> Option<BoxFuture<'static, ()>> {
        let stall = self.stall.as_ref()?;
        stall(&StallPoint { agent, shard })
    }

    /// How a command is kept on its way. What comes from outside is not: whoever is there can be late
    /// by themselves.
    pub(crate) fn delay(
        &self,
        call: &Call,
        agent: &'static str,
        command: &'static str,
    ) -> Option<Pin<Box<Sleep>>> {
        let delay = self.delay.as_ref().filter(|_| call.causation.is_some())?;
        let late = delay(&DelayPoint { agent, command });
        (!late.is_zero()).then(|| Box::pin(tokio::time::sleep(late)))
    }
}

impl RuntimeBuilder {
    /// Asks this at each [`Moment`](crate::Moment) of each command, in its shard, which crashes where it
    /// panics: for tests and simulations, which show so that nothing is lost by it. Default: nobody.
    #[must_use]
    pub fn fault_hook(mut self, strike: impl Fn(&FaultPoint<'_>) + Send + Sync + 'static) -> Self {
        self.faults.strike = Some(Arc::new(strike));
        self
    }

    /// Asks this before each message of each shard, which then waits for what it gives. A shard that
    /// waits for longer than [`AgentOptions::ready_max`](crate::AgentOptions::ready_max) hangs, and
    /// another takes its place: for tests and simulations, also in virtual time, where nothing can hold
    /// a thread. Default: nobody.
    #[must_use]
    pub fn stall_hook(
        mut self,
        stall: impl Fn(&StallPoint) -> Option<BoxFuture<'static, ()>> + Send + Sync + 'static,
    ) -> Self {
        self.faults.stall = Some(Arc::new(stall));
        self
    }

    /// Asks this of each command that is sent from within the runtime, which is that late then: for
    /// tests and simulations. The time counts against the command's deadline. Default: nobody.
    #[must_use]
    pub fn delay_hook(
        mut self,
        delay: impl Fn(&DelayPoint) -> Duration + Send + Sync + 'static,
    ) -> Self {
        self.faults.delay = Some(Arc::new(delay));
        self
    }
}

impl fmt::Debug for FaultHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = (
            self.strike.is_some(),
            self.stall.is_some(),
            self.delay.is_some(),
        );
        write!(f, "FaultHooks{asked:?}")
    }
}
