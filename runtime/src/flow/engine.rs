//! The engine under the orchestrator: one task for each flow that is on its way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use super::activity::Activities;
use super::definition::Definitions;
use super::history::FlowHistory;
use super::log::{FlowLog, stream_of_flow};
use super::options::FlowOptions;
use super::retry::STEP;
use super::running::{End, Ended, Joined, Running};
use super::start::Start;
use crate::clock::Timestamp;
use crate::core::Core;
use crate::error::AskFailure;
use crate::stats::FlowCounters;
use crate::telemetry::TraceContext;
use crate::timer::Bell;

/// The flows of one runtime, and those of them that are on their way.
pub(super) struct Engine {
    pub(super) core: Arc<Core>,
    pub(super) definitions: Definitions,
    pub(super) activities: Arc<Activities>,
    pub(super) options: FlowOptions,
    /// No flow goes on here: what is asked of one is recorded, and left to the next start.
    pub(super) at_rest: bool,
    places: Arc<Semaphore>,
    pub(super) running: DashMap<Arc<str>, Arc<Running>>,
    /// Flows that keep nothing in memory but this, until a timer wakes them.
    pub(super) parked: Mutex<BTreeSet<Arc<str>>>,
    /// Why flows cannot go on, until they are tried again.
    pub(super) stuck: Mutex<BTreeMap<Arc<str>, AskFailure>>,
    /// Rung when a flow has set its timer.
    pub(super) bell: Arc<Bell>,
    pub(super) stopping: watch::Sender<bool>,
    /// Told when a flow's task has let go.
    pub(super) let_go: Notify,
    pub(super) counters: FlowCounters,
}

impl Engine {
    pub(super) fn new(
        core: Arc<Core>,
        definitions: Definitions,
        activities: Activities,
        options: FlowOptions,
        bell: Arc<Bell>,
    ) -> Self {
        Self {
            core,
            definitions,
            activities: Arc::new(activities),
            places: Arc::new(Semaphore::new(options.in_flight_max.get())),
            options,
            at_rest: false,
            running: DashMap::new(),
            parked: Mutex::default(),
            stuck: Mutex::default(),
            bell,
            stopping: watch::Sender::new(false),
            let_go: Notify::new(),
            counters: FlowCounters::default(),
        }
    }

    /// Over flows that stay where they are.
    pub(super) fn at_rest(core: Arc<Core>, definitions: Definitions) -> Self {
        let (activities, options) = (Activities::default(), FlowOptions::default());
        Self {
            at_rest: true,
            ..Self::new(core, definitions, activities, options, Arc::default())
        }
    }

    /// Whether a flow that has not ended, and that nobody is at, only waits for the next start.
    pub(super) fn rests(&self, name: &str, state: &FlowHistory) -> bool {
        self.at_rest && self.why_missing(name, state).is_none()
    }

    /// Starts a flow where it has not been started, and gives the way to learn its end.
    pub(super) fn join(
        self: &Arc<Self>,
        start: Start,
        trace: TraceContext,
    ) -> Result<Joined, AskFailure> {
        if *self.stopping.borrow() {
            return Err(AskFailure::Stopped);
        }
        if self.definitions.get(start.flow, start.version).is_none() {
            return Err(self.definitions.missing(start.flow, start.version));
        }
        refuse_users(&start)?;
        let stream = stream_of_flow(start.flow, start.id.as_str());
        // The entry is held while the log is read, so that of two starts only one records.
        let entry = self.running.entry(stream.clone());
        let running = match &entry {
            Entry::Occupied(entry) => Some(entry.get().clone()),
            Entry::Vacant(_) => None,
        };
        let run = running.as_ref().map(|running| running.current.lock());
        let mut log = FlowLog::load(&*self.core.journal, &stream)?;
        if run.as_ref().is_none_or(|run| run.is_none()) {
            // No run has read it yet, and whoever asks may mean the version that it is moved to.
            self.migrate(start.flow, &mut log)?;
        }
        // What has started goes on in the trace in which it did.
        log.trace = log.trace.or(Some(trace.into()));
        self.same_start(&log, &start)?;
        let is_over = log.state.outstanding().is_empty();
        if let Some(outcome) = log.state.ended.take_if(|_| is_over) {
            return Ok(Joined::ended(&log, outcome));
        }
        match entry {
            Entry::Occupied(entry) => {
                let running = entry.get().clone();
                if log.state.started.is_none() {
                    // The disk failed, and the start was taken back. Its task runs the flow again, by
                    // this new start, unless it is about to let go.
                    if let Some(Err(unended)) = &*running.end.borrow()
                        && unended.until >= log.epoch
                    {
                        return Err(unended.failure.clone());
                    }
                    self.record_start(&mut log, start)?;
                }
                // Before it is asked whether the flow is parked: whoever parks it asks in the other
                // order, so that one of the two sees the other.
                let joined = Joined::to(&running, &log);
                if self.parked.lock().contains(&stream) {
                    // Its task is about to let go.
                    running.go_on();
                }
                Ok(joined)
            }
            Entry::Vacant(entry) => {
                // A child runs in the place of the flow that waits for it.
                let place = match start.parent.is_some() {
                    true => Place::None,
                    false => Place::Taken(self.place()?),
                };
                let running = if log.state.started.is_none() {
                    self.record_start(&mut log, start)?;
                    Running::first()
                } else {
                    log.clear_wake(&*self.core.journal, self.core.clock.now())?;
                    self.parked.lock().remove(&stream);
                    self.counters.resumed.add();
                    Running::again()
                };
                entry.insert(running.clone());
                let joined = Joined::to(&running, &log);
                self.spawn(stream, running, place);
                Ok(joined)
            }
        }
    }

