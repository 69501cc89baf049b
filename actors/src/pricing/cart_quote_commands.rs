//! Locking quotes, and what becomes of them.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind};
use serde::{Deserialize, Serialize};

use super::basket::{HeldCoupon, QuotedLine, price_basket};
use super::cart_quote::{CartQuote, CouponUse, QuoteStage};
use super::quote::LineQuote;
use super::rejection::staff;
use super::sale_events::{QuoteAccepted, QuoteCancelled, QuoteIssued, QuoteReleased, QuoteSold};
use super::{PricingAgent, PricingRejection, PricingState};
use crate::domain::{Cart, CustomerId, OrderId, Quantity, QuoteId, Sku};

fn quote_key(quote: &QuoteId) -> Cow<'_, str> {
    format!("quote/{quote}").into()
}

/// Locks a quote of these lines. For the journeys that have just asked for the lines' prices and
/// claimed the coupons. Repeating it gives the quote that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueQuote {
    /// Its name.
    pub quote: QuoteId,
    /// Whose it is.
    pub customer: CustomerId,
    /// The order that takes it at once, where it is made at a checkout.
    pub order: Option<OrderId>,
    /// The lines, each SKU once, as Pricing quoted them a moment ago.
    pub lines: Vec<LineQuote>,
    /// The coupons that were claimed for it, or for the quote that its lines come from.
    pub coupons: Vec<HeldCoupon>,
}

impl Command for IssueQuote {
    type Agent = PricingAgent;
    type Reply = CartQuote;
    const NAME: &'static str = "IssueQuote";

    fn entity(&self) -> Cow<'_, str> {
        quote_key(&self.quote)
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        if state.quote().get().is_some() {
            let present = state.quote().seen_by(context.principal, &self.quote)?;
            if present.customer != self.customer {
                return Err(PricingRejection::UnknownQuote(self.quote.clone()));
            }
            // An order has the quote that was made for it, with coupons that are kept for it, and not one
            // that a cart locked under the order's name.
            let is_of_order = match &self.order {
                Some(order) => present.is_of(order.as_str()),
                None => true,
            };
            return match is_of_order {
                true => Ok(Decision::reply(present.clone())),
                false => Err(PricingRejection::QuoteTaken(self.quote.clone())),
            };
        }
        let valid_until = context.now.plus(agent.settings.quote_lifetime);
        self.check(context)?;
        let mut lines = self.lines.clone();
        let Some(first) = lines.first() else {
            return Err(PricingRejection::QuoteLines);
        };
        let currency = first.quote.unit.currency();
        for line in &mut lines {
            line.quote.valid_until = valid_until;
        }
        let coupons: Vec<_> = (self.coupons.iter())
            .map(|held| (&held.code, &held.terms))
            .collect();
        let basket = price_basket(currency, lines, &coupons)?;
        let coupons = self.coupons.iter().map(|held| CouponUse {
            code: held.code.clone(),
            holder: held.holder.clone(),
        });
        let issued = QuoteIssued {
            customer: self.customer.clone(),
            order: self.order.clone(),
            lines: basket.lines,
            coupons: coupons.collect(),
            rules: agent.settings.rules.version(),
            at: context.now,
            valid_until,
        };
        Ok(Decision::reply(CartQuote::issued(&issued)?).record(issued))
    }
}

impl IssueQuote {
    fn check(&self, context: &Context<'_>) -> Result<(), PricingRejection> {
        if self.lines.is_empty() || self.lines.len() > Cart::LINES_MAX {
            return Err(PricingRejection::QuoteLines);
        }
        for (place, line) in self.lines.iter().enumerate() {
            let mut before = self.lines.iter().take(place);
            if before.any(|other| other.quote.sku == line.quote.sku) {
                return Err(PricingRejection::QuoteLines);
            }
            if line.quote.valid_until <= context.now {
                return Err(PricingRejection::QuoteExpired(self.quote.clone()));
            }
        }
        Ok(())
    }
}

/// Takes a quote for an order: the same goods, in its lifetime, and for no other order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptQuote {
    /// The quote.
    pub quote: QuoteId,
    /// Whose it must be.
    pub customer: CustomerId,
    /// The order.
    pub order: OrderId,
    /// What the order is for, in the order of the quote's lines.
    pub lines: Vec<(Sku, Quantity)>,
}

