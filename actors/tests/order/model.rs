//! A model of an order that knows nothing of the agent's state: it adds up what happened.

use std::collections::BTreeMap;

use super::*;

/// The books of one order, made of its events alone. Amounts are in minor units.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// Authorised, captured and refunded, by payment.
    payments: BTreeMap<String, (i64, i64, i64)>,
    ordered: BTreeMap<String, u32>,
    cancelled: BTreeMap<String, u32>,
    packed: BTreeMap<String, u32>,
    parcels: u32,
    paid: u32,
    sent: u32,
    ever_cancelled: bool,
    total: i64,
}

impl Model {
    pub(super) fn of(events: &[OrderEvent]) -> Self {
        let mut model = Self::default();
        for event in events {
            model.enter(event);
        }
        model
    }

    fn holds(&mut self, lines: &[OrderLine]) {
        self.cancelled.clear();
        self.ordered = lines
            .iter()
            .map(|line| (line.sku.to_string(), line.quantity.get()))
            .collect();
    }

    fn enter(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::OrderReceived(e) => self.holds(&e.details.lines),
            OrderEvent::OrderPriced(e) => self.total = e.priced.total.minor(),
            OrderEvent::PaymentAuthorised(e) => {
                let total = self.total;
                self.payments.insert(e.payment.to_string(), (total, 0, 0));
            }
            OrderEvent::OrderRevised(e) => {
                self.holds(&e.lines);
                self.total = e.priced.total.minor();
                if let Some(part) = &e.supplement {
                    let amount = part.amount.minor();
                    self.payments
                        .insert(part.payment.to_string(), (amount, 0, 0));
                }
            }
            OrderEvent::AuthorisationRenewed(e) => {
                let amount = e.payment.amount.minor();
                self.payments
                    .insert(e.payment.payment.to_string(), (amount, 0, 0));
            }
            OrderEvent::LabelRecorded(e) => {
                self.parcels += 1;
                for hold in &e.contents {
                    *self.packed.entry(hold.sku.to_string()).or_default() += hold.quantity.get();
                }
            }
            OrderEvent::PaymentCaptured(e) => {
                self.paid += 1;
                for part in &e.parts {
                    let payment = self.payments.get_mut(part.payment.as_str()).unwrap();
                    payment.1 += part.amount.minor();
                }
            }
            OrderEvent::ParcelDispatched(_) => self.sent += 1,
            OrderEvent::LineCancelled(e) => {
                self.ever_cancelled = true;
                *self.cancelled.entry(e.sku.to_string()).or_default() += e.quantity.get();
            }
            OrderEvent::RefundRecorded(e) => {
                for part in &e.parts {
                    let payment = self.payments.get_mut(part.payment.as_str()).unwrap();
                    payment.2 += part.amount.minor();
                }
            }
            _ => {}
        }
    }

    /// What must hold at any time.
    pub(super) fn broken(&self, phase: OrderPhase) -> Option<String> {
        for (payment, (authorised, captured, refunded)) in &self.payments {
            if captured > authorised {
                return Some(format!("{payment}: {captured} taken of {authorised}"));
            }
            if refunded > captured {
                return Some(format!("{payment}: {refunded} given back of {captured}"));
            }
        }
        let captured: i64 = self.payments.values().map(|payment| payment.1).sum();
        if captured > self.total {
            return Some(format!("{captured} taken for an order of {}", self.total));
        }
        for (sku, packed) in &self.packed {
            let ordered = self.ordered.get(sku).copied().unwrap_or(0);
            let cancelled = self.cancelled.get(sku).copied().unwrap_or(0);
            if packed + cancelled > ordered {
                return Some(format!(
                    "{sku}: {packed} packed of {ordered}, {cancelled} cancelled"
                ));
            }
        }
        if self.sent > self.paid || self.paid > self.parcels {
            return Some(format!(
                "{} sent, {} paid, {} packed",
                self.sent, self.paid, self.parcels
            ));
        }
        let complete = matches!(phase, OrderPhase::Captured | OrderPhase::ReturnRequested);
        if complete && !self.ever_cancelled && captured != self.total {
            return Some(format!("complete, and {captured} taken of {}", self.total));
        }
        None
    }
}
