//! The durable flow that does what a customer said yes to.

use mercato_runtime::{
    AskError, Flow, FlowError, FlowId, FlowType, Occurred, Reaction, RuntimeBuilder, Trigger,
};
use serde::{Deserialize, Serialize};

use super::SupportAgent;
use super::action::{ActionOutcome, SupportAction};
use super::action_commands::RecordAction;
use super::events::ActionConfirmed;
use super::ids::ConversationId;
use super::reads::ShowActionBounds;
use super::ticket::TicketReason;
use super::ticket_commands::OpenTicket;
use crate::order::{
    CancelLine, CancelOrder, CancelReason, Cancelled, OrderRejection, OrderStatus, RequestReturn,
};

/// The flow that does what a customer said yes to: once, however often it is started, through
/// Order's own rules.
pub const SUPPORT_ACTION: FlowType<ActionRequest, ActionOutcome, ActionError> =
    FlowType::new("support-action", 1).by_the_service();

/// What is said of an order that does not exist, and of somebody else's.
const NO_ORDER: &str = "there is no such order";

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
    let outcome = match objection(&flow, &request).await? {
        Some(objection) => objection,
        None => carry_out(&flow, &request.action).await?,
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

/// Why it must not be done. Offers are given by whoever speaks in a conversation, and the flow acts for the
/// shop, which may do anything: so it looks itself whether the order is theirs.
async fn objection(
    flow: &Flow,
    request: &ActionRequest,
) -> Result<Option<ActionOutcome>, FlowError> {
    let refusal = |reason: &str| {
        Ok(Some(ActionOutcome::Refused {
            reason: reason.into(),
        }))
    };
    let bounds = ShowActionBounds {
        conversation: request.conversation.clone(),
    };
    let bounds = flow.ask("bounds", bounds).await?;
    let status = OrderStatus {
        order: request.action.order().clone(),
    };
    let view = match flow.ask("order", status).await {
        Ok(view) => view,
        Err(AskError::Rejected(OrderRejection::NotFound(_))) => return refusal(NO_ORDER),
        Err(error) => return Err(error.into()),
    };
    if bounds
        .person
        .is_none_or(|person| person.as_str() != view.customer.as_str())
    {
        return refusal(NO_ORDER);
    }
    let most = i64::from(bounds.return_minor_max);
    let is_small = view.total.is_some_and(|total| total.minor() <= most);
    if matches!(request.action, SupportAction::ReturnGoods { .. }) && !is_small {
        return refusal("a person decides on returns of that value");
    }
    Ok(None)
}

async fn carry_out(flow: &Flow, action: &SupportAction) -> Result<ActionOutcome, FlowError> {
    Ok(match action {
        SupportAction::CancelOrder { order } => {
            let cancel = CancelOrder {
                order: order.clone(),
                reason: CancelReason::Customer,
            };
            match refused(flow.ask("cancel", cancel).await)? {
                Ok(Cancelled::Cancelled) => ActionOutcome::Done,
                Ok(Cancelled::NothingToCancel) => ActionOutcome::Refused {
                    reason: NO_ORDER.into(),
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
    })
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
        .trigger(Trigger::when::<SupportAgent, ActionConfirmed>(
            "support-action",
            act,
        ))
}

fn act(occurred: &Occurred<ActionConfirmed>) -> Vec<Reaction> {
    let confirmed = &occurred.event;
    let request = ActionRequest {
        conversation: confirmed.conversation.clone(),
        number: confirmed.number,
        action: confirmed.action.clone(),
    };
    let id = FlowId::new(format!("{}/{}", confirmed.conversation, confirmed.number));
    vec![Reaction::flow(SUPPORT_ACTION, id, &request)]
}
