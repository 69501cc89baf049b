//! Asking for a price, and why it is so.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, Timestamp};
use serde::{Deserialize, Serialize};

use super::calculate::{PriceDecision, calculate};
use super::rejection::staff;
use super::state::{PriceInputs, PriceState};
use super::terms::{PricingTerms, SalesChannel, Segment};
use super::trace::{PriceStep, TraceEntry, TraceNote};
use super::{PricingAgent, PricingRejection, PricingState};
use crate::domain::{Currency, HeldPrice, Money, Quantity, Sku};

/// Asks for the price of one unit, as a page shows it. A price that the shopper was shown before is
/// honoured for the lifetime of its quote.
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

    /// Whether this is the price that was held, and not a new one in place of it.
    #[must_use]
    pub fn honours(&self, held: &HeldPrice) -> bool {
        self.revision == held.revision && self.quoted_at == held.quoted_at
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
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let terms = PricingTerms::shelf(agent.catalogue.currency()).of(self.segment);
        let (state, now) = (state.price(), context.now);
        let held = honour(agent, &self.sku, state, &terms, self.held, now);
        let (quote, _) = match held {
            Some(honoured) => honoured,
            None => quote_at(agent, &self.sku, state, &terms, now)?,
        };
        Ok(Decision::reply(quote))
    }
}

/// Asks for the price of a line of a cart, on its terms. A price that the shopper was shown before,
/// for one unit or for as many, is honoured for the lifetime of its quote; where so many units cost
/// less apiece, they do so here too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteLine {
    /// The product.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// The terms that the customer has.
    pub segment: Segment,
    /// Where it is sold.
    pub channel: SalesChannel,
    /// In what money; `None` is the shop's own.
    pub currency: Option<Currency>,
    /// The price that the shopper was shown, if one is to be honoured.
    pub held: Option<HeldPrice>,
}

impl QuoteLine {
    /// A line as it is bought on the shop's pages, in the shop's own money.
    #[must_use]
    pub fn new(sku: Sku, quantity: Quantity, segment: Segment) -> Self {
        Self {
            sku,
            quantity,
            segment,
            channel: SalesChannel::Web,
            currency: None,
            held: None,
        }
    }

    /// The same, honouring a price.
    #[must_use]
    pub fn holding(self, held: Option<HeldPrice>) -> Self {
        Self { held, ..self }
    }
}

/// The price of a line, with what whoever sums up a cart needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineQuote {
    /// The price of one unit, and the steps that led to it.
    pub quote: Quote,
    /// How many.
    pub quantity: Quantity,
    /// The lowest price that one unit may come to.
    pub lowest: Money,
    /// What the shelf asks for one unit; quantity discounts and segments are no part of it.
    pub shelf: Money,
    /// Whether a promotion has reduced it.
    pub promoted: bool,
}

impl Command for QuoteLine {
    type Agent = PricingAgent;
    type Reply = LineQuote;
    const NAME: &'static str = "QuoteLine";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let (state, now) = (state.price(), context.now);
        let shelf = PricingTerms::shelf(agent.catalogue.currency());
        let terms = &PricingTerms {
            channel: self.channel,
            currency: self.currency.unwrap_or(shelf.currency),
            segment: self.segment,
            quantity: self.quantity,
        };
        let held = honour(agent, &self.sku, state, terms, self.held, now);
        let (quote, decision) = match held {
            Some(honoured) => honoured,
            None => quote_at(agent, &self.sku, state, terms, now)?,
        };
        let shelf = calculate(agent, &self.sku, state.current(), &shelf, now)?.unit;
        Ok(Decision::reply(LineQuote {
            quote,
            quantity: terms.quantity,
            lowest: decision.lowest,
            shelf,
            promoted: decision.unit.minor() < decision.regular.minor(),
        }))
    }
}

/// A quote as of now.
pub(super) fn quote_at(
    agent: &PricingAgent,
    sku: &Sku,
    state: &PriceState,
    terms: &PricingTerms,
    now: Timestamp,
) -> Result<(Quote, PriceDecision), PricingRejection> {
    let decision = calculate(agent, sku, state.current(), terms, now)?;
    let quote = return_final_price(agent, sku, &decision, state.revision(), now);
    Ok((quote, decision))
}

