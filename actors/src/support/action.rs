//! What the shop does for a customer who asks for it: it offers, the customer says yes, and Order
//! does it by its own rules.

use std::fmt;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Money, OrderId, Sku};
use crate::order::OrderLine;

/// What the shop can do to an order without a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SupportAction {
    /// To cancel all of it.
    CancelOrder {
        /// Which order.
        order: OrderId,
    },
    /// To take one product out of it.
    CancelLine {
        /// Which order.
        order: OrderId,
        /// Which product.
        sku: Sku,
    },
    /// To agree that goods come back; the money follows when they were inspected.
    ReturnGoods {
        /// Which order.
        order: OrderId,
        /// What comes back.
        lines: Vec<OrderLine>,
    },
}

impl SupportAction {
    /// The order that it is done to.
    #[must_use]
    pub const fn order(&self) -> &OrderId {
        match self {
            Self::CancelOrder { order }
            | Self::CancelLine { order, .. }
            | Self::ReturnGoods { order, .. } => order,
        }
    }
}

impl fmt::Display for SupportAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CancelOrder { order } => write!(f, "cancel order {order}"),
            Self::CancelLine { order, sku } => write!(f, "take {sku} out of order {order}"),
            Self::ReturnGoods { order, .. } => write!(f, "take back the goods of order {order}"),
        }
    }
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ActionOutcome {
    /// It is done, or was done before.
    Done,
    /// Goods may come back.
    ReturnAgreed {
        /// The number to be written on the parcel.
        rma: Box<str>,
        /// What is due once they are there.
        refund: Money,
        /// When they must be there.
        until: Timestamp,
    },
    /// Order's rules do not allow it, for this reason.
    Refused {
        /// What Order says.
        reason: Box<str>,
    },
}

/// An action that waits for the customer's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Its number within the conversation, from 1.
    pub number: u32,
    /// What is offered.
    pub action: SupportAction,
    /// The question to which it was the answer; the yes must be what is said next.
    pub turn: u32,
    /// A yes counts until then.
    pub until: Timestamp,
}

/// An action that the customer said yes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenAction {
    /// The number under which it was offered.
    pub number: u32,
    /// What it is.
    pub action: SupportAction,
    /// What came of it, once that is known.
    pub outcome: Option<ActionOutcome>,
}

/// Whether a text says yes or no and nothing else; `None` where it says something else. It is kept
/// narrow on purpose: what is not plainly a yes does nothing.
pub(super) fn says_yes(terms: &[String]) -> Option<bool> {
    const YES: [&str; 14] = [
        "yes",
        "yep",
        "yeah",
        "yes please",
        "please do",
        "please do it",
        "do it",
        "yes do it",
        "go ahead",
        "yes go ahead",
        "confirm",
        "i confirm",
        "ok",
        "sure",
    ];
    const NO: [&str; 10] = [
        "no",
        "nope",
        "no thanks",
        "no thank you",
        "dont",
        "do not",
        "no dont",
        "leave it",
        "stop",
        "never mind",
    ];
    let said = terms.join(" ");
    match said.as_str() {
        said if YES.contains(&said) => Some(true),
        said if NO.contains(&said) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::terms;
    use super::*;

    /// Catches: a yes that is heard where none was said, which would cancel an order.
    #[test]
    fn only_a_plain_yes_is_a_yes() {
        let heard = |text| says_yes(&terms(text));
        for yes in ["Yes", "yes, please!", "OK.", "go ahead", "I confirm"] {
            assert_eq!(heard(yes), Some(true), "{yes}");
        }
        for no in ["no", "No, thanks.", "don't"] {
            assert_eq!(heard(no), Some(false), "{no}");
        }
        for neither in [
            "yes but only the mug",
            "yes or no?",
            "why",
            "",
            "не",
            "is it ok to wait",
        ] {
            assert_eq!(heard(neither), None, "{neither}");
        }
    }
}
