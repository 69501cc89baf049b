//! What Pricing learns from other agents' events, and from its own.

use mercato_runtime::{Occurred, Reaction, Trigger};

use super::PricingAgent;
use super::cart_quote_commands::{CancelQuote, ConfirmQuote};
use super::coupon_commands::ReleaseCoupon;
use super::demand::ObserveSale;
use super::events::PricingEvent;
use crate::domain::{Quantity, QuoteId};
use crate::order::{OrderAgent, OrderEvent};

/// The rules, in one table: a placed order confirms its quote, a cancelled one gives its coupons
/// back, and what is sold teaches how demand answers to prices.
#[must_use]
pub fn pricing_triggers() -> Vec<Trigger> {
    vec![
        Trigger::on::<OrderAgent>("quotes-of-orders", follow_order),
        Trigger::on::<PricingAgent>("coupons-and-demand", follow_quote),
    ]
}

fn follow_order(occurred: &Occurred<OrderEvent>) -> Vec<Reaction> {
    match &occurred.event {
        OrderEvent::OrderPlaced(placed) => {
            let quote = QuoteId::from(&placed.order);
            vec![Reaction::command(&ConfirmQuote { quote })]
        }
        OrderEvent::OrderCancelled(cancelled) => {
            let quote = QuoteId::from(&cancelled.order);
            vec![Reaction::command(&CancelQuote { quote })]
        }
        _ => Vec::new(),
    }
}

fn follow_quote(occurred: &Occurred<PricingEvent>) -> Vec<Reaction> {
    match &occurred.event {
        PricingEvent::QuoteCancelled(cancelled) => {
            let uses = cancelled.coupons.iter();
            let given_back = uses.map(|it| ReleaseCoupon {
                code: it.code.clone(),
                holder: it.holder.clone(),
            });
            given_back
                .map(|release| Reaction::command(&release))
                .collect()
        }
        PricingEvent::QuoteSold(sold) => {
            let lines = sold.lines.iter();
            let sales = lines.filter_map(|(sku, units, shelf)| {
                Some(ObserveSale {
                    sku: sku.clone(),
                    units: Quantity::new(*units).ok()?,
                    shelf: *shelf,
                })
            });
            sales.map(|sale| Reaction::command(&sale)).collect()
        }
        _ => Vec::new(),
    }
}
