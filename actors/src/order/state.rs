//! An order: the fold of its events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::OrderRejection;
use super::events::{CancelReason, OrderDetails, OrderEvent, OrderLine};
use super::machine::{OrderPhase, Transition};
use super::totals::PricedOrder;
use crate::domain::{Money, OrderId, PaymentId, Sku};
use crate::ports::TrackingNumber;
use mercato_runtime::Principal;

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
    pub(super) priced: Option<PricedOrder>,
    pub(super) payment: Option<PaymentId>,
    pub(super) tracking: Option<TrackingNumber>,
    pub(super) captured: Option<Money>,
    pub(super) refunded: Option<Money>,
    /// Units that came back and were refunded.
    pub(super) returned: BTreeMap<Sku, u32>,
    /// Units that are coming back.
    pub(super) returning: Vec<OrderLine>,
    pub(super) cancelled: Option<CancelReason>,
}

impl OrderState {
    /// Where the order stands; `None` before it is received.
    #[must_use]
    pub fn phase(&self) -> Option<OrderPhase> {
        self.order.as_ref().map(|order| order.phase)
    }

    /// What was captured, and what of it was refunded.
    #[must_use]
    pub fn money(&self) -> (Option<Money>, Option<Money>) {
        self.order
            .as_ref()
            .map_or((None, None), |order| (order.captured, order.refunded))
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

    pub(super) fn is_received(&self) -> bool {
        self.order.is_some()
    }

    pub(super) fn apply(&mut self, event: &OrderEvent) {
        if let OrderEvent::OrderReceived(e) = event {
            self.order = Some(Order {
                details: e.details.clone(),
                phase: OrderPhase::Received,
                priced: None,
                payment: None,
                tracking: None,
                captured: None,
                refunded: None,
                returned: BTreeMap::new(),
                returning: Vec::new(),
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
            None => Err(OrderRejection::IllegalTransition {
                phase: self.phase,
                attempted,
            }),
        }
    }

    /// What was captured and not refunded.
    pub(super) fn refundable(&self) -> Option<Money> {
        let captured = self.captured?;
        match self.refunded {
            None => Some(captured),
            Some(refunded) => captured.minus(refunded).ok(),
        }
    }

    fn follow(&mut self, transition: Transition) {
        // A recorded event was legal when it was decided.
        if let Some(next) = self.phase.after(transition) {
            self.phase = next;
        }
    }

    fn apply(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::OrderReceived(_) => {}
            OrderEvent::OrderPriced(e) => {
                self.follow(Transition::Price);
                self.priced = Some(e.priced.clone());
            }
            OrderEvent::PaymentAuthorised(e) => {
                self.follow(Transition::Authorise);
                self.payment = Some(e.payment.clone());
            }
            OrderEvent::PaymentOutcomeLost(e) => {
                self.follow(Transition::LosePayment);
                self.payment = Some(e.payment.clone());
            }
            OrderEvent::PaymentDeclined(_) => self.follow(Transition::Decline),
            OrderEvent::OrderPlaced(_) => self.follow(Transition::Place),
            OrderEvent::OrderChanged(e) => {
                self.follow(Transition::Change);
                self.details.address = e.address.clone();
            }
            OrderEvent::LabelRecorded(e) => {
                self.follow(Transition::Label);
                self.tracking = Some(e.tracking.clone());
            }
            OrderEvent::PaymentCaptured(e) => {
                self.follow(Transition::Capture);
                self.captured = Some(e.amount);
            }
            OrderEvent::OrderCancelled(e) => {
                self.follow(Transition::Cancel);
                self.cancelled = Some(e.reason);
            }
            OrderEvent::ReturnRequested(e) => {
                self.follow(Transition::RequestReturn);
                self.returning = e.lines.clone();
            }
            OrderEvent::ReturnRefused(_) => {
                self.follow(Transition::RefuseReturn);
                self.returning.clear();
            }
            OrderEvent::RefundRecorded(e) => self.refund(e.amount),
        }
    }

    fn refund(&mut self, amount: Money) {
        for line in self.returning.drain(..) {
            *self.returned.entry(line.sku).or_default() += line.quantity.get();
        }
        // Checked against what is refundable when it was decided, so the sum exists.
        let refunded = self
            .refunded
            .map_or(Ok(amount), |before| before.plus(amount));
        self.refunded = refunded.ok().or(self.refunded);
        self.follow(if self.refundable().is_some_and(Money::is_zero) {
            Transition::RefundAll
        } else {
            Transition::RefundPart
        });
    }
}
