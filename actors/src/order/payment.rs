//! What the gateway says of an order's payment: at once, when it is asked, or by itself.

use mercato_runtime::{Context, Decision, Timestamp};
use serde::{Deserialize, Serialize};

use super::command::{OrderDecided, write_by_the_shop};
use super::events::{
    AuthorisationExpired, AuthorisationRenewed, MoneyPart, OrderEvent, PaymentAuthorised,
    PaymentDeclined, PaymentOutcomeLost,
};
use super::machine::{OrderPhase, Transition};
use super::state::Order;
use super::{OrderAgent, OrderRejection};
use crate::domain::{Money, OrderId, PaymentId};
use crate::ports::{DeclineReason, PaymentNotice, PaymentNoticeKind};

/// Records what became of the payment request. What is known already is recorded once: the gateway
/// may have told it by itself before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordAuthorisation {
    /// The order.
    pub order: OrderId,
    /// The payment.
    pub payment: PaymentId,
    /// What became of it.
    pub outcome: PaymentOutcome,
}

/// What became of a payment request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentOutcome {
    /// It is set aside.
    Authorised {
        /// How much.
        amount: Money,
        /// Until when, where the gateway says so.
        until: Option<Timestamp>,
    },
    /// It was declined.
    Declined(DeclineReason),
    /// The answer was lost.
    Unknown,
}

write_by_the_shop!(RecordAuthorisation -> ());

impl RecordAuthorisation {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<()> {
        let learnt = learn(order, &self.payment, self.outcome)?;
        Ok(match learnt {
            Some(event) => record(&self.order, &self.payment, self.outcome, event, ()),
            None => Decision::reply(()),
        })
    }
}

/// What an outcome means to an order; `None` where it was known.
fn learn(
    order: &Order,
    payment: &PaymentId,
    outcome: PaymentOutcome,
) -> Result<Option<OrderEvent>, OrderRejection> {
    let asked = order.asked.as_ref() == Some(payment);
    let declined = order.phase == OrderPhase::PaymentDeclined;
    Ok(match outcome {
        PaymentOutcome::Authorised { amount, .. } => {
            let mut held = order.payments.all.iter();
            match held.find(|known| known.payment == *payment) {
                Some(held) if held.authorised == amount => return Ok(None),
                Some(_) => return Err(amount_differs(order)),
                None => order.check(Transition::Authorise)?,
            }
            if order.frozen()?.total != amount {
                return Err(amount_differs(order));
            }
            let payment = payment.clone();
            Some(PaymentAuthorised { payment }.into())
        }
        PaymentOutcome::Declined(_) if declined => None,
        PaymentOutcome::Declined(reason) => {
            order.check(Transition::Decline)?;
            Some(PaymentDeclined { reason }.into())
        }
        // Whatever came of it is known better by now.
        PaymentOutcome::Unknown if asked || declined => None,
        PaymentOutcome::Unknown => {
            order.check(Transition::LosePayment)?;
            let payment = payment.clone();
            Some(PaymentOutcomeLost { payment }.into())
        }
    })
}

fn record<R>(
    order: &OrderId,
    payment: &PaymentId,
    outcome: PaymentOutcome,
    event: OrderEvent,
    reply: R,
) -> Decision<OrderEvent, R> {
    let until = match outcome {
        PaymentOutcome::Authorised { until, .. } => until,
        PaymentOutcome::Declined(_) | PaymentOutcome::Unknown => None,
    };
    set_expiry(Decision::reply(reply), order, payment, until).record(event)
}

fn amount_differs(order: &Order) -> OrderRejection {
    match &order.priced {
        Some(priced) => OrderRejection::AmountDiffers {
            total: priced.total,
        },
        None => OrderRejection::NotPriced,
    }
}

