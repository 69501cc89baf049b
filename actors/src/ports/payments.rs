//! The port that moves money.

use std::fmt;

use futures::future::BoxFuture;
use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Money, OrderId, PaymentId};

/// Authorises, captures, voids and refunds.
///
/// # The contract
///
/// | call | key | asked again under it | with another body |
/// |---|---|---|---|
/// | [`authorise`](Self::authorise) | the payment's id | the first answer | [`PaymentError::KeyReused`] |
/// | [`capture`](Self::capture), [`refund`](Self::refund) | `key` | done once, the same answer | [`PaymentError::KeyReused`] |
/// | [`void`](Self::void) | none is needed | voided is voided | |
///
/// - **An unknown outcome is an answer of its own.** A call whose answer was lost is
///   [`PaymentError::Unknown`]: ask [`lookup`](Self::lookup), and never charge again, under this name
///   or another.
/// - **One order is paid once.** While a payment of an order is open or was captured, another one of
///   the same order is declined ([`DeclineReason::AlreadyPaid`]), unless it says which of them it
///   [`supplements`](AuthoriseRequest::supplements). The gateway looks at the order, and not at what
///   the payment is called.
/// - **What is set aside ends** ([`Authorisation::until`]): a capture after that is
///   [`PaymentError::Expired`], and what was captured before stays.
/// - **Sums.** A payment's captures sum to at most what was authorised, and its refunds to at most
///   what was captured. Partial amounts are allowed, in any number.
/// - **Notices.** What a gateway tells by itself it may tell late, twice, and out of order:
///   [`PaymentNotice`], for [`RecordPaymentNotice`](crate::RecordPaymentNotice).
pub trait Payments: Send + Sync + 'static {
    /// Sets an amount aside on the shopper's account. Repeating a payment id with the same request
    /// gets the first answer.
    ///
    /// # Errors
    /// When it is declined, cannot be done now, or nobody knows whether it was done.
    fn authorise<'a>(
        &'a self,
        request: &'a AuthoriseRequest,
    ) -> BoxFuture<'a, Result<Authorisation, PaymentError>>;

    /// Takes an authorised amount, or a part of it. A repeated key takes nothing more.
    ///
    /// # Errors
    /// When there is no such authorisation, the amount is above what is left of it, or the call
    /// failed.
    fn capture<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>>;

    /// Gives up what is set aside and was not captured; captured money stays. A payment that the
    /// gateway never saw is closed as well, so that a lost authorisation that arrives late is
    /// refused.
    ///
    /// # Errors
    /// When all of it was captured already, or the call failed.
    fn void<'a>(
        &'a self,
        key: &'a str,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<VoidOutcome, PaymentError>>;

    /// Gives captured money back. A repeated key gives nothing more.
    ///
    /// # Errors
    /// When it is more than was captured and not yet refunded, or the call failed.
    fn refund<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>>;

    /// What became of a payment; `None` when the gateway never saw it.
    ///
    /// # Errors
    /// When the call failed.
    fn lookup<'a>(
        &'a self,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<Option<PaymentRecord>, PaymentError>>;

    /// The gateway's books, a page of at most `limit` payments in the order of their ids, beginning
    /// after `after`. An empty page is the end.
    ///
    /// # Errors
    /// When the call failed.
    fn statement<'a>(
        &'a self,
        after: Option<&'a PaymentId>,
        limit: u16,
    ) -> BoxFuture<'a, Result<Vec<StatementLine>, PaymentError>>;
}

/// A payment in the gateway's books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementLine {
    /// Which.
    pub payment: PaymentId,
    /// Where it stands.
    pub record: PaymentRecord,
}

/// What a gateway tells by itself of a payment request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentNotice {
    /// Which payment.
    pub payment: PaymentId,
    /// What it tells.
    pub kind: PaymentNoticeKind,
}

/// What a notice tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PaymentNoticeKind {
    /// An amount is set aside.
    Authorised {
        /// How much.
        amount: Money,
        /// Until when, where the gateway says so.
        until: Option<Timestamp>,
    },
    /// It was declined.
    Declined(DeclineReason),
}

