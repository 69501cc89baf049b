//! What can be asked of an order. A shopper sees only their own.

use mercato_runtime::{Context, Decision};
use serde::{Deserialize, Serialize};

use super::OrderAgent;
use super::command::{OrderDecided, read_of_order};
use super::events::{CancelReason, OrderLine, StockHold};
use super::lines::LineUnits;
use super::machine::{OrderPhase, Transition};
use super::payments::OrderPayment;
use super::state::Order;
use super::totals::PricedOrder;
use super::units::{Parcel, units_of};
use crate::domain::{CustomerId, Money, OrderId, Sku};
use crate::ports::TrackingNumber;
use crate::pricing::Segment;

macro_rules! names_an_order {
    ($($(#[$meta:meta])* $name:ident;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            /// The order.
            pub order: OrderId,
        }
    )+};
}

names_an_order! {
    /// Asks where an order stands.
    OrderStatus;
    /// Asks what an order's money is: for the flows that move it, and to hold it against the
    /// gateway's books.
    ShowPayments;
    /// Asks whether an order can still be changed.
    CheckModificationEligibility;
}

/// An order as its customer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// The order.
    pub order: OrderId,
    /// Whose it is.
    pub customer: CustomerId,
    /// Where it stands.
    pub phase: OrderPhase,
    /// Which version it is; the first one is 1, and each change makes the next.
    pub revision: u32,
    /// What is ordered.
    pub lines: Vec<OrderLine>,
    /// Where its units are, line by line.
    pub units: Vec<LineUnits>,
    /// What it costs, once it is priced.
    pub total: Option<Money>,
    /// The number of its first parcel, once that has a label.
    pub tracking: Option<TrackingNumber>,
    /// What is held for it and in no parcel.
    pub holds: Vec<StockHold>,
    /// Its parcels, with what the carrier told of them.
    pub parcels: Vec<Parcel>,
    /// What was taken.
    pub captured: Option<Money>,
    /// What was given back.
    pub refunded: Option<Money>,
    /// Why it was given up, if it was.
    pub cancelled: Option<CancelReason>,
}

read_of_order!(OrderStatus -> OrderView);

impl OrderStatus {
    fn decide_for(
        &self,
        _: &OrderAgent,
        order: &Order,
        _: &Context<'_>,
    ) -> OrderDecided<OrderView> {
        Ok(Decision::reply(OrderView {
            order: self.order.clone(),
            customer: order.details.customer.clone(),
            phase: order.phase,
            revision: order.revision,
            lines: order.details.lines.clone(),
            units: order.line_units(),
            total: order.priced.as_ref().map(|priced| priced.total),
            tracking: order
                .units
                .parcels()
                .first()
                .map(|parcel| parcel.tracking.clone()),
            holds: order.holds(),
            parcels: order.units.parcels().to_vec(),
            captured: order.captured(),
            refunded: order.refunded(),
            cancelled: order.cancelled,
        }))
    }
}

/// What an order's money is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderMoney {
    /// Where the order stands.
    pub phase: OrderPhase,
    /// What it costs without what was cancelled, once it is priced.
    pub payable: Option<Money>,
    /// What is still to be taken and is not set aside: an authorisation ended.
    pub lacking: Option<Money>,
    /// Its payments, in the order in which they were authorised.
    pub payments: Vec<OrderPayment>,
}

read_of_order!(ShowPayments -> OrderMoney);

impl ShowPayments {
    fn decide_for(
        &self,
        _: &OrderAgent,
        order: &Order,
        _: &Context<'_>,
    ) -> OrderDecided<OrderMoney> {
        Ok(Decision::reply(OrderMoney {
            phase: order.phase,
            payable: order.payable().ok(),
            lacking: order.lacking().ok(),
            payments: order.payments.all.clone(),
        }))
    }
}

/// Whether an order can still be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Eligibility {
    /// It can; this is what it holds.
    Eligible {
        /// Which version it is: a change says which one it starts from.
        revision: u32,
        /// The lines with their frozen prices.
        priced: PricedOrder,
        /// The terms that they were priced on.
        segment: Segment,
    },
    /// It cannot.
    NotEligible {
        /// Where it stands.
        phase: OrderPhase,
    },
}

read_of_order!(CheckModificationEligibility -> Eligibility);

impl CheckModificationEligibility {
    fn decide_for(
        &self,
        _: &OrderAgent,
        order: &Order,
        _: &Context<'_>,
    ) -> OrderDecided<Eligibility> {
        let phase = order.phase;
        Ok(Decision::reply(match &order.priced {
            Some(priced) if phase.after(Transition::Change).is_some() => Eligibility::Eligible {
                revision: order.revision,
                priced: priced.clone(),
                segment: order.segment,
            },
            _ => Eligibility::NotEligible { phase },
        }))
    }
}

/// Asks how many units of a product an order waits for: what is held for it and has not left, and what it
/// has on backorder. That is the order's part of the pipeline, under whatever names it is held. An order that
/// is not placed waits for nothing yet: its checkout holds what it gets, or comes to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingUnits {
    /// The order.
    pub order: OrderId,
    /// The product.
    pub sku: Sku,
}

read_of_order!(PendingUnits -> u32);

impl PendingUnits {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<u32> {
        let mut lines = order.details.lines.iter();
        let Some(line) = lines.find(|line| line.sku == self.sku) else {
            return Ok(Decision::reply(0));
        };
        let pending = match order.phase {
            OrderPhase::Placed | OrderPhase::Changing | OrderPhase::Fulfilling => {
                let parcels = order.units.parcels().iter();
                let packed = parcels.filter(|parcel| !parcel.dispatched);
                let holds = packed.flat_map(|parcel| &parcel.contents);
                let holds = holds.chain(order.units.holds());
                units_of(holds, &self.sku) + order.units.backordered(line)
            }
            OrderPhase::Received
            | OrderPhase::Priced
            | OrderPhase::PaymentUnknown
            | OrderPhase::PaymentDeclined
            | OrderPhase::Authorised
            | OrderPhase::Captured
            | OrderPhase::ReturnRequested
            | OrderPhase::Refunded
            | OrderPhase::Cancelled => 0,
        };
        Ok(Decision::reply(pending))
    }
}
