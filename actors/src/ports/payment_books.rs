//! The books of the payment gateway inside this process.

use std::collections::{BTreeMap, BTreeSet};

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, LedgerEntry, LedgerFull, LedgerOptions};
use super::payments::{
    Authorisation, AuthoriseRequest, DeclineReason, MovementRequest, PaymentError, PaymentRecord,
    StatementLine, VoidOutcome,
};
use super::payments_in_process::InProcessPayments;
use crate::domain::{Money, OrderId, PaymentId};

/// One thing that the gateway did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentEntry {
    /// The idempotency key that asked for it.
    pub key: Box<str>,
    /// Which payment.
    pub payment: PaymentId,
    /// What was done.
    pub movement: PaymentMovement,
}

/// What can be done with a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentMovement {
    /// An amount was set aside.
    Authorised {
        /// The order that it pays.
        order: OrderId,
        /// How much.
        amount: Money,
        /// Until when.
        until: Option<Timestamp>,
    },
    /// An authorisation was refused.
    Declined {
        /// The order that it should have paid.
        order: OrderId,
        /// How much was asked for.
        amount: Money,
        /// Why not.
        reason: DeclineReason,
    },
    /// An amount was taken.
    Captured(Money),
    /// An amount was given back.
    Refunded(Money),
    /// The authorisation was given up, or closed before it came.
    Voided,
}

impl LedgerEntry for PaymentEntry {
    fn key(&self) -> &str {
        &self.key
    }
}

/// The gateway's books, to hold against the shop's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PaymentLedger {
    /// Where each payment stands.
    pub payments: BTreeMap<PaymentId, PaymentRecord>,
    /// How many authorisations were refused because their order was paid by another payment:
    /// each is a double charge that the shop attempted.
    pub double_charges_refused: u64,
}

/// Authorisations have keys of their own kind: a payment is authorised at most once.
fn authorisation_key(payment: &PaymentId) -> Box<str> {
    format!("authorise/{payment}").into()
}

pub(super) struct Books {
    entries: Ledger<PaymentEntry>,
    ledger: PaymentLedger,
    paid_by: BTreeMap<OrderId, BTreeSet<PaymentId>>,
}

impl Books {
    pub(super) fn new(options: LedgerOptions<PaymentEntry>) -> Self {
        Self {
            entries: Ledger::new(options),
            ledger: PaymentLedger::default(),
            paid_by: BTreeMap::new(),
        }
    }

    pub(super) fn ledger(&self) -> &PaymentLedger {
        &self.ledger
    }

    /// Takes over an entry of an earlier life.
    pub(super) fn restore(&mut self, entry: PaymentEntry) -> Result<(), LedgerFull> {
        self.apply(&entry);
        self.entries.restore(entry)
    }

    fn record(
        &mut self,
        key: &str,
        payment: &PaymentId,
        movement: PaymentMovement,
    ) -> Result<(), PaymentError> {
        let entry = PaymentEntry {
            key: key.into(),
            payment: payment.clone(),
            movement,
        };
        self.entries
            .record(entry.clone())
            .map_err(|LedgerFull| PaymentError::Full)?;
        self.apply(&entry);
        Ok(())
    }

    /// The books are the fold of the entries, in life as after a restart.
    fn apply(&mut self, entry: &PaymentEntry) {
        let record = self
            .ledger
            .payments
            .entry(entry.payment.clone())
            .or_insert_with(|| PaymentRecord {
                order: None,
                authorised: None,
                captured: None,
                refunded: None,
                voided: false,
                declined: None,
                until: None,
            });
        match &entry.movement {
            PaymentMovement::Authorised {
                order,
                amount,
                until,
            } => {
                record.order = Some(order.clone());
                record.authorised = Some(*amount);
                record.until = *until;
                let payments = self.paid_by.entry(order.clone()).or_default();
                payments.insert(entry.payment.clone());
            }
            PaymentMovement::Declined { order, reason, .. } => {
                record.order = Some(order.clone());
                record.declined = Some(*reason);
                if *reason == DeclineReason::AlreadyPaid {
                    self.ledger.double_charges_refused += 1;
                }
            }
            PaymentMovement::Captured(amount) => {
                record.captured = Some(total(record.captured, *amount));
            }
            PaymentMovement::Refunded(amount) => {
                record.refunded = Some(total(record.refunded, *amount));
            }
            PaymentMovement::Voided => {
                record.voided = true;
                let order = record.order.as_ref().filter(|_| record.captured.is_none());
                if let Some(payments) = order.and_then(|order| self.paid_by.get_mut(order)) {
                    payments.remove(&entry.payment);
                }
            }
        }
    }

