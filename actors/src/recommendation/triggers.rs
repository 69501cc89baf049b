//! What the Recommendation agent learns from other agents' events.

use mercato_runtime::{Occurred, Reaction, Trigger};

use super::RecommendationAgent;
use super::click_commands::LearnClick;
use super::clicks::Visitor;
use super::commands::{LearnBasket, RecordPurchase, shopper_of};
use super::events::RecommendationEvent;
use crate::domain::Sku;
use crate::order::{OrderAgent, OrderEvent};

/// The rules, in one table: every placed order teaches the model and the shopper's taste, and every
/// view teaches what is clicked after what.
#[must_use]
pub fn recommendation_triggers() -> Vec<Trigger> {
    let learn_from_view = Trigger::on::<RecommendationAgent>(
        "learn-from-view",
        |occurred: &Occurred<RecommendationEvent>| {
            let RecommendationEvent::ProductViewed(viewed) = &occurred.event else {
                return Vec::new();
            };
            let shopper = shopper_of(&occurred.entity);
            let learn = shopper.map(|shopper| {
                Reaction::command(&LearnClick {
                    visitor: Visitor::Shopper(shopper),
                    sku: viewed.sku.clone(),
                    at: Some(occurred.recorded_at),
                })
            });
            learn.into_iter().collect()
        },
    );
    let learn_from_order =
        Trigger::on::<OrderAgent>("learn-from-order", |occurred: &Occurred<OrderEvent>| {
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
        });
    vec![learn_from_order, learn_from_view]
}
