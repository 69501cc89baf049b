//! A gateway that does what it is told and, where it is asked to, loses the answer.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::{BoxFuture, FutureExt};
use mercato_actors::*;

/// A call whose answer can be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    Authorise,
    Capture,
    Refund,
}

/// What becomes of an authorisation that adds to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Supplements {
    /// What the gateway says.
    #[default]
    Answered,
    /// It is made, and nobody is told, then or later.
    MadeInSilence,
    /// It never arrives, and nobody is told.
    LostOnTheWay,
}

pub(crate) struct Forgetful {
    pub(crate) gateway: InProcessPayments,
    /// The next answer to each of these is lost.
    lost: Mutex<BTreeSet<Call>>,
    /// Refunds are lost on their way, until this is over.
    refunds_are_lost: AtomicBool,
    /// So are captures.
    captures_are_lost: AtomicBool,
    /// Authorisations that add to another one are lost, and nothing can be looked up.
    supplements: Mutex<Supplements>,
    /// It does not say until when it sets money aside.
    hides_until: AtomicBool,
}

impl Forgetful {
    pub(crate) fn new(gateway: InProcessPayments) -> Self {
        Self {
            gateway,
            lost: Mutex::default(),
            refunds_are_lost: AtomicBool::new(false),
            captures_are_lost: AtomicBool::new(false),
            supplements: Mutex::default(),
            hides_until: AtomicBool::new(false),
        }
    }

    pub(crate) fn lose(&self, call: Call) {
        self.lost.lock().unwrap().insert(call);
    }

    /// Whether refunds get lost before anybody makes them.
    pub(crate) fn lose_refunds(&self, are_lost: bool) {
        self.refunds_are_lost.store(are_lost, Ordering::SeqCst);
    }

    /// Whether captures get lost before anybody makes them.
    pub(crate) fn lose_captures(&self, are_lost: bool) {
        self.captures_are_lost.store(are_lost, Ordering::SeqCst);
    }

    /// What becomes of authorisations that add to another one, from now on.
    pub(crate) fn supplements_are(&self, to_be: Supplements) {
        *self.supplements.lock().unwrap() = to_be;
    }

    fn supplements(&self) -> Supplements {
        *self.supplements.lock().unwrap()
    }

    /// From now on, nobody is told until when money is set aside.
    pub(crate) fn hide_until(&self) {
        self.hides_until.store(true, Ordering::SeqCst);
    }

    fn tell<T>(&self, call: Call, answer: Result<T, PaymentError>) -> Result<T, PaymentError> {
        match self.lost.lock().unwrap().remove(&call) {
            true => Err(PaymentError::Unknown),
            false => answer,
        }
    }
}

impl Payments for Forgetful {
    fn authorise<'a>(
        &'a self,
        request: &'a AuthoriseRequest,
    ) -> BoxFuture<'a, Result<Authorisation, PaymentError>> {
        async move {
            let lost = self.supplements() != Supplements::Answered;
            let lost = lost && request.supplements.is_some();
            if lost && self.supplements() == Supplements::LostOnTheWay {
                return Err(PaymentError::Unknown);
            }
            let mut answer = self.gateway.authorise(request).await;
            if lost {
                return Err(PaymentError::Unknown);
            }
            if let Ok(authorised) = &mut answer
                && self.hides_until.load(Ordering::SeqCst)
            {
                authorised.until = None;
            }
            self.tell(Call::Authorise, answer)
        }
        .boxed()
    }

    fn capture<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>> {
        async move {
            if self.captures_are_lost.load(Ordering::SeqCst) {
                return Err(PaymentError::Unknown);
            }
            self.tell(Call::Capture, self.gateway.capture(key, request).await)
        }
        .boxed()
    }

    fn void<'a>(
        &'a self,
        key: &'a str,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<VoidOutcome, PaymentError>> {
        self.gateway.void(key, payment)
    }

    fn refund<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>> {
        async move {
            if self.refunds_are_lost.load(Ordering::SeqCst) {
                return Err(PaymentError::Unknown);
            }
            self.tell(Call::Refund, self.gateway.refund(key, request).await)
        }
        .boxed()
    }

    fn lookup<'a>(
        &'a self,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<Option<PaymentRecord>, PaymentError>> {
        match self.supplements() {
            Supplements::Answered => self.gateway.lookup(payment),
            _ => async { Err(PaymentError::Unknown) }.boxed(),
        }
    }

    fn statement<'a>(
        &'a self,
        after: Option<&'a PaymentId>,
        limit: u16,
    ) -> BoxFuture<'a, Result<Vec<StatementLine>, PaymentError>> {
        self.gateway.statement(after, limit)
    }
}
