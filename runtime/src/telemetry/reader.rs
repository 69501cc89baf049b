//! Reads everything that is counted anywhere in a runtime, when it is asked for.
//!
//! Nothing is counted twice: the parts of a runtime count for themselves, and this is where their
//! counts become metrics.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use mercato_persistence::{Distribution, Position};
use mercato_supervisor::RootState;
use tokio::sync::watch;

use super::alarm::AlarmBoard;
use super::family::{self, Family};
use super::snapshot::{FamilySamples, Metrics, Sample, SampleValue};
use crate::bus::{Bus, SubscriberStats};
use crate::clock::Timestamp;
use crate::core::Core;
use crate::flow::Orchestrator;
use crate::policy::{BreakerState, PolicyStats};
use crate::service::AnyService;
use crate::timer::TimerCounters;
use crate::trigger::Triggers;

/// Reads the metrics of one runtime. Cheap to clone; it outlives the runtime, and then reads what
/// was last.
#[derive(Clone)]
pub struct MetricsReader {
    pub(super) sources: Arc<Sources>,
}

/// Where the counts are.
pub(crate) struct Sources {
    pub(crate) core: Arc<Core>,
    pub(crate) orchestrator: Orchestrator,
    pub(crate) tree: watch::Receiver<RootState>,
    pub(crate) bus: Bus,
    pub(crate) triggers: Triggers,
    pub(crate) timer_counters: Arc<TimerCounters>,
    pub(crate) alarms: Arc<AlarmBoard>,
    pub(crate) own: OwnMetrics,
    pub(crate) since: Timestamp,
}

/// Those of the host and of its agents: the runtime knows nothing of what they count.
#[derive(Default)]
pub(crate) struct OwnMetrics(pub(crate) Vec<Box<dyn Fn() -> Vec<FamilySamples> + Send + Sync>>);

impl MetricsReader {
    pub(crate) fn of(sources: Sources) -> Self {
        let sources = Arc::new(sources);
        Self { sources }
    }

    /// All metrics, as they are now, and behind the runtime's those that were
    /// [added](crate::RuntimeBuilder::metrics).
    #[must_use]
    pub fn read(&self) -> Metrics {
        let mut metrics = self.read_some(None);
        let own = self.sources.own.0.iter().flat_map(|read| read());
        metrics.families.extend(own);
        metrics
    }

    /// Those of these names alone.
    pub(crate) fn read_only(&self, wanted: &BTreeSet<&'static str>) -> Metrics {
        self.read_some(Some(wanted))
    }

    fn read_some(&self, wanted: Option<&BTreeSet<&'static str>>) -> Metrics {
        let sources = &*self.sources;
        let mut page = Page {
            wanted,
            families: Vec::new(),
        };
        page.agents(sources);
        page.journal(sources);
        page.flows(sources);
        page.calls(sources);
        page.caches(sources);
        page.events(sources);
        page.alarms(sources);
        // The table says the order, and not the way in which they were read.
        page.families.sort_by_key(|it| place_of(it.family));
        Metrics {
            at: sources.core.clock.now(),
            since: sources.since,
            families: page.families,
        }
    }
}

fn place_of(family: &Family) -> usize {
    let mut all = family::FAMILIES.iter();
    all.position(|known| known.name == family.name)
        .unwrap_or(usize::MAX)
}

impl std::fmt::Debug for MetricsReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetricsReader").finish_non_exhaustive()
    }
}

/// What was read so far.
struct Page<'a> {
    wanted: Option<&'a BTreeSet<&'static str>>,
    families: Vec<FamilySamples>,
}

type Label = Cow<'static, str>;

fn named(name: &'static str) -> Label {
    Cow::Borrowed(name)
}

