//! An order: the fold of its events.

use std::collections::BTreeMap;

use mercato_runtime::{Principal, Timestamp};
use serde::{Deserialize, Serialize};

use super::OrderRejection;
use super::events::{
    CancelReason, MoneyPart, OrderDetails, OrderEvent, OrderLine, ReturnFinding, StockHold,
};
use super::machine::{OrderPhase, Transition};
use super::payments::{OrderPayment, Payments};
use super::totals::PricedOrder;
use super::units::{Allocation, Parcel};
use crate::domain::{Money, OrderId, Sku};
use crate::pricing::Segment;

/// An order, or (before its first event) nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrderState {
    order: Option<Order>,
}

/// An order that was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) details: OrderDetails,
    pub(super) phase: OrderPhase,
    /// Which version of the order this is; the first one is 1.
    pub(super) revision: u32,
    /// The change that is being worked out.
    pub(super) change: Option<Box<str>>,
    /// How many were ever begun.
    pub(super) changes: u32,
    pub(super) priced: Option<PricedOrder>,
    /// The terms that it was priced on.
    pub(super) segment: Segment,
    /// The payment that was asked for, whatever came of it.
    pub(super) asked: Option<crate::domain::PaymentId>,
    pub(super) payments: Payments,
    pub(super) units: Allocation,
    pub(super) dispatched_at: Option<Timestamp>,
    /// How often something was to come back.
    pub(super) returns: u32,
    /// Units that came back and were refunded.
    pub(super) returned: BTreeMap<Sku, u32>,
    pub(super) returning: Option<OpenReturn>,
    pub(super) cancelled: Option<CancelReason>,
}

/// What is coming back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenReturn {
    pub(super) lines: Vec<OrderLine>,
    pub(super) refund: Money,
    pub(super) inspected: Option<Vec<ReturnFinding>>,
}

impl OrderState {
    /// Where the order stands; `None` before it is received.
    #[must_use]
    pub fn phase(&self) -> Option<OrderPhase> {
        self.order.as_ref().map(|order| order.phase)
    }

    /// What the order costs as it stands, once it is priced.
    #[must_use]
    pub fn priced(&self) -> Option<&PricedOrder> {
        self.order.as_ref()?.priced.as_ref()
    }

    /// Its payments.
    #[must_use]
    pub fn payments(&self) -> &[OrderPayment] {
        let payments = self.order.as_ref().map(|order| &*order.payments.all);
        payments.unwrap_or_default()
    }

    /// Its parcels.
    #[must_use]
    pub fn parcels(&self) -> &[Parcel] {
        let parcels = self.order.as_ref().map(|order| order.units.parcels());
        parcels.unwrap_or_default()
    }

    /// The order, where the principal may see it. A stranger's order and a missing one get the
    /// same answer.
    pub(super) fn seen_by(
        &self,
        principal: &Principal,
        id: &OrderId,
    ) -> Result<&Order, OrderRejection> {
        self.order
            .as_ref()
            .filter(|order| {
                principal
                    .as_user()
                    .is_none_or(|shopper| shopper == order.details.customer.as_str())
            })
            .ok_or_else(|| OrderRejection::NotFound(id.clone()))
    }

    /// The details that were received, if any were.
    pub(super) fn received(&self) -> Option<&OrderDetails> {
        self.order.as_ref().map(|order| &order.details)
    }

    pub(super) fn apply(&mut self, event: &OrderEvent) {
        if let OrderEvent::OrderReceived(e) = event {
            self.order = Some(Order {
                details: e.details.clone(),
                phase: OrderPhase::Received,
                revision: 1,
                change: None,
                changes: 0,
                priced: None,
                segment: Segment::Standard,
                asked: None,
                payments: Payments::default(),
                units: Allocation::default(),
                dispatched_at: None,
                returns: 0,
                returned: BTreeMap::new(),
                returning: None,
                cancelled: None,
            });
        } else if let Some(order) = &mut self.order {
            order.apply(event);
        }
    }
}

impl Order {
    /// Refuses what the graph has no edge for.
    pub(super) fn check(&self, attempted: Transition) -> Result<(), OrderRejection> {
        match self.phase.after(attempted) {
            Some(_) => Ok(()),
            None => Err(self.illegal(attempted)),
        }
    }

    pub(super) fn illegal(&self, attempted: Transition) -> OrderRejection {
        OrderRejection::IllegalTransition {
            phase: self.phase,
            attempted,
        }
    }

    /// What it costs. The graph lets no order past its beginning that has no price.
    pub(super) fn frozen(&self) -> Result<&PricedOrder, OrderRejection> {
        self.priced.as_ref().ok_or(OrderRejection::NotPriced)
    }

    fn nothing(&self) -> Option<Money> {
        let priced = self.priced.as_ref()?;
        Some(Money::zero(priced.total.currency()))
    }

    /// What was taken; `None` when nothing was.
    pub(super) fn captured(&self) -> Option<Money> {
        let captured = self.payments.captured(self.nothing()?).ok()?;
        captured.is_positive().then_some(captured)
    }

    /// What was given back; `None` when nothing was.
    pub(super) fn refunded(&self) -> Option<Money> {
        let refunded = self.payments.refunded(self.nothing()?).ok()?;
        refunded.is_positive().then_some(refunded)
    }

    /// What was captured and not refunded.
    pub(super) fn refundable(&self) -> Option<Money> {
        let nothing = self.nothing()?;
        let captured = self.payments.captured(nothing).ok()?;
        captured.minus(self.payments.refunded(nothing).ok()?).ok()
    }

