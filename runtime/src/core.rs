//! What the parts of one runtime share. One value owns clock, entropy, journal and services.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mercato_persistence::{Journal, Position, Recorded};

use crate::agent::{Agent, Command};
use crate::cache::Caches;
use crate::chain::{Chain, Hop, Waits};
use crate::clock::{Clock, Timestamp};
use crate::entropy::Entropy;
use crate::envelope::{Answered, Call};
use crate::error::AskFailure;
use crate::ids::{CommandId, FlowId};
use crate::policy::Guards;
use crate::principal::Principal;
use crate::service::{Admission, AnyService, Service};
use crate::telemetry::{Telemetry, TraceContext};

pub(crate) struct Core {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Clock,
    pub(crate) entropy: Arc<Entropy>,
    pub(crate) services: Services,
    /// What stands in front of agents and ports.
    pub(crate) guards: Guards,
    /// Where they are switched on.
    pub(crate) caches: Option<Arc<Caches>>,
    /// What it measures, and its spans.
    pub(crate) telemetry: Arc<Telemetry>,
    /// Who waits for which flow, and keeps another one waiting.
    pub(crate) waits: Arc<Waits>,
    #[cfg(feature = "planted-bugs")]
    pub(crate) planted: Option<crate::planted::PlantedBug>,
}

/// The agents of a runtime, by name and by type. Fixed when the runtime starts.
#[derive(Default)]
pub(crate) struct Services {
    by_name: BTreeMap<&'static str, Arc<dyn AnyService>>,
    by_type: BTreeMap<TypeId, &'static str>,
}

impl Services {
    pub(crate) fn add<A: Agent>(&mut self, service: Arc<Service<A>>) {
        self.by_name.insert(A::NAME, service);
        self.by_type.insert(TypeId::of::<A>(), A::NAME);
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Arc<dyn AnyService>> {
        self.by_name.get(name)
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = &Arc<dyn AnyService>> {
        self.by_name.values()
    }

    pub(crate) fn of<A: Agent>(&self) -> Result<Arc<Service<A>>, AskFailure> {
        self.by_type
            .get(&TypeId::of::<A>())
            .and_then(|name| self.by_name.get(name))
            .and_then(|service| service.clone().as_any().downcast().ok())
            .ok_or_else(|| {
                AskFailure::invalid(format_args!(
                    "this runtime has no agent `{}`; add it with `RuntimeBuilder::agent`",
                    A::NAME
                ))
            })
    }
}

impl Core {
    pub(crate) async fn ask<C: Command>(
        &self,
        call: Call,
        admission: Admission,
        command: C,
    ) -> Answered<C> {
        match self.services.of::<C::Agent>() {
            Ok(service) => service.ask(call, admission, command).await,
            Err(failure) => (Err(failure.into()), Position::START),
        }
    }

    /// The output rule: nothing leaves before all that it depends on, as it was learnt since `epoch`
    /// began, is durable.
    pub(crate) async fn release(
        &self,
        epoch: u64,
        depends_on: Position,
        deadline: Timestamp,
    ) -> Result<(), AskFailure> {
        // Most answers of a quiet shop depend on nothing that is still on its way. The epoch is asked
        // last: where it is still the same, what is durable was so in it.
        if self.journal.durable() >= depends_on && self.journal.epoch() == epoch {
            return Ok(());
        }
        #[cfg(feature = "planted-bugs")]
        if self.planted == Some(crate::planted::PlantedBug::AcknowledgeEarly) {
            return Ok(());
        }
        let began = self.clock.elapsed();
        let durable = self.journal.until_durable_in(epoch, depends_on);
        let waited = tokio::time::timeout_at(self.clock.instant_of(deadline), durable).await;
        let took = self.clock.elapsed().saturating_sub(began);
        self.telemetry.durable_wait.record_duration(took);
        match waited {
            Ok(durable) => durable.map_err(AskFailure::read_only),
            Err(_) => Err(AskFailure::DeadlineExceeded),
        }
    }

    /// The durable record at a position.
    pub(crate) fn durable_record(&self, at: Position) -> Result<Option<Arc<Recorded>>, AskFailure> {
        let before = Position::new(at.get().saturating_sub(1));
        let records = self
            .journal
            .read(before, 1)
            .map_err(AskFailure::unreadable)?;
        Ok(records.into_iter().next())
    }

    /// Whether the disk has failed since `epoch` began: what was learnt in it may never have been.
    pub(crate) fn went_back(&self, epoch: u64) -> bool {
        self.journal.epoch() != epoch || self.journal.failure().is_some()
    }

    /// The call of a caller: at the beginning of a chain, or part of what the caller is part of.
    pub(crate) fn first_call(&self, caller: &Caller) -> Call {
        let id = caller
            .id
            .unwrap_or_else(|| CommandId::from_uuid(self.entropy.uuid()));
        let part_of = caller.part_of.as_deref();
        Call {
            id,
            epoch: part_of
                .and_then(|whole| whole.epoch)
                .unwrap_or_else(|| self.journal.epoch()),
            deadline: self.deadline_of(caller),
            principal: caller.principal.clone(),
            causation: part_of.map(|whole| whole.causation),
            trace: caller.trace.unwrap_or(TraceContext::begun_by(id)),
            timer: None,
        }
    }

    /// Until when a caller waits who begins to do so now.
    pub(crate) fn deadline_of(&self, caller: &Caller) -> Timestamp {
        let own = self.clock.now().plus(caller.budget);
        let whole = caller.part_of.as_deref();
        whole.map_or(own, |whole| own.min(whole.deadline))
    }
}

/// What a call is part of: a request that is being served, or an activity.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub(crate) chain: Chain,
    pub(crate) deadline: Timestamp,
    /// The epoch of the journal in which its not yet durable knowledge was learnt, where it has any.
    pub(crate) epoch: Option<u64>,
    pub(crate) causation: CommandId,
}

impl Whole {
    /// An activity, as the step of a flow, which calls on until `deadline` at most.
    pub(crate) fn activity(
        flow: &str,
        id: &FlowId,
        step: &str,
        activity: &str,
        deadline: Timestamp,
    ) -> Self {
        let chain = Chain::default().then(Hop::flow(flow, id));
        Self {
            chain: chain.then(Hop::Activity(activity.into())),
            deadline,
            // All that led to it is durable before a port is called.
            epoch: None,
            causation: id.step(flow, step),
        }
    }
}

/// On whose behalf, and how long it may take.
///
/// Code that is itself being waited for, a workflow of [`Handle::serve`](crate::Handle::serve) or an
/// activity, takes [`Scope::caller`](crate::Scope::caller) or
/// [`ActivityCall::caller`](crate::ActivityCall::caller) instead of a new one, so that what it asks
/// for ends in time and cannot wait for itself.
///
/// ```
/// use std::time::Duration;
/// use mercato_runtime::{Caller, CommandId, Principal};
///
/// let caller = Caller::new(Principal::user("7"))
///     .within(Duration::from_millis(250))
///     .keyed(CommandId::from_key("cart-9/checkout"));
/// # let _ = caller;
/// ```
#[derive(Debug, Clone)]
pub struct Caller {
    pub(crate) principal: Principal,
    pub(crate) budget: Duration,
    pub(crate) id: Option<CommandId>,
    pub(crate) admission: Admission,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) part_of: Option<Arc<Whole>>,
}

