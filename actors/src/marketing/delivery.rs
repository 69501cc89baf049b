//! The durable flow that brings a queued message out of the house.

use std::time::Duration;

use mercato_runtime::{ActivityError, ActivityErrorKind, Flow, FlowError, FlowType, Timestamp};
use serde::{Deserialize, Serialize};

use super::consent::Channel;
use super::content::Words;
use super::customer::DropReason;
use super::ids::MessageId;
use super::message_commands::{DecideSend, SendDecision, SendTo};
use super::outcome_commands::{DeliveryOutcome, RecordDelivery};
use super::promotion_commands::ShowPromotions;
use super::send::{BOUNCED, OutgoingMail, OutgoingText, SEND_MAIL, SEND_PUSH, SEND_SMS};
use super::send::{SEND_SOCIAL, STALE, SUPPRESSED};
use crate::domain::{CustomerId, Sku};
use crate::inventory::{CheckStock, StockStatus};

/// The flow that sends one queued message, when it may be sent.
pub const DELIVER: FlowType<DeliverMessage, Delivered, DeliveryError> =
    FlowType::new("deliver-message", 2).by_the_service();

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
/// How often it is decided at most whether a message may be sent. Each hold ends later than the one
/// before, so that a message expires long before that.
const ROUNDS_MAX: u32 = 10_000;
/// The least wait before it is decided anew, so that a clock that stands still is not asked for ever.
const STALE_WAIT_MIN: Duration = Duration::from_secs(1);
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
        let decided = decide_send(flow, input, round).await?;
        let (to, words, until) = match decided {
            SendDecision::Send { to, words, until } => (to, words, until),
            SendDecision::Dropped(reason) => return Ok(Delivered::Dropped(reason)),
            SendDecision::Finished => return Ok(Delivered::Before),
            SendDecision::Hold { until } => {
                let now = flow.now(&format!("now/{round}")).await?;
                flow.sleep(&format!("hold/{round}"), until.since(now))
                    .await?;
                continue;
            }
        };
        let handed_over = hand_over(flow, input, round, to, words, until).await;
        let outcome = match handed_over {
            Ok(()) => DeliveryOutcome::Accepted,
            Err(error) if error.is_erased() => DeliveryOutcome::Erased,
            // The shop was away since, or too little of the time is left: when it is over it is decided
            // anew.
            Err(error) if error.code == STALE && round < ROUNDS_MAX => {
                let now = flow.now(&format!("stale/{round}")).await?;
                let left = until.map_or(Duration::ZERO, |until| until.since(now));
                let wait = left.max(STALE_WAIT_MIN);
                flow.sleep(&format!("stale-wait/{round}"), wait).await?;
                continue;
            }
            Err(error) if error.code == BOUNCED => DeliveryOutcome::Bounced,
            Err(error) if error.code == SUPPRESSED => DeliveryOutcome::Suppressed,
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
            DeliveryOutcome::Bounced => Delivered::Dropped(DropReason::Bounced),
            DeliveryOutcome::Suppressed => Delivered::Dropped(DropReason::Suppressed),
        });
    }
}

/// Gives a message to the gateway of its channel: here each channel goes its own way.
async fn hand_over(
    flow: &Flow,
    input: &DeliverMessage,
    round: u32,
    to: SendTo,
    words: Words,
    until: Option<Timestamp>,
) -> Result<(), ActivityError> {
    let key: Box<str> = format!("{}/{}", input.customer, input.message).into();
    let (channel, to) = match to {
        SendTo::Mail(to) => {
            let mail = OutgoingMail {
                key,
                to,
                words,
                promotional: input.message.campaign().is_some(),
                until,
            };
            return flow
                .perform(&format!("mail/{round}"), SEND_MAIL, mail)
                .await;
        }
        SendTo::Other(channel, to) => (channel, to),
    };
    let text = OutgoingText {
        key,
        to,
        words: words.content,
        until,
    };
    match channel {
        Channel::Sms => flow.perform(&format!("sms/{round}"), SEND_SMS, text).await,
        Channel::Push => {
            flow.perform(&format!("push/{round}"), SEND_PUSH, text)
                .await
        }
        Channel::Social => {
            let step = format!("social/{round}");
            flow.perform(&step, SEND_SOCIAL, text).await
        }
        Channel::Email => Err(ActivityError::new(
            ActivityErrorKind::Permanent,
            "channel",
            "mail has an address of its own kind",
        )),
    }
}

/// Consent, cap, quiet hours, pauses and stock are looked at in the moment of sending, each time anew.
async fn decide_send(
    flow: &Flow,
    input: &DeliverMessage,
    round: u32,
) -> Result<SendDecision, FlowError> {
    let (promotion_paused, out_of_stock) = match &input.promotes {
        None => (false, false),
        Some(sku) => {
            let show = ShowPromotions { sku: sku.clone() };
            let strategy = flow.ask(&format!("promotions/{round}"), show).await?;
            let check = CheckStock { sku: sku.clone() };
            let stock = flow.ask(&format!("stock/{round}"), check).await?;
            (strategy.paused.is_some(), stock.status == StockStatus::Out)
        }
    };
    let decide = DecideSend {
        customer: input.customer.clone(),
        message: input.message.clone(),
        promotion_paused,
        out_of_stock,
    };
    Ok(flow.ask(&format!("decide/{round}"), decide).await?)
}
