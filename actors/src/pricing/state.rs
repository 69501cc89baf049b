//! What the price of one SKU is made of, now and a little while ago.

use std::collections::{BTreeMap, VecDeque};

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::{Lifecycle, PricingEvent};
use crate::domain::{BasisPoints, Money, PromotionId};

/// How many earlier revisions are kept, so that a quote from before a change can be honoured.
const EARLIER_MAX: usize = 8;

/// A promotion of one SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// What it takes off.
    pub off: BasisPoints,
    /// From when.
    pub starts: Timestamp,
    /// Until when; that moment is no part of it.
    pub ends: Timestamp,
    /// Whether it is paused.
    pub paused: bool,
}

/// A competitor's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompetitorPrice {
    /// The price of one unit, before tax.
    pub unit: Money,
    /// When it was seen.
    pub seen_at: Timestamp,
}

/// What a price is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PriceInputs {
    /// Base price and cost; `None` until they are set, and then the catalogue's hold.
    pub base: Option<(Money, Money)>,
    /// Where the product stands in its life.
    pub lifecycle: Lifecycle,
    /// By how much the strategy moves the price.
    pub adjustment: BasisPoints,
    /// Promotions that had not ended when the last one was set up.
    pub promotions: BTreeMap<PromotionId, Promotion>,
    /// The latest competitor price that was seen.
    pub competitor: Option<CompetitorPrice>,
}

/// The price of one SKU.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PriceState {
    revision: u64,
    current: PriceInputs,
    /// Earlier revisions, the oldest first; the last is one below `revision`.
    earlier: VecDeque<PriceInputs>,
}

impl PriceState {
    /// How often the inputs have changed.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The inputs that hold now.
    #[must_use]
    pub fn current(&self) -> &PriceInputs {
        &self.current
    }

    /// The inputs of a revision, while they are remembered.
    pub(super) fn at_revision(&self, revision: u64) -> Option<&PriceInputs> {
        match self.revision.checked_sub(revision)? {
            0 => Some(&self.current),
            back => {
                let place = self
                    .earlier
                    .len()
                    .checked_sub(usize::try_from(back).ok()?)?;
                self.earlier.get(place)
            }
        }
    }

    pub(super) fn apply(&mut self, event: &PricingEvent) {
        self.earlier.push_back(self.current.clone());
        if self.earlier.len() > EARLIER_MAX {
            self.earlier.pop_front();
        }
        self.revision += 1;
        self.current.apply(event);
    }
}

impl PriceInputs {
    /// The inputs as an event would leave them.
    pub(super) fn with(&self, event: &PricingEvent) -> Self {
        let mut inputs = self.clone();
        inputs.apply(event);
        inputs
    }

    fn apply(&mut self, event: &PricingEvent) {
        match event {
            PricingEvent::BasePriceSet(e) => {
                self.base = Some((e.base, e.cost));
                self.lifecycle = e.lifecycle;
            }
            PricingEvent::StrategyAdjusted(e) => self.adjustment = e.adjustment,
            PricingEvent::PromotionStarted(e) => {
                // What has ended makes room; the bound itself is checked when deciding.
                self.promotions.retain(|_, promotion| promotion.ends > e.at);
                self.promotions.insert(
                    e.promotion.clone(),
                    Promotion {
                        off: e.off,
                        starts: e.starts,
                        ends: e.ends,
                        paused: false,
                    },
                );
            }
            PricingEvent::PromotionPaused(e) => {
                if let Some(promotion) = self.promotions.get_mut(&e.promotion) {
                    promotion.paused = true;
                }
            }
            PricingEvent::CompetitorPriceRecorded(e) => {
                self.competitor = Some(CompetitorPrice {
                    unit: e.unit,
                    seen_at: e.seen_at,
                });
            }
        }
    }
}
