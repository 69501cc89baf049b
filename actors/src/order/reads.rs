//! What can be asked of an order. A shopper sees only their own.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind};
use serde::{Deserialize, Serialize};

use super::OrderAgent;
use super::events::{CancelReason, OrderLine};
use super::machine::{OrderPhase, Transition};
use super::state::OrderState;
use super::totals::PricedOrder;
use crate::domain::{CustomerId, Destination, Money, OrderId, Sku};
use crate::ports::TrackingNumber;

macro_rules! read_of_order {
    ($($(#[$meta:meta])* $name:ident;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            /// The order.
            pub order: OrderId,
        }
    )+};
}

read_of_order! {
    /// Asks where an order stands.
    OrderStatus;
    /// Asks for what is needed to ship an order and to take the money.
    ShowFulfilment;
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
    /// What was ordered.
    pub lines: Vec<OrderLine>,
    /// What it costs, once it is priced.
    pub total: Option<Money>,
    /// The parcel's number, once it has a label.
    pub tracking: Option<TrackingNumber>,
    /// What was taken.
    pub captured: Option<Money>,
    /// What was given back.
    pub refunded: Option<Money>,
    /// Why it was given up, if it was.
    pub cancelled: Option<CancelReason>,
}

impl Command for OrderStatus {
    type Agent = OrderAgent;
    type Reply = OrderView;
    const NAME: &'static str = "OrderStatus";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        let order = state.seen_by(context.principal, &self.order)?;
        Ok(Decision::reply(OrderView {
            order: self.order.clone(),
            customer: order.details.customer.clone(),
            phase: order.phase,
            lines: order.details.lines.clone(),
            total: order.priced.as_ref().map(|priced| priced.total),
            tracking: order.tracking.clone(),
            captured: order.captured,
            refunded: order.refunded,
            cancelled: order.cancelled,
        }))
    }
}

/// What is needed to ship an order and to take the money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilment {
    /// Where it stands.
    pub phase: OrderPhase,
    /// Where it goes.
    pub address: Destination,
    /// What it costs, once it is priced.
    pub priced: Option<PricedOrder>,
}

impl Command for ShowFulfilment {
    type Agent = OrderAgent;
    type Reply = Fulfilment;
    const NAME: &'static str = "ShowFulfilment";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        let order = state.seen_by(context.principal, &self.order)?;
        Ok(Decision::reply(Fulfilment {
            phase: order.phase,
            address: order.details.address.clone(),
            priced: order.priced.clone(),
        }))
    }
}

/// Whether an order can still be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Eligibility {
    /// It can; this is what it holds.
    Eligible {
        /// The lines with their frozen prices.
        priced: PricedOrder,
    },
    /// It cannot.
    NotEligible {
        /// Where it stands.
        phase: OrderPhase,
    },
}

impl Command for CheckModificationEligibility {
    type Agent = OrderAgent;
    type Reply = Eligibility;
    const NAME: &'static str = "CheckModificationEligibility";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        let order = state.seen_by(context.principal, &self.order)?;
        let phase = order.phase;
        Ok(Decision::reply(match &order.priced {
            Some(priced) if phase.after(Transition::Change).is_some() => Eligibility::Eligible {
                priced: priced.clone(),
            },
            _ => Eligibility::NotEligible { phase },
        }))
    }
}

/// Asks how many units of a product an order still waits for: the order's part of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingUnits {
    /// The order.
    pub order: OrderId,
    /// The product.
    pub sku: Sku,
}

impl Command for PendingUnits {
    type Agent = OrderAgent;
    type Reply = u32;
    const NAME: &'static str = "PendingUnits";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        let order = state.seen_by(context.principal, &self.order)?;
        let pending = match order.phase {
            OrderPhase::Received
            | OrderPhase::Priced
            | OrderPhase::PaymentUnknown
            | OrderPhase::Authorised
            | OrderPhase::Placed
            | OrderPhase::Labelled => order
                .details
                .lines
                .iter()
                .find(|line| line.sku == self.sku)
                .map_or(0, |line| line.quantity.get()),
            OrderPhase::PaymentDeclined
            | OrderPhase::Captured
            | OrderPhase::ReturnRequested
            | OrderPhase::Refunded
            | OrderPhase::Cancelled => 0,
        };
        Ok(Decision::reply(pending))
    }
}
