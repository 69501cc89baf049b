//! What the merchant says about the shelf, whatever the model thinks.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use mercato_runtime::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::candidates::Candidate;
use super::taste::Taste;
use crate::domain::{Jurisdiction, Money, Sku};

/// The merchant's rules for recommendations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BusinessRules {
    /// Products that stand first wherever they fit, while they are in stock and nothing else here
    /// keeps them away. Half of what is looked at for an answer may be there for that alone.
    #[schemars(length(max = 10_000))]
    pub pinned: BTreeSet<Sku>,
    /// Products that stand last.
    #[schemars(length(max = 10_000))]
    pub buried: BTreeSet<Sku>,
    /// Products that are never recommended.
    #[schemars(length(max = 10_000))]
    pub restricted: BTreeSet<Sku>,
    /// Products that are not recommended in a place, by its ISO 3166 code: `GB`, or a part of a
    /// country, `US-CA`. What is restricted in a country is so in its parts.
    pub restricted_in: BTreeMap<Jurisdiction, BTreeSet<Sku>>,
    /// Products that are put before others of like relevance, as far as `promoted_percent_max`
    /// goes.
    #[schemars(length(max = 10_000))]
    pub promoted: BTreeSet<Sku>,
    /// The share of an answer's places, in percent and rounded down, that promoted products can get
    /// because they are promoted. Default 20.
    #[schemars(range(max = 100))]
    pub promoted_percent_max: u8,
    /// How long a bought product is not recommended to its buyer. Afterwards it may be: many
    /// things are used up and bought again. Default 30 days.
    #[schemars(extend("minimum" = "0s", "maximum" = "3650d"))]
    pub repurchase_after: Duration,
    /// Categories of what is used up and bought again.
    #[schemars(length(max = 10_000))]
    pub consumables: BTreeSet<Box<str>>,
    /// How long a bought product of such a category is not recommended to its buyer. Default 14
    /// days. Where a buyer bought a product more than once, of whatever category, it is due again
    /// after four fifths of the time that the last one but one held, if that is sooner.
    #[schemars(extend("minimum" = "0s", "maximum" = "3650d"))]
    pub used_up_after: Duration,
    /// Whether products that a shopper looked at in this visit may be recommended in it again.
    /// Default no.
    pub repeats_visit: bool,
    /// How much what everybody buys is held back, in percent: a product's score is divided by the
    /// number of its baskets to the power of so many hundredths. Default 5.
    #[schemars(range(max = 100))]
    pub popularity_correction_percent: u8,
    /// The share of all places, in percent, that goes to products that nobody has bought yet, to
    /// find out who likes them. Default 5.
    #[schemars(range(max = 50))]
    pub exploration_percent: u8,
    /// After having been shown so often without a buyer, a product is no longer new. Default 200.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub explored_shown_max: u32,
    /// How much more, in percent, what is offered in place of a product may cost. Default 50.
    #[schemars(range(min = 1, max = 1_000))]
    pub up_sell_percent_max: u16,
    /// How many products an answer for a phone holds at most. Default 8.
    #[schemars(range(min = 1, max = 20))]
    pub phone_places_max: NonZeroUsize,
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
            restricted_in: BTreeMap::new(),
            promoted: BTreeSet::new(),
            promoted_percent_max: 20,
            repurchase_after: Duration::from_secs(30 * 24 * 60 * 60),
            consumables: BTreeSet::new(),
            used_up_after: Duration::from_secs(14 * 24 * 60 * 60),
            repeats_visit: false,
            popularity_correction_percent: 5,
            exploration_percent: 5,
            explored_shown_max: 200,
            up_sell_percent_max: 50,
            phone_places_max: NonZeroUsize::MIN.saturating_add(7),
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
    /// Before others, as far as its share goes.
    Promoted,
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
        place: Option<Jurisdiction>,
        now: Timestamp,
    ) -> Vec<(Placement, ShelfItem)> {
        shelf
            .into_iter()
            .filter(|item| {
                let sku = &item.candidate.sku;
                item.available > 0
                    && !self.is_restricted(sku, place)
                    && !self.is_still_there(item, taste, now)
            })
            .map(|item| (self.placement(&item.candidate.sku), item))
            .collect()
    }

    fn is_restricted(&self, sku: &Sku, place: Option<Jurisdiction>) -> bool {
        let in_place = |place: Jurisdiction| {
            let restricted = self.restricted_in.get(&place);
            restricted.is_some_and(|skus| skus.contains(sku))
        };
        self.restricted.contains(sku)
            || place.is_some_and(|place| in_place(place) || in_place(place.country()))
    }

    /// Whether the shopper should still have one.
    fn is_still_there(&self, item: &ShelfItem, taste: &Taste, now: Timestamp) -> bool {
        let Some(purchase) = taste.purchase(&item.candidate.sku) else {
            return false;
        };
        let lasts = if self.consumables.contains(&item.candidate.category) {
            self.used_up_after
        } else {
            self.repurchase_after
        };
        let held = purchase.held().map(|held| held / 5 * 4);
        now.since(purchase.at) <= held.map_or(lasts, |held| held.min(lasts))
    }

    /// Leaves what is dearer than what the shopper looks at, but not by too much. Without a price to
    /// hold them against, nothing is known to be better.
    pub(super) fn keep_dearer(&self, shelf: &mut Vec<ShelfItem>, than: Option<Money>) {
        let most = |price: Money| {
            i128::from(price.minor()) * (100 + i128::from(self.up_sell_percent_max)) / 100
        };
        shelf.retain(|item| {
            than.is_some_and(|than| {
                let price = item.price.minor();
                item.price.currency() == than.currency()
                    && price > than.minor()
                    && i128::from(price) <= most(than)
            })
        });
    }

    /// How many of so many places promoted products can get because they are promoted.
    pub(super) fn promoted_places(&self, places: usize) -> usize {
        places * usize::from(self.promoted_percent_max) / 100
    }

    /// A product on both lists is buried: holding back is the safer reading.
    fn placement(&self, sku: &Sku) -> Placement {
        if self.buried.contains(sku) {
            Placement::Buried
        } else if self.pinned.contains(sku) {
            Placement::Pinned
        } else if self.promoted.contains(sku) {
            Placement::Promoted
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
        let left = rules.apply(shelf, &Taste::unknown(), None, Timestamp::from_millis(0));
        assert_eq!(left, [(Placement::Ranked, item(3, "a", 0.7))]);
    }

    /// Catches: a place that is not looked at, and a part of a country that is held to be another one.
    #[test]
    fn what_may_not_be_sold_in_a_place_is_not_shown_there() {
        let place = |code: &str| Some(Jurisdiction::new(code).unwrap());
        let rules = BusinessRules {
            restricted_in: [(place("US").unwrap(), [sku(1)].into())].into(),
            ..BusinessRules::default()
        };
        let shown = |place| {
            let now = Timestamp::from_millis(0);
            rules
                .apply(vec![item(1, "a", 0.9)], &Taste::unknown(), place, now)
                .len()
        };
        assert_eq!([shown(None), shown(place("GB"))], [1, 1]);
        assert_eq!([shown(place("US")), shown(place("US-CA"))], [0, 0]);
    }

    /// Catches: something cheaper that is offered as better, and something out of reach.
    #[test]
    fn what_is_offered_instead_is_dearer_within_reason() {
        let rules = BusinessRules::default();
        let priced = |number: u16, minor: i64| {
            let mut item = item(number, "a", 0.5);
            item.price = Money::new(minor, item.price.currency());
            item
        };
        let shelf = || {
            vec![
                priced(1, 999),
                priced(2, 1_000),
                priced(3, 1_500),
                priced(4, 1_501),
            ]
        };
        let mut left = shelf();
        rules.keep_dearer(&mut left, Some(priced(9, 1_000).price));
        assert_eq!(left, [priced(3, 1_500)]);
        let mut left = shelf();
        rules.keep_dearer(&mut left, None);
        assert!(left.is_empty());
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
        let shown = |now| {
            rules
                .apply(vec![item(1, "a", 0.9)], &taste, None, now)
                .len()
        };
        assert_eq!(shown(bought_at.plus(DAY * 29)), 0);
        assert_eq!(shown(bought_at.plus(DAY * 31)), 1);
    }

    /// Catches: one time for all products, and a buyer's own rhythm that is not looked at.
    #[test]
    fn what_is_used_up_comes_back_sooner_and_what_is_bought_often_in_its_rhythm() {
        let buy = |taste: &mut Taste, at| {
            taste.bought(&ProductsBought {
                order: crate::domain::OrderId::new("O1").unwrap(),
                products: vec![BoughtProduct {
                    sku: sku(1),
                    category: "tea".into(),
                }],
                at,
            });
        };
        let first = Timestamp::from_millis(0).plus(DAY);
        let mut taste = Taste::unknown();
        buy(&mut taste, first);
        let durable = BusinessRules::default();
        let consumable = BusinessRules {
            consumables: ["tea".into()].into(),
            ..BusinessRules::default()
        };
        let shown = |rules: &BusinessRules, taste: &Taste, now| {
            !rules
                .apply(vec![item(1, "tea", 0.9)], taste, None, now)
                .is_empty()
        };
        let now = first.plus(DAY * 15);
        assert!(!shown(&durable, &taste, now));
        assert!(shown(&consumable, &taste, now));
        buy(&mut taste, first.plus(DAY * 10));
        assert!(!shown(&durable, &taste, first.plus(DAY * 17)));
        assert!(shown(&durable, &taste, first.plus(DAY * 19)));
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
            .apply(shelf, &Taste::unknown(), None, Timestamp::from_millis(0))
            .into_iter()
            .map(|(placement, _)| placement)
            .collect();
        assert_eq!(
            placed,
            [Placement::Pinned, Placement::Buried, Placement::Ranked]
        );
    }
}
