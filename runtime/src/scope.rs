//! A request that goes through several agents and is answered once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mercato_persistence::Position;

use crate::agent::{Command, Kind, Rejection};
use crate::cache::Caches;
use crate::chain::Chain;
use crate::clock::Timestamp;
use crate::core::{Caller, Core, Whole};
use crate::envelope::Call;
use crate::error::AskError;
use crate::handle::Handle;
use crate::ids::CommandId;
use crate::policy::{Answer, CallError};
use crate::principal::Principal;
use crate::service::Admission;
use crate::telemetry::TraceContext;

/// What a request/response workflow runs in: it asks agents in sequence, or in parallel with the
/// joins of `futures`, and remembers what its answer depends on.
///
/// It is not durable: a crash ends it unanswered. Business that must finish is a
/// [`Flow`](crate::Flow).
pub struct Scope {
    handle: Handle,
    call: Call,
    /// Who waits for it, itself included.
    chain: Chain,
    seen: AtomicU64,
    asked: AtomicU64,
}

impl Scope {
    pub(crate) fn new(handle: Handle, call: Call, chain: Chain) -> Self {
        Self {
            handle,
            call,
            chain,
            seen: AtomicU64::new(0),
            asked: AtomicU64::new(0),
        }
    }

    /// Asks an agent. The answer may not be durable yet; the workflow's own answer waits for it.
    ///
    /// # Errors
    /// The agent's refusal, or why it could not be served within the request's deadline.
    pub async fn ask<C: Command>(&self, command: C) -> Result<C::Reply, AskError<Rejection<C>>> {
        let principal = self.call.principal.clone();
        self.ask_by(command, principal).await
    }

    /// The same as the runtime itself, whoever asks: for what the workflow does on the shop's side and
    /// whoever asks must not, as holding stock. What that person may do at all the workflow has to look at
    /// before.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_as_system<C: Command>(
        &self,
        command: C,
    ) -> Result<C::Reply, AskError<Rejection<C>>> {
        self.ask_by(command, Principal::System).await
    }

    async fn ask_by<C: Command>(
        &self,
        command: C,
        principal: Principal,
    ) -> Result<C::Reply, AskError<Rejection<C>>> {
        let call = Call {
            id: self.fresh_id(),
            causation: Some(self.call.id),
            principal,
            ..self.call.clone()
        };
        let (answer, depends_on) = self.core().ask(call, Admission::Wait, command).await;
        self.seen.fetch_max(depends_on.get(), Ordering::AcqRel);
        answer
    }

    /// Asks for something to read that is the same for everybody, such as a price on a page, through
    /// the cache of answers: on behalf of the runtime, so that all who ask share what was answered.
    /// An answer is as fresh as [`Handle::ask_cached`] says, and is [`Answer::Stale`] where the agent
    /// cannot be asked. Where there are no caches, or for a write, this is [`ask`](Self::ask).
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_shared<C: Command>(
        &self,
        command: C,
    ) -> Result<Answer<C::Reply>, AskError<Rejection<C>>> {
        if self.handle.caches().is_none() || C::KIND == Kind::Write {
            return Box::pin(self.ask(command)).await.map(Answer::Fresh);
        }
        let caller = Caller::system()
            .within(self.remaining())
            .traced(self.call.trace);
        // What is kept is durable, so the request's own answer has nothing more to wait for.
        let answered = self.handle.ask_cached(&caller, command).await;
        answered.map_err(CallError::into_ask_error)
    }

    /// The caches, where they are switched on.
    #[must_use]
    pub fn caches(&self) -> Option<&Arc<Caches>> {
        self.handle.caches()
    }

    /// An id that no other step of any request has; the same one where the request itself is
    /// repeated under its own id and takes the same path.
    #[must_use]
    pub fn fresh_id(&self) -> CommandId {
        let step = self.asked.fetch_add(1, Ordering::Relaxed);
        self.call.id.derive(&step.to_string())
    }

    /// Whoever, within this request, calls on through a [`Handle`](crate::Handle): on the same behalf,
    /// within what is left of the time, and each time under an id of its own that follows from the
    /// request's.
    #[must_use]
    pub fn caller(&self) -> Caller {
        let whole = Whole {
            chain: self.chain.clone(),
            deadline: self.call.deadline,
            // What it knows may not be durable yet.
            epoch: Some(self.call.epoch),
            causation: self.call.id,
        };
        let caller = Caller::part_of(self.call.principal.clone(), self.call.trace, whole);
        caller.keyed(self.fresh_id())
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.core().clock.now()
    }

    /// On whose behalf.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.call.principal
    }

    /// The trace that the request belongs to.
    #[must_use]
    pub fn trace(&self) -> TraceContext {
        self.call.trace
    }

    /// What is left of the time for an answer.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.call.deadline.since(self.now())
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.handle.core
    }

    pub(crate) fn seen(&self) -> Position {
        Position::new(self.seen.load(Ordering::Acquire))
    }

    /// All that it has seen was seen since this epoch of the journal began.
    pub(crate) fn epoch(&self) -> u64 {
        self.call.epoch
    }

    pub(crate) fn deadline(&self) -> Timestamp {
        self.call.deadline
    }
}
