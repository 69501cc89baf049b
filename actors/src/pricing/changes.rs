//! Changes of base prices: what waits, what holds, and what held before.

use std::collections::{BTreeMap, VecDeque};

use mercato_runtime::{Principal, Timestamp};
use serde::{Deserialize, Serialize};

use super::events::{
    Lifecycle, PriceActivated, PriceChangeApproved, PriceChangeProposed, PriceChangeScheduled,
    PriceReason,
};
use crate::domain::{Money, PriceChangeId};

/// How many earlier versions are kept, to roll back to.
const VERSIONS_MAX: usize = 16;
/// Of how many changes that are over it is remembered how they ended.
const ENDED_MAX: usize = 64;

/// What a change of price makes of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChangeTerms {
    /// The price of one unit, before tax: not below cost and margin.
    pub base: Money,
    /// What one unit costs the shop: not below zero.
    pub cost: Money,
    /// The lowest price that the product may be advertised at, where its maker sets one.
    pub advertised_min: Option<Money>,
    /// Where the product stands in its life.
    pub lifecycle: Lifecycle,
    /// From when; `None`, or a moment that has passed, is at once.
    pub at: Option<Timestamp>,
    /// Why.
    pub reason: PriceReason,
}

/// Where a change stands.
///
/// ```text
/// Proposed ──approve──▶ Scheduled ──at its time──▶ Activated
///     │    └─approve, no time to wait for──────────────▲
///     └────────drop──▶ Dropped ◀──drop──(Scheduled)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PriceChangeStage {
    /// It waits for somebody else's approval.
    Proposed,
    /// It waits for its time.
    Scheduled,
    /// It holds, or held, as this version.
    Activated {
        /// The version.
        version: u32,
    },
    /// It was turned down or taken back.
    Dropped,
}

impl std::fmt::Display for PriceChangeStage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Proposed => f.write_str("proposed"),
            Self::Scheduled => f.write_str("scheduled"),
            Self::Activated { version } => write!(f, "activated as version {version}"),
            Self::Dropped => f.write_str("dropped"),
        }
    }
}

/// A change that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenChange {
    pub(super) terms: PriceChangeTerms,
    /// Who proposed it, where it needs approval.
    pub(super) proposed_by: Option<Principal>,
    pub(super) approved: bool,
}

impl OpenChange {
    pub(super) fn stage(&self) -> PriceChangeStage {
        match (&self.proposed_by, self.approved) {
            (Some(_), false) => PriceChangeStage::Proposed,
            _ => PriceChangeStage::Scheduled,
        }
    }
}

/// The changes of one SKU.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Changes {
    pub(super) open: BTreeMap<PriceChangeId, OpenChange>,
    ended: VecDeque<(PriceChangeId, PriceChangeStage)>,
}

impl Changes {
    pub(super) const fn none() -> Self {
        Self {
            open: BTreeMap::new(),
            ended: VecDeque::new(),
        }
    }

    /// Where a change stands; `None` of one that is unknown, or forgotten.
    pub(super) fn stage(&self, change: &PriceChangeId) -> Option<PriceChangeStage> {
        let ended = || {
            let mut ended = self.ended.iter().rev();
            ended.find(|(id, _)| id == change).map(|(_, stage)| *stage)
        };
        self.open.get(change).map(OpenChange::stage).or_else(ended)
    }

    pub(super) fn proposed(&mut self, event: &PriceChangeProposed) {
        let open = OpenChange {
            terms: event.terms.clone(),
            proposed_by: Some(event.by.clone()),
            approved: false,
        };
        self.open.insert(event.change.clone(), open);
    }

    pub(super) fn approved(&mut self, event: &PriceChangeApproved) {
        if let Some(open) = self.open.get_mut(&event.change) {
            open.approved = true;
        }
    }

    pub(super) fn scheduled(&mut self, event: &PriceChangeScheduled) {
        let open = self.open.entry(event.change.clone());
        open.or_insert_with(|| OpenChange {
            terms: event.terms.clone(),
            proposed_by: None,
            approved: false,
        });
    }

    pub(super) fn activated(&mut self, event: &PriceActivated) {
        if let Some(change) = &event.change {
            let version = event.version;
            self.end(change, PriceChangeStage::Activated { version });
        }
    }

    pub(super) fn dropped(&mut self, change: &PriceChangeId) {
        self.end(change, PriceChangeStage::Dropped);
    }

    fn end(&mut self, change: &PriceChangeId, stage: PriceChangeStage) {
        self.open.remove(change);
        self.ended.push_back((change.clone(), stage));
        if self.ended.len() > ENDED_MAX {
            self.ended.pop_front();
        }
    }
}

/// A price that holds, or held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceVersion {
    /// Its number; a later one is higher.
    pub version: u32,
    /// What it makes of the product.
    pub terms: PriceChangeTerms,
    /// Since when.
    pub since: Timestamp,
}

/// The versions of one SKU's price, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct PriceVersions(VecDeque<PriceVersion>);

impl PriceVersions {
    pub(super) const fn none() -> Self {
        Self(VecDeque::new())
    }

    pub(super) fn get(&self, version: u32) -> Option<&PriceVersion> {
        self.0.iter().find(|it| it.version == version)
    }

    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &PriceVersion> {
        self.0.iter()
    }

    pub(super) fn activated(&mut self, event: &PriceActivated) {
        self.0.push_back(PriceVersion {
            version: event.version,
            terms: event.terms.clone(),
            since: event.at,
        });
        if self.0.len() > VERSIONS_MAX {
            self.0.pop_front();
        }
    }
}
