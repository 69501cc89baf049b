//! The life of an order, as a graph. `docs/ORDER.md` draws it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum OrderPhase {
    /// Its details are valid.
    Received,
    /// Its prices, tax and shipping are frozen.
    Priced,
    /// The payment was asked for and nobody knows the outcome; the gateway is to be asked.
    PaymentUnknown,
    /// The payment was declined.
    PaymentDeclined,
    /// The money is set aside.
    Authorised,
    /// The shopper has a promise, and may still change it.
    Placed,
    /// A change of it is being worked out.
    Changing,
    /// It is being packed and sent, in one parcel or several.
    Fulfilling,
    /// Everything that was not cancelled is on its way, and paid.
    Captured,
    /// Some of it is coming back.
    ReturnRequested,
    /// All that was paid was given back.
    Refunded,
    /// It will not be fulfilled.
    Cancelled,
}

impl OrderPhase {
    /// Every phase.
    pub const ALL: [Self; 12] = [
        Self::Received,
        Self::Priced,
        Self::PaymentUnknown,
        Self::PaymentDeclined,
        Self::Authorised,
        Self::Placed,
        Self::Changing,
        Self::Fulfilling,
        Self::Captured,
        Self::ReturnRequested,
        Self::Refunded,
        Self::Cancelled,
    ];
}

impl fmt::Display for OrderPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Received => "received",
            Self::Priced => "priced",
            Self::PaymentUnknown => "waiting for the outcome of its payment",
            Self::PaymentDeclined => "without a payment",
            Self::Authorised => "authorised",
            Self::Placed => "placed",
            Self::Changing => "being changed",
            Self::Fulfilling => "being packed",
            Self::Captured => "shipped and paid",
            Self::ReturnRequested => "waiting for a return",
            Self::Refunded => "refunded",
            Self::Cancelled => "cancelled",
        })
    }
}

/// What moves an order from one phase to another, or is done to it within one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Transition {
    /// Freeze its prices.
    Price,
    /// Learn that the money is set aside.
    Authorise,
    /// Learn that the payment's outcome is unknown.
    LosePayment,
    /// Learn that the payment was declined.
    Decline,
    /// Promise it to the shopper.
    Place,
    /// Change where it goes.
    Change,
    /// Begin to change what it holds.
    BeginChange,
    /// Leave it as it was after all.
    AbandonChange,
    /// Accept the change.
    Revise,
    /// Begin to pack it.
    BeginFulfilment,
    /// Hold stock for what was on backorder.
    Allocate,
    /// Put a label on a parcel.
    Label,
    /// Take the money for a parcel.
    Capture,
    /// Send a parcel off.
    Dispatch,
    /// Send the last parcel off, or give up what was left.
    Complete,
    /// Give up what is left of a line.
    CancelLine,
    /// Give up the last line, when nothing was sent.
    CancelLast,
    /// Learn that the money is no longer set aside, or set it aside anew.
    Renew,
    /// Give it up.
    Cancel,
    /// Ask to send some of it back.
    RequestReturn,
    /// Open the parcel of a return.
    InspectReturn,
    /// Send the returned goods back to the customer after inspection.
    RefuseReturn,
    /// Wait for a return no longer.
    LapseReturn,
    /// Give some of the money back.
    RefundPart,
    /// Give back all that is left.
    RefundAll,
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Price => "priced",
            Self::Authorise => "authorised",
            Self::LosePayment => "waiting for a payment outcome",
            Self::Decline => "declined",
            Self::Place => "placed",
            Self::Change | Self::BeginChange => "changed",
            Self::AbandonChange => "left as it was",
            Self::Revise => "revised",
            Self::BeginFulfilment => "packed",
            Self::Allocate => "given more stock",
            Self::Label => "labelled",
            Self::Capture => "captured",
            Self::Dispatch | Self::Complete => "sent off",
            Self::CancelLine | Self::CancelLast => "cancelled by the line",
            Self::Renew => "authorised anew",
            Self::Cancel => "cancelled",
            Self::RequestReturn => "returned",
            Self::InspectReturn => "inspected as a return",
            Self::RefuseReturn => "refused as a return",
            Self::LapseReturn => "closed as a return",
            Self::RefundPart | Self::RefundAll => "refunded",
        })
    }
}

impl OrderPhase {
    /// The phase that a transition leads to; `None` where the graph has no such edge.
    #[must_use]
    pub fn after(self, transition: Transition) -> Option<Self> {
        use OrderPhase as P;
        use Transition as T;
        Some(match (self, transition) {
            (P::Received, T::Price) => P::Priced,
            (P::Priced | P::PaymentUnknown, T::Authorise) => P::Authorised,
            (P::Priced, T::LosePayment) => P::PaymentUnknown,
            (P::Priced | P::PaymentUnknown, T::Decline) => P::PaymentDeclined,
            (P::Authorised, T::Place) => P::Placed,
            (P::Placed, T::Change | T::CancelLine) => P::Placed,
            (P::Placed, T::BeginChange) => P::Changing,
            (P::Changing, T::AbandonChange | T::Revise) => P::Placed,
            (P::Placed, T::BeginFulfilment) => P::Fulfilling,
            (P::Placed | P::Changing | P::Fulfilling, T::Renew) => self,
            (P::Fulfilling, T::Allocate | T::Label | T::Capture | T::Dispatch | T::CancelLine) => {
                P::Fulfilling
            }
            (P::Fulfilling, T::Complete) => P::Captured,
            (P::Fulfilling, T::CancelLast) => P::Cancelled,
            (P::Captured, T::RequestReturn) => P::ReturnRequested,
            (P::ReturnRequested, T::InspectReturn) => P::ReturnRequested,
            (P::ReturnRequested, T::RefuseReturn | T::LapseReturn | T::RefundPart) => P::Captured,
            (P::ReturnRequested, T::RefundAll) => P::Refunded,
            (
                P::Received
                | P::Priced
                | P::PaymentUnknown
                | P::PaymentDeclined
                | P::Authorised
                | P::Placed,
                T::Cancel,
            ) => P::Cancelled,
            _ => return None,
        })
    }

    /// Whether the shopper has no promise yet.
    pub(super) fn is_before_placing(self) -> bool {
        matches!(
            self,
            Self::Received
                | Self::Priced
                | Self::PaymentUnknown
                | Self::PaymentDeclined
                | Self::Authorised
        )
    }
}
