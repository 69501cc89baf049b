//! Taking an order in: product, customer and payment validation.

use std::borrow::Cow;
use std::collections::BTreeSet;

use mercato_runtime::{Command, Context, Decided, Decision, Principal};
use serde::{Deserialize, Serialize};

use super::events::{OrderDetails, OrderLine, OrderReceived};
use super::place::{ExpireUnpaid, UNPAID};
use super::state::OrderState;
use super::{OrderAgent, OrderRejection};
use crate::domain::{Cart, Jurisdiction, OrderId, Sku, is_part};
use crate::ports::PaymentMethod;

/// Validates the details of an order and takes it in. The order's name is the idempotency key of its
/// placement: the same details under it are received once, and others are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiveOrder {
    /// The order's name.
    pub order: OrderId,
    /// What is ordered, by whom.
    pub details: OrderDetails,
}

/// Something that is wrong with the details of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum OrderProblem {
    /// Nothing is ordered.
    #[error("it has no lines; put something into the cart")]
    NoLines,
    /// Too much is ordered at once.
    #[error("it has more than {max} lines; split it")]
    TooManyLines {
        /// The most lines.
        max: u32,
    },
    /// A SKU stands on two lines.
    #[error("sku {0} stands on two lines; put them together")]
    DuplicateLine(Sku),
    /// The shop does not sell it.
    #[error("sku {0} is not in the catalogue; take it out")]
    UnknownProduct(Sku),
    /// Too many of one product.
    #[error("more than {max} of sku {sku}; order fewer or ask for an offer")]
    TooManyUnits {
        /// The product.
        sku: Sku,
        /// The most units on a line.
        max: u32,
    },
    /// A shopper orders for somebody else.
    #[error("the customer is not the one signed in; sign in with that account")]
    OtherCustomer,
    /// Mail or parcel would go to somebody else: what is sealed for another person outlives this
    /// one's erasure.
    #[error("an address is sealed for somebody else; seal it for the order's customer")]
    SealedForAnother,
    /// The shop does not deliver there.
    #[error("the shop does not deliver to {0}; give another address")]
    NotDelivered(Jurisdiction),
    /// There is nothing to pay with.
    #[error("the payment method is empty or too long; choose one")]
    PaymentMethod,
    /// A hold, a payment or a change of another order may have its name.
    #[error("its name ends like that of a part of an order, as in `o-1.c2`; choose another")]
    NameOfAPart,
}

impl Command for ReceiveOrder {
    type Agent = OrderAgent;
    type Reply = ();
    const NAME: &'static str = "ReceiveOrder";

    fn entity(&self) -> Cow<'_, str> {
        self.order.as_str().into()
    }

    fn decide(
        &self,
        agent: &OrderAgent,
        state: &OrderState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        match state.received() {
            Some(known) if *known == self.details && is_own(known, context.principal) => {
                return Ok(Decision::reply(()));
            }
            Some(_) => return Err(OrderRejection::AlreadyReceived),
            None => {}
        }
        let mut problems = Vec::new();
        if is_part(self.order.as_str()) {
            problems.push(OrderProblem::NameOfAPart);
        }
        validate_products(agent, &self.details.lines, &mut problems);
        validate_customer(agent, &self.details, context.principal, &mut problems);
        validate_payment(&self.details, &mut problems);
        if !problems.is_empty() {
            return Err(OrderRejection::Invalid { problems });
        }
        let order = self.order.clone();
        let due = context.now.plus(agent.settings.unpaid_for);
        Ok(Decision::reply(())
            .record(OrderReceived {
                details: self.details.clone(),
            })
            .set_timer(UNPAID, due, &ExpireUnpaid { order }))
    }
}

/// The shop's own people and programs order for anybody, a shopper for nobody else.
fn is_own(details: &OrderDetails, principal: &Principal) -> bool {
    let customer = details.customer.as_str();
    principal.as_user().is_none_or(|user| user == customer)
}

/// SPEC's product validation.
pub(super) fn validate_products(
    agent: &OrderAgent,
    lines: &[OrderLine],
    problems: &mut Vec<OrderProblem>,
) {
    if lines.is_empty() {
        problems.push(OrderProblem::NoLines);
    }
    if lines.len() > Cart::LINES_MAX {
        // Looking at each of too many lines would make a refusal of unbounded size.
        problems.push(OrderProblem::TooManyLines {
            max: u32::try_from(Cart::LINES_MAX).unwrap_or(u32::MAX),
        });
        return;
    }
    let mut seen = BTreeSet::new();
    for line in lines {
        if !seen.insert(&line.sku) {
            problems.push(OrderProblem::DuplicateLine(line.sku.clone()));
        }
        if agent.catalogue.get(&line.sku).is_none() {
            problems.push(OrderProblem::UnknownProduct(line.sku.clone()));
        }
        let max = agent.settings.line_units_max;
        if line.quantity.get() > max {
            problems.push(OrderProblem::TooManyUnits {
                sku: line.sku.clone(),
                max,
            });
        }
    }
}

/// SPEC's customer validation.
fn validate_customer(
    agent: &OrderAgent,
    details: &OrderDetails,
    principal: &Principal,
    problems: &mut Vec<OrderProblem>,
) {
    if principal
        .as_user()
        .is_some_and(|shopper| shopper != details.customer.as_str())
    {
        problems.push(OrderProblem::OtherCustomer);
    }
    let sealed_for = [details.email.person(), details.address.address().person()];
    if !sealed_for.iter().all(|person| details.customer.is(person)) {
        problems.push(OrderProblem::SealedForAnother);
    }
    let jurisdiction = details.address.jurisdiction();
    if agent.settings.rates_in(jurisdiction).is_none() {
        problems.push(OrderProblem::NotDelivered(jurisdiction));
    }
}

/// SPEC's payment validation.
fn validate_payment(details: &OrderDetails, problems: &mut Vec<OrderProblem>) {
    let token = details.method.as_str();
    if token.trim().is_empty() || token.len() > PaymentMethod::TOKEN_BYTES_MAX {
        problems.push(OrderProblem::PaymentMethod);
    }
}
