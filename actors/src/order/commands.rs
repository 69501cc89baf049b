//! Moving an order along its graph, up to the parcel and the money.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision};
use serde::{Deserialize, Serialize};

use super::events::{
    LabelRecorded, OrderChanged, OrderPlaced, OrderPriced, PaymentAuthorised, PaymentCaptured,
    PaymentDeclined, PaymentOutcomeLost,
};
use super::machine::Transition;
use super::receive::OrderProblem;
use super::state::{Order, OrderState};
use super::totals::{PricedOrder, price_lines};
use super::{OrderAgent, OrderRejection};
use crate::domain::{Destination, Money, OrderId, PaymentId};
use crate::ports::{DeclineReason, TrackingNumber};
use crate::pricing::Quote;

/// Freezes what the order costs: the quotes, the basket discount, shipping and tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceOrder {
    /// The order.
    pub order: OrderId,
    /// A valid quote for each line, in the order of the lines.
    pub quotes: Vec<Quote>,
    /// What coupons take off each line, in the same order; none where there are no coupons.
    pub discounts: Vec<Money>,
}

impl Command for PriceOrder {
    type Agent = OrderAgent;
    type Reply = PricedOrder;
    const NAME: &'static str = "PriceOrder";

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(
        &self,
        agent: &OrderAgent,
        state: &OrderState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let order = state.seen_by(context.principal, &self.order)?;
        order.check(Transition::Price)?;
        let lines = &order.details.lines;
        let matching = lines.len() == self.quotes.len()
            && lines
                .iter()
                .zip(&self.quotes)
                .all(|(line, quote)| line.sku == quote.sku)
            && (self.discounts.is_empty() || self.discounts.len() == lines.len());
        if !matching {
            return Err(OrderRejection::QuotesDiffer);
        }
        if let Some(expired) = self
            .quotes
            .iter()
            .find(|quote| quote.valid_until <= context.now)
        {
            return Err(OrderRejection::QuoteExpired(expired.sku.clone()));
        }
        let rate = agent
            .settings
            .tax
            .get(&order.details.address.jurisdiction())
            .copied()
            .unwrap_or_default();
        let quoted = self
            .quotes
            .iter()
            .cloned()
            .zip(lines.iter().map(|line| line.quantity))
            .collect();
        let currency = agent.catalogue.currency();
        let priced = price_lines(&agent.settings, rate, currency, quoted, &self.discounts)?;
        Ok(Decision::reply(priced.clone()).record(OrderPriced { priced }))
    }
}

/// Records what became of the payment request.
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
    /// So much is set aside.
    Authorised(Money),
    /// It was declined.
    Declined(DeclineReason),
    /// The answer was lost.
    Unknown,
}

impl Command for RecordAuthorisation {
    type Agent = OrderAgent;
    type Reply = ();
    const NAME: &'static str = "RecordAuthorisation";

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        let order = state.seen_by(context.principal, &self.order)?;
        let payment = self.payment.clone();
        let decision = Decision::reply(());
        Ok(match self.outcome {
            PaymentOutcome::Authorised(amount) => {
                order.check(Transition::Authorise)?;
                check_total(order, amount)?;
                decision.record(PaymentAuthorised { payment })
            }
            PaymentOutcome::Declined(reason) => {
                order.check(Transition::Decline)?;
                decision.record(PaymentDeclined { reason })
            }
            PaymentOutcome::Unknown => {
                order.check(Transition::LosePayment)?;
                decision.record(PaymentOutcomeLost { payment })
            }
        })
    }
}

fn check_total(order: &Order, amount: Money) -> Result<(), OrderRejection> {
    match &order.priced {
        Some(priced) if priced.total != amount => Err(OrderRejection::AmountDiffers {
            total: priced.total,
        }),
        // The graph lets no order come here that has no price.
        _ => Ok(()),
    }
}

/// Creates the order for good: from here on the shop has made a promise. Replies with what is to
/// be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOrder {
    /// The order.
    pub order: OrderId,
}

impl Command for PlaceOrder {
    type Agent = OrderAgent;
    type Reply = Money;
    const NAME: &'static str = "PlaceOrder";

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        let order = state.seen_by(context.principal, &self.order)?;
        order.check(Transition::Place)?;
        let priced = order.priced.as_ref().ok_or(OrderRejection::QuotesDiffer)?;
        Ok(Decision::reply(priced.total).record(OrderPlaced {
            order: self.order.clone(),
            customer: order.details.customer.clone(),
            email: order.details.email.clone(),
            lines: order.details.lines.clone(),
            total: priced.total,
        }))
    }
}

/// Sends a placed order to another address in the same country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeOrder {
    /// The order.
    pub order: OrderId,
    /// Where it is to go, sealed for the order's customer.
    pub address: Destination,
}

impl Command for ChangeOrder {
    type Agent = OrderAgent;
    type Reply = ();
    const NAME: &'static str = "ChangeOrder";

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        let order = state.seen_by(context.principal, &self.order)?;
        order.check(Transition::Change)?;
        if !order.details.customer.is(self.address.address().person()) {
            return Err(OrderRejection::Invalid {
                problems: vec![OrderProblem::SealedForAnother],
            });
        }
        // Tax was frozen with the price, so the order stays where it is taxed.
        if order.details.address.jurisdiction() != self.address.jurisdiction() {
            return Err(OrderRejection::OtherJurisdiction);
        }
        Ok(Decision::reply(()).record(OrderChanged {
            address: self.address.clone(),
        }))
    }
}

/// Records the label of the parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordLabel {
    /// The order.
    pub order: OrderId,
    /// The number on the label.
    pub tracking: TrackingNumber,
}

impl Command for RecordLabel {
    type Agent = OrderAgent;
    type Reply = ();
    const NAME: &'static str = "RecordLabel";

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        let order = state.seen_by(context.principal, &self.order)?;
        order.check(Transition::Label)?;
        Ok(Decision::reply(()).record(LabelRecorded {
            tracking: self.tracking.clone(),
        }))
    }
}

/// Records that the money was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCapture {
    /// The order.
    pub order: OrderId,
    /// How much: the order's total.
    pub amount: Money,
}

impl Command for RecordCapture {
    type Agent = OrderAgent;
    type Reply = ();
    const NAME: &'static str = "RecordCapture";

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(&self, _: &OrderAgent, state: &OrderState, context: &Context<'_>) -> Decided<Self> {
        let order = state.seen_by(context.principal, &self.order)?;
        order.check(Transition::Capture)?;
        check_total(order, self.amount)?;
        Ok(Decision::reply(()).record(PaymentCaptured {
            amount: self.amount,
        }))
    }
}
