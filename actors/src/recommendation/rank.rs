//! Ranking by taste, and the choice of a varied, relevant few.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use super::candidates::{Rung, Showcase};
use super::rules::{BusinessRules, Placement, ShelfItem};
use super::taste::Taste;

/// How much a shopper's whole interest in one category adds to a score: 25 %.
const AFFINITY_WEIGHT: f64 = 0.25;
/// Maximal marginal relevance (Carbonell and Goldstein, 1998): the weight of relevance; the rest
/// goes against what resembles a product chosen already.
const RELEVANCE_WEIGHT: f64 = 0.8;
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

/// The weakest rung whose products may stand beside one of this rung. Beside what goes with the shopper
/// or their visit the bare catalogue is out of place; what many people buy is not.
///
/// Scores cannot tell: a rung's band is so wide that the catalogue's best has .6 of a session's best,
/// and its last .5 of what is most popular, beside which it is all there is.
const fn weakest_beside(best: Rung) -> Rung {
    match best {
        Rung::Personal | Rung::Session => Rung::Popular,
        Rung::Popular | Rung::Catalogue | Rung::New | Rung::Cached => Rung::Cached,
    }
}

/// The best of the ranked for this shelf; the last place goes to a new product, where one is due.
#[must_use]
pub(super) fn choose(
    ranked: Vec<Ranked>,
    limit: usize,
    rules: &BusinessRules,
    shelf: Showcase,
) -> Vec<Ranked> {
    let per_category_max = match shelf {
        Showcase::ForYou | Showcase::CrossSell => rules.per_category_max,
        // What could be had in place of a product is of its category: a cap would starve the shelf.
        Showcase::Substitutes | Showcase::UpSell => NonZeroUsize::MAX,
    };
    let is_new = |one: &Ranked| one.item.candidate.rung == Rung::New;
    let (new, known): (Vec<_>, Vec<_>) = ranked.into_iter().partition(is_new);
    let promoted_max = rules.promoted_places(limit);
    let mut chosen = filter_by_relevance(known, limit, per_category_max, promoted_max);
    if let Some(new) = new.into_iter().next()
        && gives_way(&mut chosen, &new, limit, per_category_max)
    {
        chosen.push(new);
    }
    chosen
}

/// Makes room for a new product, and says whether there is some. What gives way is what is missed
/// least: the last of all, or of its category where there are as many of that as may be. What the
/// merchant pinned does not, nor does the only product that is known to fit.
fn gives_way(
    chosen: &mut Vec<Ranked>,
    new: &Ranked,
    limit: usize,
    per_category_max: NonZeroUsize,
) -> bool {
    let category = &new.item.candidate.category;
    let is_alike = |one: &Ranked| one.item.candidate.category == *category;
    let alike = chosen.iter().filter(|one| is_alike(one)).count();
    let is_capped = alike >= per_category_max.get();
    if !is_capped && chosen.len() < limit {
        return true;
    }
    let last = chosen
        .iter()
        .rposition(|one| !is_capped || is_alike(one))
        .filter(|last| chosen.len() > 1 && chosen[*last].placement != Placement::Pinned);
    last.map(|last| chosen.remove(last)).is_some()
}

/// Chooses at most `limit` of the ranked, and leaves out what is of far less relevance than the best,
/// where the rest is a good answer: one that fills at least half of the places. A shelf that is nearly
/// empty helps nobody, so there the catalogue fills it up. What is pinned stands wherever it fits.
#[must_use]
pub(super) fn filter_by_relevance(
    ranked: Vec<Ranked>,
    limit: usize,
    per_category_max: NonZeroUsize,
    promoted_max: usize,
) -> Vec<Ranked> {
    // What stands last is no measure of the others.
    let counting = (ranked.iter()).filter(|one| one.placement != Placement::Buried);
    let best = counting.map(|one| one.item.candidate.rung).min();
    let floor = best.map_or(Rung::Cached, weakest_beside);
    let is_relevant =
        |one: &&Ranked| one.placement == Placement::Pinned || one.item.candidate.rung <= floor;
    let relevant = ranked.iter().filter(is_relevant).cloned().collect();
    let chosen = vary(relevant, limit, per_category_max, promoted_max);
    if chosen.len() * 2 >= limit {
        return chosen;
    }
    vary(ranked, limit, per_category_max, promoted_max)
}

