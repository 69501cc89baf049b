//! One value that owns it all: the tree of shards, the orchestrator, the triggers, the journal.

use std::sync::Arc;

use mercato_persistence::{Journal, JournalFailed};
use mercato_supervisor::{
    ChildState, StartError, SupervisionNotice, Tree, TreeHealth, TreeOptions, Watcher,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::builder::RuntimeBuilder;
use crate::bus::Bus;
use crate::cache::InvalidCaches;
use crate::core::Core;
use crate::envelope::CrashPoint;
use crate::error::AskFailure;
use crate::flow::{Flows, WorkItem};
use crate::handle::Handle;
use crate::ids::FlowId;
use crate::quarantine::Quarantine;
use crate::recovery::{Preload, RecoveryProgress};
use crate::telemetry::{InvalidAlarms, Metrics, MetricsReader};
use crate::timer::{TimerCounters, TimerStats};
use crate::trigger::Triggers;

/// A running runtime. Callers hold its [`Handle`]; whoever started it [stops](Self::stop) it. Dropped
/// before that, it lets go of everything without waiting for any of it, and says so in the log.
pub struct Runtime {
    pub(crate) core: Arc<Core>,
    pub(crate) handle: Handle,
    pub(crate) tree: Tree,
    pub(crate) bus: Bus,
    pub(crate) metrics: MetricsReader,
    pub(crate) triggers: Triggers,
    /// What follows the journal, or wakes shards, until it is told to stop.
    pub(crate) tasks: Vec<JoinHandle<()>>,
    pub(crate) timers: JoinHandle<()>,
    pub(crate) timer_counters: Arc<TimerCounters>,
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) preload: Arc<Preload>,
    pub(crate) preloading: JoinHandle<()>,
    /// Whether it panics where it is dropped before it was stopped.
    pub(crate) is_strict: bool,
    pub(crate) is_stopped: bool,
}

/// Why a runtime did not start. Nothing runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// Two things were added under one name.
    #[error("two {kind}s are named `{name}`; give each a name of its own")]
    NameTaken {
        /// What they are.
        kind: &'static str,
        /// The name.
        name: &'static str,
    },
    /// One version of a flow was added twice.
    #[error("version {version} of flow `{name}` is registered twice; raise the version of one")]
    FlowVersionTaken {
        /// The flow's name.
        name: &'static str,
        /// The version.
        version: u16,
    },
    /// A flow is to be moved to where it cannot be.
    #[error(
        "flow `{name}` cannot be moved from version {from} to {to}: there may be one migration from a \
         version, and it leads to a later one of the same flow that is registered"
    )]
    BadMigration {
        /// The flow's name.
        name: &'static str,
        /// The version that it is moved from.
        from: u16,
        /// The version that it is to be moved to.
        to: u16,
    },
    /// A name cannot be used.
    #[error("`{name}` cannot name {kind}: use lower-case letters, digits, `-`, `_` and `.`")]
    BadName {
        /// What it was to name.
        kind: &'static str,
        /// The name.
        name: &'static str,
    },
    /// The limits of the caches cannot be used.
    #[error(transparent)]
    Caches(#[from] InvalidCaches),
    /// The alarms cannot be watched.
    #[error(transparent)]
    Alarms(#[from] InvalidAlarms),
    /// An agent has the name of something that the runtime keeps in the journal itself.
    #[error(
        "no agent can be named `{name}`: the runtime keeps its own records under it; choose another"
    )]
    Reserved {
        /// The name.
        name: &'static str,
    },
    /// The supervision tree did not start.
    #[error("the supervision tree did not start: {0}")]
    Tree(#[from] StartError),
}

/// How a runtime is, as a value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Health {
    /// The supervision tree.
    pub tree: TreeHealth,
    /// Why nothing more can be recorded, where that is so.
    pub read_only: Option<JournalFailed>,
    /// Events that triggers set aside since the start; [`Triggers`] shows those that stand aside.
    pub dead_letters: u64,
    /// Triggers that cannot read or write the journal. They go on, from where they are, after the
    /// next start.
    pub stopped_triggers: Vec<&'static str>,
    /// Triggers that wait at an event, because their declaration says so or too many events stand
    /// aside already. They go on by themselves once that is mended.
    pub blocked_triggers: Vec<&'static str>,
    /// Subscribers that cannot go on until they are attached again, in the order of their names;
    /// [`Bus::stats`] says why.
    pub stopped_subscribers: Vec<Box<str>>,
}

impl Runtime {
    /// Begins to put a runtime together over a journal.
    #[must_use]
    pub fn builder(journal: Arc<dyn Journal>) -> RuntimeBuilder {
        RuntimeBuilder::new(journal)
    }

    /// What callers hold.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Durable events for code outside the agents.
    #[must_use]
    pub fn bus(&self) -> Bus {
        self.bus.clone()
    }

    /// What stands aside of the agents: commands that made them panic, and entities with an event
    /// that cannot be applied.
    #[must_use]
    pub fn quarantine(&self) -> Quarantine {
        Quarantine::new(self.core.clone())
    }

    /// The rules that follow events, and the events that they set aside.
    #[must_use]
    pub fn triggers(&self) -> Triggers {
        self.triggers.clone()
    }

    /// What operators can do with flows: look at them, cancel them, work off the work list.
    #[must_use]
    pub fn flows(&self) -> Flows {
        self.handle.flows()
    }

    /// How it is.
    #[must_use]
    pub fn health(&self) -> Health {
        Health {
            tree: self.tree.health(),
            read_only: self.core.journal.failure(),
            dead_letters: self.triggers.set_aside_so_far(),
            stopped_triggers: self.triggers.stopped(),
            blocked_triggers: self.triggers.blocked(),
            stopped_subscribers: self.bus.stopped(),
        }
    }

