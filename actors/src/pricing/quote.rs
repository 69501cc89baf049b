//! Asking for a price.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, Timestamp};
use serde::{Deserialize, Serialize};

use super::PricingAgent;
use super::calculate::{PriceDecision, Segment, TraceEntry, calculate};
use super::state::PriceState;
use crate::domain::{HeldPrice, Money, Sku};

/// Asks for the price of one unit. A price that the shopper was shown before is honoured for the
/// lifetime of its quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotePrice {
    /// The product.
    pub sku: Sku,
    /// The terms that the customer has.
    pub segment: Segment,
    /// The price that the shopper was shown, if one is to be honoured.
    pub held: Option<HeldPrice>,
}

/// A price, why it is so, and until when the shop stands by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The product.
    pub sku: Sku,
    /// The price of one unit, before tax.
    pub unit: Money,
    /// The revision of the inputs that it was calculated from.
    pub revision: u64,
    /// The moment that it was calculated for.
    pub quoted_at: Timestamp,
    /// When the shop stops standing by it.
    pub valid_until: Timestamp,
    /// The steps that led to it, in order.
    pub trace: Vec<TraceEntry>,
}

impl Quote {
    /// What to put into a cart so that this price is honoured.
    #[must_use]
    pub fn hold(&self) -> HeldPrice {
        HeldPrice {
            unit: self.unit,
            revision: self.revision,
            quoted_at: self.quoted_at,
        }
    }
}

impl Command for QuotePrice {
    type Agent = PricingAgent;
    type Reply = Quote;
    const NAME: &'static str = "QuotePrice";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PriceState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        if let Some(honoured) = self.honour(agent, state, context) {
            return Ok(Decision::reply(honoured));
        }
        let decision = calculate(agent, &self.sku, state.current(), self.segment, context.now)?;
        Ok(Decision::reply(self.return_final_price(
            agent,
            decision,
            state.revision(),
            context.now,
        )))
    }
}

impl QuotePrice {
    /// The quote that the shopper holds, if it is one: in its lifetime, and exactly what this agent
    /// calculates for that moment from the revision that it names.
    fn honour(
        &self,
        agent: &PricingAgent,
        state: &PriceState,
        context: &Context<'_>,
    ) -> Option<Quote> {
        let held = self.held?;
        let valid_until = held.quoted_at.plus(agent.settings.quote_lifetime);
        if held.quoted_at > context.now || valid_until <= context.now {
            return None;
        }
        let inputs = state.at_revision(held.revision)?;
        let decision = calculate(agent, &self.sku, inputs, self.segment, held.quoted_at).ok()?;
        (decision.unit == held.unit)
            .then(|| self.return_final_price(agent, decision, held.revision, held.quoted_at))
    }

    fn return_final_price(
        &self,
        agent: &PricingAgent,
        decision: PriceDecision,
        revision: u64,
        quoted_at: Timestamp,
    ) -> Quote {
        Quote {
            sku: self.sku.clone(),
            unit: decision.unit,
            revision,
            quoted_at,
            valid_until: quoted_at.plus(agent.settings.quote_lifetime),
            trace: decision.trace,
        }
    }
}