    fn follow(&mut self, transition: Transition) {
        // A recorded event was legal when it was decided.
        if let Some(next) = self.phase.after(transition) {
            self.phase = next;
        }
    }

    /// Ends the fulfilment once nothing is left to be sent.
    fn complete(&mut self) {
        if self.phase == OrderPhase::Fulfilling && self.units.all_sent(&self.details.lines) {
            self.follow(Transition::Complete);
        }
    }

    fn apply(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::OrderReceived(_) => {}
            OrderEvent::OrderPriced(e) => {
                self.follow(Transition::Price);
                self.priced = Some(e.priced.clone());
            }
            OrderEvent::TermsAgreed(e) => self.segment = e.segment,
            OrderEvent::PaymentAuthorised(e) => {
                self.follow(Transition::Authorise);
                self.asked = Some(e.payment.clone());
                if let Some(priced) = &self.priced {
                    self.payments.add(e.payment.clone(), priced.total);
                }
            }
            OrderEvent::PaymentOutcomeLost(e) => {
                self.follow(Transition::LosePayment);
                self.asked = Some(e.payment.clone());
            }
            OrderEvent::PaymentDeclined(_) => self.follow(Transition::Decline),
            OrderEvent::StockAllocated(e) => self.units.hold(&e.holds),
            OrderEvent::OrderPlaced(e) => {
                self.follow(Transition::Place);
                self.units.assume(&e.order, &e.lines);
            }
            OrderEvent::OrderChanged(e) => {
                self.follow(Transition::Change);
                self.details.address = e.address.clone();
            }
            OrderEvent::ChangeBegun(e) => {
                self.follow(Transition::BeginChange);
                self.change = Some(e.change.clone());
                self.changes += 1;
            }
            OrderEvent::ChangeAbandoned(_) => {
                self.follow(Transition::AbandonChange);
                self.change = None;
            }
            OrderEvent::OrderRevised(e) => {
                self.follow(Transition::Revise);
                self.change = None;
                self.revision = e.revision;
                self.details.lines = e.lines.clone();
                self.priced = Some(e.priced.clone());
                self.units.replace(&e.holds);
                if let Some(supplement) = &e.supplement {
                    let MoneyPart { payment, amount } = supplement;
                    self.payments.add(payment.clone(), *amount);
                }
            }
            OrderEvent::FulfilmentBegun(_) => self.follow(Transition::BeginFulfilment),
            OrderEvent::LabelRecorded(e) => {
                // Orders of the first version got their label while they were placed.
                self.follow(Transition::BeginFulfilment);
                self.follow(Transition::Label);
                self.units.pack(e.parcel, &e.contents, &e.tracking);
            }
            OrderEvent::PaymentCaptured(e) => {
                self.follow(Transition::Capture);
                self.payments.capture(&e.parts, e.amount);
                self.units.paid();
                self.complete();
            }
            OrderEvent::ParcelDispatched(e) => {
                self.follow(Transition::Dispatch);
                self.dispatched_at = Some(e.at);
                self.units.dispatched(e.parcel);
                self.complete();
            }
            OrderEvent::ParcelTracked(e) => self.units.tracked(e.parcel, &e.scan),
            OrderEvent::LineCancelled(e) => {
                self.follow(Transition::CancelLine);
                self.units.cancel(&e.sku, e.quantity, &e.freed);
                self.complete();
            }
            OrderEvent::AuthorisationExpired(e) => self.payments.expire(&e.payment),
            OrderEvent::AuthorisationRenewed(e) => {
                let MoneyPart { payment, amount } = &e.payment;
                self.payments.add(payment.clone(), *amount);
            }
            OrderEvent::OrderCancelled(e) => {
                self.phase = OrderPhase::Cancelled;
                self.cancelled = Some(e.reason);
            }
            OrderEvent::ReturnRequested(e) => {
                self.follow(Transition::RequestReturn);
                self.returns += 1;
                self.returning = Some(OpenReturn {
                    lines: e.lines.clone(),
                    refund: e.refund,
                    inspected: None,
                });
            }
            OrderEvent::ReturnInspected(e) => {
                if let Some(open) = &mut self.returning {
                    open.refund = e.refund;
                    open.inspected = Some(e.findings.clone());
                }
            }
            OrderEvent::ReturnRefused(_) => {
                self.follow(Transition::RefuseReturn);
                self.returning = None;
            }
            OrderEvent::ReturnLapsed(_) => {
                self.follow(Transition::LapseReturn);
                self.returning = None;
            }
            OrderEvent::RefundRecorded(e) => {
                self.payments.refund(&e.parts, e.amount);
                self.take_back();
            }
        }
    }

    /// The open return has ended: what was found, or asked for where nobody looked, is back.
    fn take_back(&mut self) {
        if let Some(open) = self.returning.take() {
            let requested = open.lines.into_iter();
            let back: Vec<(Sku, u32)> = match open.inspected {
                Some(found) => found
                    .into_iter()
                    .map(|found| (found.sku, found.resaleable + found.damaged))
                    .collect(),
                None => requested
                    .map(|line| (line.sku, line.quantity.get()))
                    .collect(),
            };
            for (sku, units) in back {
                *self.returned.entry(sku).or_default() += units;
            }
        }
        self.follow(if self.refundable().is_some_and(Money::is_zero) {
            Transition::RefundAll
        } else {
            Transition::RefundPart
        });
    }

    /// The holds that the order has and that have not left.
    pub(super) fn holds(&self) -> Vec<StockHold> {
        self.units.holds().cloned().collect()
    }
}
