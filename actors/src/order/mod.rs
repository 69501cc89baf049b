//! Orders: from a shopper's wish to money taken, and back.
//!
//! The entity is an order. It moves along an explicit graph ([`OrderPhase::after`]); what the graph
//! has no edge for is refused.

mod cancel;
mod change;
mod command;
mod due;
mod earlier;
mod events;
mod fulfilment;
mod lines;
mod machine;
mod parcels;
mod payment;
mod payments;
mod place;
mod price;
mod reads;
mod receive;
mod returns;
mod settings;
mod shipping;
mod state;
mod tax;
mod tax_rates;
mod totals;
mod units;

use std::sync::Arc;

use mercato_runtime::{Agent, Commands, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::{
    Catalogue, Currency, Jurisdiction, Money, MoneyError, OrderId, PaymentId, Sku,
};
use crate::ports::TrackingNumber;

pub use cancel::{AbandonCheckout, CancelOrder, Cancelled};
pub use change::{
    AbandonChange, BeginChange, ChangeOrder, OrderChangePrice, PriceOrderChange, ReviseOrder,
    Revised,
};
pub use events::{
    AuthorisationExpired, AuthorisationRenewed, CancelReason, ChangeAbandoned, ChangeBegun,
    FulfilmentBegun, LabelRecorded, LineCancelled, MoneyPart, OrderCancelled, OrderChanged,
    OrderDetails, OrderEvent, OrderLine, OrderPlaced, OrderPriced, OrderReceived, OrderRevised,
    ParcelDispatched, ParcelTracked, PaymentAuthorised, PaymentCaptured, PaymentDeclined,
    PaymentOutcomeLost, RefundRecorded, ReturnFinding, ReturnInspected, ReturnLapsed,
    ReturnRefused, ReturnRequested, StockAllocated, StockHold, TermsAgreed,
};
pub use fulfilment::{
    CapturePlan, Fulfilment, PlanParcels, PlannedMovement, PlannedParcel, ShowCapture,
    ShowFulfilment, ShowRefund,
};
pub use lines::{AllocateStock, CancelLine, LineUnits};
pub use machine::{OrderPhase, Transition};
pub use parcels::{
    BeginFulfilment, Begun, RecordCapture, RecordDispatch, RecordLabel, RecordTracking,
};
pub use payment::{
    ExpireAuthorisation, PaymentNoticeOutcome, PaymentOutcome, RecordAuthorisation,
    RecordPaymentNotice, RecordRenewal,
};
pub use payments::OrderPayment;
pub use place::{ExpireUnpaid, PlaceOrder};
pub use price::{AgreeTerms, PriceOrder};
pub use reads::{
    CheckModificationEligibility, Eligibility, OrderMoney, OrderStatus, OrderView, PendingUnits,
    ShowPayments,
};
pub use receive::{OrderProblem, ReceiveOrder};
pub use returns::{
    InspectReturn, LapseReturn, RecordRefund, RefuseReturn, RequestReturn, ReturnAuthorisation,
};
pub use settings::OrderSettings;
pub use shipping::{
    ShippingTariff, Surcharge, TariffError, TariffProblem, WeightBand, Weights, Zone, ZoneTariff,
};
pub use state::OrderState;
pub use tax::{
    PriceTerms, ShippingTax, TaxCategory, TaxRates, TaxRounding, TaxTable, TaxTableError,
};
pub use totals::{PricedLine, PricedOrder};
pub use units::Parcel;

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

    /// What can be ordered.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What units weigh, in grams.
    pub(crate) fn grams(&self, contents: &[StockHold]) -> u64 {
        let grams = contents.iter().map(|hold| {
            let product = self.catalogue.get(&hold.sku);
            self.settings.grams(&hold.sku, product, hold.quantity.get())
        });
        grams.fold(0, u64::saturating_add)
    }
}

