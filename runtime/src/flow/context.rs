//! What a flow's function runs in: an instance on its way, and its log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use mercato_persistence::Position;
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Span;

use super::engine::Engine;
use super::events::{FlowEvent, StepNoted};
use super::log::FlowLog;
use super::losers::Losers;
use super::remember::Replies;
use super::scope::Scope;
use super::waiting::Waiting;
use crate::clock::Timestamp;
use crate::codec;
use crate::core::Core;
use crate::envelope::Call;
use crate::error::AskFailure;
use crate::ids::FlowId;
use crate::principal::Principal;
use crate::telemetry::TraceContext;

/// How long one step, or one attempt at a port, may take.
const STEP_BUDGET: Duration = Duration::from_secs(10);
/// The deadline of what has none.
pub(super) const FOREVER: Timestamp = Timestamp::from_millis(u64::MAX);

/// A running instance of a flow. Cheap to clone.
///
/// Every step has a name, unique within the flow. The function must reach the same steps when it
/// is run again: whatever it branches on comes from a step. It waits for nothing but steps, since
/// anything else is lost with the run, be it cut off by a crash or parked in a sleep.
#[derive(Clone)]
pub struct Flow {
    pub(super) inner: Arc<Inner>,
    /// The branch that this handle stands for.
    pub(super) scope: Arc<Scope>,
}

pub(super) struct Inner {
    pub(super) engine: Arc<Engine>,
    pub(super) id: FlowId,
    /// What ids and keys of steps derive from: the id, and how often the flow began anew.
    pub(super) key: FlowId,
    pub(super) name: Box<str>,
    version: u16,
    /// How often it began anew from the work list.
    attempt: u32,
    /// Whether a run before this one may have asked a port for something, and learnt no answer.
    pub(super) may_have_acted: bool,
    pub(super) depth: u16,
    pub(super) principal: Principal,
    pub(super) deadline: Option<Timestamp>,
    /// The epoch of the journal that this run began in. Another run begins where it is over.
    epoch: u64,
    /// The trace as it is seen from within this run.
    trace: TraceContext,
    pub(super) span: Span,
    log: Mutex<FlowLog>,
    steps: Mutex<BTreeSet<Box<str>>>,
    pub(super) replies: Replies,
    /// What the flow waits for, by step.
    pub(super) waiting: Mutex<BTreeMap<Box<str>, Waiting>>,
    /// The branches that do not count and have not come to their end.
    pub(super) losers: Losers,
    /// What the flow has learnt depends on the journal up to here.
    seen: AtomicU64,
    interrupted: AtomicBool,
    /// A port did not answer.
    #[cfg(feature = "planted-bugs")]
    pub(super) unanswered: AtomicBool,
    /// Why the log took an event no more: the journal is behind.
    stalled: Mutex<Option<AskFailure>>,
}

impl Flow {
    pub(super) fn new(
        engine: Arc<Engine>,
        name: &str,
        id: &str,
        log: FlowLog,
        is_first_run: bool,
    ) -> Self {
        let state = &log.state;
        let (principal, deadline) = match &state.started {
            Some(started) => (started.principal.clone(), started.deadline),
            None => (Principal::System, None),
        };
        let id = FlowId::new(id);
        // What started before there were traces begins one of its own.
        let begun = || TraceContext::begun_by(id.step(name, ""));
        let trace = log.trace.map_or_else(begun, TraceContext::from);
        let traced = engine.core.telemetry.spans.flow(trace, name);
        let scope = Scope::whole();
        if state.cancel.is_some() {
            scope.stop();
        }
        Self {
            scope,
            inner: Arc::new(Inner {
                engine,
                trace: traced.context,
                span: traced.span,
                key: match state.attempt {
                    0 => id.clone(),
                    attempt => FlowId::new(format!("{id}~{attempt}")),
                },
                id,
                name: name.into(),
                version: state.version,
                attempt: state.attempt,
                may_have_acted: !is_first_run,
                depth: state.parent.as_ref().map_or(0, |parent| parent.depth),
                principal,
                deadline,
                epoch: log.epoch,
                seen: AtomicU64::new(log.position.get()),
                log: Mutex::new(log),
                steps: Mutex::default(),
                replies: Replies::default(),
                waiting: Mutex::default(),
                losers: Losers::default(),
                interrupted: AtomicBool::new(false),
                #[cfg(feature = "planted-bugs")]
                unanswered: AtomicBool::new(false),
                stalled: Mutex::default(),
            }),
        }
    }

    /// The instance's id.
    #[must_use]
    pub fn id(&self) -> &FlowId {
        &self.inner.id
    }