/// The quote that the shopper holds, if it is one: in its lifetime, and exactly what this agent
/// calculates for that moment from the revision that it names.
fn honour(
    agent: &PricingAgent,
    sku: &Sku,
    state: &PriceState,
    terms: &PricingTerms,
    held: Option<HeldPrice>,
    now: Timestamp,
) -> Option<(Quote, PriceDecision)> {
    let held = held?;
    let valid_until = held.quoted_at.plus(agent.settings.quote_lifetime);
    #[cfg(feature = "planted-bugs")]
    let (expired, valid_until) = match agent.honours_expired {
        true => (valid_until, now.plus(agent.settings.quote_lifetime)),
        false => (valid_until, valid_until),
    };
    if held.quoted_at > now || valid_until <= now {
        return None;
    }
    let inputs = state.at_revision(held.revision)?;
    let decide = |terms: &PricingTerms| calculate(agent, sku, inputs, terms, held.quoted_at).ok();
    let (one, all) = (decide(&terms.units(Quantity::ONE))?, decide(terms)?);
    if held.unit != one.unit && held.unit != all.unit {
        return None;
    }
    let decision = if all.unit.minor() <= held.unit.minor() {
        all
    } else {
        one
    };
    let quote = return_final_price(agent, sku, &decision, held.revision, held.quoted_at);
    #[cfg(feature = "planted-bugs")]
    let quote = Quote {
        valid_until: expired.max(valid_until),
        ..quote
    };
    Some((quote, decision))
}

fn return_final_price(
    agent: &PricingAgent,
    sku: &Sku,
    decision: &PriceDecision,
    revision: u64,
    quoted_at: Timestamp,
) -> Quote {
    Quote {
        sku: sku.clone(),
        unit: decision.unit,
        revision,
        quoted_at,
        valid_until: quoted_at.plus(agent.settings.quote_lifetime),
        trace: decision.trace.clone(),
    }
}

/// Asks why a price was quoted. It is worked out again from what was recorded: the inputs of the
/// revision that the price names, at the moment that it names. They are remembered for the last
/// sixteen changes of a SKU; what was quoted for a whole cart is kept for good, with its steps
/// ([`ShowQuote`](super::ShowQuote)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyThisPrice {
    /// The product.
    pub sku: Sku,
    /// The terms that it was quoted on.
    pub terms: PricingTerms,
    /// The price.
    pub price: HeldPrice,
}

/// Why a price was so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceExplanation {
    /// The price of one unit.
    pub unit: Money,
    /// What it would have been without promotions.
    pub regular: Money,
    /// The lowest that it could have been.
    pub lowest: Money,
    /// The steps that led to it, in order.
    pub trace: Vec<TraceEntry>,
    /// What each step looked at.
    pub notes: Vec<(PriceStep, TraceNote)>,
    /// What it was made of.
    pub inputs: PriceInputs,
    /// The version of the rules.
    pub rules: u32,
}

impl Command for WhyThisPrice {
    type Agent = PricingAgent;
    type Reply = PriceExplanation;
    const NAME: &'static str = "WhyThisPrice";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let (state, price) = (state.price(), self.price);
        let forgotten = PricingRejection::RevisionForgotten {
            oldest: state.oldest(),
        };
        let inputs = state.at_revision(price.revision).ok_or(forgotten)?;
        let decision = calculate(agent, &self.sku, inputs, &self.terms, price.quoted_at)?;
        if decision.unit != price.unit {
            return Err(PricingRejection::NeverQuoted);
        }
        Ok(Decision::reply(PriceExplanation {
            unit: decision.unit,
            regular: decision.regular,
            lowest: decision.lowest,
            trace: decision.trace,
            notes: decision.notes,
            inputs: inputs.clone(),
            rules: agent.settings.rules.version(),
        }))
    }
}