    /// Everything that is measured, as it is now.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.metrics.read()
    }

    /// What reads the metrics, for whoever exports them while the runtime works.
    #[must_use]
    pub fn metrics_reader(&self) -> MetricsReader {
        self.metrics.clone()
    }

    /// Where the deaths of shards and agents are awaited. Paths read like `mercato/inventory/3`.
    #[must_use]
    pub fn watcher(&self) -> Watcher {
        self.tree.watcher()
    }

    /// How far it has come with bringing entities back into memory. It serves all the while: what
    /// is asked for is loaded first.
    #[must_use]
    pub fn recovery(&self) -> RecoveryProgress {
        self.preload.progress()
    }

    /// Waits until the entities that were written to last are back in memory.
    pub async fn until_recovered(&self) {
        self.preload.until_finished().await;
    }

    /// All that waits for a person: undos that did not succeed, flows that an event started and that
    /// failed, and flows that cannot go on here. [`Flows::work_list`] gives it page by page.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn work_list(&self) -> Result<Vec<WorkItem>, AskFailure> {
        self.handle.orchestrator.work_list()
    }

    /// How many flows have neither ended nor wait for a person, whether they are on their way here
    /// or not.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unfinished_flows(&self) -> Result<usize, AskFailure> {
        self.handle.orchestrator.unfinished()
    }

    /// What became of timers since the start.
    #[must_use]
    pub fn timer_stats(&self) -> TimerStats {
        self.timer_counters.stats()
    }

    /// How many shards an agent has; 0 where there is no such agent.
    #[must_use]
    pub fn shards(&self, agent: &str) -> usize {
        let service = self.core.services.named(agent);
        service.map_or(0, |service| service.depths().len())
    }

    /// Injects a crash into a shard, to show that nothing is lost by it. `false` where there is no
    /// such shard.
    pub fn crash_shard(&self, agent: &str, shard: usize, point: CrashPoint) -> bool {
        let service = self.core.services.named(agent);
        service.is_some_and(|service| service.crash(shard, point))
    }

    /// Injects a crash into one flow. `false` where it is not on its way.
    pub fn crash_flow(&self, flow: &str, id: &FlowId) -> bool {
        self.handle.orchestrator.crash(flow, id)
    }

    /// Injects a crash into every flow on its way, and says how many they were.
    pub fn crash_flows(&self) -> usize {
        self.handle.orchestrator.crash_all()
    }

    /// Stops: triggers and flows are let go where they are, subscribers work off what they have in
    /// hand within their grace, shards work off what waits for them, and the journal writes all of it. Unfinished flows go on after the next start.
    ///
    /// # Errors
    /// When the journal could not write what was left. What was acknowledged is safe.
    pub async fn stop(mut self) -> Result<(), JournalFailed> {
        self.stopping.send_replace(true);
        self.preloading.abort();
        self.preload.finish();
        self.bus.stop().await;
        self.handle.orchestrator.stop().await;
        for task in &mut self.tasks {
            // One that panicked has nothing left to stop.
            let _ = task.await;
        }
        // Nor has the keeper of timers.
        let _ = (&mut self.timers).await;
        self.tree.stop_in_place().await;
        self.is_stopped = true;
        self.core.journal.close().await
    }

    /// What of it is still at work: the paths of its shards, and its flows.
    fn alive(&self) -> Vec<String> {
        let children = self.tree.health().children.into_iter();
        let working = children
            .filter(|child| matches!(child.state, ChildState::Running | ChildState::Restarting));
        let mut alive: Vec<_> = working.map(|child| child.path.to_string()).collect();
        let flows = self.handle.flow_stats().in_flight;
        if flows > 0 {
            alive.push(format!("{flows} flows"));
        }
        alive
    }
}

/// The longest list of what still runs.
const ALIVE_LISTED_MAX: usize = 12;

impl Drop for Runtime {
    fn drop(&mut self) {
        if self.is_stopped {
            return;
        }
        let mut alive = self.alive();
        // Whoever follows the journal ends with the sender; the tree ends with its owner.
        self.stopping.send_replace(true);
        self.preloading.abort();
        self.handle.orchestrator.begin_stop();
        if alive.is_empty() {
            return;
        }
        if alive.len() > ALIVE_LISTED_MAX {
            let others = alive.len() - ALIVE_LISTED_MAX;
            alive.truncate(ALIVE_LISTED_MAX);
            alive.push(format!("and {others} more"));
        }
        let alive = alive.join(", ");
        tracing::error!(%alive, "a runtime was dropped before it was stopped");
        if self.is_strict && !std::thread::panicking() {
            #[expect(
                clippy::panic,
                reason = "a test that leaves a runtime behind must fail"
            )]
            {
                panic!("a runtime was dropped before `Runtime::stop`; still at work: {alive}");
            }
        }
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime")
            .field("state", &self.tree.health().state)
            .finish_non_exhaustive()
    }
}

/// Counts and logs what happens in the tree.
pub(crate) fn observe(core: &Arc<Core>, options: TreeOptions) -> TreeOptions {
    let core = core.clone();
    options.on_event(move |notice| {
        match notice {
            SupervisionNotice::ChildRestarted { path, .. } => {
                // Paths read `mercato/<agent>/<shard>`.
                let service = path.split('/').nth(1).and_then(|a| core.services.named(a));
                if let Some(service) = service {
                    service.restarted();
                }
                tracing::info!(%path, "restarted");
            }
            SupervisionNotice::ChildFailed { path, error } => {
                tracing::warn!(%path, %error, "failed");
            }
            notice => tracing::debug!(?notice, "supervision"),
        }
    })
}
