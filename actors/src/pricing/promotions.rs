//! Price reductions that run for a time, and how several of them go together.
//!
//! What several promotions take off is a function of the *set* of those that apply:
//!
//! - The stackable ones add up. Each is a share of the price before any of them, or an amount, up to
//!   its own cap; together they take off at most the largest share that is allowed.
//! - Of the exclusive ones the first by priority counts, then the one that takes off more.
//! - Where both kinds apply, the higher priority wins, and on equal terms whichever takes off more.
//!
//! So it does not matter in which order they were set up or are looked at.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::state::PriceInputs;
use super::terms::{PricingTerms, SalesChannel, Segment};
use super::trace::{PriceStep, TraceNote, Walk};
use crate::domain::{BasisPoints, Money, MoneyError, PromotionId};

/// What is taken off a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reduction {
    /// A share of it.
    Share(BasisPoints),
    /// An amount.
    Amount(Money),
}

impl Reduction {
    /// What it takes off, up to a cap and never more than all; `None` in another currency.
    pub(super) fn of(self, price: Money, cap: Option<Money>) -> Result<Option<Money>, MoneyError> {
        let off = match self {
            Self::Share(share) => price.portion(share)?,
            Self::Amount(amount) if amount.currency() == price.currency() => amount,
            Self::Amount(_) => return Ok(None),
        };
        let cap = match cap {
            Some(cap) if cap.currency() != price.currency() => return Ok(None),
            cap => cap.map_or(i64::MAX, Money::minor),
        };
        let minor = off.minor().min(cap).clamp(0, price.minor().max(0));
        Ok(Some(Money::new(minor, price.currency())))
    }
}

/// Whether a promotion goes together with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stacking {
    /// With no other.
    Exclusive,
    /// With other stackable ones.
    Stackable,
}

/// The terms of a promotion of one SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionTerms {
    /// What it takes off one unit.
    pub off: Reduction,
    /// The most that it takes off one unit.
    pub cap: Option<Money>,
    /// Whether it goes together with others.
    pub stacking: Stacking,
    /// The higher one wins where not all go together.
    pub priority: u8,
    /// For these customers; none named: for all.
    pub segments: BTreeSet<Segment>,
    /// In these places; none named: in all.
    pub channels: BTreeSet<SalesChannel>,
    /// From when.
    pub starts: Timestamp,
    /// Until when; that moment is no part of it.
    pub ends: Timestamp,
}

impl PromotionTerms {
    /// A share off for everybody, with no other promotion beside it.
    #[must_use]
    pub fn share(off: BasisPoints, starts: Timestamp, ends: Timestamp) -> Self {
        Self {
            off: Reduction::Share(off),
            cap: None,
            stacking: Stacking::Exclusive,
            priority: 0,
            segments: BTreeSet::new(),
            channels: BTreeSet::new(),
            starts,
            ends,
        }
    }

    /// The same, together with other stackable ones.
    #[must_use]
    pub fn stackable(self) -> Self {
        Self {
            stacking: Stacking::Stackable,
            ..self
        }
    }

    /// Whether it is meant for these terms at this moment.
    pub(super) fn fits(&self, terms: &PricingTerms, now: Timestamp) -> Result<(), NotApplied> {
        if now < self.starts || self.ends <= now {
            return Err(NotApplied::NotNow);
        }
        let segment = self.segments.is_empty() || self.segments.contains(&terms.segment);
        let channel = self.channels.is_empty() || self.channels.contains(&terms.channel);
        if segment && channel {
            Ok(())
        } else {
            Err(NotApplied::OtherTerms)
        }
    }
}

/// A promotion of one SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// Its terms.
    pub terms: PromotionTerms,
    /// Whether it is paused.
    pub paused: bool,
}

/// Why a promotion takes nothing off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NotApplied {
    /// It is paused.
    Paused,
    /// It has not begun, or is over.
    NotNow,
    /// It is for other customers or another channel.
    OtherTerms,
    /// Its amount is in another currency.
    Currency,
    /// Others that it does not go together with come first.
    Outranked,
    /// What the others leave of the most that may be taken off is nothing.
    NothingLeft,
}

/// A promotion that applies, and what it would take off alone.
struct Offer<'a> {
    id: &'a PromotionId,
    terms: &'a PromotionTerms,
    off: Money,
}

/// Takes off what the promotions that apply take off together, and notes each of them.
pub(super) fn apply_promotions(
    most: BasisPoints,
    inputs: &PriceInputs,
    terms: &PricingTerms,
    now: Timestamp,
    walk: &mut Walk,
) -> Result<(), MoneyError> {
    if inputs.promotions.is_empty() {
        return Ok(());
    }
    let before = walk.unit;
    let mut offers = Vec::new();
    for (id, promotion) in &inputs.promotions {
        let fits = if promotion.paused {
            Err(NotApplied::Paused)
        } else {
            promotion.terms.fits(terms, now)
        };
        match (fits, promotion.terms.off.of(before, promotion.terms.cap)?) {
            (Ok(()), Some(off)) => offers.push(Offer {
                id,
                terms: &promotion.terms,
                off,
            }),
            (Ok(()), None) => not_applied(walk, id, NotApplied::Currency),
            (Err(because), _) => not_applied(walk, id, because),
        }
    }
    // By what they are, whatever the order in which they came.
    offers.sort_by_key(|offer| {
        let off = Reverse(offer.off.minor());
        (Reverse(offer.terms.priority), off, offer.id)
    });
    let mut left = before.portion(most)?.minor().max(0);
    let mut taken = 0;
    for (offer, chosen) in choose(&offers) {
        let off = offer.off.minor().min(left);
        if !chosen {
            not_applied(walk, offer.id, NotApplied::Outranked);
        } else if off == 0 {
            not_applied(walk, offer.id, NotApplied::NothingLeft);
        } else {
            left -= off;
            taken += off;
            let applied = TraceNote::PromotionApplied {
                promotion: offer.id.clone(),
                off: Money::new(off, before.currency()),
            };
            walk.note(PriceStep::Promotion, applied);
        }
    }
    let unit = before.minus(Money::new(taken, before.currency()))?;
    walk.log_price_decision(PriceStep::Promotion, unit);
    Ok(())
}

/// Each offer, with whether it is among those that go together. They come in their order.
fn choose<'a>(offers: &'a [Offer<'a>]) -> Vec<(&'a Offer<'a>, bool)> {
    let exclusive = (offers.iter()).find(|offer| offer.terms.stacking == Stacking::Exclusive);
    let stackable = || (offers.iter()).filter(|offer| offer.terms.stacking == Stacking::Stackable);
    let worth: i128 = stackable().map(|offer| i128::from(offer.off.minor())).sum();
    let first = stackable().next().map(|offer| offer.terms.priority);
    let alone = exclusive.filter(|offer| {
        let rank = (Some(offer.terms.priority), i128::from(offer.off.minor()));
        rank >= (first, worth)
    });
    let chosen = |offer: &Offer<'_>| match alone {
        Some(alone) => offer.id == alone.id,
        None => offer.terms.stacking == Stacking::Stackable,
    };
    offers.iter().map(|offer| (offer, chosen(offer))).collect()
}

fn not_applied(walk: &mut Walk, promotion: &PromotionId, because: NotApplied) {
    let promotion = promotion.clone();
    walk.note(
        PriceStep::Promotion,
        TraceNote::PromotionNotApplied { promotion, because },
    );
}