    pub(super) fn authorise(
        &mut self,
        request: &AuthoriseRequest,
        until: Option<Timestamp>,
    ) -> Result<Authorisation, PaymentError> {
        let key = authorisation_key(&request.payment);
        if let Some(done) = self.entries.find(&key) {
            return first_answer(request, &done.movement);
        }
        let (order, amount) = (request.order.clone(), request.amount);
        if !amount.is_positive() {
            return Err(PaymentError::Amount {
                left: Money::zero(amount.currency()),
            });
        }
        let closed = self
            .ledger
            .payments
            .get(&request.payment)
            .is_some_and(|record| record.voided);
        let refusal = if closed {
            Some(DeclineReason::Voided)
        } else if self.is_paid_otherwise(request) {
            Some(DeclineReason::AlreadyPaid)
        } else if request.method.as_str() == InProcessPayments::DECLINED {
            Some(DeclineReason::Issuer)
        } else {
            None
        };
        let movement = match refusal {
            None => PaymentMovement::Authorised {
                order,
                amount,
                until,
            },
            Some(reason) => PaymentMovement::Declined {
                order,
                amount,
                reason,
            },
        };
        self.record(&key, &request.payment, movement.clone())?;
        first_answer(request, &movement)
    }

    /// Whether the order has payments, and this is not one that adds to one of them.
    fn is_paid_otherwise(&self, request: &AuthoriseRequest) -> bool {
        let payments = self.paid_by.get(&request.order);
        let payments = payments.filter(|payments| !payments.is_empty());
        match (payments, &request.supplements) {
            (None, None) => false,
            (Some(payments), Some(added_to)) => !payments.contains(added_to),
            (Some(_), None) | (None, Some(_)) => true,
        }
    }

    /// A page of the books.
    pub(super) fn statement(&self, after: Option<&PaymentId>, limit: u16) -> Vec<StatementLine> {
        let from = match after {
            Some(after) => std::ops::Bound::Excluded(after),
            None => std::ops::Bound::Unbounded,
        };
        let page = self
            .ledger
            .payments
            .range((from, std::ops::Bound::Unbounded));
        page.take(usize::from(limit))
            .map(|(payment, record)| StatementLine {
                payment: payment.clone(),
                record: record.clone(),
            })
            .collect()
    }

    /// Refuses a capture of what is no longer set aside.
    pub(super) fn check_open_at(
        &self,
        payment: &PaymentId,
        now: Timestamp,
    ) -> Result<(), PaymentError> {
        let record = self.ledger.payments.get(payment);
        let until = record.and_then(|record| record.until);
        match until {
            Some(until) if until <= now => Err(PaymentError::Expired),
            _ => Ok(()),
        }
    }

    /// Whether something was done under a key.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.entries.find(key).is_some()
    }

    /// Captures or refunds: `limit` is what may be moved in all, `moved` what was moved before.
    pub(super) fn movement(
        &mut self,
        key: &str,
        request: &MovementRequest,
        movement: PaymentMovement,
        limits: impl FnOnce(&PaymentRecord) -> Option<(Money, Option<Money>)>,
    ) -> Result<(), PaymentError> {
        if let Some(done) = self.entries.find(key) {
            let same = done.payment == request.payment && done.movement == movement;
            return same.then_some(()).ok_or(PaymentError::KeyReused);
        }
        let (limit, moved) = self
            .ledger
            .payments
            .get(&request.payment)
            .and_then(limits)
            .ok_or(PaymentError::NotAuthorised)?;
        let left = moved
            .map_or(Ok(limit), |moved| limit.minus(moved))
            .unwrap_or(limit);
        let fits = request
            .amount
            .compare(left)
            .is_ok_and(std::cmp::Ordering::is_le);
        if !fits || !request.amount.is_positive() {
            return Err(PaymentError::Amount { left });
        }
        self.record(key, &request.payment, movement)
    }

    pub(super) fn void(
        &mut self,
        key: &str,
        payment: &PaymentId,
    ) -> Result<VoidOutcome, PaymentError> {
        let known = self.ledger.payments.get(payment);
        let outcome = match known.map(|record| (record.authorised, record.captured)) {
            Some((authorised, Some(captured))) if authorised == Some(captured) => {
                return Err(PaymentError::AlreadyCaptured);
            }
            Some((Some(_), Some(_))) => VoidOutcome::RemainderVoided,
            Some((Some(_), None)) => VoidOutcome::Voided,
            Some((None, _)) | None => VoidOutcome::NothingToVoid,
        };
        if !known.is_some_and(|record| record.voided) {
            self.record(key, payment, PaymentMovement::Voided)?;
        }
        Ok(outcome)
    }
}

/// The sum of movements, each of which was checked against what was left, so it cannot overflow.
fn total(before: Option<Money>, more: Money) -> Money {
    before
        .map_or(Ok(more), |before| before.plus(more))
        .unwrap_or(more)
}

/// The answer to an authorisation that was asked for before, or just now.
fn first_answer(
    request: &AuthoriseRequest,
    movement: &PaymentMovement,
) -> Result<Authorisation, PaymentError> {
    match movement {
        PaymentMovement::Authorised {
            order,
            amount,
            until,
        } if *order == request.order && *amount == request.amount => Ok(Authorisation {
            payment: request.payment.clone(),
            amount: *amount,
            until: *until,
        }),
        PaymentMovement::Declined {
            order,
            amount,
            reason,
        } if *order == request.order && *amount == request.amount => {
            Err(PaymentError::Declined(*reason))
        }
        _ => Err(PaymentError::KeyReused),
    }
}