impl Caller {
    /// A caller with the default budget of 5 seconds, who waits for room, and whose commands get
    /// fresh ids.
    #[must_use]
    pub fn new(principal: Principal) -> Self {
        Self {
            principal,
            budget: Duration::from_secs(5),
            id: None,
            admission: Admission::Wait,
            trace: None,
            part_of: None,
        }
    }

    /// Part of something that has a deadline and a chain.
    pub(crate) fn part_of(principal: Principal, trace: TraceContext, whole: Whole) -> Self {
        Self {
            // The whole's own deadline bounds it.
            budget: Duration::MAX,
            trace: Some(trace),
            part_of: Some(Arc::new(whole)),
            ..Self::new(principal)
        }
    }

    pub(crate) fn chain(&self) -> Chain {
        let whole = self.part_of.as_deref();
        whole.map(|whole| whole.chain.clone()).unwrap_or_default()
    }

    /// The runtime itself.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Principal::System)
    }

    /// The same with this much time for an answer, or less where what it is part of ends before.
    #[must_use]
    pub fn within(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// The same with this idempotency key, so that asking again has no second effect.
    #[must_use]
    pub fn keyed(self, id: CommandId) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }

    /// The same, in a trace that began outside, such as the one that the header `traceparent` of a
    /// request names. Default: a trace of its own, which begins with the command.
    #[must_use]
    pub fn traced(self, trace: TraceContext) -> Self {
        Self {
            trace: Some(trace),
            ..self
        }
    }

    /// The same, told at once where a mailbox is full.
    #[must_use]
    pub fn fail_fast(self) -> Self {
        Self {
            admission: Admission::FailFast,
            ..self
        }
    }
}