impl Agent for OrderAgent {
    const NAME: &'static str = "order";
    const STATE_VERSION: u16 = 3;
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
            .add::<AgreeTerms>()
            .add::<RecordAuthorisation>()
            .add::<RecordPaymentNotice>()
            .add::<ExpireAuthorisation>()
            .add::<RecordRenewal>()
            .add::<PlaceOrder>()
            .add::<ExpireUnpaid>()
            .add::<ChangeOrder>()
            .add::<BeginChange>()
            .add::<AbandonChange>()
            .add::<PriceOrderChange>()
            .add::<ReviseOrder>()
            .add::<BeginFulfilment>()
            .add::<AllocateStock>()
            .add::<CancelLine>()
            .add::<RecordLabel>()
            .add::<RecordCapture>()
            .add::<RecordDispatch>()
            .add::<RecordTracking>()
            .add::<CancelOrder>()
            .add::<AbandonCheckout>()
            .add::<RequestReturn>()
            .add::<InspectReturn>()
            .add::<RefuseReturn>()
            .add::<LapseReturn>()
            .add::<RecordRefund>()
            .add::<OrderStatus>()
            .add::<ShowFulfilment>()
            .add::<PlanParcels>()
            .add::<ShowCapture>()
            .add::<ShowRefund>()
            .add::<ShowPayments>()
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
    /// The order was received before, with other details.
    #[error("an order with this id was received with other details; use a new id for a new order")]
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
    /// Nobody knows yet what it costs.
    #[error("order has no price yet; price it first")]
    NotPriced,
    /// The quotes are not those of the order's lines: for other products, or for other quantities.
    #[error(
        "quotes do not match the lines of the order; quote every line once, for as many units as it \
         has, in order"
    )]
    QuotesDiffer,
    /// A quote is too old.
    #[error("quote of sku {0} expired; quote it again")]
    QuoteExpired(Sku),
    /// An amount is in another currency.
    #[error("this shop's orders are in {expected}; quote in that currency")]
    OtherCurrency {
        /// The currency of the catalogue.
        expected: Currency,
    },
    /// What was authorised or captured is not what is due, or is not set aside.
    #[error("amount is not what is due, {total}, or is not set aside; use what is due")]
    AmountDiffers {
        /// What is due.
        total: Money,
    },
    /// The payment is none of this order's.
    #[error("payment {0} is none of this order's; check its id")]
    UnknownPayment(PaymentId),
    /// The shop does not deliver there.
    #[error("the shop does not deliver to {0}; give another address")]
    NotDelivered(Jurisdiction),
    /// What is held is not what the order waits for.
    #[error(
        "{waiting} units of sku {sku} wait for stock; hold no more, each under a name of its own"
    )]
    HoldsDiffer {
        /// The product.
        sku: Sku,
        /// How many units wait.
        waiting: u32,
    },
    /// The order has changed since.
    #[error("the order is at version {revision} by now; look at it again before you change it")]
    RevisionDiffers {
        /// Which version it is.
        revision: u32,
    },
    /// The product is on no line of the order.
    #[error("sku {0} is not in this order; check the number")]
    NotOrdered(Sku),
    /// There is no such parcel, or it is not the next one.
    #[error(
        "parcels are packed one by one of what is held, and {next} is next; look at them first"
    )]
    ParcelDiffers {
        /// The number of the next parcel.
        next: u32,
    },
    /// The money for the parcel was taken.
    #[error("parcel {0} is paid; do not take its money twice")]
    ParcelPaid(u32),
    /// The money for the parcel was not taken.
    #[error("parcel {0} is not paid; take its money before it leaves")]
    ParcelUnpaid(u32),
    /// No parcel of this order has that number.
    #[error("{0} is no parcel of this order; check the number on its label")]
    UnknownParcel(TrackingNumber),
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
    /// The time in which it could be returned is over.
    #[error("it could be returned until {until}; ask a person")]
    ReturnTooLate {
        /// When that was.
        until: Timestamp,
    },
    /// The parcel of the return was opened before, and something else was found.
    #[error("the return was inspected before with other findings; the first ones count")]
    AlreadyInspected,
    /// More money would be given back than was taken.
    #[error("refund must be above zero and at most {refundable}; correct the amount")]
    RefundTooLarge {
        /// What was captured and not yet refunded.
        refundable: Money,
    },
    /// A calculation has no result.
    #[error("order cannot be priced: {0}")]
    Money(#[from] MoneyError),
    /// Only the shop's own people and programs say what was paid, sent, and found in a parcel.
    #[error("that is for the shop's own people and programs; ask support instead")]
    NotStaff,
}

fn list(problems: &[OrderProblem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