impl Page<'_> {
    fn wants(&self, family: &'static Family) -> bool {
        self.wanted.is_none_or(|names| names.contains(family.name))
    }

    fn any(&self, families: &[&'static Family]) -> bool {
        families.iter().any(|family| self.wants(family))
    }

    fn add(&mut self, family: &'static Family, labels: Vec<Label>, value: SampleValue) {
        debug_assert_eq!(family.labels.len(), labels.len(), "{}", family.name);
        if !self.wants(family) {
            return;
        }
        let sample = Sample { labels, value };
        match self.families.iter_mut().find(|it| it.family == family) {
            Some(found) => found.samples.push(sample),
            None => self.families.push(FamilySamples {
                family,
                samples: vec![sample],
            }),
        }
    }

    fn count(&mut self, family: &'static Family, labels: Vec<Label>, count: u64) {
        self.add(family, labels, SampleValue::Counter(count));
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "numbers of things, far below 2^52"
    )]
    fn level(&mut self, family: &'static Family, labels: Vec<Label>, level: u64) {
        self.add(family, labels, SampleValue::Gauge(level as f64));
    }

    fn timed(&mut self, family: &'static Family, labels: Vec<Label>, times: Distribution) {
        self.add(family, labels, SampleValue::Histogram(times));
    }

    /// One of several states: 1 for the one that it is in.
    fn state(&mut self, family: &'static Family, of: &[Label], all: &[&'static str], is: &str) {
        for state in all {
            let labels = of.iter().cloned().chain([named(state)]).collect();
            self.level(family, labels, u64::from(*state == is));
        }
    }

    fn agents(&mut self, sources: &Sources) {
        for service in sources.core.services.each() {
            self.agent(&**service);
        }
        let state = match &*sources.tree.borrow() {
            RootState::Running => "running",
            RootState::Degraded { .. } => "degraded",
            RootState::Down { .. } => "down",
            RootState::Stopped => "stopped",
        };
        let all = ["running", "degraded", "down", "stopped"];
        self.state(family::TREE_STATE, &[], &all, state);
    }

    fn agent(&mut self, service: &dyn AnyService) {
        let agent = || named(service.name());
        if self.wants(family::AGENT_RESPONSE) {
            for (command, outcome, times) in service.responses().read() {
                let labels = vec![agent(), command.into_string().into(), named(outcome.name())];
                self.timed(family::AGENT_RESPONSE, labels, times);
            }
        }
        let stats = service.stats();
        for (outcome, count) in [
            ("handled", stats.handled),
            ("refused", stats.rejected),
            ("repeated", stats.repeated),
            ("failed", stats.failed),
            ("shed", stats.shed),
            ("abandoned", stats.abandoned),
            ("quarantined", stats.quarantined),
        ] {
            self.count(family::COMMANDS, vec![agent(), named(outcome)], count);
        }
        self.count(family::SHARD_RESTARTS, vec![agent()], stats.restarts);
        self.level(family::ENTITIES_ACTIVE, vec![agent()], stats.active);
        self.level(family::ENTITIES_BYTES, vec![agent()], stats.active_bytes);
        self.count(family::ENTITIES_PASSIVATED, vec![agent()], stats.passivated);
        self.count(
            family::ENTITIES_REACTIVATED,
            vec![agent()],
            stats.reactivated,
        );
        if self.wants(family::QUARANTINE_SIZE)
            && let Some(size) = service.ward().size()
        {
            self.level(family::QUARANTINE_SIZE, vec![agent()], size as u64);
        }
        for (shard, depth) in service.depths().into_iter().enumerate() {
            let labels = || vec![agent(), shard.to_string().into()];
            let waiting = depth.business + depth.control + depth.in_hand;
            self.level(family::MAILBOX_DEPTH, labels(), waiting as u64);
            self.level(family::MAILBOX_SENDERS, labels(), depth.senders as u64);
        }
        if self.wants(family::DEAD_LETTERS) {
            for (reason, count) in service.dead_letters() {
                self.count(family::DEAD_LETTERS, vec![agent(), named(reason)], count);
            }
        }
    }

    fn journal(&mut self, sources: &Sources) {
        let Core {
            journal, telemetry, ..
        } = &*sources.core;
        let meters = journal.meters();
        let lag = meters.appended.get().saturating_sub(meters.durable.get());
        self.level(family::DURABLE_LAG, vec![], lag);
        self.count(family::JOURNAL_RECORDS, vec![], meters.durable.get());
        self.timed(family::JOURNAL_COMMIT, vec![], meters.commit_time);
        self.timed(family::JOURNAL_BATCH, vec![], meters.commit_records);
        self.count(family::JOURNAL_BYTES, vec![], meters.bytes_committed);
        self.count(family::JOURNAL_FAILURES, vec![], meters.commits_failed);
        let read_only = u64::from(journal.failure().is_some());
        self.level(family::JOURNAL_READ_ONLY, vec![], read_only);
        let waited = telemetry.durable_wait.distribution();
        self.timed(family::DURABLE_WAIT, vec![], waited);
        let reads = &telemetry.store_reads;
        for (read, times) in [
            ("stream", &reads.stream),
            ("snapshot", &reads.snapshot),
            ("log", &reads.log),
        ] {
            let times = times.distribution();
            self.timed(family::STORE_READ, vec![named(read)], times);
        }
    }

    fn flows(&mut self, sources: &Sources) {
        let stats = sources.orchestrator.stats();
        for (event, count) in [
            ("started", stats.started),
            ("resumed", stats.resumed),
            ("completed", stats.completed),
            ("failed", stats.failed),
        ] {
            self.count(family::FLOWS, vec![named(event)], count);
        }
        for (outcome, count) in [("undone", stats.undone), ("given_up", stats.given_up)] {
            self.count(family::FLOW_UNDOS, vec![named(outcome)], count);
        }
        self.level(family::FLOWS_RUNNING, vec![], stats.in_flight as u64);
        if self.wants(family::FLOWS_WAITING) {
            let waiting = sources.orchestrator.waiting_for_people();
            self.level(family::FLOWS_WAITING, vec![], waiting as u64);
        }
        let telemetry = &sources.core.telemetry;
        for (family, timings) in [
            (family::FLOW_TIME, &telemetry.flows),
            (family::PORT_CALL, &telemetry.ports),
        ] {
            if !self.wants(family) {
                continue;
            }
            for (name, outcome, times) in timings.read() {
                let labels = vec![name.into_string().into(), named(outcome.name())];
                self.timed(family, labels, times);
            }
        }
    }

    fn calls(&mut self, sources: &Sources) {
        let families = [
            family::CALLS,
            family::CALL_ATTEMPTS,
            family::CALL_FAILURES,
            family::CALL_ERRORS,
            family::TOKENS_REFRESHED,
            family::CALL_FALLBACKS,
            family::CALL_RETRIES,
            family::CALL_QUEUE,
            family::BREAKER_STATE,
            family::BREAKER_OPENED,
            family::BREAKER_REFUSED,
        ];
        if self.any(&families) {
            for stats in sources.core.guards.stats() {
                self.dependency(&stats);
            }
        }
    }

    fn dependency(&mut self, stats: &PolicyStats) {
        let dependency: Label = stats.dependency.to_string().into();
        let of = |label: &'static str| vec![dependency.clone(), named(label)];
        let it = || vec![dependency.clone()];
        self.count(family::CALLS, it(), stats.calls);
        self.count(family::CALL_ATTEMPTS, it(), stats.attempts);
        for (kind, count) in stats.failures {
            self.count(family::CALL_FAILURES, of(kind.name()), count);
        }
        for (kind, count) in stats.errors {
            self.count(family::CALL_ERRORS, of(kind.name()), count);
        }
        self.count(family::TOKENS_REFRESHED, it(), stats.tokens_refreshed);
        for (fallback, count) in [
            ("alternative_service", stats.alternatives),
            ("cached_response", stats.stale),
            ("queue_request", stats.queue_turns),
            ("re_authenticate", stats.re_authenticated),
        ] {
            self.count(family::CALL_FALLBACKS, of(fallback), count);
        }
        self.count(family::CALL_RETRIES, of("yes"), stats.retries);
        self.count(family::CALL_RETRIES, of("no"), stats.retries_denied);
        self.level(family::CALL_QUEUE, it(), u64::from(stats.waiting));
        let until = Timestamp::from_millis(0);
        let all = [
            BreakerState::Closed.name(),
            BreakerState::HalfOpen.name(),
            BreakerState::Open { until }.name(),
        ];
        let state = stats.breaker.name();
        self.state(family::BREAKER_STATE, &it(), &all, state);
        self.count(family::BREAKER_OPENED, it(), stats.breaker_opened);
        self.count(family::BREAKER_REFUSED, it(), stats.breaker_refused);
    }

    fn caches(&mut self, sources: &Sources) {
        let Some(caches) = &sources.core.caches else {
            return;
        };
        for stats in caches.stats() {
            let of = |label: &'static str| vec![named(stats.cache), named(label)];
            self.count(family::CACHE_LOOKUPS, of("hit"), stats.hits);
            self.count(family::CACHE_LOOKUPS, of("miss"), stats.misses);
            let loaded = stats.loads.saturating_sub(stats.load_failures);
            self.count(family::CACHE_LOADS, of("loaded"), loaded);
            self.count(family::CACHE_LOADS, of("failed"), stats.load_failures);
            self.count(family::CACHE_LOADS, of("joined"), stats.joined);
            self.count(family::CACHE_LOADS, of("refused"), stats.refused);
            self.count(family::CACHE_LOADS, of("called_off"), stats.called_off);
            self.count(family::CACHE_FORGOTTEN, of("expired"), stats.expired);
            self.count(
                family::CACHE_FORGOTTEN,
                of("invalidated"),
                stats.invalidated,
            );
            self.count(family::CACHE_FORGOTTEN, of("evicted"), stats.evicted);
            self.count(family::CACHE_STALE, vec![named(stats.cache)], stats.stale);
            let it = || vec![named(stats.cache)];
            self.level(family::CACHE_ENTRIES, it(), stats.entries as u64);
            self.level(family::CACHE_BYTES, it(), stats.bytes);
        }
        for (cache, outcome, times) in caches.load_times() {
            let labels = vec![cache.into_string().into(), named(outcome.name())];
            self.timed(family::CACHE_LOAD, labels, times);
        }
    }

    fn events(&mut self, sources: &Sources) {
        let timers = sources.timer_counters.stats();
        for (outcome, count) in [
            ("fired", timers.fired),
            ("retried", timers.retried),
            ("dropped", timers.dropped),
        ] {
            self.count(family::TIMERS, vec![named(outcome)], count);
        }
        let triggers = &sources.triggers;
        let set_aside = triggers.set_aside_so_far();
        self.count(family::REACTIONS_SET_ASIDE, vec![], set_aside);
        let stopped = (triggers.stopped().len() + triggers.blocked().len()) as u64;
        self.level(family::TRIGGERS_STOPPED, vec![], stopped);
        let journal = &sources.core.journal;
        let behind = |cursor: Position| journal.durable().get().saturating_sub(cursor.get());
        for rule in triggers.each() {
            let lag = behind(journal.cursor(&rule.cursor_name()));
            self.level(family::TRIGGER_LAG, vec![named(rule.name())], lag);
            if self.wants(family::TRIGGER_LETTERS)
                && let Some(letters) = rule.letters()
            {
                let letters = letters as u64;
                self.level(family::TRIGGER_LETTERS, vec![named(rule.name())], letters);
            }
        }
        let stopped = sources.bus.stopped().len() as u64;
        self.level(family::SUBSCRIBERS_STOPPED, vec![], stopped);
        let families = [
            family::SUBSCRIBER_LAG,
            family::SUBSCRIBER_LAG_AGE,
            family::DELIVERIES,
            family::SUBSCRIBER_LETTERS,
        ];
        if self.any(&families) {
            for stats in sources.bus.attached_stats() {
                self.subscriber(&stats);
            }
        }
    }

    fn subscriber(&mut self, stats: &SubscriberStats) {
        let name: Label = stats.name.to_string().into();
        let it = || vec![name.clone()];
        let of = |label: &'static str| vec![name.clone(), named(label)];
        self.level(family::SUBSCRIBER_LAG, it(), stats.lag);
        let age = SampleValue::Gauge(stats.lag_age.as_secs_f64());
        self.add(family::SUBSCRIBER_LAG_AGE, it(), age);
        self.count(family::DELIVERIES, of("delivered"), stats.delivered);
        self.count(family::DELIVERIES, of("retried"), stats.retried);
        self.count(family::DELIVERIES, of("set_aside"), stats.dead_lettered);
        let letters = stats.dead_letters as u64;
        self.level(family::SUBSCRIBER_LETTERS, it(), letters);
    }

    fn alarms(&mut self, sources: &Sources) {
        for (alarm, is_raised, raised) in sources.alarms.read() {
            let it = || vec![Cow::Owned(alarm.to_string())];
            self.level(family::ALARM_RAISED, it(), u64::from(is_raised));
            self.count(family::ALARMS_RAISED, it(), raised);
        }
    }
}
