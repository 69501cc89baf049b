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
    FlowType::new("renew-payment", 1);

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
    let payment = PaymentId::further(&request.order, format_args!("p{}", money.payments.len()))
        .map_err(|error| FlowError::Broken(error.to_string()))?;
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
