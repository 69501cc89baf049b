//! What follows when the money of an order is no longer set aside: it is set aside anew.

use mercato_runtime::{AskError, Flow, FlowError, FlowType};
use serde::{Deserialize, Serialize};

use super::settle::{authorise, void_payment};
use crate::domain::{Money, OrderId, PaymentId};
use crate::order::{
    CancelLine, CancelReason, Fulfilment, MoneyPart, OrderMoney, PaymentOutcome, RecordRenewal,
    ShowFulfilment, ShowPayments,
};
use crate::ports::AuthoriseRequest;

/// The flow that sets the money of an order aside anew. It is started by
/// [`AuthorisationExpired`](crate::AuthorisationExpired).
pub const RENEW_PAYMENT: FlowType<RenewRequest, Renewed, RenewError> =
    FlowType::new("renew-payment", OWN_NAMES).by_the_service();

/// The renewal as it was before [`OWN_NAMES`]: what began as it ends as it. It goes when none is on its
/// way any more, nor on the work list.
pub(super) const RENEW_PAYMENT_BEFORE: FlowType<RenewRequest, Renewed, RenewError> =
    FlowType::new("renew-payment", 1).by_the_service();

/// The version from which on a renewal names its payment after the one that ended. Before, it was named
/// after how many there were, so that two renewals could have one and the same.
const OWN_NAMES: u16 = 2;

/// Which authorisation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewRequest {
    /// The order.
    pub order: OrderId,
    /// The payment.
    pub payment: PaymentId,
}

/// How a renewal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Renewed {
    /// So much is set aside anew.
    Authorised(Money),
    /// Everything was taken or cancelled before.
    NotNeeded,
    /// It was declined; what was on backorder is cancelled.
    Declined,
}

/// Why a renewal stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum RenewError {
    /// The gateway could not say what became of it. What it may have set aside is given up.
    #[error("the outcome of the renewed payment stayed unknown; it was voided, ask the customer")]
    Unresolved,
    /// A step could not be taken.
    #[error("the renewal stopped: {0}")]
    Flow(#[from] FlowError),
}

/// Sets aside what is still to be taken for an order.
///
/// # Errors
/// When the outcome stays unknown, or a step cannot be taken.
pub async fn renew_payment(flow: Flow, request: RenewRequest) -> Result<Renewed, RenewError> {
    let (money, fulfilment) = look(&flow, &request.order).await?;
    let Some(amount) = money.lacking.filter(|lacking| lacking.is_positive()) else {
        return Ok(Renewed::NotNeeded);
    };
    let name = |attempt| name_of(&flow, &request, &money, attempt);
    // What an earlier attempt asked for may be set aside after all, and nobody knows of it.
    for earlier in 0..flow.attempt() {
        let step = format!("void/attempt/{earlier}");
        void_payment(&flow, &step, &name(earlier)?).await?;
    }
    let payment = name(flow.attempt())?;
    let ask = AuthoriseRequest {
        payment: payment.clone(),
        order: request.order.clone(),
        amount,
        method: fulfilment.method.clone(),
        supplements: Some(request.payment.clone()),
    };
    match authorise(&flow, "authorise", ask).await? {
        Some(PaymentOutcome::Authorised { amount, until }) => {
            let record = RecordRenewal {
                order: request.order.clone(),
                payment: MoneyPart {
                    payment: payment.clone(),
                    amount,
                },
                until,
            };
            match flow.ask("record", record).await {
                Ok(()) => Ok(Renewed::Authorised(amount)),
                // The order moved on meanwhile and needs none.
                Err(AskError::Rejected(_)) => {
                    void_payment(&flow, "void", &payment).await?;
                    Ok(Renewed::NotNeeded)
                }
                Err(error) => Err(FlowError::from(error).into()),
            }
        }
        Some(PaymentOutcome::Declined(_)) => {
            give_up_waiting(&flow, &request.order, &fulfilment).await?;
            Ok(Renewed::Declined)
        }
        Some(PaymentOutcome::Unknown) | None => {
            void_payment(&flow, "void", &payment).await?;
            Err(RenewError::Unresolved)
        }
    }
}

/// What the payment is called: `o-1.r1` in place of the order's first one, and `o-1.r1.2` where that is
/// tried again for the second time. Under a name that an attempt has voided the gateway answers as it did
/// before, so each attempt has its own; a second run of one has the same.
fn name_of(
    flow: &Flow,
    request: &RenewRequest,
    money: &OrderMoney,
    attempt: u32,
) -> Result<PaymentId, FlowError> {
    let RenewRequest { order, payment } = request;
    let base = if flow.version() < OWN_NAMES {
        format!("p{}", money.payments.len())
    } else {
        let mut known = money.payments.iter();
        let place = known.position(|known| known.payment == *payment);
        let place = place.ok_or_else(|| {
            FlowError::Broken(format!("payment {payment} is none of order {order}'s"))
        })?;
        format!("r{}", place + 1)
    };
    let name = match attempt {
        0 => PaymentId::further(order, base),
        _ => PaymentId::further(order, format_args!("{base}.{attempt}")),
    };
    name.map_err(|error| FlowError::Broken(error.to_string()))
}

async fn look(flow: &Flow, order: &OrderId) -> Result<(OrderMoney, Fulfilment), FlowError> {
    let order = order.clone();
    let money = ShowPayments {
        order: order.clone(),
    };
    let money = flow.ask("money", money).await?;
    let fulfilment = flow.ask("show", ShowFulfilment { order }).await?;
    Ok((money, fulfilment))
}

/// Cancels what cannot be paid: what waits for stock, and before anything is packed all of it.
async fn give_up_waiting(
    flow: &Flow,
    order: &OrderId,
    fulfilment: &Fulfilment,
) -> Result<(), FlowError> {
    let waiting = fulfilment.backordered.iter().map(|line| &line.sku);
    let held = fulfilment.holds.iter().map(|hold| &hold.sku);
    let skus: std::collections::BTreeSet<_> = waiting.chain(held).collect();
    for sku in skus {
        let cancel = CancelLine {
            order: order.clone(),
            sku: sku.clone(),
            reason: CancelReason::PaymentExpired,
        };
        match flow.ask(&format!("cancel/{sku}"), cancel).await {
            Ok(_) | Err(AskError::Rejected(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
