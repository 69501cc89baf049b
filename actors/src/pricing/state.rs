//! What the price of one SKU is made of, now and a little while ago.

use std::collections::{BTreeMap, VecDeque};

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::changes::{Changes, PriceVersions};
use super::competitors::{CompetitorPrice, CompetitorPrices};
use super::demand::DemandState;
use super::events::{Lifecycle, PricingEvent};
use super::history::PriceHistory;
use super::price_list::PriceList;
use super::promotions::{Promotion, PromotionTerms};
use crate::domain::{BasisPoints, CompetitorId, Money, PromotionId};

/// How many earlier revisions are kept, so that a quote from before a change can be honoured and
/// explained.
const EARLIER_MAX: usize = 16;
/// The source of prices from before sources had names.
const UNNAMED_SOURCE: &str = "unnamed";

/// What a price is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PriceInputs {
    /// The version of the base price; zero is the catalogue's.
    pub version: u32,
    /// Base price and cost; `None` until they are set, and then the catalogue's hold.
    pub base: Option<(Money, Money)>,
    /// Where the product stands in its life.
    pub lifecycle: Lifecycle,
    /// The lowest price that it may be advertised at, where its maker sets one.
    pub advertised_min: Option<Money>,
    /// Prices for some terms only.
    pub list: PriceList,
    /// By how much the strategy moves the price.
    pub adjustment: BasisPoints,
    /// By how much demand and market move the price.
    pub level: BasisPoints,
    /// Promotions that had not ended when the last one was set up.
    pub promotions: BTreeMap<PromotionId, Promotion>,
    /// What competitors asked when they were last looked at.
    pub competitors: CompetitorPrices,
}

/// The price of one SKU.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PriceState {
    revision: u64,
    current: PriceInputs,
    /// Earlier revisions, the oldest first; the last is one below `revision`.
    earlier: VecDeque<PriceInputs>,
    pub(super) level_moved_at: Option<Timestamp>,
    pub(super) versions: PriceVersions,
    pub(super) changes: Changes,
    pub(super) history: PriceHistory,
    pub(super) demand: DemandState,
}

impl PriceState {
    pub(super) const fn unknown() -> Self {
        Self {
            revision: 0,
            current: PriceInputs {
                version: 0,
                base: None,
                lifecycle: Lifecycle::Regular,
                advertised_min: None,
                list: PriceList::empty(),
                adjustment: BasisPoints::ZERO,
                level: BasisPoints::ZERO,
                promotions: BTreeMap::new(),
                competitors: CompetitorPrices::new(),
            },
            earlier: VecDeque::new(),
            level_moved_at: None,
            versions: PriceVersions::none(),
            changes: Changes::none(),
            history: PriceHistory::empty(),
            demand: DemandState::unknown(),
        }
    }

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

    /// What the shelf has asked.
    #[must_use]
    pub fn history(&self) -> &PriceHistory {
        &self.history
    }

    /// The earliest revision that is remembered.
    pub(super) fn oldest(&self) -> u64 {
        let kept = u64::try_from(self.earlier.len()).unwrap_or(u64::MAX);
        self.revision.saturating_sub(kept)
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
        use PricingEvent as E;
        if event.changes_inputs() {
            self.earlier.push_back(self.current.clone());
            if self.earlier.len() > EARLIER_MAX {
                self.earlier.pop_front();
            }
            self.revision += 1;
            self.current.apply(event);
        }
        match event {
            E::PriceActivated(e) => {
                self.versions.activated(e);
                self.changes.activated(e);
            }
            E::PriceChangeProposed(e) => self.changes.proposed(e),
            E::PriceChangeApproved(e) => self.changes.approved(e),
            E::PriceChangeScheduled(e) => self.changes.scheduled(e),
            E::PriceChangeDropped(e) => self.changes.dropped(&e.change),
            E::PriceLevelMoved(e) => self.level_moved_at = Some(e.at),
            E::ShelfPriceShown(e) => self.history.apply(e),
            E::SaleObserved(e) => self.demand.sold(e),
            E::DemandPeriodClosed(e) => self.demand.closed(e),
            _ => {}
        }
    }
}

impl PricingEvent {
    /// Whether a price may be another one after it.
    fn changes_inputs(&self) -> bool {
        use PricingEvent as E;
        matches!(
            self,
            E::BasePriceSet(_)
                | E::PriceActivated(_)
                | E::PriceListSet(_)
                | E::StrategyAdjusted(_)
                | E::PriceLevelMoved(_)
                | E::PromotionStarted(_)
                | E::PromotionPlanned(_)
                | E::PromotionPaused(_)
                | E::CompetitorPriceRecorded(_)
                | E::CompetitorPricesRecorded(_)
        )
    }
}

impl PriceInputs {
    /// The inputs as events would leave them.
    pub(super) fn with<'a>(&self, events: impl IntoIterator<Item = &'a PricingEvent>) -> Self {
        let mut inputs = self.clone();
        events.into_iter().for_each(|event| inputs.apply(event));
        inputs
    }

    fn apply(&mut self, event: &PricingEvent) {
        match event {
            PricingEvent::BasePriceSet(e) => {
                self.version += 1;
                self.base = Some((e.base, e.cost));
                self.lifecycle = e.lifecycle;
            }
            PricingEvent::PriceActivated(e) => {
                self.version = e.version;
                self.base = Some((e.terms.base, e.terms.cost));
                self.lifecycle = e.terms.lifecycle;
                self.advertised_min = e.terms.advertised_min;
            }
            PricingEvent::PriceListSet(e) => self.list = PriceList::recorded(&e.entries),
            PricingEvent::StrategyAdjusted(e) => self.adjustment = e.adjustment,
            PricingEvent::PriceLevelMoved(e) => self.level = e.to,
            PricingEvent::PromotionStarted(e) => {
                let terms = PromotionTerms::share(e.off, e.starts, e.ends);
                self.plan(&e.promotion, terms, e.at);
            }
            PricingEvent::PromotionPlanned(e) => self.plan(&e.promotion, e.terms.clone(), e.at),
            PricingEvent::PromotionPaused(e) => {
                if let Some(promotion) = self.promotions.get_mut(&e.promotion) {
                    promotion.paused = true;
                }
            }
            PricingEvent::CompetitorPriceRecorded(e) => {
                if let Ok(source) = CompetitorId::new(UNNAMED_SOURCE) {
                    let price = CompetitorPrice {
                        unit: e.unit,
                        seen_at: e.seen_at,
                        confidence: BasisPoints::WHOLE,
                    };
                    self.competitors.insert(source, price);
                }
            }
            PricingEvent::CompetitorPricesRecorded(e) => {
                self.competitors
                    .retain(|source, _| !e.forgotten.contains(source));
                self.competitors.extend(e.prices.clone());
            }
            _ => {}
        }
    }

    /// What has ended makes room; the bound itself is checked when deciding.
    fn plan(&mut self, promotion: &PromotionId, terms: PromotionTerms, at: Timestamp) {
        self.promotions.retain(|_, other| other.terms.ends > at);
        let planned = Promotion {
            terms,
            paused: false,
        };
        self.promotions.insert(promotion.clone(), planned);
    }
}