/// Chooses at most `limit` of the ranked: no product twice, not more than `per_category_max` of one
/// category, and rather something different than the next of the same. At most `promoted_max` come
/// before others because they are promoted.
fn vary(
    mut ranked: Vec<Ranked>,
    limit: usize,
    per_category_max: NonZeroUsize,
    promoted_max: usize,
) -> Vec<Ranked> {
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
    use mercato_runtime::Timestamp;
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

    /// So many products of a rung, each of a category of its own, with the scores that it gives them.
    fn from(rung: Rung, numbers: std::ops::Range<u16>) -> Vec<ShelfItem> {
        let first = numbers.start;
        let items = numbers.map(|number| {
            let score = 1.0 / f64::from(number - first + 1);
            let mut item = item(number, &format!("c{number}"), rung.relevance(score));
            item.candidate.rung = rung;
            item
        });
        items.collect()
    }

    fn answer(rungs: &[(Rung, std::ops::Range<u16>)], limit: usize) -> Vec<Rung> {
        let items = rungs
            .iter()
            .flat_map(|(rung, numbers)| from(*rung, numbers.clone()));
        let chosen = filter_by_relevance(plain(items.collect()), limit, THREE, 0);
        chosen.iter().map(|one| one.item.candidate.rung).collect()
    }

    /// Catches: a floor that nothing is ever below, so that the bare catalogue fills up what fits.
    #[test]
    fn a_good_answer_is_not_padded() {
        for best in [Rung::Personal, Rung::Session] {
            let three = answer(&[(best, 0..3), (Rung::Catalogue, 50..60)], 5);
            assert_eq!(three, [best; 3]);
            let popular = answer(
                &[
                    (best, 0..3),
                    (Rung::Popular, 20..21),
                    (Rung::Catalogue, 50..60),
                ],
                5,
            );
            assert_eq!(popular, [best, best, best, Rung::Popular]);
        }
    }

    /// Catches: a floor that empties the shelf of a stranger, or one on which little fits.
    #[test]
    fn a_weak_answer_stays_full() {
        let weak = answer(&[(Rung::Popular, 0..2), (Rung::Catalogue, 50..60)], 5);
        assert_eq!(weak[..2], [Rung::Popular; 2]);
        assert_eq!(weak[2..], [Rung::Catalogue; 3]);
        assert_eq!(
            answer(&[(Rung::Catalogue, 50..60)], 5),
            [Rung::Catalogue; 5]
        );
        assert_eq!(answer(&[(Rung::Cached, 50..60)], 5), [Rung::Cached; 5]);
        let little = answer(&[(Rung::Session, 0..2), (Rung::Catalogue, 50..60)], 5);
        assert_eq!(little.len(), 5);
    }

    /// An answer of five out of nine teas, a new one, and these.
    fn teas_and(others: &[ShelfItem], rules: &BusinessRules, shelf: Showcase) -> Vec<Ranked> {
        let mut items: Vec<_> = (0u16..9)
            .map(|place| {
                item(
                    place,
                    "tea",
                    Rung::Session.relevance(1.0 / f64::from(place + 1)),
                )
            })
            .collect();
        items.extend_from_slice(others);
        let mut new = item(30, "tea", Rung::New.relevance(1.0));
        new.candidate.rung = Rung::New;
        items.push(new);
        let (taste, now) = (Taste::unknown(), Timestamp::from_millis(0));
        let placed = rules.apply(items, &taste, None, now);
        choose(rank(placed, &taste), 5, rules, shelf)
    }

    /// Catches: a new product that comes on top of as many of its category as may be, and one for which
    /// what the merchant pinned gives way.
    #[test]
    fn a_new_product_is_within_the_cap_of_its_category() {
        let rules = BusinessRules::default();
        let others = [item(20, "cups", 0.68), item(21, "pots", 0.67)];
        let chosen = teas_and(&others, &rules, Showcase::ForYou);
        assert_eq!(
            skus(&chosen),
            ["S00000", "S00020", "S00021", "S00001", "S00030"]
        );
        let pinned = BusinessRules {
            pinned: [0, 1, 2].map(sku).into(),
            ..rules
        };
        let chosen = teas_and(&others, &pinned, Showcase::ForYou);
        assert_eq!(
            skus(&chosen),
            ["S00000", "S00001", "S00002", "S00020", "S00021"]
        );
    }

    /// Catches: a cap for each category on shelves that have one category, which leaves them empty.
    #[test]
    fn a_shelf_of_one_category_is_not_capped() {
        let rules = BusinessRules::default();
        for (shelf, teas) in [
            (Showcase::ForYou, 3),
            (Showcase::CrossSell, 3),
            (Showcase::Substitutes, 5),
            (Showcase::UpSell, 5),
        ] {
            assert_eq!(teas_and(&[], &rules, shelf).len(), teas, "{shelf:?}");
        }
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