    /// Why a flow that has not ended cannot go on here, where its function is needed for that and
    /// not registered.
    pub(super) fn why_missing(&self, name: &str, state: &FlowHistory) -> Option<AskFailure> {
        let version = state.version;
        let can_go_on = state.failing.is_some() && state.ended.is_none()
            || state.cancel.is_some()
            || self.definitions.get(name, version).is_some()
            || self.definitions.migration(name, version).is_some();
        (!can_go_on).then(|| self.definitions.missing(name, version))
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, AskFailure> {
        let place = self.places.clone().try_acquire_owned();
        place.map_err(|_| AskFailure::Overloaded {
            retry_after: STEP.initial,
        })
    }

    fn record_start(&self, log: &mut FlowLog, start: Start) -> Result<(), AskFailure> {
        let now = self.core.clock.now();
        log.append(&*self.core.journal, now, start.into_events(now), Vec::new())?;
        self.counters.started.add();
        Ok(())
    }

    /// Whether a flow that was started before is the one that is asked for. A user joins no flow of
    /// anybody else's, whatever they know of it.
    fn same_start(&self, log: &FlowLog, start: &Start) -> Result<(), AskFailure> {
        if let (Some(user), Some(started)) = (start.principal.as_user(), &log.state.started)
            && started.principal.as_user() != Some(user)
        {
            return Err(AskFailure::IdReused);
        }
        let version = log.state.version;
        let Some(input_hash) = log.state.input_hash(start.version) else {
            return Ok(());
        };
        if version != start.version {
            // Whoever only sees to it that it is started has nothing to read.
            let Some(result) = start.result else {
                return Ok(());
            };
            let Some(definition) = self.definitions.get(start.flow, version) else {
                return Err(self.definitions.missing(start.flow, version));
            };
            if definition.result() != result {
                return Err(AskFailure::invalid(format_args!(
                    "`{}/{}` is of version {version}, whose result has another type than that of \
                     version {}; ask with the `FlowType` of its own version",
                    start.flow, start.id, start.version
                )));
            }
        }
        match input_hash == start.input_hash() {
            true => Ok(()),
            false => Err(AskFailure::IdReused),
        }
    }

    /// Waits for the end of a flow.
    pub(super) async fn await_end(
        &self,
        mut joined: Joined,
        deadline: Timestamp,
    ) -> Result<Ended, AskFailure> {
        // An end of an epoch before may have been taken back; the flow's task has yet to see it.
        let counts = |end: &End| match end {
            None => false,
            Some(Ok(ended)) => ended.epoch >= joined.epoch,
            Some(Err(unended)) => unended.until >= joined.epoch,
        };
        let ended = joined.end.wait_for(counts);
        match tokio::time::timeout_at(self.core.clock.instant_of(deadline), ended).await {
            Ok(Ok(end)) => match &*end {
                Some(Ok(ended)) => Ok(ended.clone()),
                Some(Err(unended)) => Err(unended.failure.clone()),
                None => Err(AskFailure::Stopped),
            },
            // The flow's task is gone without an end: the runtime is stopping.
            Ok(Err(_)) => Err(AskFailure::Stopped),
            Err(_) => Err(AskFailure::DeadlineExceeded),
        }
    }

    /// Runs a flow in a task of its own.
    pub(super) fn spawn(self: &Arc<Self>, stream: Arc<str>, running: Arc<Running>, place: Place) {
        // Made here: a task that tokio drops unpolled has to let go too.
        let attendance = Attendance {
            engine: self.clone(),
            stream,
            running,
        };
        tokio::spawn(async move {
            let Attendance {
                engine: inner,
                stream,
                running,
            } = &attendance;
            let mut stopping = inner.stopping.subscribe();
            let run = async {
                let _place = match place {
                    Place::Taken(place) => Some(place),
                    Place::Awaited => inner.places.clone().acquire_owned().await.ok(),
                    Place::None => None,
                };
                loop {
                    inner.drive(stream, running).await;
                    // Where the flow was started anew meanwhile, that is another one's.
                    let is_own = |it: &Arc<Running>| Arc::ptr_eq(it, running);
                    let goes_on = inner.running.get(stream).is_some_and(|it| is_own(&it));
                    let gone = inner
                        .running
                        .remove_if(stream, |_, it| is_own(it) && !running.takes_again());
                    if gone.is_some() || !goes_on {
                        break;
                    }
                }
            };
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => {}
                () = run => {}
            }
        });
    }
}

/// Refuses users what is not theirs to start.
fn refuse_users(start: &Start) -> Result<(), AskFailure> {
    if start.by_the_service && start.parent.is_none() && start.principal.as_user().is_some() {
        return Err(AskFailure::invalid(format_args!(
            "`{}` is started by those who run the service, and by no user; ask them",
            start.flow
        )));
    }
    Ok(())
}

/// A task at a flow. However it goes, be it that its tokio runtime is dropped around it, the flow is
/// let go of: its run, which ends with this, holds the engine, and with it the journal and its file.
struct Attendance {
    engine: Arc<Engine>,
    stream: Arc<str>,
    running: Arc<Running>,
}

impl Drop for Attendance {
    fn drop(&mut self) {
        let Self {
            engine,
            stream,
            running,
        } = self;
        engine
            .running
            .remove_if(stream, |_, it| Arc::ptr_eq(it, running));
        engine.let_go.notify_waiters();
    }
}

/// A flow's place among those that may be on their way.
pub(super) enum Place {
    /// It has its place already.
    Taken(OwnedSemaphorePermit),
    /// It goes on after a start, or after a sleep, and waits for its place.
    Awaited,
    /// It runs in the place of another one.
    None,
}
