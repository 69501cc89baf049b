//! A coupon: who may use it how often, and who has.

use std::collections::BTreeMap;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::PricingEvent;
use super::promotions::{Reduction, Stacking};
use super::sale_events::CouponClaimed;
use crate::domain::{CustomerId, Money, QuoteId};

/// The terms of a coupon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponTerms {
    /// What it takes off the goods of a cart.
    pub off: Reduction,
    /// The most that it takes off a cart.
    pub cap: Option<Money>,
    /// The least that the goods of the cart must cost.
    pub goods_min: Option<Money>,
    /// Whether it goes together with other coupons.
    pub stacking: Stacking,
    /// Whether it also takes something off lines that a promotion has reduced.
    pub on_promoted: bool,
    /// How often it may be used.
    pub uses_max: u32,
    /// How often one customer may use it.
    pub uses_per_customer_max: u32,
    /// From when.
    pub starts: Timestamp,
    /// Until when; that moment is no part of it.
    pub ends: Timestamp,
}

/// Why a use was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GivenBack {
    /// The order came to nothing.
    Cancelled,
    /// The quote that it was taken for was not taken up in time.
    Lapsed,
    /// The order that took the quote has it under its own name.
    TakenUp,
}

/// A use that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claim {
    pub(super) customer: CustomerId,
    /// When it lapses; `None` is never.
    pub(super) until: Option<Timestamp>,
}

/// A coupon.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coupon {
    pub(super) terms: Option<CouponTerms>,
    pub(super) withdrawn: bool,
    /// Every use, by the quote that it is for: never more than the terms allow.
    pub(super) claims: BTreeMap<QuoteId, Claim>,
    /// How many uses each customer has; only those who have one stand here.
    by_customer: BTreeMap<CustomerId, u32>,
    /// The uses that lapse, and when.
    lapsing: BTreeMap<QuoteId, Timestamp>,
}

impl Coupon {
    pub(super) const fn unknown() -> Self {
        Self {
            terms: None,
            withdrawn: false,
            claims: BTreeMap::new(),
            by_customer: BTreeMap::new(),
            lapsing: BTreeMap::new(),
        }
    }

    /// How many uses are taken.
    #[must_use]
    pub fn uses(&self) -> u32 {
        u32::try_from(self.claims.len()).unwrap_or(u32::MAX)
    }

    /// How many uses a customer has taken.
    #[must_use]
    pub fn uses_of(&self, customer: &CustomerId) -> u32 {
        self.by_customer.get(customer).copied().unwrap_or(0)
    }

    /// The uses whose time is over.
    pub(super) fn lapsed(&self, now: Timestamp) -> Vec<QuoteId> {
        let over = self.lapsing.iter().filter(|(_, until)| **until <= now);
        over.map(|(holder, _)| holder.clone()).collect()
    }

    /// When the next use lapses, once those of `gone` are given back.
    pub(super) fn next_lapse(&self, gone: &[QuoteId]) -> Option<Timestamp> {
        let left = self
            .lapsing
            .iter()
            .filter(|(holder, _)| !gone.contains(holder));
        left.map(|(_, until)| *until).min()
    }

    pub(super) fn apply(&mut self, event: &PricingEvent) {
        match event {
            PricingEvent::CouponIssued(e) => self.terms = Some(e.terms.clone()),
            PricingEvent::CouponWithdrawn(_) => self.withdrawn = true,
            PricingEvent::CouponClaimed(e) => self.claimed(e),
            PricingEvent::CouponReleased(e) => self.released(&e.holder),
            _ => {}
        }
    }

    fn claimed(&mut self, event: &CouponClaimed) {
        // A use that is kept for good after it was kept for a time is the same use.
        self.released(&event.holder);
        *self.by_customer.entry(event.customer.clone()).or_default() += 1;
        if let Some(until) = event.until {
            self.lapsing.insert(event.holder.clone(), until);
        }
        let claim = Claim {
            customer: event.customer.clone(),
            until: event.until,
        };
        self.claims.insert(event.holder.clone(), claim);
    }

    fn released(&mut self, holder: &QuoteId) {
        self.lapsing.remove(holder);
        let Some(claim) = self.claims.remove(holder) else {
            return;
        };
        if let Some(uses) = self.by_customer.get_mut(&claim.customer) {
            *uses -= 1;
            if *uses == 0 {
                self.by_customer.remove(&claim.customer);
            }
        }
    }
}
