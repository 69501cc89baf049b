//! Orders: from a shopper's wish to money taken, and back.
//!
//! The entity is an order. It moves along an explicit graph ([`OrderPhase::after`]); what the graph
//! has no edge for is refused.

mod cancel;
mod commands;
mod events;
mod machine;
mod reads;
mod receive;
mod returns;
mod settings;
mod state;
mod totals;

use std::sync::Arc;

use mercato_runtime::{Agent, Commands};
use serde::{Deserialize, Serialize};

use crate::domain::{Catalogue, Money, MoneyError, OrderId, Sku};

pub use cancel::{CancelOrder, Cancelled};
pub use commands::{
    ChangeOrder, PaymentOutcome, PlaceOrder, PriceOrder, RecordAuthorisation, RecordCapture,
    RecordLabel,
};
pub use events::{
    CancelReason, LabelRecorded, OrderCancelled, OrderChanged, OrderDetails, OrderEvent, OrderLine,
    OrderPlaced, OrderPriced, OrderReceived, PaymentAuthorised, PaymentCaptured, PaymentDeclined,
    PaymentOutcomeLost, RefundRecorded, ReturnRefused, ReturnRequested,
};
pub use machine::{OrderPhase, Transition};
pub use reads::{
    CheckModificationEligibility, Eligibility, Fulfilment, OrderStatus, OrderView, PendingUnits,
    ShowFulfilment,
};
pub use receive::{OrderProblem, ReceiveOrder};
pub use returns::{RecordRefund, RefuseReturn, RequestReturn};
pub use settings::OrderSettings;
pub use state::OrderState;
pub use totals::{PricedLine, PricedOrder};

/// The agent that owns orders.
#[derive(Debug, Clone)]
pub struct OrderAgent {
    settings: OrderSettings,
    catalogue: Arc<Catalogue>,
}

impl OrderAgent {
    /// Orders of products of a catalogue.
    #[must_use]
    pub fn new(settings: OrderSettings, catalogue: Arc<Catalogue>) -> Self {
        Self {
            settings,
            catalogue,
        }
    }
}

impl Agent for OrderAgent {
    const NAME: &'static str = "order";
    type State = OrderState;
    type Event = OrderEvent;
    type Rejection = OrderRejection;

    fn evolve(state: &mut OrderState, event: &OrderEvent) {
        state.apply(event);
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add::<ReceiveOrder>()
            .add::<PriceOrder>()
            .add::<RecordAuthorisation>()
            .add::<PlaceOrder>()
            .add::<ChangeOrder>()
            .add::<RecordLabel>()
            .add::<RecordCapture>()
            .add::<CancelOrder>()
            .add::<RequestReturn>()
            .add::<RefuseReturn>()
            .add::<RecordRefund>()
            .add::<OrderStatus>()
            .add::<ShowFulfilment>()
            .add::<CheckModificationEligibility>()
            .add::<PendingUnits>();
    }
}

/// Why the Order agent refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum OrderRejection {
    /// The details are not valid: everything that is wrong with them, at once.
    #[error("order is not valid: {}", list(problems))]
    Invalid {
        /// What is wrong.
        problems: Vec<OrderProblem>,
    },
    /// The order was received before.
    #[error("an order with this id was received before; use a new id for a new order")]
    AlreadyReceived,
    /// There is no such order that the asker may see.
    #[error("order {0} was not found; check its number and sign in with the account it belongs to")]
    NotFound(OrderId),
    /// The order's graph has no such edge.
    #[error("order is {phase} and cannot be {attempted}; look at its status first")]
    IllegalTransition {
        /// Where the order stands.
        phase: OrderPhase,
        /// What was attempted.
        attempted: Transition,
    },
    /// The quotes are not those of the order's lines.
    #[error("quotes do not match the lines of the order; quote every line once, in order")]
    QuotesDiffer,
    /// A quote is too old.
    #[error("quote of sku {0} expired; quote it again")]
    QuoteExpired(Sku),
    /// What was authorised or captured is not what the order costs.
    #[error("amount is not the order's total of {total}; use the total")]
    AmountDiffers {
        /// What the order costs.
        total: Money,
    },
    /// The new address is taxed differently.
    #[error("address is in another country; cancel the order and order again")]
    OtherJurisdiction,
    /// More would come back than was bought.
    #[error("at most {returnable} of sku {sku} can be returned; name each sku once and correct it")]
    NotReturnable {
        /// The product.
        sku: Sku,
        /// How many could come back.
        returnable: u32,
    },
    /// Nothing was named.
    #[error("return names no product; name at least one")]
    EmptyReturn,
    /// More money would be given back than was taken.
    #[error("refund must be above zero and at most {refundable}; correct the amount")]
    RefundTooLarge {
        /// What was captured and not yet refunded.
        refundable: Money,
    },
    /// A calculation has no result.
    #[error("order cannot be priced: {0}")]
    Money(#[from] MoneyError),
}

fn list(problems: &[OrderProblem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