/// What stands for a shopper's card or account: a token of the gateway, never a card number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    token: Box<str>,
}

impl PaymentMethod {
    /// The longest token, in bytes.
    pub const TOKEN_BYTES_MAX: usize = 255;

    /// The method that a gateway's token stands for. Orders refuse an empty or overlong one.
    #[must_use]
    pub fn token(token: impl Into<Box<str>>) -> Self {
        Self {
            token: token.into(),
        }
    }

    /// The token, for the gateway.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for PaymentMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PaymentMethod(redacted)")
    }
}

/// A request to set an amount aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthoriseRequest {
    /// The shop's name for the payment: the idempotency key.
    pub payment: PaymentId,
    /// The order that it pays.
    pub order: OrderId,
    /// How much: more than nothing.
    pub amount: Money,
    /// From which account.
    pub method: PaymentMethod,
    /// The payment of the same order that this one adds to, where it is not the order's first.
    pub supplements: Option<PaymentId>,
}

/// A request to capture or refund an amount of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovementRequest {
    /// Which payment.
    pub payment: PaymentId,
    /// How much: more than nothing.
    pub amount: Money,
}

/// An amount that is set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorisation {
    /// The shop's name for the payment.
    pub payment: PaymentId,
    /// How much is set aside.
    pub amount: Money,
    /// Until when; `None` where the gateway does not say.
    pub until: Option<Timestamp>,
}

/// What a void found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VoidOutcome {
    /// An authorisation was given up, now or before.
    Voided,
    /// There was none; a late one will be refused.
    NothingToVoid,
    /// What was not captured was given up, now or before.
    RemainderVoided,
}

/// Where a payment stands. Amounts are totals over its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRecord {
    /// The order that it pays; `None` when it was closed before it was ever authorised.
    pub order: Option<OrderId>,
    /// What was set aside; `None` when it was declined or never asked for.
    pub authorised: Option<Money>,
    /// What was taken; `None` when nothing was.
    pub captured: Option<Money>,
    /// What was given back; `None` when nothing was.
    pub refunded: Option<Money>,
    /// Whether what was not captured was given up.
    pub voided: bool,
    /// Why it was declined, if it was.
    pub declined: Option<DeclineReason>,
    /// Until when it is set aside; `None` where the gateway does not say.
    pub until: Option<Timestamp>,
}

/// Why a gateway declines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum DeclineReason {
    /// The account does not cover the amount, or the issuer says no without a reason.
    #[error("the issuer declined it; use another payment method")]
    Issuer,
    /// The payment was closed before the request arrived.
    #[error("the payment was voided before; start a new order")]
    Voided,
    /// The order is paid under another name already.
    #[error("the order is paid by another payment already; do not pay it twice")]
    AlreadyPaid,
}

/// Why a payment call has no good answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaymentError {
    /// No, for good.
    #[error("payment declined: {0}")]
    Declined(DeclineReason),
    /// The gateway cannot be reached, or is busy: the same request may be sent again.
    #[error("the payment gateway is unavailable; try again with the same key")]
    Transient,
    /// The request was sent and the answer was lost.
    #[error("the outcome of the payment call is unknown; look the payment up before anything else")]
    Unknown,
    /// The key was used for another request.
    #[error("the payment key was used for another request; use a key of its own for each")]
    KeyReused,
    /// There is no such authorisation, or it was voided.
    #[error("there is no open authorisation of this payment; authorise it first")]
    NotAuthorised,
    /// The amount is not positive, in another currency, or above what is left.
    #[error("the amount is above what the payment allows; at most {left} is left")]
    Amount {
        /// What could still be moved.
        left: Money,
    },
    /// All of it was captured, so nothing can be voided.
    #[error("the payment was captured already; refund it instead")]
    AlreadyCaptured,
    /// It is no longer set aside.
    #[error("the authorisation has expired; authorise what is left anew, naming this payment")]
    Expired,
    /// The gateway keeps no more.
    #[error("the gateway's ledger is full; raise entries_max")]
    Full,
}
