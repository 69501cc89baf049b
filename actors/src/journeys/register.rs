//! The journeys of a shop in one place: activities, flows, and which event starts what.

use std::sync::Arc;

use mercato_runtime::{CommandId, FlowId, Occurred, Reaction, RuntimeBuilder, Trigger};

use super::activities;
use super::checkout::{CHECKOUT, CHECKOUTS_BEFORE, checkout};
use super::fulfil::{FULFIL, FULFIL_BEFORE, FulfilRequest, fulfil};
use super::hold::waiting_hold;
use super::low_stock::{LOW_STOCK, LOW_STOCK_BEFORE, LowStockRequest, low_stock};
use super::reconcile::{RECONCILE, reconcile};
use super::release::{RELEASE, RELEASE_STOCK, ReleaseRequest, release, release_stock};
use super::renew::{RENEW_PAYMENT, RENEW_PAYMENT_BEFORE, RenewRequest, renew_payment};
use super::returns::{RECEIVE_RETURN, RETURN, RETURN_BEFORE, receive_return, return_goods};
use super::revise::{ORDER_CHANGE, ORDER_CHANGE_BEFORE, change_order};
use crate::domain::BasisPoints;
use crate::inventory::{InventoryAgent, LowStockDetected, StockRecovered};
use crate::marketing::ResumePromotions;
use crate::order::{
    AuthorisationExpired, CancelReason, FulfilmentBegun, LineCancelled, OrderAgent, OrderCancelled,
    OrderRevised, StockHold,
};
use crate::ports::{Carrier, Payments};
use crate::pricing::{AdjustStrategy, PriceReason};
use crate::recommendation::RestoreProduct;

/// Adds the journeys between the agents: what they ask of payments and carrier, their flows, and
/// the rules by which one event leads to another.
#[must_use]
pub fn register_journeys(
    builder: RuntimeBuilder,
    payments: &Arc<dyn Payments>,
    carrier: Arc<dyn Carrier>,
) -> RuntimeBuilder {
    let builder = activities::register(builder, payments, carrier);
    CHECKOUTS_BEFORE
        .into_iter()
        .fold(builder, |builder, before| builder.flow(before, checkout))
        .flow(CHECKOUT, checkout)
        .flow(FULFIL, fulfil)
        .flow(FULFIL_BEFORE, fulfil)
        .flow(RELEASE, release)
        .flow(RELEASE_STOCK, release_stock)
        .flow(RETURN, return_goods)
        .flow(RETURN_BEFORE, return_goods)
        .flow(RECEIVE_RETURN, receive_return)
        .flow(ORDER_CHANGE, change_order)
        .flow(ORDER_CHANGE_BEFORE, change_order)
        .flow(RENEW_PAYMENT, renew_payment)
        .flow(RENEW_PAYMENT_BEFORE, renew_payment)
        .flow(RECONCILE, reconcile)
        .flow(LOW_STOCK, low_stock)
        .flow(LOW_STOCK_BEFORE, low_stock)
        .trigger(Trigger::when::<OrderAgent, FulfilmentBegun>(
            "fulfilment-begun",
            fulfil_begun,
        ))
        .trigger(
            Trigger::when::<OrderAgent, LineCancelled>("stock-freed", release_cancelled_line)
                .or_when::<OrderAgent, OrderRevised>(release_freed),
        )
        .trigger(Trigger::when::<OrderAgent, AuthorisationExpired>(
            "authorisation-expired",
            renew_expired,
        ))
        .trigger(Trigger::when::<OrderAgent, OrderCancelled>(
            "order-cancelled",
            release_cancelled,
        ))
        .trigger(Trigger::when::<InventoryAgent, LowStockDetected>(
            "low-stock",
            alert_low_stock,
        ))
        .trigger(Trigger::when::<InventoryAgent, StockRecovered>(
            "stock-recovered",
            back_to_normal,
        ))
}

fn fulfil_begun(occurred: &Occurred<FulfilmentBegun>) -> Vec<Reaction> {
    let order = occurred.event.order.clone();
    let id = FlowId::new(order.as_str());
    let request = FulfilRequest { order };
    vec![Reaction::flow(FULFIL, id, &request)]
}

/// A line that was cancelled may leave stock that nobody needs.
fn release_cancelled_line(occurred: &Occurred<LineCancelled>) -> Vec<Reaction> {
    let cancelled = &occurred.event;
    // It may have waited for more.
    let waited = waiting_hold(&cancelled.order).ok();
    let waited = waited.map(|reservation| StockHold {
        sku: cancelled.sku.clone(),
        reservation,
        quantity: cancelled.quantity,
    });
    let freed = cancelled.freed.iter().cloned().chain(waited).collect();
    release_holds(occurred.id, &freed)
}

/// A change that was accepted may leave some, too.
fn release_freed(occurred: &Occurred<OrderRevised>) -> Vec<Reaction> {
    release_holds(occurred.id, &occurred.event.freed)
}

#[allow(clippy::ptr_arg, reason = "it is the flow's input")]
fn release_holds(event: CommandId, freed: &Vec<StockHold>) -> Vec<Reaction> {
    if freed.is_empty() {
        return Vec::new();
    }
    // It happens to an order more than once, so the event itself names the flow.
    let id = FlowId::new(event.to_string());
    vec![Reaction::flow(RELEASE_STOCK, id, freed)]
}

fn renew_expired(occurred: &Occurred<AuthorisationExpired>) -> Vec<Reaction> {
    let expired = &occurred.event;
    let request = RenewRequest {
        order: expired.order.clone(),
        payment: expired.payment.clone(),
    };
    let id = FlowId::new(format!("{}/{}", expired.order, expired.payment));
    vec![Reaction::flow(RENEW_PAYMENT, id, &request)]
}

fn release_cancelled(occurred: &Occurred<OrderCancelled>) -> Vec<Reaction> {
    let cancelled = &occurred.event;
    if cancelled.reason == CancelReason::CheckoutFailed {
        return Vec::new();
    }
    let request = ReleaseRequest {
        order: cancelled.order.clone(),
        lines: cancelled.lines.clone(),
    };
    let id = FlowId::new(cancelled.order.as_str());
    vec![Reaction::flow(RELEASE, id, &request)]
}

fn alert_low_stock(occurred: &Occurred<LowStockDetected>) -> Vec<Reaction> {
    let request = LowStockRequest {
        sku: occurred.event.sku.clone(),
    };
    // Stock falls low more than once, so the event itself names the flow.
    let id = FlowId::new(occurred.id.to_string());
    vec![Reaction::flow(LOW_STOCK, id, &request)]
}

/// Trade as it was before stock fell low.
fn back_to_normal(occurred: &Occurred<StockRecovered>) -> Vec<Reaction> {
    let sku = &occurred.event.sku;
    vec![
        Reaction::command(&AdjustStrategy {
            sku: sku.clone(),
            adjustment: BasisPoints::ZERO,
            reason: PriceReason::StockRecovered,
        }),
        Reaction::command(&ResumePromotions { sku: sku.clone() }),
        Reaction::command(&RestoreProduct { sku: sku.clone() }),
    ]
}
