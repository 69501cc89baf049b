//! Payment calls whose answer was lost: the gateway is asked, nothing is charged twice.

use std::time::Duration;

use mercato_runtime::{Activity, ActivityErrorKind, Flow, FlowError};

use super::activities::LOOK_UP;
use crate::domain::PaymentId;
use crate::ports::{MovementRequest, PaymentRecord};

/// How often the gateway is asked before a flow gives up.
const LOOK_UPS_MAX: u32 = 6;
/// How long to wait before the first question; each wait is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Asks what became of a payment until `known` recognises an answer; `None` when the gateway has
/// none after all.
pub(super) async fn look_up<T>(
    flow: &Flow,
    step: &str,
    payment: &PaymentId,
    known: impl Fn(&PaymentRecord) -> Option<T>,
) -> Result<Option<T>, FlowError> {
    for attempt in 0..LOOK_UPS_MAX {
        let wait = FIRST_WAIT * 2u32.saturating_pow(attempt);
        flow.sleep(&format!("{step}/wait/{attempt}"), wait).await?;
        let asked = flow
            .perform(
                &format!("{step}/lookup/{attempt}"),
                LOOK_UP,
                payment.clone(),
            )
            .await;
        match asked {
            Ok(record) => {
                if let Some(answer) = record.as_ref().and_then(&known) {
                    return Ok(Some(answer));
                }
            }
            Err(error) if error.kind == ActivityErrorKind::Permanent => return Err(error.into()),
            // The gateway is asked again.
            Err(_) => {}
        }
    }
    Ok(None)
}

/// Captures or refunds. Where the answer is lost, `done` tells from the gateway's record whether
/// the money moved.
pub(super) async fn move_money(
    flow: &Flow,
    step: &str,
    activity: Activity<MovementRequest, ()>,
    request: MovementRequest,
    done: impl Fn(&PaymentRecord) -> bool,
) -> Result<(), FlowError> {
    let payment = request.payment.clone();
    match flow.perform(step, activity, request).await {
        Ok(()) => Ok(()),
        Err(error) if error.kind == ActivityErrorKind::Unknown => {
            let settled = look_up(flow, step, &payment, |record| done(record).then_some(()));
            settled.await?.ok_or_else(|| error.into())
        }
        Err(error) => Err(error.into()),
    }
}
