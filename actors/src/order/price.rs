//! Freezing what an order costs.

use std::iter::repeat;

use mercato_runtime::{Context, Decision};
use serde::{Deserialize, Serialize};

use super::command::{OrderDecided, write_by_the_shop};
use super::events::{OrderLine, OrderPriced, TermsAgreed};
use super::machine::Transition;
use super::state::Order;
use super::totals::{PricedOrder, PricedUnits, price_lines};
use super::{OrderAgent, OrderRejection};
use crate::domain::{Money, OrderId};
use crate::pricing::{LineQuote, Segment};

/// Freezes what the order costs: the quotes, the basket discount, shipping and tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceOrder {
    /// The order.
    pub order: OrderId,
    /// A valid quote for each line and as many units as it has, in the order of the lines.
    pub quotes: Vec<LineQuote>,
    /// What coupons take off each line, in the same order; none where there are no coupons.
    pub discounts: Vec<Money>,
}

write_by_the_shop!(PriceOrder -> PricedOrder);

impl PriceOrder {
    fn decide_for(
        &self,
        agent: &OrderAgent,
        order: &Order,
        context: &Context<'_>,
    ) -> OrderDecided<PricedOrder> {
        order.check(Transition::Price)?;
        let lines = &order.details.lines;
        let matching = lines.len() == self.quotes.len()
            && lines
                .iter()
                .zip(&self.quotes)
                .all(|(line, quoted)| quoted.is_for(line))
            && (self.discounts.is_empty() || self.discounts.len() == lines.len());
        if !matching {
            return Err(OrderRejection::QuotesDiffer);
        }
        check_valid(agent, &self.quotes, context)?;
        let units = self.quotes.iter().zip(lines);
        let none = Money::zero(agent.catalogue.currency());
        let coupons = self.discounts.iter().copied().chain(repeat(none));
        let units = units.zip(coupons);
        let units =
            units.map(|((quote, line), coupon)| PricedUnits::quoted(quote, line.quantity, coupon));
        let units = units.collect::<Result<_, _>>()?;
        let place = order.details.address.jurisdiction();
        let priced = price_lines(agent, place, units)?;
        Ok(Decision::reply(priced.clone()).record(OrderPriced { priced }))
    }
}

/// Notes the terms that an order was quoted on, where they are not everybody's: what is told of its changes
/// goes by them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreeTerms {
    /// The order.
    pub order: OrderId,
    /// Its terms.
    pub segment: Segment,
}

write_by_the_shop!(AgreeTerms -> ());

impl AgreeTerms {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<()> {
        let segment = self.segment;
        let agreed = (order.segment != segment).then_some(TermsAgreed { segment });
        Ok(Decision::reply(()).record_all(agreed))
    }
}

impl LineQuote {
    /// Whether it is for this line. So many units may cost less apiece than one, so the number counts.
    pub(super) fn is_for(&self, line: &OrderLine) -> bool {
        self.quote.sku == line.sku && self.quantity == line.quantity
    }
}

/// Refuses quotes that are too old or in another currency.
pub(super) fn check_valid(
    agent: &OrderAgent,
    quotes: &[LineQuote],
    context: &Context<'_>,
) -> Result<(), OrderRejection> {
    let expected = agent.catalogue.currency();
    for LineQuote { quote, lowest, .. } in quotes {
        if quote.valid_until <= context.now {
            return Err(OrderRejection::QuoteExpired(quote.sku.clone()));
        }
        if quote.unit.currency() != expected || lowest.currency() != expected {
            return Err(OrderRejection::OtherCurrency { expected });
        }
    }
    Ok(())
}
