//! What a flow's function runs in.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use mercato_persistence::Position;
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{Instrument, Span};

use super::activity::{Activities, Activity, ActivityError, ActivityErrorKind};
use super::error::FlowError;
use super::events::{FlowEvent, StepNoted, Undo, UndoRegistered};
use super::log::FlowLog;
use super::perform::{Performance, of_port};
use crate::agent::{Agent, Command, Kind, Rejection};
use crate::clock::Timestamp;
use crate::codec;
use crate::core::{Core, Whole};
use crate::envelope::Call;
use crate::error::{AskError, AskFailure};
use crate::ids::FlowId;
use crate::policy::{Answer, CallError, Dependency, Repeat, Request};
use crate::principal::Principal;
use crate::service::Admission;
use crate::telemetry::{Outcome, TraceContext, port_span_of};

/// How long one step, or one attempt at a port, may take.
const STEP_BUDGET: Duration = Duration::from_secs(10);
/// The deadline of what has none.
pub(super) const FOREVER: Timestamp = Timestamp::from_millis(u64::MAX);

/// A running instance of a flow. Cheap to clone.
///
/// Every step has a name, unique within the flow. The function must reach the same steps when it
/// is run again: whatever it branches on comes from a step.
#[derive(Clone)]
pub struct Flow {
    inner: Arc<Inner>,
}

struct Inner {
    core: Arc<Core>,
    activities: Arc<Activities>,
    id: FlowId,
    name: Box<str>,
    principal: Principal,
    deadline: Option<Timestamp>,
    /// The epoch of the journal that this run began in. Another run begins where it is over.
    epoch: u64,
    /// The trace as it is seen from within this run.
    trace: TraceContext,
    span: Span,
    log: Mutex<FlowLog>,
    steps: Mutex<BTreeSet<Box<str>>>,
    /// What the flow has learnt depends on the journal up to here.
    seen: AtomicU64,
    interrupted: AtomicBool,
}

impl Flow {
    pub(crate) fn new(
        core: Arc<Core>,
        activities: Arc<Activities>,
        name: &str,
        id: FlowId,
        log: FlowLog,
    ) -> Self {
        let (principal, deadline) = match &log.started {
            Some(started) => (started.principal.clone(), started.deadline),
            None => (Principal::System, None),
        };
        // What started before there were traces begins one of its own.
        let begun = || TraceContext::begun_by(id.step(name, ""));
        let trace = log.trace.map_or_else(begun, TraceContext::from);
        let traced = core.telemetry.spans.flow(trace, name);
        Self {
            inner: Arc::new(Inner {
                trace: traced.context,
                span: traced.span,
                core,
                activities,
                id,
                name: name.into(),
                principal,
                deadline,
                epoch: log.epoch,
                seen: AtomicU64::new(log.position.get()),
                log: Mutex::new(log),
                steps: Mutex::default(),
                interrupted: AtomicBool::new(false),
            }),
        }
    }

    /// The instance's id.
    #[must_use]
    pub fn id(&self) -> &FlowId {
        &self.inner.id
    }

