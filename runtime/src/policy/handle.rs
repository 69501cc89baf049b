//! Policies as the callers of a runtime meet them.

use std::sync::Arc;

use crate::agent::{Agent, Command, Rejection};
use crate::builder::RuntimeBuilder;
use crate::core::Caller;
use crate::error::{AskError, AskFailure};
use crate::handle::Handle;

use super::answer::Answer;
use super::book::PolicyBook;
use super::dependency::Dependency;
use super::error::CallError;
use super::failure::FailureKind;
use super::guard::Guard;
use super::monitor::Monitor;
use super::request::{Repeat, Request};
use super::stats::PolicyStats;

impl RuntimeBuilder {
    /// Uses these policies for calls to agents and ports. Default: the error table.
    #[must_use]
    pub fn policies(mut self, policies: Arc<PolicyBook>) -> Self {
        self.policies = policies;
        self
    }

    /// Tells this monitor what goes wrong in calls. Default: nobody.
    #[must_use]
    pub fn monitor(mut self, monitor: Arc<dyn Monitor>) -> Self {
        self.monitor = monitor;
        self
    }
}

/// What an ask under a policy gives.
pub type Guarded<C> = Result<Answer<<C as Command>::Reply>, CallError<AskError<Rejection<C>>>>;

impl Handle {
    /// Asks one agent under its policy: what can pass is tried again, under the same command id, and
    /// an agent that is in trouble is left alone. [`ask`](Self::ask) tries once and adds nothing to
    /// the way.
    ///
    /// # Errors
    /// The agent's refusal, or why it could not be served, within a [`CallError`].
    pub async fn ask_guarded<C: Command>(&self, caller: &Caller, command: C) -> Guarded<C> {
        let deadline = self.core.deadline_of(caller);
        self.ask_request(Request::new(Repeat::Safe, deadline), caller, command)
            .await
    }

    /// Asks one agent under its policy, with what the request has to fall back on. The request's
    /// deadline holds, and not the caller's.
    ///
    /// # Errors
    /// As [`ask_guarded`](Self::ask_guarded).
    pub async fn ask_request<C: Command>(
        &self,
        request: Request<'_, C::Reply, AskError<Rejection<C>>>,
        caller: &Caller,
        command: C,
    ) -> Guarded<C> {
        let guard = self.guard(Dependency::Agent(<C::Agent as Agent>::NAME));
        // One id for all attempts, so that a write which is asked for again has its effect once.
        let caller = caller.clone().keyed(self.core.first_call(caller).id);
        let ask = |attempt: super::request::Attempt| {
            let left = attempt.deadline.since(self.core.clock.now());
            let caller = caller.clone().within(left);
            let command = command.clone();
            async move { self.ask(&caller, command).await }
        };
        guard.call(request, ask).await
    }

    /// What stands in front of a dependency: for calls of one's own under its policy.
    #[must_use]
    pub fn guard(&self, dependency: Dependency) -> Arc<Guard> {
        self.core.guards.of(dependency)
    }

    /// The policies in force. [`PolicyBook::reload`] exchanges them.
    #[must_use]
    pub fn policies(&self) -> &Arc<PolicyBook> {
        self.core.guards.book()
    }

    /// What became of the calls to each dependency, in the order of their names.
    #[must_use]
    pub fn policy_stats(&self) -> Vec<PolicyStats> {
        self.core.guards.stats()
    }
}

impl<R: std::error::Error> CallError<AskError<R>> {
    /// The same as an ask without a policy would tell it.
    #[must_use]
    pub fn into_ask_error(self) -> AskError<R> {
        match self {
            Self::Failed { error, .. } => error,
            Self::Open { retry_after, .. } | Self::Overloaded { retry_after, .. } => {
                AskFailure::Overloaded { retry_after }.into()
            }
            other if other.kind() == FailureKind::Authentication => {
                AskFailure::invalid("an agent takes no token; give the request none").into()
            }
            _ => AskFailure::DeadlineExceeded.into(),
        }
    }
}
