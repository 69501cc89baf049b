//! What follows from a purchase: for which messages it counts, and when its buyer will have lapsed.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, State, Timestamp};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::customer::Customer;
use super::customer_commands::customer_key;
use super::events::{CustomerLapsed, MarketingEvent, PurchaseAttributed, PurchaseNoted};
use super::exposure::last_clicked;
use super::message_commands::QueueOrderConfirmation;
use super::rejection::staff;
use super::segment::Purchases;
use crate::domain::{CustomerId, OrderId};

/// The timer that ends the time in which a customer has not lapsed.
const LAPSE: &str = "lapse";

/// Notes a purchase, and counts it for the messages in whose window it falls.
pub(super) fn purchase<R>(
    order: &QueueOrderConfirmation,
    customer: &Customer,
    agent: &MarketingAgent,
    now: Timestamp,
    decision: Decision<MarketingEvent, R>,
) -> Decision<MarketingEvent, R> {
    let before = customer.purchases;
    let noted = PurchaseNoted {
        order: order.order.clone(),
        skus: order.skus.clone(),
        before,
        after: Purchases::with(before, order.total, now),
        at: now,
    };
    let last = last_clicked(&customer.exposures, now);
    let counted = customer.exposures.iter().filter(|one| one.counts(now));
    let attributed = counted.map(|exposure| PurchaseAttributed {
        message: exposure.message.clone(),
        variant: exposure.variant,
        revenue: order.total,
        last_click: last == Some(&exposure.message),
        sent_at: exposure.sent_at,
        at: now,
    });
    let decision = decision.record(noted).record_all(attributed);
    match agent.settings.win_back_after {
        None => decision,
        Some(after) => {
            let lapse = NoteLapse {
                customer: order.customer.clone(),
                order: order.order.clone(),
            };
            decision.set_timer(LAPSE, now.plus(after), &lapse)
        }
    }
}

/// Notes that a customer has bought nothing for as long as the shop waits. A timer gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteLapse {
    /// Who.
    pub customer: CustomerId,
    /// Their last order.
    pub order: OrderId,
}

impl Command for NoteLapse {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "NoteLapse";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(&self, _: &MarketingAgent, _: &State<Self>, context: &Context<'_>) -> Decided<Self> {
        staff(context.principal)?;
        Ok(Decision::reply(()).record(CustomerLapsed {
            order: self.order.clone(),
            at: context.now,
        }))
    }
}
