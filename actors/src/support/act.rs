//! The durable flow that does what a customer said yes to.

use mercato_runtime::{
    AskError, Flow, FlowError, FlowId, FlowType, Occurred, Reaction, RuntimeBuilder, Trigger,
};
use serde::{Deserialize, Serialize};

use super::SupportAgent;
use super::action::{ActionOutcome, SupportAction};
use super::action_commands::RecordAction;
use super::events::SupportEvent;
use super::ids::ConversationId;
use super::ticket::TicketReason;
use super::ticket_commands::OpenTicket;
use crate::order::{
    CancelLine, CancelOrder, CancelReason, Cancelled, OrderRejection, RequestReturn,
};

/// The flow that does what a customer said yes to: once, however often it is started, through
/// Order's own rules.
pub const SUPPORT_ACTION: FlowType<ActionRequest, ActionOutcome, ActionError> =
    FlowType::new("support-action", 1);

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRequest {
    /// In which conversation it was asked for.
    pub conversation: ConversationId,
    /// The number under which it was offered.
    pub number: u32,
    /// What.
    pub action: SupportAction,
}

/// Why an action has no outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("what the customer asked for stopped: {0}")]
pub struct ActionError(#[from] FlowError);

/// Does it, and notes what came of it. What Order refuses goes to a person, for the customer was
/// told that it would be done.
///
/// # Errors
/// When an agent cannot be asked.
pub async fn support_action(
    flow: Flow,
    request: ActionRequest,
) -> Result<ActionOutcome, ActionError> {
    let outcome = match &request.action {
        SupportAction::CancelOrder { order } => {
            let cancel = CancelOrder {
                order: order.clone(),
                reason: CancelReason::Customer,
            };
            match refused(flow.ask("cancel", cancel).await)? {
                Ok(Cancelled::Cancelled) => ActionOutcome::Done,
                Ok(Cancelled::NothingToCancel) => ActionOutcome::Refused {
                    reason: "there is no such order".into(),
                },
                Err(refusal) => refusal,
            }
        }
        SupportAction::CancelLine { order, sku } => {
            let cancel = CancelLine {
                order: order.clone(),
                sku: sku.clone(),
                reason: CancelReason::Customer,
            };
            match refused(flow.ask("cancel-line", cancel).await)? {
                Ok(_) => ActionOutcome::Done,
                Err(refusal) => refusal,
            }
        }
        SupportAction::ReturnGoods { order, lines } => {
            let back = RequestReturn {
                order: order.clone(),
                lines: lines.clone(),
            };
            match refused(flow.ask("return", back).await)? {
                Ok(agreed) => ActionOutcome::ReturnAgreed {
                    rma: agreed.rma,
                    refund: agreed.refund,
                    until: agreed.until,
                },
                Err(refusal) => refusal,
            }
        }
    };
    let record = RecordAction {
        conversation: request.conversation.clone(),
        number: request.number,
        outcome: outcome.clone(),
    };
    flow.ask("record", record).await.map_err(FlowError::from)?;
    if matches!(outcome, ActionOutcome::Refused { .. }) {
        let ticket = OpenTicket {
            conversation: request.conversation,
            reason: TicketReason::ActionRefused,
            order: Some(request.action.order().clone()),
        };
        flow.ask("ticket", ticket).await.map_err(FlowError::from)?;
    }
    Ok(outcome)
}

/// A refusal is an outcome; any other failure stops the flow.
fn refused<T>(
    answer: Result<T, AskError<OrderRejection>>,
) -> Result<Result<T, ActionOutcome>, FlowError> {
    match answer {
        Ok(reply) => Ok(Ok(reply)),
        Err(AskError::Rejected(rejection)) => Ok(Err(ActionOutcome::Refused {
            reason: rejection.to_string().into(),
        })),
        Err(error) => Err(error.into()),
    }
}

/// Adds the flow of actions, and the rule that a yes starts it.
#[must_use]
pub fn register_support(builder: RuntimeBuilder) -> RuntimeBuilder {
    builder
        .flow(SUPPORT_ACTION, support_action)
        .trigger(Trigger::on::<SupportAgent>("support-action", act))
}

fn act(occurred: &Occurred<SupportEvent>) -> Vec<Reaction> {
    let SupportEvent::ActionConfirmed(confirmed) = &occurred.event else {
        return Vec::new();
    };
    let request = ActionRequest {
        conversation: confirmed.conversation.clone(),
        number: confirmed.number,
        action: confirmed.action.clone(),
    };
    let id = FlowId::new(format!("{}/{}", confirmed.conversation, confirmed.number));
    vec![Reaction::flow(SUPPORT_ACTION, id, &request)]
}
