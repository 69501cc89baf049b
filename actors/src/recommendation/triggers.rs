//! What the Recommendation agent learns from other agents' events.

use mercato_runtime::{Occurred, Reaction, Trigger};

use super::RecommendationAgent;
use super::click_commands::LearnClick;
use super::clicks::Visitor;
use super::commands::{LearnBasket, RecordPurchase, shopper_of};
use super::events::ProductViewed;
use crate::domain::Sku;
use crate::order::{OrderAgent, OrderPlaced};

/// The rules, in one table: every placed order teaches the model and the shopper's taste, and every
/// view teaches what is clicked after what.
#[must_use]
pub fn recommendation_triggers() -> Vec<Trigger> {
    vec![
        Trigger::when::<OrderAgent, OrderPlaced>("learn-from-order", learn_from_order),
        Trigger::when::<RecommendationAgent, ProductViewed>("learn-from-view", learn_from_view),
    ]
}

fn learn_from_view(occurred: &Occurred<ProductViewed>) -> Vec<Reaction> {
    let learn = shopper_of(&occurred.entity).map(|shopper| {
        Reaction::command(&LearnClick {
            visitor: Visitor::Shopper(shopper),
            sku: occurred.event.sku.clone(),
            at: Some(occurred.recorded_at),
        })
    });
    learn.into_iter().collect()
}

fn learn_from_order(occurred: &Occurred<OrderPlaced>) -> Vec<Reaction> {
    let placed = &occurred.event;
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
}
