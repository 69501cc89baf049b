//! What the parts of one runtime share. One value owns clock, entropy, journal and services.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mercato_persistence::{Journal, Position};

use crate::agent::{Agent, Command};
use crate::cache::Caches;
use crate::clock::{Clock, Timestamp};
use crate::entropy::Entropy;
use crate::envelope::{Answered, Call};
use crate::error::AskFailure;
use crate::ids::CommandId;
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

    /// Whether the disk has failed since `epoch` began: what was learnt in it may never have been.
    pub(crate) fn went_back(&self, epoch: u64) -> bool {
        self.journal.epoch() != epoch || self.journal.failure().is_some()
    }

    /// A call at the beginning of a chain.
    pub(crate) fn first_call(&self, caller: &Caller) -> Call {
        let id = caller
            .id
            .unwrap_or_else(|| CommandId::from_uuid(self.entropy.uuid()));
        Call {
            id,
            epoch: self.journal.epoch(),
            deadline: self.clock.now().plus(caller.budget),
            principal: caller.principal.clone(),
            causation: None,
            trace: caller.trace.unwrap_or(TraceContext::begun_by(id)),
            timer: None,
        }
    }
}

/// On whose behalf, and how long it may take.
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
        }
    }

    /// The runtime itself.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Principal::System)
    }

    /// The same with this much time for an answer.
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
