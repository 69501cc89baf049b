//! What the merchant says about the shelf, whatever the model thinks.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use mercato_runtime::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::candidates::Candidate;
use super::taste::Taste;
use crate::domain::{Money, Sku};

/// The merchant's rules for recommendations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BusinessRules {
    /// Products that stand first wherever they fit.
    #[schemars(length(max = 10_000))]
    pub pinned: BTreeSet<Sku>,
    /// Products that stand last.
    #[schemars(length(max = 10_000))]
    pub buried: BTreeSet<Sku>,
    /// Products that are never recommended.
    #[schemars(length(max = 10_000))]
    pub restricted: BTreeSet<Sku>,
    /// How long a bought product is not recommended to its buyer. Afterwards it may be: many
    /// things are used up and bought again. Default 30 days.
    #[schemars(extend("minimum" = "0s", "maximum" = "3650d"))]
    pub repurchase_after: Duration,
    /// How many products of one category an answer may hold. Default 3.
    #[schemars(range(min = 1, max = 20))]
    pub per_category_max: NonZeroUsize,
}

impl Default for BusinessRules {
    fn default() -> Self {
        Self {
            pinned: BTreeSet::new(),
            buried: BTreeSet::new(),
            restricted: BTreeSet::new(),
            repurchase_after: Duration::from_secs(30 * 24 * 60 * 60),
            per_category_max: NonZeroUsize::MIN.saturating_add(2),
        }
    }
}

/// A candidate with what Inventory and Pricing said of it just now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ShelfItem {
    /// The candidate.
    pub(super) candidate: Candidate,
    /// Units that can be promised.
    pub(super) available: u64,
    /// The price of one unit, before tax.
    pub(super) price: Money,
}

/// Where the rules put a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Placement {
    /// Before all others.
    Pinned,
    /// By its score.
    Ranked,
    /// After all others.
    Buried,
}

impl BusinessRules {
    /// Leaves out what must not be shown (out of stock, restricted, bought a short while ago) and
    /// places the rest.
    #[must_use]
    pub(super) fn apply(
        &self,
        shelf: Vec<ShelfItem>,
        taste: &Taste,
        now: Timestamp,
    ) -> Vec<(Placement, ShelfItem)> {
        let bought_after = now.minus(self.repurchase_after);
        shelf
            .into_iter()
            .filter(|item| {
                let sku = &item.candidate.sku;
                item.available > 0
                    && !self.restricted.contains(sku)
                    && !taste.bought_since(sku, bought_after)
            })
            .map(|item| (self.placement(&item.candidate.sku), item))
            .collect()
    }

    /// A product on both lists is buried: holding back is the safer reading.
    fn placement(&self, sku: &Sku) -> Placement {
        if self.buried.contains(sku) {
            Placement::Buried
        } else if self.pinned.contains(sku) {
            Placement::Pinned
        } else {
            Placement::Ranked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommendation::events::{BoughtProduct, ProductsBought};
    use crate::recommendation::testing::{item, sku};

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn what_is_gone_or_restricted_is_left_out() {
        let rules = BusinessRules {
            restricted: [sku(2)].into(),
            ..BusinessRules::default()
        };
        let mut gone = item(1, "a", 0.9);
        gone.available = 0;
        let shelf = vec![gone, item(2, "a", 0.8), item(3, "a", 0.7)];
        let left = rules.apply(shelf, &Taste::unknown(), Timestamp::from_millis(0));
        assert_eq!(left, [(Placement::Ranked, item(3, "a", 0.7))]);
    }

    #[test]
    fn the_bought_comes_back_when_it_may_be_used_up() {
        let bought_at = Timestamp::from_millis(0).plus(DAY);
        let mut taste = Taste::unknown();
        taste.bought(&ProductsBought {
            order: crate::domain::OrderId::new("O1").unwrap(),
            products: vec![BoughtProduct {
                sku: sku(1),
                category: "a".into(),
            }],
            at: bought_at,
        });
        let rules = BusinessRules::default();
        let shown = |now| rules.apply(vec![item(1, "a", 0.9)], &taste, now).len();
        assert_eq!(shown(bought_at.plus(DAY * 29)), 0);
        assert_eq!(shown(bought_at.plus(DAY * 31)), 1);
    }

    #[test]
    fn pinned_and_buried_are_placed_and_buried_wins() {
        let rules = BusinessRules {
            pinned: [sku(1), sku(2)].into(),
            buried: [sku(2)].into(),
            ..BusinessRules::default()
        };
        let shelf = vec![item(1, "a", 0.1), item(2, "a", 0.2), item(3, "a", 0.3)];
        let placed: Vec<_> = rules
            .apply(shelf, &Taste::unknown(), Timestamp::from_millis(0))
            .into_iter()
            .map(|(placement, _)| placement)
            .collect();
        assert_eq!(
            placed,
            [Placement::Pinned, Placement::Buried, Placement::Ranked]
        );
    }
}
