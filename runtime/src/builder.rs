//! Puts a runtime together.

use std::collections::BTreeSet;
use std::sync::Arc;

use mercato_persistence::Journal;
use mercato_supervisor::{
    Mailbox, Strategy, SupervisorSpec, Tree, TreeOptions, WorkerOptions, supervisor_child,
    worker_child,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::agent::Agent;
use crate::agent_options::AgentOptions;
use crate::bus::{Bus, SUBSCRIPTION};
use crate::cache::{self, Caches, CachesSettings};
use crate::chain::{HOPS_MAX, Waits};
use crate::clock::Clock;
use crate::core::{Core, Services};
use crate::entities::{Entities, EntityLimits, IdleWatch, Waking, wake_idle};
use crate::entropy::Entropy;
use crate::fault::FaultHooks;
use crate::flow::{
    Activities, Activity, ActivityCall, ActivityError, Definitions, FlowOptions, Orchestrator,
};
use crate::handle::Handle;
use crate::policy::{Credentials, Guards, Monitor, Nobody, PolicyBook, TokenKeeper};
use crate::quarantine::{QUARANTINE, Ward};
use crate::recovery::{Preload, RecoveryOptions, SnapshotCadence};
use crate::registry::Commands;
use crate::runtime::{Runtime, RuntimeError, observe};
use crate::service::{AnyService, Service, answer_dead};
use crate::shard::{Place, Shard, ShardContext};
use crate::stats::AgentCounters;
use crate::telemetry::{
    AlarmBoard, Alarms, FamilySamples, MetricsReader, OwnMetrics, Sources, StoreReads, Telemetry,
    TimedJournal, watch_alarms,
};
use crate::timer::{Bell, TimerCounters, keep};
use crate::trigger::{TRIGGER, Trigger, Triggers, follow};

/// The runtime's own streams begin with these, where those of an agent begin with its name.
const RESERVED: [&str; 4] = ["flow", QUARANTINE, SUBSCRIPTION, TRIGGER];

type AddAgent = Box<dyn FnOnce(&mut Assembly) -> SupervisorSpec + Send>;

/// Collects the agents, flows, activities and triggers of a runtime, and starts it.
pub struct RuntimeBuilder {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Option<Clock>,
    pub(crate) entropy: Option<Entropy>,
    flow_options: FlowOptions,
    agents: Vec<AddAgent>,
    activities: Activities,
    pub(crate) definitions: Definitions,
    triggers: Vec<Trigger>,
    recovery: RecoveryOptions,
    pub(crate) policies: Arc<PolicyBook>,
    pub(crate) monitor: Arc<dyn Monitor>,
    pub(crate) caches: Option<CachesSettings>,
    alarms: Option<Alarms>,
    own_metrics: OwnMetrics,
    pub(crate) hops_max: u32,
    pub(crate) faults: FaultHooks,
    #[cfg(feature = "planted-bugs")]
    pub(crate) planted: Option<crate::planted::PlantedBug>,
    /// Whether it panics where it is dropped before it was stopped.
    pub(crate) is_strict: bool,
    shards: usize,
    names: BTreeSet<(&'static str, &'static str)>,
    pub(crate) problem: Option<RuntimeError>,
}

/// What the agents are built into.
struct Assembly {
    journal: Arc<dyn Journal>,
    clock: Clock,
    telemetry: Arc<Telemetry>,
    services: Services,
    bell: Arc<Bell>,
    recovery: RecoveryOptions,
    faults: FaultHooks,
    #[cfg(feature = "planted-bugs")]
    planted: Option<crate::planted::PlantedBug>,
    /// The shards of all agents together.
    shards: usize,
    /// Whose shards are to be woken when entities are idle.
    idle: Vec<(Arc<dyn AnyService>, Arc<IdleWatch>)>,
}

impl RuntimeBuilder {
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Self {
        Self {
            journal,
            clock: None,
            entropy: None,
            flow_options: FlowOptions::default(),
            agents: Vec::new(),
            activities: Activities::default(),
            definitions: Definitions::default(),
            triggers: Vec::new(),
            recovery: RecoveryOptions::default(),
            policies: Arc::default(),
            monitor: Arc::new(Nobody),
            caches: None,
            alarms: None,
            own_metrics: OwnMetrics::default(),
            hops_max: HOPS_MAX,
            faults: FaultHooks::default(),
            #[cfg(feature = "planted-bugs")]
            planted: None,
            is_strict: false,
            shards: 0,
            names: BTreeSet::new(),
            problem: None,
        }
    }

    /// Uses this clock. Default: the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Uses this randomness. Default: the machine's.
    #[must_use]
    pub fn entropy(mut self, entropy: Entropy) -> Self {
        self.entropy = Some(entropy);
        self
    }

    /// Bounds the orchestrator.
    #[must_use]
    pub fn flow_options(mut self, options: FlowOptions) -> Self {
        self.flow_options = options;
        self
    }

    /// Bounds the time that a start takes, and what it brings back into memory.
    #[must_use]
    pub fn recovery(mut self, options: RecoveryOptions) -> Self {
        self.recovery = options;
        self
    }

    /// Watches these alarms, and tells the [monitor](Self::monitor) when one is raised and when it is
    /// over. Default: none are watched. [`Alarms::default`] are the performance targets.
    #[must_use]
    pub fn alarms(mut self, alarms: Alarms) -> Self {
        if let Err(invalid) = alarms.check() {
            self.problem.get_or_insert(RuntimeError::Alarms(invalid));
        }
        self.alarms = Some(alarms);
        self
    }

    /// Reads these metrics beside the runtime's, wherever those are read: see
    /// [`MetricsReader::read`]. Their names are none of [`FAMILIES`](crate::FAMILIES), and alarms do
    /// not know them. It is called for each reading, so it gives what is counted already.
    #[must_use]
    pub fn metrics(
        mut self,
        read: impl Fn() -> Vec<FamilySamples> + Send + Sync + 'static,
    ) -> Self {
        self.own_metrics.0.push(Box::new(read));
        self
    }

    /// Gets tokens for the calls to a port, whose name is what stands before the first dot in those
    /// of its activities. They find it in [`ActivityCall::token`].
    #[must_use]
    pub fn credentials(mut self, port: &'static str, credentials: Arc<dyn Credentials>) -> Self {
        self.claim("port", port);
        self.activities
            .keep_token(port, TokenKeeper::new(credentials));
        self
    }

    /// Registers another service that can do what an activity does, for when its own cannot be
    /// reached. It is asked only where the first is known not to have acted, and that is noted
    /// before: after a crash, it alone is asked again, under the same key. Whatever undoes the
    /// activity, or asks what became of it, must find it in either service.
    #[must_use]
    pub fn alternative<I, O, F, Fut>(mut self, activity: Activity<I, O>, function: F) -> Self
    where
        I: DeserializeOwned + 'static,
        O: Serialize + 'static,
        F: Fn(ActivityCall, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, ActivityError>> + Send + 'static,
    {
        self.claim("alternative", activity.name);
        self.activities.add_alternative(activity, function);
        self
    }

    /// Adds an agent with the default limits.
    #[must_use]
    pub fn agent<A: Agent>(self, agent: A) -> Self {
        self.agent_with(agent, AgentOptions::default())
    }

    /// Adds an agent.
    #[must_use]
    pub fn agent_with<A: Agent>(mut self, agent: A, options: AgentOptions) -> Self {
        self.claim("agent", A::NAME);
        if RESERVED.contains(&A::NAME) {
            let problem = RuntimeError::Reserved { name: A::NAME };
            self.problem.get_or_insert(problem);
        }
        self.shards += options.shards.get();
        self.agents.push(Box::new(move |assembly| {
            assemble(assembly, agent, &options)
        }));
        self
    }

    /// Registers what a call to a port does.
    #[must_use]
    pub fn activity<I, O, F, Fut>(mut self, activity: Activity<I, O>, function: F) -> Self
    where
        I: DeserializeOwned + 'static,
        O: Serialize + 'static,
        F: Fn(ActivityCall, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, ActivityError>> + Send + 'static,
    {
        self.claim("activity", activity.name);
        self.activities.add(activity, function);
        self
    }

    /// Adds a rule: which events start what.
    #[must_use]
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.claim("trigger", trigger.name());
        self.triggers.push(trigger);
        self
    }

    /// Starts everything: shards first, then the flows that had not ended, then the triggers. What
    /// was in memory when the process ended is loaded in the background; see
    /// [`Runtime::recovery`].
    ///
    /// # Errors
    /// See [`RuntimeError`].
    pub async fn start(mut self) -> Result<Runtime, RuntimeError> {
        self.check()?;
        let clock = self.clock.unwrap_or_else(Clock::system);
        let entropy = self.entropy.unwrap_or_else(Entropy::system);
        let entropy = Arc::new(entropy.continued_after(self.journal.durable().get()));
        let reads = Arc::new(StoreReads::default());
        let telemetry = Arc::new(Telemetry::new(&entropy, reads.clone()));
        let journal: Arc<dyn Journal> = Arc::new(TimedJournal::over(self.journal, reads, clock));
        #[cfg(feature = "planted-bugs")]
        let journal = crate::planted::journal(journal, self.planted);
        let bell = Arc::new(Bell::default());
        let mut assembly = Assembly {
            journal: journal.clone(),
            clock,
            telemetry: telemetry.clone(),
            services: Services::default(),
            bell: bell.clone(),
            recovery: self.recovery,
            faults: self.faults,
            #[cfg(feature = "planted-bugs")]
            planted: self.planted,
            shards: self.shards,
            idle: Vec::new(),
        };
        let mut root = SupervisorSpec::new("mercato", Strategy::OneForOne);
        for add in self.agents {
            root = root.with_child(supervisor_child(add(&mut assembly)));
        }
        let caches = self.caches.map(|settings| {
            let journal = journal.clone();
            let caches = Caches::new(journal, settings, clock, entropy.clone());
            #[cfg(feature = "planted-bugs")]
            let caches = caches.planted(self.planted);
            Arc::new(caches)
        });
        let core = Arc::new(Core {
            journal,
            clock,
            entropy: entropy.clone(),
            services: assembly.services,
            guards: Guards::new(self.policies, clock, entropy.clone())
                .told_to(self.monitor.clone()),
            caches,
            telemetry,
            waits: Arc::new(Waits::new(self.hops_max)),
            #[cfg(feature = "planted-bugs")]
            planted: self.planted,
        });
        let tree_options = TreeOptions::new(move || clock.elapsed(), entropy.fork("supervision"));
        let tree = Tree::start(root, observe(&core, tree_options)).await?;
        let orchestrator = Orchestrator::new(
            core.clone(),
            self.definitions,
            self.activities,
            self.flow_options,
            bell.clone(),
        );
        orchestrator.resume();
        let preload = Arc::new(Preload::default());
        let preloading = tokio::spawn(preload.clone().run(core.clone(), self.recovery.preload_max));
        let stopping = watch::Sender::new(false);
        let triggers = Triggers::new(&core, &orchestrator, self.triggers);
        let caches = core.caches.clone();
        let following = caches.map(|it| tokio::spawn(cache::follow(it, stopping.subscribe())));
        let waking = assembly.idle.into_iter().map(|(service, idle)| {
            tokio::spawn(wake_idle(service, idle, clock, stopping.subscribe()))
        });
        let mut tasks = triggers
            .each()
            .map(|rule| tokio::spawn(follow(rule.clone(), stopping.subscribe())))
            .chain(following)
            .chain(waking)
            .collect::<Vec<_>>();
        let timer_counters = Arc::new(TimerCounters::default());
        let timers = tokio::spawn(keep(
            core.clone(),
            orchestrator.clone(),
            bell,
            timer_counters.clone(),
            stopping.subscribe(),
        ));
        let bus = Bus::new(core.clone(), stopping.subscribe());
        let metrics = MetricsReader::of(Sources {
            core: core.clone(),
            orchestrator: orchestrator.clone(),
            tree: tree.watch(),
            bus: bus.clone(),
            triggers: triggers.clone(),
            timer_counters: timer_counters.clone(),
            alarms: Arc::new(AlarmBoard::default()),
            own: self.own_metrics,
            since: clock.now(),
        });
        tasks.extend(self.alarms.map(|alarms| {
            let stopping = stopping.subscribe();
            tokio::spawn(watch_alarms(
                alarms,
                metrics.clone(),
                clock,
                self.monitor,
                stopping,
            ))
        }));
        Ok(Runtime {
            timers,
            timer_counters,
            handle: Handle {
                core: core.clone(),
                orchestrator,
            },
            core,
            tree,
            bus,
            metrics,
            triggers,
            tasks,
            stopping,
            preload,
            preloading,
            is_strict: self.is_strict,
            is_stopped: false,
        })
    }

    /// What is wrong with what was added, the first of it.
    pub(crate) fn check(&mut self) -> Result<(), RuntimeError> {
        if let Some(problem) = self.problem.take() {
            return Err(problem);
        }
        match self.definitions.lost_migration() {
            Some((name, from, to)) => Err(RuntimeError::BadMigration { name, from, to }),
            None => Ok(()),
        }
    }

    /// Reserves a name; what is wrong with it is told by [`start`](Self::start).
    fn claim(&mut self, kind: &'static str, name: &'static str) {
        self.check_name(kind, name);
        if !self.names.insert((kind, name)) {
            let problem = RuntimeError::NameTaken { kind, name };
            self.problem.get_or_insert(problem);
        }
    }

    pub(crate) fn check_name(&mut self, kind: &'static str, name: &'static str) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            let problem = RuntimeError::BadName { kind, name };
            self.problem.get_or_insert(problem);
        }
    }
}

