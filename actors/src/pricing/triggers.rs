//! What Pricing learns from other agents' events, and from its own.

use mercato_runtime::{Occurred, Reaction, Trigger};

use super::PricingAgent;
use super::cart_quote_commands::{CancelQuote, ConfirmQuote};
use super::coupon_commands::ReleaseCoupon;
use super::demand::ObserveSale;
use super::sale_events::{QuoteCancelled, QuoteSold};
use crate::domain::{Quantity, QuoteId};
use crate::order::{OrderAgent, OrderCancelled, OrderPlaced};

/// The rules, in one table: a placed order confirms its quote, a cancelled one gives its coupons
/// back, and what is sold teaches how demand answers to prices.
#[must_use]
pub fn pricing_triggers() -> Vec<Trigger> {
    vec![
        Trigger::when::<OrderAgent, OrderPlaced>("quotes-of-orders", confirm_quote)
            .or_when::<OrderAgent, OrderCancelled>(cancel_quote),
        Trigger::when::<PricingAgent, QuoteCancelled>("coupons-and-demand", release_coupons)
            .or_when::<PricingAgent, QuoteSold>(observe_sales),
    ]
}

fn confirm_quote(occurred: &Occurred<OrderPlaced>) -> Vec<Reaction> {
    let quote = QuoteId::from(&occurred.event.order);
    vec![Reaction::command(&ConfirmQuote { quote })]
}

fn cancel_quote(occurred: &Occurred<OrderCancelled>) -> Vec<Reaction> {
    let quote = QuoteId::from(&occurred.event.order);
    vec![Reaction::command(&CancelQuote { quote })]
}

fn release_coupons(occurred: &Occurred<QuoteCancelled>) -> Vec<Reaction> {
    let uses = occurred.event.coupons.iter();
    let given_back = uses.map(|it| ReleaseCoupon {
        code: it.code.clone(),
        holder: it.holder.clone(),
    });
    given_back
        .map(|release| Reaction::command(&release))
        .collect()
}

fn observe_sales(occurred: &Occurred<QuoteSold>) -> Vec<Reaction> {
    let lines = occurred.event.lines.iter();
    let sales = lines.filter_map(|(sku, units, shelf)| {
        Some(ObserveSale {
            sku: sku.clone(),
            units: Quantity::new(*units).ok()?,
            shelf: *shelf,
        })
    });
    sales.map(|sale| Reaction::command(&sale)).collect()
}
