//! The steps of a flow: asks, calls to ports, notes and sleeps.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use super::activity::{Activity, ActivityError, ActivityErrorKind};
use super::context::{FOREVER, Flow};
use super::error::FlowError;
use super::history::PIVOT;
use super::perform::{Performance, of_port};
use super::waiting::StepKind;
use crate::agent::{Agent, Command, Kind, Rejection};
use crate::clock::Timestamp;
use crate::codec;
use crate::core::Whole;
use crate::error::{AskError, AskFailure};
use crate::policy::{Answer, CallError, Dependency, Repeat, Request};
use crate::principal::Principal;
use crate::service::Admission;
use crate::telemetry::{Outcome, TraceContext, port_span_of};

/// The note of a step that could not be served in the end stands under its name and this.
const FAILED: &str = "#failed";

impl Flow {
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
        let principal = self.inner.principal.clone();
        self.ask_by(step, command, principal).await
    }

    /// The same as the runtime itself, whoever started the flow: for what the flow has found out and
    /// whoever started it must not say, as that a payment was made. What that person may do at all is
    /// asked before, with [`ask`](Self::ask).
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_as_system<C: Command>(
        &self,
        step: &str,
        command: C,
    ) -> Result<C::Reply, AskError<Rejection<C>>> {
        self.ask_by(step, command, Principal::System).await
    }

    async fn ask_by<C: Command>(
        &self,
        step: &str,
        command: C,
        principal: Principal,
    ) -> Result<C::Reply, AskError<Rejection<C>>> {
        let step = &*self.begin(step)?;
        if let Some(noted) = self.noted::<Result<C::Reply, Rejection<C>>>(step)? {
            return noted.map_err(AskError::Rejected);
        }
        let failed = format!("{step}{FAILED}");
        if let Some(failure) = self.noted::<AskFailure>(&failed)? {
            return Err(failure.into());
        }
        let answer = {
            let _waiting = self.wait_for(step, StepKind::Agent(<C::Agent as Agent>::NAME.into()));
            let traced = self.core().telemetry.spans.step(self.trace(), step);
            let answer = self.ask_patiently(step, &command, &principal, traced.context);
            let answer = answer.instrument(traced.span.clone()).await;
            traced.ended(Outcome::of_ask(&answer).name());
            answer
        };
        match &answer {
            // An agent repeats a write's reply by itself, for a while; whatever else came of it may
            // go differently the second time, so it is noted at once.
            Ok(reply) => {
                let reply = &Ok::<_, &Rejection<C>>(reply);
                match C::KIND {
                    Kind::Read => self.write_note(step, reply)?,
                    Kind::Write => {
                        let reply = codec::encode(reply).map_err(AskFailure::invalid)?;
                        self.keep_reply(step, reply)?;
                    }
                }
            }
            Err(AskError::Rejected(rejection)) => {
                self.write_note(step, &Err::<&C::Reply, _>(rejection))?;
            }
            Err(AskError::Failed(failure)) if failure.is_interruption() => self.heed(failure),
            Err(AskError::Failed(failure)) => self.write_note(&failed, failure)?,
        }
        answer
    }

    async fn ask_patiently<C: Command>(
        &self,
        step: &str,
        command: &C,
        principal: &Principal,
        trace: TraceContext,
    ) -> Result<C::Reply, AskError<Rejection<C>>> {
        let core = self.core();
        let guard = core.guards.of(Dependency::Agent(<C::Agent as Agent>::NAME));
        let deadline = self.deadline_of(&self.call(step)?);
        let asked = guard.call(Request::new(Repeat::Safe, deadline), |attempt| async move {
            let mut call = self.call(step)?;
            call.trace = trace;
            call.principal = principal.clone();
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
    /// happened: also where the port refused or was left alone, if the flow was cut off before and
    /// an earlier run may have asked.
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
        let step = &*self.begin(step).map_err(broken)?;
        let noted: Option<Result<Vec<u8>, ActivityError>> = self.noted(step).map_err(broken)?;
        let outcome = match noted {
            Some(outcome) => outcome,
            None => {
                self.in_time().map_err(broken)?;
                let input = codec::encode(&input)
                    .map_err(|error| ActivityError::permanent("codec", error.to_string()))?;
                let _waiting = self.wait_for(step, StepKind::Port(activity.name.into()));
                let traced = self.core().telemetry.spans.step(self.trace(), step);
                let until = self.inner.deadline.unwrap_or(FOREVER);
                let outcome =
                    self.perform_stored(step, activity.name, &input, until, traced.context);
                let outcome = outcome.instrument(traced.span).await?;
                self.write_note(step, &outcome).map_err(broken)?;
                outcome
            }
        };
        #[cfg(feature = "planted-bugs")]
        if let Err(error) = &outcome
            && matches!(
                error.kind,
                ActivityErrorKind::Unknown | ActivityErrorKind::TimedOut
            )
        {
            let unanswered = &self.inner.unanswered;
            unanswered.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        codec::decode(&outcome?).map_err(|error| {
            ActivityError::new(ActivityErrorKind::Unknown, "codec", error.to_string())
        })
    }

    /// Calls an activity until it succeeds, must not be tried again, or `until`. The outer error is an
    /// interruption: the port was not called, or what it said does not count.
    pub(super) async fn perform_stored(
        &self,
        step: &str,
        name: &str,
        input: &[u8],
        until: Timestamp,
        trace: TraceContext,
    ) -> Result<Result<Vec<u8>, ActivityError>, ActivityError> {
        let inner = &self.inner;
        let core = self.core();
        let interrupted =
            |failure: AskFailure| ActivityError::permanent("interrupted", failure.to_string());
        let elsewhere = format!("{step}#elsewhere");
        let span_id = port_span_of(inner.key.step(&inner.name, step));
        let traced = core.telemetry.spans.port(trace, span_id, name);
        let performance = Performance {
            name,
            input,
            key: format!("{}/{}/{step}", inner.name, inner.key),
            vault: core.journal.vault(),
            clock: core.clock,
            trace: traced.context,
            timings: &core.telemetry.ports,
            principal: inner.principal.clone(),
            whole: Whole::activity(&inner.name, &inner.id, step, name, until),
            may_have_acted: inner.may_have_acted,
            elsewhere: self.noted::<()>(&elsewhere).map_err(interrupted)?.is_some(),
        };
        let performed = inner.engine.activities.perform(
            &core.guards,
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

    /// The point of no return, a saga's pivot: what stands behind it is not undone, and what is left
    /// must be done. Where the flow fails from here on, that waits on the work list for a person, be
    /// somebody told of it or not.
    ///
    /// # Errors
    /// Where the journal takes nothing more.
    pub fn pivot(&self) -> Result<(), FlowError> {
        self.may_go_on()?;
        if self.noted::<()>(PIVOT)?.is_none() {
            self.write_note(PIVOT, &())?;
        }
        Ok(())
    }

    /// A value that must be the same when the flow is run again.
    ///
    /// # Errors
    /// Where the journal takes nothing more, or the value has no stored form.
    pub async fn note<T>(&self, step: &str, make: impl FnOnce() -> T) -> Result<T, FlowError>
    where
        T: Serialize + DeserializeOwned,
    {
        let step = self.begin(step)?;
        Ok(self.note_as(&step, make)?)
    }

    /// Notes a value under a complete name.
    pub(super) fn note_as<T>(&self, step: &str, make: impl FnOnce() -> T) -> Result<T, AskFailure>
    where
        T: Serialize + DeserializeOwned,
    {
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
        self.note(step, || self.core().clock.now()).await
    }

    /// Sleeps; a crash in between does not begin the sleep anew, nor does a disk that fails: the flow is
    /// run again as soon as it is back, and sleeps on for what is left.
    ///
    /// A flow that only sleeps, for longer than
    /// [`FlowOptions::park_after`](crate::FlowOptions::park_after), keeps nothing in memory: a durable
    /// timer wakes it.
    ///
    /// # Errors
    /// As [`note`](Self::note).
    pub async fn sleep(&self, step: &str, duration: Duration) -> Result<(), FlowError> {
        let clock = self.core().clock;
        let step = self.begin(step)?;
        let until = self.note_as(&step, || clock.now().plus(duration))?;
        let _waiting = self.wait_for(&step, StepKind::Sleep { until });
        let lost = async {
            match self.settle().await {
                Ok(()) => std::future::pending().await,
                Err(failure) => failure,
            }
        };
        tokio::select! {
            biased;
            () = clock.sleep_until(until) => Ok(()),
            () = self.scope.until_stopped() => Err(AskFailure::Cancelled.into()),
            failure = lost => Err(failure.into()),
        }
    }
}
