//! The payments of an order: what is set aside, taken and given back under each.

use serde::{Deserialize, Serialize};

use super::events::MoneyPart;
use crate::domain::{Money, MoneyError, PaymentId};

/// A payment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPayment {
    /// Its name.
    pub payment: PaymentId,
    /// What was set aside.
    pub authorised: Money,
    /// What was taken.
    pub captured: Money,
    /// What was given back.
    pub refunded: Money,
    /// Whether the rest is no longer set aside.
    pub expired: bool,
}

impl OrderPayment {
    pub(super) fn authorised(payment: PaymentId, authorised: Money) -> Self {
        let nothing = Money::zero(authorised.currency());
        Self {
            payment,
            authorised,
            captured: nothing,
            refunded: nothing,
            expired: false,
        }
    }

    /// What could still be taken.
    fn open(&self) -> Result<Money, MoneyError> {
        if self.expired {
            return Ok(Money::zero(self.authorised.currency()));
        }
        self.authorised.minus(self.captured)
    }

    /// What could still be given back.
    fn refundable(&self) -> Result<Money, MoneyError> {
        self.captured.minus(self.refunded)
    }
}

/// The payments of one order, in the order in which they were authorised.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Payments {
    pub(super) all: Vec<OrderPayment>,
}

impl Payments {
    pub(super) fn add(&mut self, payment: PaymentId, authorised: Money) {
        self.all.push(OrderPayment::authorised(payment, authorised));
    }

    pub(super) fn knows(&self, payment: &PaymentId) -> bool {
        self.all.iter().any(|known| known.payment == *payment)
    }

    /// What is set aside and not taken.
    pub(super) fn open(&self, nothing: Money) -> Result<Money, MoneyError> {
        sum(nothing, self.all.iter().map(OrderPayment::open))
    }

    /// Divides an amount to be taken over what is set aside, the earliest payment first. `None`
    /// where less is set aside.
    pub(super) fn to_capture(&self, amount: Money) -> Result<Option<Vec<MoneyPart>>, MoneyError> {
        self.divide(amount, OrderPayment::open)
    }

    /// Divides an amount to be given back over what was taken, the earliest payment first. `None`
    /// where less was taken.
    pub(super) fn to_refund(&self, amount: Money) -> Result<Option<Vec<MoneyPart>>, MoneyError> {
        self.divide(amount, OrderPayment::refundable)
    }

    fn divide(
        &self,
        amount: Money,
        room: impl Fn(&OrderPayment) -> Result<Money, MoneyError>,
    ) -> Result<Option<Vec<MoneyPart>>, MoneyError> {
        let mut left = amount;
        let mut parts = Vec::new();
        for payment in &self.all {
            let room = room(payment)?;
            let part = if room.compare(left)?.is_lt() {
                room
            } else {
                left
            };
            if part.is_positive() {
                left = left.minus(part)?;
                parts.push(MoneyPart {
                    payment: payment.payment.clone(),
                    amount: part,
                });
            }
        }
        Ok(left.is_zero().then_some(parts))
    }

    /// Whether these parts may be taken: each from a payment that has so much left, and together
    /// this amount.
    pub(super) fn allow_capture(&self, parts: &[MoneyPart], amount: Money) -> bool {
        // What expired may have been taken just before it did.
        self.allow(parts, amount, |payment| {
            payment.authorised.minus(payment.captured)
        })
    }

    /// Whether these parts may be given back.
    pub(super) fn allow_refund(&self, parts: &[MoneyPart], amount: Money) -> bool {
        self.allow(parts, amount, OrderPayment::refundable)
    }

    fn allow(
        &self,
        parts: &[MoneyPart],
        amount: Money,
        room: impl Fn(&OrderPayment) -> Result<Money, MoneyError>,
    ) -> bool {
        let whole = Money::sum(amount.currency(), parts.iter().map(|part| part.amount));
        let mut payments: Vec<_> = parts.iter().map(|part| &part.payment).collect();
        payments.sort();
        payments.dedup();
        payments.len() == parts.len()
            && whole == Ok(amount)
            && parts.iter().all(|part| {
                let known = self.all.iter().find(|known| known.payment == part.payment);
                known.is_some_and(|known| {
                    let fits = room(known).and_then(|room| part.amount.compare(room));
                    part.amount.is_positive() && fits.is_ok_and(std::cmp::Ordering::is_le)
                })
            })
    }

    pub(super) fn capture(&mut self, parts: &[MoneyPart], amount: Money) {
        self.each(parts, amount, |payment, amount| {
            payment.captured = payment.captured.plus(amount).unwrap_or(payment.captured);
        });
    }

    pub(super) fn refund(&mut self, parts: &[MoneyPart], amount: Money) {
        self.each(parts, amount, |payment, amount| {
            payment.refunded = payment.refunded.plus(amount).unwrap_or(payment.refunded);
        });
    }

    /// A recorded movement was checked when it was decided, so its sums exist.
    fn each(
        &mut self,
        parts: &[MoneyPart],
        amount: Money,
        apply: impl Fn(&mut OrderPayment, Money),
    ) {
        if parts.is_empty() {
            // So it was recorded when an order had one payment.
            if let Some(first) = self.all.first_mut() {
                apply(first, amount);
            }
        }
        for part in parts {
            let known = self.all.iter_mut();
            for payment in known.filter(|known| known.payment == part.payment) {
                apply(payment, part.amount);
            }
        }
    }

    pub(super) fn expire(&mut self, payment: &PaymentId) {
        for known in &mut self.all {
            known.expired |= known.payment == *payment;
        }
    }

    pub(super) fn captured(&self, nothing: Money) -> Result<Money, MoneyError> {
        sum(nothing, self.all.iter().map(|payment| Ok(payment.captured)))
    }

    pub(super) fn refunded(&self, nothing: Money) -> Result<Money, MoneyError> {
        sum(nothing, self.all.iter().map(|payment| Ok(payment.refunded)))
    }
}

fn sum(
    nothing: Money,
    amounts: impl IntoIterator<Item = Result<Money, MoneyError>>,
) -> Result<Money, MoneyError> {
    amounts
        .into_iter()
        .try_fold(nothing, |sum, amount| sum.plus(amount?))
}
