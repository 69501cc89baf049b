//! What the Recommendation agent learns from other agents' events.

use mercato_runtime::{Occurred, Reaction, Trigger};

use super::commands::{LearnBasket, RecordPurchase};
use crate::domain::Sku;
use crate::order::{OrderAgent, OrderEvent};

/// The rules, in one table: every placed order teaches the model and the shopper's taste.
#[must_use]
pub fn recommendation_triggers() -> Vec<Trigger> {
    vec![Trigger::on::<OrderAgent>(
        "learn-from-order",
        |occurred: &Occurred<OrderEvent>| {
            let OrderEvent::OrderPlaced(placed) = &occurred.event else {
                return Vec::new();
            };
            let skus: Vec<Sku> = placed.lines.iter().map(|line| line.sku.clone()).collect();
            vec![
                Reaction::command(&LearnBasket {
                    order: placed.order.clone(),
                    skus: skus.clone(),
                }),
                Reaction::command(&RecordPurchase {
                    shopper: placed.customer.clone(),
                    order: placed.order.clone(),
                    skus,
                }),
            ]
        },
    )]
}
