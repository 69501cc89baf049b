//! A payment gateway inside this process.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{self, BoxFuture, FutureExt};
use mercato_runtime::{Clock, Timestamp};

use super::ledger::{LedgerFull, LedgerOptions};
use super::payment_books::{Books, PaymentEntry, PaymentLedger, PaymentMovement};
use super::payments::{
    Authorisation, AuthoriseRequest, MovementRequest, PaymentError, PaymentRecord, Payments,
    StatementLine, VoidOutcome,
};
use crate::domain::PaymentId;

/// A gateway that accepts every method except the token [`DECLINED`](Self::DECLINED).
pub struct InProcessPayments {
    // Held for a few instructions and never across an await.
    books: Mutex<Books>,
    /// Its clock, and how long an authorisation holds by it.
    expiry: Option<(Clock, Duration)>,
}

impl InProcessPayments {
    /// The token that is always declined, for tests and simulations.
    pub const DECLINED: &'static str = "tok_declined";

    /// A gateway that has seen no payment, and whose authorisations hold for good.
    #[must_use]
    pub fn new(options: LedgerOptions<PaymentEntry>) -> Self {
        Self {
            books: Mutex::new(Books::new(options)),
            expiry: None,
        }
    }

    /// The same, with authorisations that hold for so long by this clock: for cards commonly a
    /// week.
    #[must_use]
    pub fn with_expiry(mut self, clock: Clock, authorisation_for: Duration) -> Self {
        self.expiry = Some((clock, authorisation_for));
        self
    }

    fn now(&self) -> Option<Timestamp> {
        self.expiry.as_ref().map(|(clock, _)| clock.now())
    }

    /// Puts back what an earlier life of this gateway did.
    ///
    /// # Errors
    /// When there are more entries than the options allow.
    pub fn restore(
        &self,
        entries: impl IntoIterator<Item = PaymentEntry>,
    ) -> Result<(), LedgerFull> {
        let mut books = self.books();
        entries
            .into_iter()
            .try_for_each(|entry| books.restore(entry))
    }

    /// The books as they stand.
    #[must_use]
    pub fn ledger(&self) -> PaymentLedger {
        self.books().ledger().clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Payments for InProcessPayments {
    fn authorise<'a>(
        &'a self,
        request: &'a AuthoriseRequest,
    ) -> BoxFuture<'a, Result<Authorisation, PaymentError>> {
        let until = self.expiry.as_ref();
        let until = until.map(|(clock, authorisation_for)| clock.now().plus(*authorisation_for));
        future::ready(self.books().authorise(request, until)).boxed()
    }

    fn capture<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>> {
        let captured = PaymentMovement::Captured(request.amount);
        let now = self.now();
        let mut books = self.books();
        if let Some(now) = now
            && !books.knows(key)
            && let Err(expired) = books.check_open_at(&request.payment, now)
        {
            return future::ready(Err(expired)).boxed();
        }
        let outcome = books.movement(key, request, captured, |record| {
            let open = record.authorised.filter(|_| !record.voided)?;
            Some((open, record.captured))
        });
        future::ready(outcome).boxed()
    }

    fn void<'a>(
        &'a self,
        key: &'a str,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<VoidOutcome, PaymentError>> {
        future::ready(self.books().void(key, payment)).boxed()
    }

    fn refund<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>> {
        let refunded = PaymentMovement::Refunded(request.amount);
        let outcome = self.books().movement(key, request, refunded, |record| {
            Some((record.captured?, record.refunded))
        });
        future::ready(outcome).boxed()
    }

    fn lookup<'a>(
        &'a self,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<Option<PaymentRecord>, PaymentError>> {
        let record = self.books().ledger().payments.get(payment).cloned();
        future::ready(Ok(record)).boxed()
    }

    fn statement<'a>(
        &'a self,
        after: Option<&'a PaymentId>,
        limit: u16,
    ) -> BoxFuture<'a, Result<Vec<StatementLine>, PaymentError>> {
        future::ready(Ok(self.books().statement(after, limit))).boxed()
    }
}
