//! The journeys of a shop in one place: activities, flows, and which event starts what.

use std::sync::Arc;

use mercato_runtime::{FlowId, Occurred, Reaction, RuntimeBuilder, Trigger};

use super::activities;
use super::checkout::{CHECKOUT, checkout};
use super::fulfil::{FULFIL, FulfilRequest, fulfil};
use super::low_stock::{LOW_STOCK, LowStockRequest, low_stock};
use super::release::{RELEASE, ReleaseRequest, release};
use super::returns::{RETURN, return_goods};
use crate::domain::{BasisPoints, Sku};
use crate::inventory::{InventoryAgent, InventoryEvent};
use crate::marketing::ResumePromotions;
use crate::order::{CancelReason, OrderAgent, OrderEvent};
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
    activities::register(builder, payments, carrier)
        .flow(CHECKOUT, checkout)
        .flow(FULFIL, fulfil)
        .flow(RELEASE, release)
        .flow(RETURN, return_goods)
        .flow(LOW_STOCK, low_stock)
        .trigger(Trigger::on::<OrderAgent>("order-placed", fulfil_placed))
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

fn fulfil_placed(occurred: &Occurred<OrderEvent>) -> Vec<Reaction> {
    let OrderEvent::OrderPlaced(placed) = &occurred.event else {
        return Vec::new();
    };
    let request = FulfilRequest {
        order: placed.order.clone(),
        lines: placed.lines.clone(),
        total: placed.total,
    };
    vec![Reaction::flow(
        FULFIL,
        FlowId::new(placed.order.as_str()),
        &request,
    )]
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