impl Command for AcceptQuote {
    type Agent = PricingAgent;
    type Reply = CartQuote;
    const NAME: &'static str = "AcceptQuote";

    fn entity(&self) -> Cow<'_, str> {
        quote_key(&self.quote)
    }

    fn decide(
        &self,
        _: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let quote = state.quote().seen_by(context.principal, &self.quote)?;
        if quote.customer != self.customer {
            return Err(PricingRejection::UnknownQuote(self.quote.clone()));
        }
        let mut accepted = quote.clone();
        match &quote.stage {
            QuoteStage::Accepted(order) | QuoteStage::Sold(order) if *order == self.order => {
                return Ok(Decision::reply(accepted));
            }
            QuoteStage::Open => {}
            _ => return Err(PricingRejection::QuoteTaken(self.quote.clone())),
        }
        if quote.valid_until <= context.now {
            return Err(PricingRejection::QuoteExpired(self.quote.clone()));
        }
        let quoted = quote
            .lines
            .iter()
            .map(|it| (&it.line.quote.sku, it.line.quantity));
        if !quoted.eq(self.lines.iter().map(|(sku, quantity)| (sku, *quantity))) {
            return Err(PricingRejection::QuoteDiffers(self.quote.clone()));
        }
        let order = self.order.clone();
        accepted.stage = QuoteStage::Accepted(order.clone());
        Ok(Decision::reply(accepted).record(QuoteAccepted { order }))
    }
}

/// Gives a quote back that an order took and came to nothing: it can be taken again in its
/// lifetime. Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseQuote {
    /// The quote.
    pub quote: QuoteId,
    /// The order.
    pub order: OrderId,
}

impl Command for ReleaseQuote {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "ReleaseQuote";

    fn entity(&self) -> Cow<'_, str> {
        quote_key(&self.quote)
    }

    fn decide(
        &self,
        _: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let taken = state.quote().get().is_some_and(
            |quote| matches!(&quote.stage, QuoteStage::Accepted(order) if *order == self.order),
        );
        let order = self.order.clone();
        let released = taken.then_some(QuoteReleased { order });
        Ok(Decision::reply(()).record_all(released))
    }
}

/// Tells that the order of a quote was placed. What was sold teaches how demand answers to prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmQuote {
    /// The quote.
    pub quote: QuoteId,
}

impl Command for ConfirmQuote {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "ConfirmQuote";

    fn entity(&self) -> Cow<'_, str> {
        quote_key(&self.quote)
    }

    fn decide(
        &self,
        _: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let accepted = state.quote().get();
        let accepted = accepted.filter(|quote| matches!(quote.stage, QuoteStage::Accepted(_)));
        let sold = accepted.map(|quote| {
            let lines = quote.lines.iter();
            let lines = lines.map(|QuotedLine { line, .. }| {
                (line.quote.sku.clone(), line.quantity.get(), line.shelf)
            });
            QuoteSold {
                lines: lines.collect(),
            }
        });
        Ok(Decision::reply(()).record_all(sold))
    }
}

/// Tells that the order of a quote came to nothing: its coupons are given back. Idempotent, also
/// where there is no quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelQuote {
    /// The quote.
    pub quote: QuoteId,
}

impl Command for CancelQuote {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "CancelQuote";

    fn entity(&self) -> Cow<'_, str> {
        quote_key(&self.quote)
    }

    fn decide(
        &self,
        _: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        // News of an order ends the quote that was made for it, and none that a cart locked under its name.
        let quote = state.quote().get();
        let its_own = quote.filter(|quote| quote.is_of(self.quote.as_str()));
        let cancelled = its_own.map(|quote| QuoteCancelled {
            coupons: quote.coupons.clone(),
        });
        Ok(Decision::reply(()).record_all(cancelled))
    }
}

/// Asks for a locked quote: what was quoted, and why each price was so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowQuote {
    /// The quote.
    pub quote: QuoteId,
}

impl Command for ShowQuote {
    type Agent = PricingAgent;
    type Reply = CartQuote;
    const NAME: &'static str = "ShowQuote";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        quote_key(&self.quote)
    }

    fn decide(
        &self,
        _: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let quote = state.quote().seen_by(context.principal, &self.quote)?;
        Ok(Decision::reply(quote.clone()))
    }
}