    /// When its [budget](crate::FlowType::within) is used up, where it has one. What is left of it
    /// is told by a noted [time](Self::now).
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.inner.deadline
    }

    /// On whose behalf it was started.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.inner.principal
    }

    /// Asks an agent, as the step `step`. What the runtime cannot serve is tried again, under the
    /// same command id.
    ///
    /// # Errors
    /// The agent's refusal, or why it could not be served in the end.
    pub async fn ask<C: Command>(
        &self,
        step: &str,
        command: C,
    ) -> Result<C::Reply, AskError<Rejection<C>>> {
        self.begin(step)?;
        if let Some(noted) = self.noted::<Result<C::Reply, Rejection<C>>>(step)? {
            return noted.map_err(AskError::Rejected);
        }
        let traced = self.inner.core.telemetry.spans.step(self.inner.trace, step);
        let answer = self.ask_patiently(step, &command, traced.context);
        let answer = answer.instrument(traced.span.clone()).await;
        traced.ended(Outcome::of_ask(&answer).name());
        match &answer {
            // An agent repeats a write's reply by itself; a read, and a refusal, may go
            // differently the second time, so they are noted.
            Ok(reply) if C::KIND == Kind::Read => {
                self.write_note(step, &Ok::<_, &Rejection<C>>(reply))?;
            }
            Ok(_) => {}
            Err(AskError::Rejected(rejection)) => {
                self.write_note(step, &Err::<&C::Reply, _>(rejection))?;
            }
            Err(AskError::Failed(failure)) => self.heed(failure),
        }
        answer
    }

    async fn ask_patiently<C: Command>(
        &self,
        step: &str,
        command: &C,
        trace: TraceContext,
    ) -> Result<C::Reply, AskError<Rejection<C>>> {
        let core = &self.inner.core;
        let guard = core.guards.of(Dependency::Agent(<C::Agent as Agent>::NAME));
        let deadline = self.deadline_of(&self.call(step)?);
        let asked = guard.call(Request::new(Repeat::Safe, deadline), |attempt| async move {
            let mut call = self.call(step)?;
            call.trace = trace;
            call.deadline = call.deadline.min(attempt.deadline);
            let (answer, depends_on) = core.ask(call, Admission::Wait, command.clone()).await;
            self.saw(depends_on);
            answer
        });
        let answer = Box::pin(asked).await;
        answer
            .map(Answer::into_value)
            .map_err(CallError::into_ask_error)
    }

    /// Asks the outside through a port, as the step `step`. Waits until everything that led here
    /// is durable. A transient failure is tried again under the same key; the outcome is noted, so
    /// that a second run of the flow does not act a second time.
    ///
    /// # Errors
    /// What the port answered in the end. [`ActivityErrorKind::Unknown`] means that it may have
    /// happened.
    pub async fn perform<I, O>(
        &self,
        step: &str,
        activity: Activity<I, O>,
        input: I,
    ) -> Result<O, ActivityError>
    where
        I: Serialize,
        O: DeserializeOwned,
    {
        let broken = |error: AskFailure| ActivityError::permanent("flow", error.to_string());
        self.begin(step).map_err(broken)?;
        let noted: Option<Result<Vec<u8>, ActivityError>> = self.noted(step).map_err(broken)?;
        let outcome = match noted {
            Some(outcome) => outcome,
            None => {
                self.in_time().map_err(broken)?;
                let input = codec::encode(&input)
                    .map_err(|error| ActivityError::permanent("codec", error.to_string()))?;
                let traced = self.inner.core.telemetry.spans.step(self.inner.trace, step);
                let until = self.inner.deadline.unwrap_or(FOREVER);
                let outcome =
                    self.perform_stored(step, activity.name, &input, until, traced.context);
                let outcome = outcome.instrument(traced.span).await?;
                self.write_note(step, &outcome).map_err(broken)?;
                outcome
            }
        };
        codec::decode(&outcome?).map_err(|error| {
            ActivityError::new(ActivityErrorKind::Unknown, "codec", error.to_string())
        })
    }

    /// Calls an activity until it succeeds, must not be tried again, or `until`. The outer error is an
    /// interruption: the port was not called, or what it said does not count.
    pub(crate) async fn perform_stored(
        &self,
        step: &str,
        name: &str,
        input: &[u8],
        until: Timestamp,
        trace: TraceContext,
    ) -> Result<Result<Vec<u8>, ActivityError>, ActivityError> {
        let inner = &self.inner;
        let interrupted =
            |failure: AskFailure| ActivityError::permanent("interrupted", failure.to_string());
        let elsewhere = format!("{step}#elsewhere");
        let span_id = port_span_of(inner.id.step(&inner.name, step));
        let traced = inner.core.telemetry.spans.port(trace, span_id, name);
        let performance = Performance {
            name,
            input,
            key: format!("{}/{}/{step}", inner.name, inner.id),
            vault: inner.core.journal.vault(),
            clock: inner.core.clock,
            trace: traced.context,
            timings: &inner.core.telemetry.ports,
            principal: inner.principal.clone(),
            whole: Whole::activity(&inner.name, &inner.id, step, name, until),
            elsewhere: self.noted::<()>(&elsewhere).map_err(interrupted)?.is_some(),
        };
        let performed = inner.activities.perform(
            &inner.core.guards,
            performance,
            || self.settle(),
            || self.write_note(&elsewhere, &()),
        );
        let performed = performed.instrument(traced.span.clone()).await;
        if let Ok(outcome) = &performed {
            traced.ended(of_port(outcome).name());
        }
        performed.map_err(interrupted)
    }

    /// Puts down a command that undoes the step `step`, before that step is taken. When the flow
    /// fails, undos run last-first, also after a crash; so the command must be harmless where the
    /// step never happened.
    ///
    /// # Errors
    /// Where the command is not registered with its agent, or the journal takes nothing more.
    pub async fn undo_command<C: Command>(&self, step: &str, command: C) -> Result<(), FlowError> {
        let agent = <C::Agent as Agent>::NAME;
        let known = self.inner.core.services.named(agent);
        if !known.is_some_and(|agent| agent.knows(C::NAME)) {
            return Err(FlowError::Broken(format!(
                "`{}` cannot be an undo: add it in `commands` of agent `{agent}`",
                C::NAME
            )));
        }
        self.put_down(
            step,
            Undo::Command {
                agent: agent.into(),
                name: C::NAME.into(),
                version: C::VERSION,
                body: codec::encode(&command)?,
            },
        )
    }

    /// Puts down a call to a port that undoes the step `step`, like
    /// [`undo_command`](Self::undo_command).
    ///
    /// # Errors
    /// Where the activity is not registered, or the journal takes nothing more.
    pub async fn undo_activity<I: Serialize, O>(
        &self,
        step: &str,
        activity: Activity<I, O>,
        input: I,
    ) -> Result<(), FlowError> {
        if !self.inner.activities.knows(activity.name) {
            return Err(FlowError::Broken(format!(
                "`{}` cannot be an undo: register it with `RuntimeBuilder::activity`",
                activity.name
            )));
        }
        self.put_down(
            step,
            Undo::Activity {
                name: activity.name.into(),
                input: codec::encode(&input)?,
            },
        )
    }

    /// A value that must be the same when the flow is run again.
    ///
    /// # Errors
    /// Where the journal takes nothing more, or the value has no stored form.
    pub async fn note<T>(&self, step: &str, make: impl FnOnce() -> T) -> Result<T, FlowError>
    where
        T: Serialize + DeserializeOwned,
    {
        self.begin(step)?;
        if let Some(noted) = self.noted(step)? {
            return Ok(noted);
        }
        self.in_time()?;
        let value = make();
        self.write_note(step, &value)?;
        Ok(value)
    }

    /// The time, noted.
    ///
    /// # Errors
    /// As [`note`](Self::note).
    pub async fn now(&self, step: &str) -> Result<Timestamp, FlowError> {
        self.note(step, || self.inner.core.clock.now()).await
    }

    /// Sleeps; a crash in between does not begin the sleep anew. Where the disk fails before the
    /// flow's way to this sleep is durable, it is run again at once.
    ///
    /// # Errors
    /// As [`note`](Self::note).
    pub async fn sleep(&self, step: &str, duration: Duration) -> Result<(), FlowError> {
        let clock = self.inner.core.clock;
        let until = self.note(step, || clock.now().plus(duration)).await?;
        let lost = async {
            match self.settle().await {
                Ok(()) => std::future::pending().await,
                Err(failure) => failure,
            }
        };
        tokio::select! {
            biased;
            () = clock.sleep_until(until) => Ok(()),
            failure = lost => Err(failure.into()),
        }
    }

    /// Whether the runtime went away under the flow, or what it knows was taken back. Whatever the
    /// function returned then does not count; it is run again.
    pub(crate) fn is_interrupted(&self) -> bool {
        let inner = &self.inner;
        inner.interrupted.load(Ordering::Acquire) || inner.core.journal.epoch() != inner.epoch
    }

    /// Notes a failure that is the runtime's own end.
    pub(crate) fn heed(&self, failure: &AskFailure) {
        if failure.is_interruption() {
            self.inner.interrupted.store(true, Ordering::Release);
        }
    }

    /// Runs `read` on the log.
    pub(crate) fn with_log<T>(&self, read: impl FnOnce(&FlowLog) -> T) -> T {
        read(&self.inner.log.lock())
    }

    pub(crate) fn record(&self, event: impl Into<FlowEvent>) -> Result<(), AskFailure> {
        let inner = &self.inner;
        let mut log = inner.log.lock();
        let recorded = log.record(&*inner.core.journal, inner.core.clock.now(), event);
        self.saw(log.position);
        drop(log);
        recorded.inspect_err(|failure| self.heed(failure))
    }

    /// Waits until everything that the flow knows is durable.
    async fn settle(&self) -> Result<(), AskFailure> {
        let seen = Position::new(self.inner.seen.load(Ordering::Acquire));
        let inner = &self.inner;
        let durable = inner.core.journal.until_durable_in(inner.epoch, seen).await;
        durable
            .map_err(AskFailure::read_only)
            .inspect_err(|failure| self.heed(failure))
    }

    /// The trace that it belongs to.
    #[must_use]
    pub fn trace(&self) -> TraceContext {
        self.inner.trace
    }

    pub(crate) fn span(&self) -> &Span {
        &self.inner.span
    }

    pub(crate) fn saw(&self, depends_on: Position) {
        self.inner
            .seen
            .fetch_max(depends_on.get(), Ordering::AcqRel);
    }

    /// The call of a step. An undo has time of its own, however late the flow is.
    pub(crate) fn call_of_undo(&self, step: &str) -> Call {
        let inner = &self.inner;
        let id = inner.id.step(&inner.name, step);
        Call {
            id,
            epoch: inner.epoch,
            deadline: inner.core.clock.now().plus(STEP_BUDGET),
            principal: Principal::System,
            causation: Some(inner.id.step(&inner.name, "")),
            trace: inner.trace,
            timer: None,
        }
    }

    fn call(&self, step: &str) -> Result<Call, AskFailure> {
        let inner = &self.inner;
        let mut call = self.call_of_undo(step);
        call.principal = inner.principal.clone();
        // A step that was taken before a crash has its reply, however late it is now.
        if !inner.core.journal.knows(call.id.as_uuid()) {
            self.in_time()?;
            call.deadline = inner
                .deadline
                .map_or(call.deadline, |d| d.min(call.deadline));
        }
        Ok(call)
    }

    /// Until when a step may be tried: a step that was taken has its reply at any time.
    fn deadline_of(&self, call: &Call) -> Timestamp {
        let taken = self.inner.core.journal.knows(call.id.as_uuid());
        let deadline = self.inner.deadline.filter(|_| !taken);
        deadline.unwrap_or(FOREVER)
    }

    /// Whether a step that was not taken yet may still be.
    fn in_time(&self) -> Result<(), AskFailure> {
        let now = self.inner.core.clock.now();
        match self.inner.deadline {
            Some(deadline) if now >= deadline => Err(AskFailure::DeadlineExceeded),
            _ => Ok(()),
        }
    }

    fn begin(&self, step: &str) -> Result<(), AskFailure> {
        if self.is_interrupted() {
            return Err(AskFailure::Stopped);
        }
        if self.inner.steps.lock().insert(step.into()) {
            Ok(())
        } else {
            Err(AskFailure::invalid(format_args!(
                "flow `{}` has two steps named `{step}`; give each step a name of its own",
                self.inner.name
            )))
        }
    }

    fn noted<T: DeserializeOwned>(&self, step: &str) -> Result<Option<T>, AskFailure> {
        let log = self.inner.log.lock();
        log.notes
            .get(step)
            .map(|bytes| codec::decode(bytes))
            .transpose()
            .map_err(AskFailure::storage)
    }

    fn write_note<T: Serialize>(&self, step: &str, value: &T) -> Result<(), AskFailure> {
        let value = codec::encode(value).map_err(AskFailure::invalid)?;
        let step = step.into();
        self.record(StepNoted { step, value })
    }

    fn put_down(&self, step: &str, undo: Undo) -> Result<(), FlowError> {
        if self.is_interrupted() {
            return Err(AskFailure::Stopped.into());
        }
        let known = self.with_log(|log| log.undos.iter().any(|(known, _)| **known == *step));
        if known {
            return Ok(());
        }
        let step = step.into();
        Ok(self.record(UndoRegistered { step, undo })?)
    }
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flow({}/{})", self.inner.name, self.inner.id)
    }
}
