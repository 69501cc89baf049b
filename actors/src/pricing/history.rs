//! What the shelf has asked, and what may stand beside a reduced price.
//!
//! Article 6a of directive 98/6/EC, which directive (EU) 2019/2161 put in: whoever announces a price
//! reduction shows the *prior price*, the lowest that was asked in the thirty days before the
//! reduction is applied; and by the Court of Justice (C-330/23, *Aldi Süd*, 2024) it is that price
//! which a reduction is measured against. A reduction that is deepened is applied anew; the option
//! of article 6a(5), to hold on to the first prior price, is not taken.
//!
//! What counts is what the shelf asked at each moment: changes that were scheduled, promotions that
//! began or ended, levels that moved, and prices that were rolled back after an hour.

use std::collections::VecDeque;
use std::time::Duration;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::ShelfPriceShown;
use crate::domain::Money;

/// How far back the lowest price is looked for.
pub(super) const PRIOR_DAYS: Duration = Duration::from_secs(30 * 86_400);
/// How many prices are kept. Where thirty days have more, the oldest two become one, at the lower
/// of their prices: a prior price is never too high.
const SHOWN_MAX: usize = 256;

/// A price that the shelf asked, until the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownPrice {
    /// The price of one unit for everybody.
    pub unit: Money,
    /// What it was without promotions.
    pub regular: Money,
    /// From when.
    pub from: Timestamp,
    /// The reduction that it belongs to, where it is reduced.
    pub prior: Option<PriorPrice>,
}

/// A reduction as it may be announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriorPrice {
    /// What may be called the price before: the lowest of the thirty days before the reduction.
    pub was: Money,
    /// Since when the price is reduced to what it is, or to less.
    pub since: Timestamp,
}

/// What the shelf asked in the last thirty days.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PriceHistory {
    shown: VecDeque<ShownPrice>,
}

impl PriceHistory {
    pub(super) const fn empty() -> Self {
        Self {
            shown: VecDeque::new(),
        }
    }

    /// What the shelf asked last.
    #[must_use]
    pub fn latest(&self) -> Option<&ShownPrice> {
        self.shown.back()
    }

    /// The prices, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &ShownPrice> {
        self.shown.iter()
    }

    /// The lowest price that was asked at some moment of the thirty days before `now`.
    #[must_use]
    pub fn lowest_before(&self, now: Timestamp) -> Option<Money> {
        let begin = now.minus(PRIOR_DAYS);
        let ends = (self.shown.iter().skip(1))
            .map(|next| next.from)
            .chain([now]);
        let asked = self.shown.iter().zip(ends);
        asked
            .filter(|(shown, end)| shown.from < now && *end > begin)
            .map(|(shown, _)| shown.unit)
            .min_by_key(|unit| unit.minor())
    }

    /// The reduction that may be announced now: none where the price was as low before.
    #[must_use]
    pub fn announceable(&self) -> Option<PriorPrice> {
        let latest = self.latest()?;
        let reduction = latest.prior?;
        (reduction.was.minor() > latest.unit.minor()).then_some(reduction)
    }

    pub(super) fn apply(&mut self, event: &ShelfPriceShown) {
        if self.latest().is_some_and(|latest| latest.from > event.from) {
            return;
        }
        // What was asked for no time at all was never asked.
        while self
            .latest()
            .is_some_and(|latest| latest.from == event.from)
        {
            self.shown.pop_back();
        }
        let reduced = event.unit.minor() < event.regular.minor();
        let before = self.latest().copied();
        let prior = match before {
            _ if !reduced => None,
            // The reduction goes on, at the same price or a higher one.
            Some(ShownPrice {
                unit,
                prior: Some(prior),
                ..
            }) if unit.minor() <= event.unit.minor() => Some(prior),
            _ => self.lowest_before(event.from).map(|was| PriorPrice {
                was,
                since: event.from,
            }),
        };
        self.shown.push_back(ShownPrice {
            unit: event.unit,
            regular: event.regular,
            from: event.from,
            prior,
        });
        self.forget(event.from.minus(PRIOR_DAYS));
    }

    /// Drops what was over before `begin`.
    fn forget(&mut self, begin: Timestamp) {
        while self.shown.get(1).is_some_and(|next| next.from <= begin) {
            self.shown.pop_front();
        }
        while self.shown.len() > SHOWN_MAX {
            let (Some(oldest), Some(next)) = (self.shown.pop_front(), self.shown.front_mut())
            else {
                return;
            };
            next.from = oldest.from;
            if oldest.unit.minor() < next.unit.minor() {
                next.unit = oldest.unit;
            }
        }
    }
}
