//! A quote of a whole cart: locked for its lifetime, under an id, for one customer and one order.

use mercato_runtime::{Principal, Timestamp};
use serde::{Deserialize, Serialize};

use super::PricingRejection;
use super::basket::QuotedLine;
use super::events::PricingEvent;
use super::quote::LineQuote;
use super::sale_events::QuoteIssued;
use crate::domain::{CouponCode, Currency, CustomerId, Money, MoneyError, OrderId, QuoteId};

/// A use of a coupon, by the name that it was claimed under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponUse {
    /// The coupon.
    pub code: CouponCode,
    /// The quote that it was claimed for.
    pub holder: QuoteId,
}

/// A locked quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartQuote {
    /// Whose it is.
    pub customer: CustomerId,
    /// Line by line.
    pub lines: Vec<QuotedLine>,
    /// The coupons that it took.
    pub coupons: Vec<CouponUse>,
    /// What coupons take off; the lines' discounts sum to it.
    pub discount: Money,
    /// What the goods cost; the lines' nets sum to it.
    pub total: Money,
    /// The version of the rules that it was made by.
    pub rules: u32,
    /// When it was locked.
    pub at: Timestamp,
    /// Until when the shop stands by it.
    pub valid_until: Timestamp,
    /// Where it stands.
    pub stage: QuoteStage,
}

/// Where a quote stands.
///
/// ```text
/// Open ──accept──▶ Accepted ──the order is placed──▶ Sold
///   ▲──release─────────│                               │
///                      └─▶ Cancelled ◀─the order is cancelled
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuoteStage {
    /// Nobody has taken it.
    Open,
    /// An order takes it.
    Accepted(OrderId),
    /// The order was placed.
    Sold(OrderId),
    /// It came to nothing.
    Cancelled,
}

/// A quote, or (before its first event) nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CartQuoteState {
    quote: Option<CartQuote>,
}

impl CartQuoteState {
    pub(super) const fn unknown() -> Self {
        Self { quote: None }
    }

    /// The quote.
    #[must_use]
    pub fn get(&self) -> Option<&CartQuote> {
        self.quote.as_ref()
    }

    /// The quote, where the principal may see it. Somebody else's and a missing one get the same
    /// answer.
    pub(super) fn seen_by(
        &self,
        principal: &Principal,
        id: &QuoteId,
    ) -> Result<&CartQuote, PricingRejection> {
        let quote = self.quote.as_ref().filter(|quote| {
            let shopper = principal.as_user();
            shopper.is_none_or(|shopper| shopper == quote.customer.as_str())
        });
        quote.ok_or_else(|| PricingRejection::UnknownQuote(id.clone()))
    }

    pub(super) fn apply(&mut self, event: &PricingEvent) {
        if let PricingEvent::QuoteIssued(e) = event {
            self.quote = CartQuote::issued(e).ok();
            return;
        }
        let Some(quote) = &mut self.quote else {
            return;
        };
        match event {
            PricingEvent::QuoteAccepted(e) => quote.stage = QuoteStage::Accepted(e.order.clone()),
            PricingEvent::QuoteReleased(_) => quote.stage = QuoteStage::Open,
            PricingEvent::QuoteSold(_) => {
                if let QuoteStage::Accepted(order) = &quote.stage {
                    quote.stage = QuoteStage::Sold(order.clone());
                }
            }
            PricingEvent::QuoteCancelled(_) => quote.stage = QuoteStage::Cancelled,
            _ => {}
        }
    }
}

impl CartQuote {
    /// Whether the order of this name has it.
    pub(super) fn is_of(&self, name: &str) -> bool {
        match &self.stage {
            QuoteStage::Accepted(order) | QuoteStage::Sold(order) => order.as_str() == name,
            QuoteStage::Open | QuoteStage::Cancelled => false,
        }
    }

    /// What coupons take off each line.
    #[must_use]
    pub fn discounts(&self) -> Vec<Money> {
        self.lines.iter().map(|line| line.discount).collect()
    }

    /// The price of each line.
    #[must_use]
    pub fn into_quotes(self) -> Vec<LineQuote> {
        self.lines.into_iter().map(|it| it.line).collect()
    }

    /// The sums were made when it was decided, so they exist.
    pub(super) fn issued(event: &QuoteIssued) -> Result<Self, MoneyError> {
        let currency: Currency = match event.lines.first() {
            Some(line) => line.net.currency(),
            None => return Err(MoneyError::NoWeights),
        };
        let sum = |of: fn(&QuotedLine) -> Money| Money::sum(currency, event.lines.iter().map(of));
        Ok(Self {
            customer: event.customer.clone(),
            discount: sum(|line| line.discount)?,
            total: sum(|line| line.net)?,
            lines: event.lines.clone(),
            coupons: event.coupons.clone(),
            rules: event.rules,
            at: event.at,
            valid_until: event.valid_until,
            stage: match &event.order {
                Some(order) => QuoteStage::Accepted(order.clone()),
                None => QuoteStage::Open,
            },
        })
    }
}