/// Sets the timer of an authorisation that ends.
pub(super) fn set_expiry<R>(
    decision: Decision<OrderEvent, R>,
    order: &OrderId,
    payment: &PaymentId,
    until: Option<Timestamp>,
) -> Decision<OrderEvent, R> {
    let Some(until) = until else {
        return decision;
    };
    let expire = ExpireAuthorisation {
        order: order.clone(),
        payment: payment.clone(),
    };
    decision.set_timer(format!("authorisation/{payment}"), until, &expire)
}

/// Records what the gateway tells by itself, late or twice as it may be. What is known is not
/// recorded again, and what comes too late changes nothing: the money is given back by the flow that
/// gave the order up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPaymentNotice {
    /// The order.
    pub order: OrderId,
    /// What the gateway tells.
    pub notice: PaymentNotice,
}

/// What a notice of the gateway came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentNoticeOutcome {
    /// It was news, and is recorded.
    Recorded,
    /// It was known.
    AlreadyKnown,
    /// The order had moved on: what it asks for is being done, or was done, by the order's own flow.
    Late,
}

write_by_the_shop!(RecordPaymentNotice -> PaymentNoticeOutcome);

impl RecordPaymentNotice {
    fn decide_for(
        &self,
        _: &OrderAgent,
        order: &Order,
        _: &Context<'_>,
    ) -> OrderDecided<PaymentNoticeOutcome> {
        let payment = &self.notice.payment;
        let ours = order.payments.knows(payment)
            || order.asked.as_ref() == Some(payment)
            || *payment == PaymentId::from(&self.order);
        if !ours {
            return Err(OrderRejection::UnknownPayment(payment.clone()));
        }
        let outcome = match self.notice.kind {
            PaymentNoticeKind::Authorised { amount, until } => {
                PaymentOutcome::Authorised { amount, until }
            }
            PaymentNoticeKind::Declined(reason) => PaymentOutcome::Declined(reason),
        };
        let recorded = PaymentNoticeOutcome::Recorded;
        Ok(match learn(order, payment, outcome) {
            Ok(Some(event)) => record(&self.order, payment, outcome, event, recorded),
            Ok(None) => Decision::reply(PaymentNoticeOutcome::AlreadyKnown),
            Err(OrderRejection::IllegalTransition { .. }) => {
                Decision::reply(PaymentNoticeOutcome::Late)
            }
            Err(rejection) => return Err(rejection),
        })
    }
}

/// Records that an authorisation ended. An order sets itself a timer for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpireAuthorisation {
    /// The order.
    pub order: OrderId,
    /// Which payment.
    pub payment: PaymentId,
}

write_by_the_shop!(ExpireAuthorisation -> ());

impl ExpireAuthorisation {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<()> {
        let nothing = Decision::reply(());
        let held = order.payments.all.iter();
        let mut held = held.filter(|known| known.payment == self.payment);
        let matters = held.next().is_some_and(|payment| {
            let left = payment.authorised.minus(payment.captured);
            !payment.expired && left.is_ok_and(Money::is_positive)
        });
        // An order that takes no more money needs none set aside.
        if !matters || order.check(Transition::Renew).is_err() {
            return Ok(nothing);
        }
        Ok(nothing.record(AuthorisationExpired {
            order: self.order.clone(),
            payment: self.payment.clone(),
        }))
    }
}

/// Records that what is still to be taken is set aside anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRenewal {
    /// The order.
    pub order: OrderId,
    /// The new payment, and what it sets aside.
    pub payment: MoneyPart,
    /// Until when, where the gateway says so.
    pub until: Option<Timestamp>,
}

write_by_the_shop!(RecordRenewal -> ());

impl RecordRenewal {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<()> {
        let MoneyPart { payment, amount } = &self.payment;
        if order.payments.knows(payment) {
            return Ok(Decision::reply(()));
        }
        order.check(Transition::Renew)?;
        let missing = order.lacking()?;
        if *amount != missing {
            return Err(OrderRejection::AmountDiffers { total: missing });
        }
        let decision = set_expiry(Decision::reply(()), &self.order, payment, self.until);
        Ok(decision.record(AuthorisationRenewed {
            payment: self.payment.clone(),
        }))
    }
}
