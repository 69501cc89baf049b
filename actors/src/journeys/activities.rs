//! The calls to ports that flows make.

use std::sync::Arc;

use mercato_runtime::{Activity, ActivityError, ActivityErrorKind, RuntimeBuilder};
use serde::{Deserialize, Serialize};

use crate::domain::{Destination, PaymentId};
use crate::order::PaymentOutcome;
use crate::ports::{
    AuthoriseRequest, Carrier, CarrierError, Consignment, MovementRequest, PaymentError,
    PaymentRecord, Payments, StatementLine, TrackingNumber, VoidOutcome,
};

/// Sets an amount aside. A decline is an answer; an outcome that nobody knows is an error.
pub const AUTHORISE: Activity<AuthoriseRequest, PaymentOutcome> =
    Activity::new("payments.authorise");
/// Takes an authorised amount.
pub const CAPTURE: Activity<MovementRequest, ()> = Activity::new("payments.capture");
/// Gives up an authorisation, or closes a payment that never came to be one. Voided twice is voided.
pub const VOID: Activity<PaymentId, VoidOutcome> = Activity::new("payments.void").repeatable();
/// Gives captured money back.
pub const REFUND: Activity<MovementRequest, ()> = Activity::new("payments.refund");
/// Asks what became of a payment.
pub const LOOK_UP: Activity<PaymentId, Option<PaymentRecord>> =
    Activity::new("payments.lookup").repeatable();
/// Asks for a page of the gateway's books.
pub const STATEMENT: Activity<StatementRequest, Vec<StatementLine>> =
    Activity::new("payments.statement").repeatable();
/// Makes the label of a parcel.
pub const CREATE_LABEL: Activity<LabelRequest, TrackingNumber> =
    Activity::new("carrier.create_label");

/// A request for a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelRequest {
    /// The parcel.
    pub parcel: Consignment,
    /// Where it goes.
    pub address: Destination,
}

/// A request for a page of the gateway's books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementRequest {
    /// The last payment of the page before.
    pub after: Option<PaymentId>,
    /// The most payments on the page.
    pub limit: u16,
}

pub(super) fn register(
    builder: RuntimeBuilder,
    payments: &Arc<dyn Payments>,
    carrier: Arc<dyn Carrier>,
) -> RuntimeBuilder {
    let (authorise, capture) = (Arc::clone(payments), Arc::clone(payments));
    let (void, refund) = (Arc::clone(payments), Arc::clone(payments));
    let (look_up, statement) = (Arc::clone(payments), Arc::clone(payments));
    builder
        .activity(AUTHORISE, move |_, request| {
            let payments = Arc::clone(&authorise);
            async move {
                match payments.authorise(&request).await {
                    Ok(authorised) => Ok(PaymentOutcome::Authorised {
                        amount: authorised.amount,
                        until: authorised.until,
                    }),
                    Err(PaymentError::Declined(reason)) => Ok(PaymentOutcome::Declined(reason)),
                    Err(error) => Err(payment_error(&error)),
                }
            }
        })
        .activity(CAPTURE, move |call, request| {
            let payments = Arc::clone(&capture);
            async move {
                let captured = payments.capture(&call.key, &request).await;
                captured.map_err(|error| payment_error(&error))
            }
        })
        .activity(VOID, move |call, payment| {
            let payments = Arc::clone(&void);
            async move {
                let voided = payments.void(&call.key, &payment).await;
                voided.map_err(|error| payment_error(&error))
            }
        })
        .activity(REFUND, move |call, request| {
            let payments = Arc::clone(&refund);
            async move {
                let refunded = payments.refund(&call.key, &request).await;
                refunded.map_err(|error| payment_error(&error))
            }
        })
        .activity(LOOK_UP, move |_, payment| {
            let payments = Arc::clone(&look_up);
            async move {
                let found = payments.lookup(&payment).await;
                found.map_err(|error| payment_error(&error))
            }
        })
        .activity(STATEMENT, move |_, request| {
            let payments = Arc::clone(&statement);
            async move {
                let page = payments
                    .statement(request.after.as_ref(), request.limit)
                    .await;
                page.map_err(|error| payment_error(&error))
            }
        })
        .activity(CREATE_LABEL, move |call, request| {
            let carrier = Arc::clone(&carrier);
            async move {
                let address = request.address.unseal(&call)?;
                let label = carrier
                    .create_label(&call.key, &request.parcel, &address)
                    .await;
                label.map_err(|error| carrier_error(&error))
            }
        })
}

/// The code of a capture of what is no longer set aside.
pub(super) const EXPIRED: &str = "expired";

fn payment_error(error: &PaymentError) -> ActivityError {
    let (kind, code) = match error {
        PaymentError::Declined(_) => (ActivityErrorKind::Permanent, "declined"),
        PaymentError::Transient => (ActivityErrorKind::Transient, "unavailable"),
        PaymentError::Unknown => (ActivityErrorKind::Unknown, "unknown_outcome"),
        PaymentError::KeyReused => (ActivityErrorKind::Permanent, "key_reused"),
        PaymentError::NotAuthorised => (ActivityErrorKind::Permanent, "not_authorised"),
        PaymentError::Amount { .. } => (ActivityErrorKind::Permanent, "amount"),
        PaymentError::AlreadyCaptured => (ActivityErrorKind::Permanent, "already_captured"),
        PaymentError::Expired => (ActivityErrorKind::Permanent, EXPIRED),
        PaymentError::Full => (ActivityErrorKind::Permanent, "full"),
    };
    ActivityError::new(kind, code, error.to_string())
}

fn carrier_error(error: &CarrierError) -> ActivityError {
    let (kind, code) = match error {
        CarrierError::Transient => (ActivityErrorKind::Transient, "unavailable"),
        CarrierError::Refused { .. } => (ActivityErrorKind::Permanent, "refused"),
    };
    ActivityError::new(kind, code, error.to_string())
}
