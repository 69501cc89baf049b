//! Ranking by taste, and the choice of a varied, relevant few.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use super::rules::{Placement, ShelfItem};
use super::taste::Taste;

/// How much a shopper's whole interest in one category adds to a score: 25 %.
const AFFINITY_WEIGHT: f64 = 0.25;
/// Maximal marginal relevance (Carbonell and Goldstein, 1998): the weight of relevance; the rest
/// goes against what resembles a product chosen already.
const RELEVANCE_WEIGHT: f64 = 0.8;
/// What scores below this share of the best is left out, so that a good answer is not padded with
/// the bare catalogue.
const RELEVANCE_FLOOR: f64 = 0.25;

/// A product with its place and score.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ranked {
    /// Where the rules put it.
    pub(super) placement: Placement,
    /// Its relevance, weighed by the shopper's taste: above 0 and at most 1.25.
    pub(super) score: f64,
    /// The product.
    pub(super) item: ShelfItem,
}

/// Orders products by placement, then by how well they fit the shopper; equals by SKU.
#[must_use]
pub(super) fn rank(placed: Vec<(Placement, ShelfItem)>, taste: &Taste) -> Vec<Ranked> {
    let mut ranked: Vec<_> = placed
        .into_iter()
        .map(|(placement, item)| {
            let affinity = taste.affinity(&item.candidate.category);
            Ranked {
                placement,
                score: item.candidate.relevance * (1.0 + AFFINITY_WEIGHT * affinity),
                item,
            }
        })
        .collect();
    ranked.sort_by(|a, b| {
        (a.placement.cmp(&b.placement))
            .then_with(|| b.score.total_cmp(&a.score))
            .then_with(|| a.item.candidate.sku.cmp(&b.item.candidate.sku))
    });
    ranked
}

/// Chooses at most `limit` of the ranked: none far below the best, no product twice, not more than
/// `per_category_max` of one category, and rather something different than the next of the same.
/// At most `promoted_max` come before others because they are promoted.
#[must_use]
pub(super) fn filter_by_relevance(
    mut ranked: Vec<Ranked>,
    limit: usize,
    per_category_max: NonZeroUsize,
    promoted_max: usize,
) -> Vec<Ranked> {
    let best = ranked.iter().map(|one| one.score).fold(0.0, f64::max);
    ranked.retain(|one| one.score >= best * RELEVANCE_FLOOR);

    let mut chosen: Vec<Ranked> = Vec::new();
    let mut by_category: BTreeMap<Box<str>, usize> = BTreeMap::new();
    let mut promoted = 0;
    while chosen.len() < limit {
        // The list is ordered, so that of equals the first wins.
        let mut next: Option<(usize, Placement, f64)> = None;
        for (index, one) in ranked.iter().enumerate() {
            let same = by_category.get(&one.item.candidate.category);
            if same.is_some_and(|count| *count >= per_category_max.get()) {
                continue;
            }
            let resemblance = if same.is_some() { 1.0 } else { 0.0 };
            let gain = RELEVANCE_WEIGHT * one.score - (1.0 - RELEVANCE_WEIGHT) * resemblance;
            let placement = match one.placement {
                Placement::Promoted if promoted >= promoted_max => Placement::Ranked,
                placement => placement,
            };
            let better = next.is_none_or(|(_, before, best)| {
                placement < before || (placement == before && gain > best)
            });
            if better {
                next = Some((index, placement, gain));
            }
        }
        let Some((index, placement, _)) = next else {
            break;
        };
        promoted += usize::from(placement == Placement::Promoted);
        let one = ranked.remove(index);
        ranked.retain(|other| other.item.candidate.sku != one.item.candidate.sku);
        *by_category
            .entry(one.item.candidate.category.clone())
            .or_default() += 1;
        chosen.push(one);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::recommendation::events::ProductViewed;
    use crate::recommendation::testing::{item, sku};

    const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

    fn plain(items: Vec<ShelfItem>) -> Vec<Ranked> {
        let placed = items
            .into_iter()
            .map(|item| (Placement::Ranked, item))
            .collect();
        rank(placed, &Taste::unknown())
    }

    fn skus(ranked: &[Ranked]) -> Vec<&str> {
        ranked
            .iter()
            .map(|one| one.item.candidate.sku.as_str())
            .collect()
    }

    #[test]
    fn taste_lifts_a_category() {
        let mut taste = Taste::unknown();
        taste.viewed(&ProductViewed {
            sku: sku(9),
            category: "tea".into(),
        });
        let placed = vec![
            (Placement::Ranked, item(1, "cups", 0.50)),
            (Placement::Ranked, item(2, "tea", 0.45)),
        ];
        assert_eq!(skus(&rank(placed, &taste)), ["S00002", "S00001"]);
    }

    #[test]
    fn placement_goes_before_score() {
        let placed = vec![
            (Placement::Buried, item(1, "a", 0.9)),
            (Placement::Ranked, item(2, "b", 0.8)),
            (Placement::Pinned, item(3, "c", 0.7)),
        ];
        let ranked = rank(placed, &Taste::unknown());
        assert_eq!(skus(&ranked), ["S00003", "S00002", "S00001"]);
        let chosen = filter_by_relevance(ranked, 3, THREE, 0);
        assert_eq!(skus(&chosen), ["S00003", "S00002", "S00001"]);
    }

    /// Catches: promoted products without a limit, or behind others.
    #[test]
    fn the_promoted_come_first_as_far_as_their_share_goes() {
        let placed = vec![
            (Placement::Ranked, item(1, "a", 0.9)),
            (Placement::Promoted, item(2, "b", 0.5)),
            (Placement::Promoted, item(3, "c", 0.4)),
        ];
        let ranked = rank(placed, &Taste::unknown());
        let chosen = filter_by_relevance(ranked, 3, THREE, 1);
        assert_eq!(skus(&chosen), ["S00002", "S00001", "S00003"]);
    }

    #[test]
    fn something_different_goes_before_more_of_the_same() {
        let ranked = plain(vec![
            item(1, "tea", 0.90),
            item(2, "tea", 0.89),
            item(3, "cups", 0.80),
        ]);
        let chosen = filter_by_relevance(ranked, 3, THREE, 0);
        assert_eq!(skus(&chosen), ["S00001", "S00003", "S00002"]);
    }

    #[test]
    fn a_good_answer_is_not_padded() {
        let ranked = plain(vec![item(1, "tea", 0.9), item(2, "cups", 0.1)]);
        assert_eq!(skus(&filter_by_relevance(ranked, 5, THREE, 0)), ["S00001"]);
    }

    proptest! {
        #[test]
        fn limits_hold_whatever_the_shelf(
            shelf in proptest::collection::vec((0u16..40, 0u8..5, 0.001f64..1.0), 0..60),
            limit in 0usize..20,
            per_category_max in 1usize..4,
        ) {
            let items = shelf
                .into_iter()
                .map(|(number, category, relevance)| item(number, &format!("c{category}"), relevance))
                .collect();
            let chosen = filter_by_relevance(
                plain(items),
                limit,
                NonZeroUsize::new(per_category_max).unwrap(),
                1,
            );
            prop_assert!(chosen.len() <= limit);
            let mut seen = std::collections::BTreeSet::new();
            let mut by_category: BTreeMap<&str, usize> = BTreeMap::new();
            for one in &chosen {
                prop_assert!(seen.insert(&one.item.candidate.sku));
                *by_category.entry(&one.item.candidate.category).or_default() += 1;
            }
            prop_assert!(by_category.values().all(|count| *count <= per_category_max));
        }
    }
}
