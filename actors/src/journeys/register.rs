//! The journeys of a shop in one place: activities, flows, and which event starts what.

use std::sync::Arc;

use mercato_runtime::{FlowId, Occurred, Reaction, RuntimeBuilder, Trigger};

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
use crate::domain::{BasisPoints, Sku};
use crate::inventory::{InventoryAgent, InventoryEvent};
use crate::marketing::ResumePromotions;
use crate::order::{CancelReason, OrderAgent, OrderEvent, StockHold};
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
        .trigger(Trigger::on::<OrderAgent>("fulfilment-begun", fulfil_begun))
        .trigger(Trigger::on::<OrderAgent>("stock-freed", release_freed))
        .trigger(Trigger::on::<OrderAgent>(
            "authorisation-expired",
            renew_expired,
        ))
        .trigger(Trigger::on::<OrderAgent>(
            "order-cancelled",
            release_cancelled,
        ))
        .trigger(Trigger::on::<InventoryAgent>("low-stock", alert_low_stock))
        .trigger(Trigger::on::<InventoryAgent>(
            "stock-recovered",
            back_to_normal,
        ))
}

fn fulfil_begun(occurred: &Occurred<OrderEvent>) -> Vec<Reaction> {
    let OrderEvent::FulfilmentBegun(begun) = &occurred.event else {
        return Vec::new();
    };
    let request = FulfilRequest {
        order: begun.order.clone(),
    };
    let id = FlowId::new(begun.order.as_str());
    vec![Reaction::flow(FULFIL, id, &request)]
}

/// A line that was cancelled, and a change that was accepted, may leave stock that nobody needs.
fn release_freed(occurred: &Occurred<OrderEvent>) -> Vec<Reaction> {
    let freed = match &occurred.event {
        OrderEvent::LineCancelled(cancelled) => {
            let mut freed = cancelled.freed.clone();
            // It may have waited for more.
            freed.extend(
                waiting_hold(&cancelled.order)
                    .ok()
                    .map(|reservation| StockHold {
                        sku: cancelled.sku.clone(),
                        reservation,
                        quantity: cancelled.quantity,
                    }),
            );
            freed
        }
        OrderEvent::OrderRevised(revised) => revised.freed.clone(),
        _ => return Vec::new(),
    };
    if freed.is_empty() {
        return Vec::new();
    }
    // It happens to an order more than once, so the event itself names the flow.
    let id = FlowId::new(occurred.id.to_string());
    vec![Reaction::flow(RELEASE_STOCK, id, &freed)]
}

fn renew_expired(occurred: &Occurred<OrderEvent>) -> Vec<Reaction> {
    let OrderEvent::AuthorisationExpired(expired) = &occurred.event else {
        return Vec::new();
    };
    let request = RenewRequest {
        order: expired.order.clone(),
        payment: expired.payment.clone(),
    };
    let id = FlowId::new(format!("{}/{}", expired.order, expired.payment));
    vec![Reaction::flow(RENEW_PAYMENT, id, &request)]
}

fn release_cancelled(occurred: &Occurred<OrderEvent>) -> Vec<Reaction> {
    match &occurred.event {
        OrderEvent::OrderCancelled(cancelled)
            if cancelled.reason != CancelReason::CheckoutFailed =>
        {
            let request = ReleaseRequest {
                order: cancelled.order.clone(),
                lines: cancelled.lines.clone(),
            };
            let id = FlowId::new(cancelled.order.as_str());
            vec![Reaction::flow(RELEASE, id, &request)]
        }
        _ => Vec::new(),
    }
}

fn alert_low_stock(occurred: &Occurred<InventoryEvent>) -> Vec<Reaction> {
    let InventoryEvent::LowStockDetected(detected) = &occurred.event else {
        return Vec::new();
    };
    let request = LowStockRequest {
        sku: detected.sku.clone(),
    };
    // Stock falls low more than once, so the event itself names the flow.
    let id = FlowId::new(occurred.id.to_string());
    vec![Reaction::flow(LOW_STOCK, id, &request)]
}

fn back_to_normal(occurred: &Occurred<InventoryEvent>) -> Vec<Reaction> {
    match &occurred.event {
        InventoryEvent::StockRecovered(recovered) => normal_trade(&recovered.sku),
        _ => Vec::new(),
    }
}

fn normal_trade(sku: &Sku) -> Vec<Reaction> {
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