    /// The version that the instance runs as: the one that it began as, unless it was
    /// [migrated](crate::RuntimeBuilder::flow_migration). It never changes on the way, so a function
    /// that is registered as several versions may branch on it.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.inner.version
    }

    /// How often it began anew from the work list, where an operator had it
    /// [tried again](crate::Flows::retry). What it asked of ports before may have happened, though its
    /// keys are new: the port is asked first.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.inner.attempt
    }

    /// When its [budget](crate::FlowType::within) is used up but for what is kept for undoing, where
    /// it has one. What is left of it is told by a noted [time](Self::now).
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.inner.deadline
    }

    /// On whose behalf it was started.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.inner.principal
    }

    /// The trace that it belongs to.
    #[must_use]
    pub fn trace(&self) -> TraceContext {
        self.inner.trace
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.inner.engine.core
    }

    pub(super) fn epoch(&self) -> u64 {
        self.inner.epoch
    }

    /// Whether the runtime went away under the flow, or what it knows was taken back. Whatever the
    /// function returned then does not count; it is run again.
    pub(super) fn is_interrupted(&self) -> bool {
        let interrupted = self.inner.interrupted.load(Ordering::Acquire);
        interrupted || self.core().journal.epoch() != self.inner.epoch
    }

    /// Why the log could not be written, where the journal is behind. The function may have learnt
    /// of that, and it must not: it is run again.
    pub(super) fn stalled(&self) -> Option<AskFailure> {
        self.inner.stalled.lock().clone()
    }

    /// Notes a failure that is the runtime's own end.
    pub(super) fn heed(&self, failure: &AskFailure) {
        if failure.is_interruption() {
            self.inner.interrupted.store(true, Ordering::Release);
        }
    }

    /// Runs `act` on the log, which nobody else writes to meanwhile.
    pub(super) fn with_log<T>(&self, act: impl FnOnce(&mut FlowLog) -> T) -> T {
        let mut log = self.inner.log.lock();
        let result = act(&mut log);
        self.saw(log.position);
        result
    }

    pub(super) fn record(&self, event: impl Into<FlowEvent>) -> Result<(), AskFailure> {
        let core = self.core();
        let recorded = self.with_log(|log| log.record(&*core.journal, core.clock.now(), event));
        recorded.inspect_err(|failure| self.heed_the_log(failure))
    }

    /// Notes that the log could not be written.
    pub(super) fn heed_the_log(&self, failure: &AskFailure) {
        self.heed(failure);
        if failure.is_transient() {
            self.inner.stalled.lock().get_or_insert(failure.clone());
        }
    }

    /// Waits until everything that the flow knows is durable.
    pub(super) async fn settle(&self) -> Result<(), AskFailure> {
        let inner = &self.inner;
        let seen = Position::new(inner.seen.load(Ordering::Acquire));
        let journal = &self.core().journal;
        let durable = journal.until_durable_in(inner.epoch, seen).await;
        durable
            .map_err(AskFailure::read_only)
            .inspect_err(|failure| self.heed(failure))
    }

    pub(super) fn saw(&self, depends_on: Position) {
        let seen = &self.inner.seen;
        seen.fetch_max(depends_on.get(), Ordering::AcqRel);
    }

    /// The call of a step. An undo has time of its own, however late the flow is.
    pub(super) fn call_of_undo(&self, step: &str) -> Call {
        let inner = &self.inner;
        let id = inner.key.step(&inner.name, step);
        Call {
            id,
            epoch: inner.epoch,
            deadline: self.core().clock.now().plus(STEP_BUDGET),
            principal: Principal::System,
            causation: Some(inner.id.step(&inner.name, "")),
            trace: inner.trace,
            timer: None,
        }
    }

    pub(super) fn call(&self, step: &str) -> Result<Call, AskFailure> {
        let inner = &self.inner;
        let mut call = self.call_of_undo(step);
        call.principal = inner.principal.clone();
        // A step that was taken before a crash has its reply, however late it is now.
        if !self.core().journal.knows(call.id.as_uuid()) {
            self.in_time()?;
            call.deadline = inner
                .deadline
                .map_or(call.deadline, |d| d.min(call.deadline));
        }
        Ok(call)
    }

    /// Until when a step may be tried: a step that was taken has its reply at any time.
    pub(super) fn deadline_of(&self, call: &Call) -> Timestamp {
        let taken = self.core().journal.knows(call.id.as_uuid());
        let deadline = self.inner.deadline.filter(|_| !taken);
        deadline.unwrap_or(FOREVER)
    }

    /// Whether a step that was not taken yet may still be.
    pub(super) fn in_time(&self) -> Result<(), AskFailure> {
        let now = self.core().clock.now();
        match self.inner.deadline {
            Some(deadline) if now >= deadline => Err(AskFailure::DeadlineExceeded),
            _ => Ok(()),
        }
    }

    /// Whether it may take a further step.
    pub(super) fn may_go_on(&self) -> Result<(), AskFailure> {
        if self.is_interrupted() {
            return Err(AskFailure::Stopped);
        }
        if self.scope.is_stopped() {
            return Err(AskFailure::Cancelled);
        }
        Ok(())
    }

    /// Begins a step, and gives its complete name.
    pub(super) fn begin(&self, step: &str) -> Result<Box<str>, AskFailure> {
        self.may_go_on()?;
        let step = self.scope.name(step)?;
        if self.inner.steps.lock().insert(step.clone()) {
            Ok(step)
        } else {
            Err(AskFailure::invalid(format_args!(
                "flow `{}` has two steps named `{step}`; give each step a name of its own",
                self.inner.name
            )))
        }
    }

    pub(super) fn noted<T: DeserializeOwned>(&self, step: &str) -> Result<Option<T>, AskFailure> {
        let log = self.inner.log.lock();
        let noted = log.state.notes.get(step).map(|bytes| codec::decode(bytes));
        noted.transpose().map_err(AskFailure::storage)
    }

    pub(super) fn write_note<T: Serialize>(&self, step: &str, value: &T) -> Result<(), AskFailure> {
        let value = codec::encode(value).map_err(AskFailure::invalid)?;
        let step = step.into();
        self.record(StepNoted { step, value })
    }
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flow({}/{})", self.inner.name, self.inner.id)
    }
}
