//! Books of prices, made from the events alone: how coupons were used, and what carts were quoted.

use std::collections::{BTreeMap, BTreeSet};

use mercato_actors::{OrderPriced, PricingEvent, QuoteId, QuoteIssued, QuotedLine};

use crate::law::Verdict;
use crate::report::PriceChanges;

/// The books of prices.
#[derive(Debug)]
pub struct PriceBooks {
    /// Counts for the report.
    pub changes: PriceChanges,
    /// Each coupon: how often it may be used, and the quotes that it is used for.
    coupons: BTreeMap<String, (u32, BTreeSet<QuoteId>)>,
    /// What each order was quoted, until it is priced.
    quoted: BTreeMap<String, Vec<QuotedLine>>,
    coupon_limits: Verdict,
    floors: Verdict,
    frozen_as_quoted: Verdict,
}

impl Default for PriceBooks {
    fn default() -> Self {
        Self {
            changes: PriceChanges::default(),
            coupons: BTreeMap::new(),
            quoted: BTreeMap::new(),
            coupon_limits: Verdict::new("no coupon is used more often than it may be"),
            floors: Verdict::new("nothing is quoted below its floor"),
            frozen_as_quoted: Verdict::new("an order costs what its quote said"),
        }
    }
}

impl PriceBooks {
    /// The laws that every movement was held against.
    pub(crate) fn laws(&self) -> [Verdict; 3] {
        [
            self.coupon_limits.clone(),
            self.floors.clone(),
            self.frozen_as_quoted.clone(),
        ]
    }

    /// Enters what happened to a price, a coupon or a quote.
    pub(crate) fn enter(&mut self, key: &str, event: &PricingEvent) {
        use PricingEvent as E;
        let changes = &mut self.changes;
        match event {
            E::StrategyAdjusted(e) => *changes.strategies.entry(e.reason).or_default() += 1,
            E::PriceActivated(e) if e.change.is_some() || e.version > 1 => {
                *changes.prices.entry(e.terms.reason).or_default() += 1;
            }
            E::PriceLevelMoved(e) => *changes.levels.entry(e.reason).or_default() += 1,
            E::PromotionPlanned(_) => changes.promotions += 1,
            E::CouponIssued(e) => {
                let coupon = (e.terms.uses_max, BTreeSet::new());
                self.coupons.insert(key.to_owned(), coupon);
            }
            E::CouponClaimed(e) => self.coupon_claimed(key, &e.holder),
            E::CouponReleased(e) => {
                *changes.given_back.entry(e.because).or_default() += 1;
                if let Some((_, used)) = self.coupons.get_mut(key) {
                    used.remove(&e.holder);
                }
            }
            E::QuoteIssued(e) => self.quote_issued(key, e),
            _ => {}
        }
    }

    fn coupon_claimed(&mut self, key: &str, holder: &QuoteId) {
        let Some((most, used)) = self.coupons.get_mut(key) else {
            return;
        };
        self.changes.coupons += u64::from(used.insert(holder.clone()));
        let (most, used) = (*most, used.len());
        let within = u32::try_from(used).is_ok_and(|used| used <= most);
        self.coupon_limits
            .check(within, || format!("{key}: {used} uses of {most}"));
    }

    fn quote_issued(&mut self, key: &str, issued: &QuoteIssued) {
        self.changes.quotes += 1;
        for line in &issued.lines {
            let units = i64::from(line.line.quantity.get());
            let least = line.line.lowest.minor().saturating_mul(units);
            self.floors.check(line.net.minor() >= least, || {
                format!("{key}: {} for {units} of {}", line.net, line.line.quote.sku)
            });
        }
        if let (Some(order), Some((_, name))) = (&issued.order, key.split_once('/'))
            && order.as_str() == name
        {
            self.quoted.insert(name.to_owned(), issued.lines.clone());
        }
    }

    /// Enters what an order costs.
    pub(crate) fn order_priced(&mut self, order: &str, event: &OrderPriced) {
        let quoted = self.quoted.remove(order).unwrap_or_default();
        let as_quoted = quoted.len() == event.priced.lines.len()
            && quoted
                .iter()
                .zip(&event.priced.lines)
                .all(|(quoted, priced)| {
                    let quote = &quoted.line.quote;
                    let frozen = (&priced.sku, priced.unit, priced.price_revision);
                    (&quote.sku, quote.unit, quote.revision) == frozen
                        && quoted.line.quantity == priced.quantity
                        && quoted.discount == priced.coupon
                });
        self.frozen_as_quoted
            .check(as_quoted, || format!("{order}: it is not as it was quoted"));
    }
}
