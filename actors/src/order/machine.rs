//! The life of an order, as a graph.

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
    /// The shopper has a promise.
    Placed,
    /// The parcel has a label.
    Labelled,
    /// The parcel is on its way and the money is taken.
    Captured,
    /// Some of it is coming back.
    ReturnRequested,
    /// All that was paid was given back.
    Refunded,
    /// It will not be fulfilled.
    Cancelled,
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
            Self::Labelled => "labelled for shipping",
            Self::Captured => "shipped and paid",
            Self::ReturnRequested => "waiting for a return",
            Self::Refunded => "refunded",
            Self::Cancelled => "cancelled",
        })
    }
}

/// What moves an order from one phase to another.
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
    /// Put a label on it.
    Label,
    /// Take the money.
    Capture,
    /// Give it up.
    Cancel,
    /// Ask to send some of it back.
    RequestReturn,
    /// Send the returned goods back to the customer after inspection.
    RefuseReturn,
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
            Self::Change => "changed",
            Self::Label => "labelled",
            Self::Capture => "captured",
            Self::Cancel => "cancelled",
            Self::RequestReturn => "returned",
            Self::RefuseReturn => "refused as a return",
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
            (P::Placed, T::Change) => P::Placed,
            (P::Placed, T::Label) => P::Labelled,
            (P::Labelled, T::Capture) => P::Captured,
            (P::Captured, T::RequestReturn) => P::ReturnRequested,
            (P::ReturnRequested, T::RefuseReturn | T::RefundPart) => P::Captured,
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
}
