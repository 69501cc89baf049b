//! Prices for some terms only: a channel, a currency, a segment, a quantity, a time.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::terms::{PricingTerms, SalesChannel, Segment};
use crate::domain::{Currency, Money, Quantity};

/// The most entries that the list of one SKU holds.
const ENTRIES_MAX: usize = 64;

/// A price that replaces the base price on some terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPrice {
    /// Only here; `None` is everywhere.
    pub channel: Option<SalesChannel>,
    /// Only for these; `None` is for everybody. No rule adjusts for the segment once more.
    pub segment: Option<Segment>,
    /// From so many units on.
    pub quantity_from: Quantity,
    /// From when.
    pub from: Timestamp,
    /// Until when, which is no part of it; `None` is for good.
    pub until: Option<Timestamp>,
    /// The price of one unit, before tax. Its currency is the one that it is for.
    pub unit: Money,
    /// What one unit costs the shop, where the catalogue's cost is in another currency.
    pub cost: Option<Money>,
}

impl ListPrice {
    fn is_for(&self, terms: &PricingTerms) -> bool {
        self.unit.currency() == terms.currency
            && self.channel.is_none_or(|channel| channel == terms.channel)
            && self.segment.is_none_or(|segment| segment == terms.segment)
            && self.quantity_from <= terms.quantity
    }

    fn holds_at(&self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }

    /// Two entries with one key may not hold at one moment; others never compete for a price.
    fn key(&self) -> (Currency, Option<SalesChannel>, Option<Segment>, Quantity) {
        let currency = self.unit.currency();
        (currency, self.channel, self.segment, self.quantity_from)
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.key() == other.key()
            && self.until.is_none_or(|until| other.from < until)
            && other.until.is_none_or(|until| self.from < until)
    }
}

/// The list of one SKU.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PriceList(Vec<ListPrice>);

/// What is wrong with an entry of a price list; entries are counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum PriceListProblem {
    /// More entries than a list holds.
    #[error("more than {ENTRIES_MAX} entries; drop those that are over")]
    TooMany,
    /// A price is not above zero, or a cost below it.
    #[error("entry {0}: a price must be above zero and a cost not below; correct the amount")]
    Amount(usize),
    /// Price and cost are in two currencies, or a foreign price has no cost.
    #[error("entry {0}: a price needs a cost in its own currency, or no floor can be held")]
    Cost(usize),
    /// It begins after it ends.
    #[error("entry {0} ends before it begins; correct its times")]
    Times(usize),
    /// Two entries for the same terms hold at one moment.
    #[error("entries {0} and {1} are for the same terms and overlap; end one before the other")]
    Overlap(usize, usize),
    /// It lies below cost and margin.
    #[error("entry {index} lies below the floor of {floor}; raise it")]
    BelowFloor {
        /// The entry.
        index: usize,
        /// The lowest price that it may have.
        floor: Money,
    },
}

impl PriceList {
    /// A list of these entries.
    ///
    /// # Errors
    /// With everything that is wrong with them. `floor_of` gives the lowest price over a cost, and
    /// `home` is the currency whose cost the shop knows.
    pub(super) fn new(
        entries: Vec<ListPrice>,
        home: (Currency, Money),
        floor_of: impl Fn(Money) -> Option<Money>,
    ) -> Result<Self, Vec<PriceListProblem>> {
        use PriceListProblem as P;
        let mut problems = Vec::new();
        if entries.len() > ENTRIES_MAX {
            return Err(vec![P::TooMany]);
        }
        for (index, entry) in (1..).zip(&entries) {
            if !entry.unit.is_positive() || entry.cost.is_some_and(|cost| cost.minor() < 0) {
                problems.push(P::Amount(index));
            }
            if entry.until.is_some_and(|until| until <= entry.from) {
                problems.push(P::Times(index));
            }
            let currency = entry.unit.currency();
            let at_home = (currency == home.0).then_some(home.1);
            match entry.cost.or(at_home) {
                Some(cost) if cost.currency() == currency => {
                    let floor = floor_of(cost).filter(|floor| floor.minor() > entry.unit.minor());
                    problems.extend(floor.map(|floor| P::BelowFloor { index, floor }));
                }
                _ => problems.push(P::Cost(index)),
            }
            let later = (index + 1..).zip(entries.iter().skip(index));
            let overlapping = later.filter(|(_, other)| entry.overlaps(other));
            problems.extend(overlapping.map(|(other, _)| P::Overlap(index, other)));
        }
        if problems.is_empty() {
            Ok(Self(entries))
        } else {
            Err(problems)
        }
    }

    pub(super) const fn empty() -> Self {
        Self(Vec::new())
    }

    /// A list that was checked when it was recorded.
    pub(super) fn recorded(entries: &[ListPrice]) -> Self {
        Self(entries.to_vec())
    }

    /// The entry for these terms at this moment. The more that it says the sooner it is taken: the
    /// segment counts before the channel, and that before the quantity.
    pub(super) fn resolve(&self, terms: &PricingTerms, now: Timestamp) -> Option<&ListPrice> {
        let fitting = self.0.iter();
        fitting
            .filter(|entry| entry.holds_at(now) && entry.is_for(terms))
            .max_by_key(|entry| {
                let said = (entry.segment.is_some(), entry.channel.is_some());
                (said, entry.quantity_from)
            })
    }

    /// When an entry begins or ends.
    pub(super) fn moments(&self) -> impl Iterator<Item = Timestamp> {
        let entries = self.0.iter();
        entries.flat_map(|entry| [Some(entry.from), entry.until].into_iter().flatten())
    }

    /// The entries.
    #[must_use]
    pub fn entries(&self) -> &[ListPrice] {
        &self.0
    }
}
