//! The durable flow that brings a queued message out of the house.

use std::sync::Arc;
use std::time::Duration;

use mercato_runtime::{
    Activity, ActivityCall, ActivityError, ActivityErrorKind, Flow, FlowError, FlowType, Personal,
};
use serde::{Deserialize, Serialize};

use super::content::Content;
use super::customer::DropReason;
use super::ids::MessageId;
use super::message_commands::{DecideSend, SendDecision};
use super::outcome_commands::{DeliveryOutcome, RecordDelivery};
use super::promotion_commands::ShowPromotions;
use crate::domain::{CustomerId, EmailAddress, Sku};
use crate::ports::{Mail, MailError, Message};

/// Hands a message to the mail gateway.
pub const SEND_MAIL: Activity<OutgoingMail, ()> = Activity::new("mail.send");

/// The flow that sends one queued message, when it may be sent.
pub const DELIVER: FlowType<DeliverMessage, Delivered, DeliveryError> =
    FlowType::new("deliver-message", 1);

/// A message for the mail gateway, its address still sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingMail {
    /// The gateway sends one message under one key, however often it is asked.
    pub key: Box<str>,
    /// Who receives it.
    pub to: Personal<EmailAddress>,
    /// What it says.
    pub content: Content,
}

/// Which message is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliverMessage {
    /// Who receives it.
    pub customer: CustomerId,
    /// Which.
    pub message: MessageId,
    /// The product that it promotes, if it does.
    pub promotes: Option<Sku>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivered {
    /// The gateway accepted it.
    Sent,
    /// It was not sent, for this reason.
    Dropped(DropReason),
    /// It had come to an end before this flow began.
    Before,
}

/// Why a delivery has no outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the message was not delivered: {0}")]
pub struct DeliveryError(#[from] FlowError);

/// After so many failed tries the gateway counts as refusing: with the waits in between that is
/// more than a day.
const TRIES_MAX: u32 = 9;
/// The wait after the first failed try; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_secs(5 * 60);

/// Sends a queued message.
///
/// # Errors
/// When the message is unknown or an agent cannot be asked.
pub async fn deliver(flow: Flow, input: DeliverMessage) -> Result<Delivered, DeliveryError> {
    Ok(send_when_allowed(&flow, &input).await?)
}

/// Asks whether the message may be sent now, waits where it may not yet, and hands it over.
///
/// Ends: a held message is held until a later moment each time and expires in the end, and the
/// gateway is asked at most [`TRIES_MAX`] times.
pub(super) async fn send_when_allowed(
    flow: &Flow,
    input: &DeliverMessage,
) -> Result<Delivered, FlowError> {
    let mut failed = 0;
    let mut round = 0u32;
    loop {
        round += 1;
        let (to, content) = match decide_send(flow, input, round).await? {
            SendDecision::Send { to, content } => (to, content),
            SendDecision::Dropped(reason) => return Ok(Delivered::Dropped(reason)),
            SendDecision::Finished => return Ok(Delivered::Before),
            SendDecision::Hold { until } => {
                let now = flow.now(&format!("now/{round}")).await?;
                flow.sleep(&format!("hold/{round}"), until.since(now))
                    .await?;
                continue;
            }
        };
        let mail = OutgoingMail {
            key: format!("{}/{}", input.customer, input.message).into(),
            to,
            content,
        };
        let handed_over = flow
            .perform(&format!("mail/{round}"), SEND_MAIL, mail)
            .await;
        let outcome = match handed_over {
            Ok(()) => DeliveryOutcome::Accepted,
            Err(error) if error.is_erased() => DeliveryOutcome::Erased,
            Err(error) if error.kind == ActivityErrorKind::Permanent => DeliveryOutcome::Refused,
            // The key makes another try harmless, even where the first may have succeeded.
            Err(_) => {
                failed += 1;
                if failed < TRIES_MAX {
                    let wait = FIRST_WAIT * 2u32.pow(failed - 1);
                    flow.sleep(&format!("wait/{round}"), wait).await?;
                    continue;
                }
                DeliveryOutcome::Refused
            }
        };
        let delivery = RecordDelivery {
            customer: input.customer.clone(),
            message: input.message.clone(),
            outcome,
        };
        flow.ask("record-delivery", delivery).await?;
        return Ok(match outcome {
            DeliveryOutcome::Accepted => Delivered::Sent,
            DeliveryOutcome::Refused => Delivered::Dropped(DropReason::Refused),
            DeliveryOutcome::Erased => Delivered::Dropped(DropReason::Erased),
        });
    }
}

/// Consent, cap, quiet hours and pauses are looked at in the moment of sending, each time anew.
async fn decide_send(
    flow: &Flow,
    input: &DeliverMessage,
    round: u32,
) -> Result<SendDecision, FlowError> {
    let promotion_paused = match &input.promotes {
        None => false,
        Some(sku) => {
            let show = ShowPromotions { sku: sku.clone() };
            let strategy = flow.ask(&format!("promotions/{round}"), show).await?;
            strategy.paused.is_some()
        }
    };
    let decide = DecideSend {
        customer: input.customer.clone(),
        message: input.message.clone(),
        promotion_paused,
    };
    Ok(flow.ask(&format!("decide/{round}"), decide).await?)
}

/// What [`SEND_MAIL`] does: opens the address, and hands the message to the mail port.
///
/// # Errors
/// Transient where the gateway may take the message later, permanent where it will not, or where
/// the customer was erased.
pub async fn send_mail(
    mail: Arc<dyn Mail>,
    call: ActivityCall,
    input: OutgoingMail,
) -> Result<(), ActivityError> {
    let message = Message {
        to: call.unseal(&input.to)?,
        subject: input.content.subject,
        body: input.content.body,
    };
    let sent = mail.send(&input.key, &message).await;
    sent.map_err(|error| {
        let (kind, code) = match &error {
            MailError::Refused { .. } => (ActivityErrorKind::Permanent, "refused"),
            MailError::Transient => (ActivityErrorKind::Transient, "unavailable"),
        };
        ActivityError::new(kind, code, error.to_string())
    })
}
