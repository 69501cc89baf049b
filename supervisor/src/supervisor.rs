//! The ractor actor that supervises, and does nothing else: while it is busy it hears of no crash.

use std::sync::Arc;

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};

use crate::plan::Plan;
use crate::pulse::Stall;
use crate::shared::Shared;
use crate::ward::Ward;

pub(crate) struct Supervisor;

/// What a supervisor tells itself.
pub(crate) enum Order {
    /// Restart those who crashed. Sent at the first crash: ractor hands over all news of further
    /// crashes before it, and so crashes that fall together are healed together.
    Heal,
    /// The backoff with this ticket is over.
    Retry(u64),
    /// This incarnation hangs.
    Replace(ActorId, Stall),
}

impl Actor for Supervisor {
    type Msg = Order;
    type State = Ward;
    type Arguments = (Arc<Plan>, Arc<Shared>);

    async fn pre_start(
        &self,
        me: ActorRef<Order>,
        (plan, shared): (Arc<Plan>, Arc<Shared>),
    ) -> Result<Ward, ActorProcessingErr> {
        Ok(Ward::boot(plan, shared, me).await?)
    }

    async fn handle(
        &self,
        _: ActorRef<Order>,
        order: Order,
        ward: &mut Ward,
    ) -> Result<(), ActorProcessingErr> {
        let healed = match order {
            Order::Heal => ward.heal().await,
            Order::Retry(ticket) => ward.retry(ticket).await,
            Order::Replace(hung, stall) => {
                ward.on_hung(hung, stall).await;
                Ok(())
            }
        };
        if let Err(reason) = healed {
            ward.escalate(&reason).await;
            return Err(reason.into());
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Order>,
        event: SupervisionEvent,
        ward: &mut Ward,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(actor, error) => {
                ward.on_failed(actor.get_id(), error.to_string());
            }
            SupervisionEvent::ActorTerminated(actor, _, reason) => {
                ward.on_ended(actor.get_id(), reason);
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<Order>,
        ward: &mut Ward,
    ) -> Result<(), ActorProcessingErr> {
        ward.shut_down().await;
        Ok(())
    }
}