impl std::fmt::Debug for RuntimeBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuntimeBuilder")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// Gives an agent its mailboxes and its place in the tree: one supervisor over its shards.
fn assemble<A: Agent>(assembly: &mut Assembly, agent: A, options: &AgentOptions) -> SupervisorSpec {
    let counters = Arc::new(AgentCounters::default());
    let shards = options.shards.get();
    let context = ShardContext {
        agent: Arc::new(agent),
        journal: assembly.journal.clone(),
        clock: assembly.clock,
        counters: counters.clone(),
        commands: Arc::new(Commands::of_agent()),
        bell: assembly.bell.clone(),
        telemetry: assembly.telemetry.clone(),
        faults: assembly.faults.clone(),
        #[cfg(feature = "planted-bugs")]
        planted: assembly.planted,
        ward: Arc::new(Ward::new(
            assembly.journal.clone(),
            assembly.clock,
            A::NAME,
            options.quarantine_max.get(),
        )),
        place: Place::default(),
    };
    let mailboxes: Box<[_]> = (0..shards)
        .map(|_| {
            let (clock, counters) = (assembly.clock, counters.clone());
            Mailbox::with_dead_letters(
                options.mailbox,
                move || clock.elapsed(),
                move |letter, envelope| answer_dead(&counters, letter.reason, envelope),
            )
        })
        .collect();
    let cadence = match options.snapshot_every_events {
        Some(events) => SnapshotCadence::Fixed(events),
        None => SnapshotCadence::within(assembly.recovery.time_max, assembly.shards),
    };
    let limits = EntityLimits {
        entities_max: options.active_entities_max.get(),
        bytes_max: options.active_bytes_max.get() / shards,
    };
    let idle = options.passivate_after;
    let idle = idle.map(|after| Arc::new(IdleWatch::new(shards, after)));
    let mut supervisor = SupervisorSpec::new(A::NAME, Strategy::OneForOne);
    supervisor.intensity = options.intensity;
    for (shard, mailbox) in mailboxes.iter().enumerate() {
        let (ward, counters) = (context.ward.clone(), counters.clone());
        let context = ShardContext {
            place: Place::default(),
            ..context.clone()
        };
        let waking = idle.clone().map(|idle| Waking { idle, shard });
        #[cfg(feature = "planted-bugs")]
        let (inbox, lives) = (mailbox.clone(), std::sync::atomic::AtomicU64::new(0));
        supervisor = supervisor.with_child(worker_child(
            shard.to_string(),
            mailbox.clone(),
            WorkerOptions {
                attempts_max: options.attempts_max,
                handle_max: options.command_max,
                ready_max: options.ready_max,
            },
            move || {
                let counters = context.counters.clone();
                let entities = Entities::bounded(limits, cadence, waking.clone(), counters);
                #[cfg(feature = "planted-bugs")]
                let waiting = match lives.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                    0 => 0,
                    _ => inbox.len(),
                };
                Ok(Shard::new(
                    context.clone(),
                    shard,
                    entities,
                    #[cfg(feature = "planted-bugs")]
                    waiting,
                ))
            },
            move |envelope, attempts, panic| ward.take(&counters, envelope, attempts, panic),
        ));
    }
    let service = Arc::new(Service::new(context, mailboxes));
    if let Some(idle) = idle {
        assembly.idle.push((service.clone(), idle));
    }
    assembly.services.add(service);
    supervisor
}
