//! Payment calls whose answer was lost: the gateway is asked, nothing is charged twice.

use std::time::Duration;

use mercato_runtime::{Activity, ActivityErrorKind, Flow, FlowError};

use super::activities::{AUTHORISE, LOOK_UP, VOID};
use crate::domain::{Money, PaymentId};
use crate::order::{PaymentOutcome, PlannedMovement};
use crate::ports::{AuthoriseRequest, MovementRequest, PaymentRecord};

/// How often the gateway is asked before a flow gives up.
const LOOK_UPS_MAX: u32 = 6;
/// The same where money was to move: nobody waits at a till, and a gateway may be away for hours.
const MOVEMENT_LOOK_UPS_MAX: u32 = 16;
/// No wait is longer.
const WAIT_MAX: Duration = Duration::from_secs(3_600);
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
    look_up_at_most(LOOK_UPS_MAX, flow, step, payment, known).await
}

async fn look_up_at_most<T>(
    look_ups_max: u32,
    flow: &Flow,
    step: &str,
    payment: &PaymentId,
    known: impl Fn(&PaymentRecord) -> Option<T>,
) -> Result<Option<T>, FlowError> {
    for attempt in 0..look_ups_max {
        flow.sleep(&format!("{step}/wait/{attempt}"), wait_after(attempt))
            .await?;
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

/// What a payment request came to, by the gateway's own record.
pub(super) fn outcome_of(record: &PaymentRecord) -> Option<PaymentOutcome> {
    match (record.declined, record.authorised) {
        (Some(reason), _) => Some(PaymentOutcome::Declined(reason)),
        (None, Some(amount)) if !record.voided => Some(PaymentOutcome::Authorised {
            amount,
            until: record.until,
        }),
        (None, _) => None,
    }
}

/// Sets an amount aside, and asks what became of it where the answer is lost. `None` when the gateway
/// does not know either.
pub(super) async fn authorise(
    flow: &Flow,
    step: &str,
    request: AuthoriseRequest,
) -> Result<Option<PaymentOutcome>, FlowError> {
    let payment = request.payment.clone();
    match flow.perform(step, AUTHORISE, request).await {
        Ok(outcome) => Ok(Some(outcome)),
        Err(error) if error.kind == ActivityErrorKind::Unknown => {
            look_up(flow, step, &payment, outcome_of).await
        }
        Err(error) => Err(error.into()),
    }
}

/// In which direction money moves.
#[derive(Clone, Copy)]
pub(super) struct Direction {
    pub(super) activity: Activity<MovementRequest, ()>,
    /// What of a payment was moved in this direction, by the gateway's record.
    pub(super) moved: fn(&PaymentRecord) -> Option<Money>,
}

/// How often a movement that did not happen is asked for, over a day of a gateway that is away.
const MOVEMENTS_MAX: u32 = 32;

/// Captures or refunds, for as long as it takes: it is owed. Where the answer is lost, the gateway's
/// record tells whether the money moved: then as much has moved as before and this together.
pub(super) async fn move_money(
    flow: &Flow,
    step: &str,
    direction: Direction,
    movement: &PlannedMovement,
) -> Result<(), FlowError> {
    let payment = &movement.payment;
    let after = movement.before.plus(movement.amount).ok();
    let done = |record: &PaymentRecord| {
        let moved = (direction.moved)(record);
        (moved.is_some() && moved == after).then_some(())
    };
    // What was tried before this attempt had other keys, and may have happened.
    if flow.attempt() > 0 {
        let before = format!("{step}/before");
        let found = flow.perform(&before, LOOK_UP, payment.clone()).await?;
        if found.as_ref().and_then(done).is_some() {
            return Ok(());
        }
    }
    let mut attempt = 0;
    loop {
        let step = match attempt {
            0 => step.to_owned(),
            _ => format!("{step}/again/{attempt}"),
        };
        let request = MovementRequest {
            payment: payment.clone(),
            amount: movement.amount,
        };
        let Err(error) = flow.perform(&step, direction.activity, request).await else {
            return Ok(());
        };
        match error.kind {
            ActivityErrorKind::Permanent => return Err(error.into()),
            ActivityErrorKind::Unknown => {
                let settled = look_up_at_most(MOVEMENT_LOOK_UPS_MAX, flow, &step, payment, done);
                let settled = settled.await?;
                return settled.ok_or_else(|| error.into());
            }
            // Nothing happened, so another key does no harm.
            _ if attempt + 1 == MOVEMENTS_MAX => return Err(error.into()),
            _ => {
                flow.sleep(&format!("{step}/later"), wait_after(attempt))
                    .await?;
                attempt += 1;
            }
        }
    }
}

fn wait_after(attempt: u32) -> Duration {
    (FIRST_WAIT * 2u32.saturating_pow(attempt)).min(WAIT_MAX)
}

/// How often a void is asked for while its answers are lost.
const VOIDS_MAX: u32 = 6;

/// Voids until the gateway says so: a void may be repeated, so a lost answer is asked for again.
/// What was captured meanwhile stays.
pub(super) async fn void_payment(
    flow: &Flow,
    step: &str,
    payment: &PaymentId,
) -> Result<(), FlowError> {
    let mut attempt = 0;
    loop {
        let step = format!("{step}/{attempt}");
        match flow.perform(&step, VOID, payment.clone()).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind == ActivityErrorKind::Unknown && attempt + 1 < VOIDS_MAX => {
                let wait = FIRST_WAIT * 2u32.saturating_pow(attempt);
                flow.sleep(&format!("{step}/wait"), wait).await?;
                attempt += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
