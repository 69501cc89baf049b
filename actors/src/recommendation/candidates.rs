//! The fallback ladder: from what is known of the shopper down to the bare catalogue.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::click_commands::NextProduct;
use super::exposures::new_product;
use super::model::Model;
use super::rules::BusinessRules;
use crate::domain::{Catalogue, Product, Sku};

/// Where a recommendation comes from, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Rung {
    /// It goes with what the shopper looked at and bought over time.
    Personal,
    /// It goes with what was looked at in this session.
    Session,
    /// Many people buy it.
    Popular,
    /// The shop sells it.
    Catalogue,
    /// Nobody has bought it yet: it is shown to find out who likes it.
    New,
    /// It was recommended to others a while ago, and the agent cannot be asked now.
    Cached,
}

/// What a recommendation is for.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Showcase {
    /// Whatever the shopper may like.
    #[default]
    ForYou,
    /// What goes with the newest product of the session, beside a cart: complements, which are
    /// bought together or stand on another shelf.
    CrossSell,
    /// What could be had in place of that product: of its category, and not bought together with it.
    Substitutes,
    /// The same, and better: dearer, within [`BusinessRules::up_sell_percent_max`].
    UpSell,
}

/// What candidates are made from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CandidateContext {
    /// Products of this session, newest first.
    pub session: Vec<Sku>,
    /// Products of earlier sessions, newest first.
    pub viewed: Vec<Sku>,
    /// Products bought, newest first.
    pub bought: Vec<Sku>,
    /// What others clicked next in sessions like this one, best first.
    pub next: Vec<NextProduct>,
    /// What they are for.
    pub shelf: Showcase,
    /// How many candidates: at most [`WANTED_MAX`](Self::WANTED_MAX).
    pub wanted: usize,
}

impl CandidateContext {
    /// The most candidates that are made: each costs a question to Inventory and one to Pricing.
    pub const WANTED_MAX: usize = 64;
}

/// A product that may be recommended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which.
    pub sku: Sku,
    /// Its category.
    pub category: Box<str>,
    /// The rung that it comes from.
    pub rung: Rung,
    /// How well it fits, above 0 and at most 1. Every candidate of a stronger rung is above every
    /// candidate of a weaker one.
    pub relevance: f64,
}

/// What may be recommended, and under which rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidates {
    /// Best first, each product once.
    pub products: Vec<Candidate>,
    /// A product that nobody has bought yet, where one is due for being shown. Never with
    /// [`PopularProducts`](super::PopularProducts).
    pub new: Option<Candidate>,
    /// The merchant's rules at that moment.
    pub rules: BusinessRules,
}

/// Of each history so many products count, newest first.
const SEEDS_MAX: usize = 16;
/// A look counts for half of a purchase.
const VIEW_WEIGHT: f64 = 0.5;
/// The share of what is clicked next; the rest is that of what is bought together.
const NEXT_SHARE: f64 = 0.7;
/// The same for what goes with a cart: what is bought together says more there.
const NEXT_SHARE_CROSS_SELL: f64 = 0.2;

impl Rung {
    const COUNT: f64 = 6.0;

    /// Maps a score from 0 to 1 into the rung's own band.
    pub(super) fn relevance(self, score: f64) -> f64 {
        let below = match self {
            Self::Personal => 5.0,
            Self::Session => 4.0,
            Self::Popular => 3.0,
            Self::Catalogue => 2.0,
            Self::New => 1.0,
            Self::Cached => 0.0,
        };
        // A product that is on a rung at all stands above the next rung's best.
        (below + score.clamp(0.001, 1.0)) / Self::COUNT
    }
}

/// Walks down the ladder until enough products are found. A weaker rung only fills up what the
/// stronger ones left open, and pinned products have their room beside them. What the shopper has in this session is repeated only where the rules
/// say so.
pub(super) fn candidates(
    model: &Model,
    catalogue: &Catalogue,
    rules: &BusinessRules,
    context: &CandidateContext,
) -> Vec<Candidate> {
    let mut ladder = Ladder::new(model, catalogue, rules, context);
    ladder.room -= ladder.pinned().len();
    let history = || {
        let bought = newest(&context.bought, 1.0);
        let viewed = newest(&context.viewed, VIEW_WEIGHT);
        bought.chain(viewed)
    };
    // A shopper without a past has no personal rung: what the session tells is the session's.
    if history().next().is_some() {
        ladder.add_related(
            Rung::Personal,
            newest(&context.session, 1.0).chain(history()),
        );
    }
    ladder.add_related(Rung::Session, newest(&context.session, 1.0));
    ladder.add_popular();
    ladder.add_catalogue();
    ladder.add_pinned();
    ladder.found
}

/// A product that nobody has bought yet, where one is due.
pub(super) fn new_candidate(
    model: &Model,
    catalogue: &Catalogue,
    rules: &BusinessRules,
    context: &CandidateContext,
    is_found: impl Fn(&Sku) -> bool,
) -> Option<Candidate> {
    let ladder = Ladder::new(model, catalogue, rules, context);
    let seen = context.session.iter().chain(&context.viewed);
    let products = seen.filter_map(|sku| catalogue.get(sku));
    let categories: Vec<&str> = products.map(|product| &*product.category).collect();
    let is_free = |sku: &Sku| {
        let fits = catalogue
            .get(sku)
            .is_some_and(|product| ladder.fits(product));
        fits && ladder.is_free(sku) && !is_found(sku)
    };
    let product = new_product(model, catalogue, rules, &categories, is_free)?;
    Some(Candidate {
        sku: product.sku.clone(),
        category: product.category.clone(),
        rung: Rung::New,
        relevance: Rung::New.relevance(1.0),
    })
}

/// The newest products of a history, each counting less than the one after it.
fn newest(history: &[Sku], weight: f64) -> impl Iterator<Item = (&Sku, f64)> {
    let weights = (0u32..).map(move |age| weight / f64::from(age + 1));
    history.iter().take(SEEDS_MAX).zip(weights)
}

struct Ladder<'a> {
    model: &'a Model,
    catalogue: &'a Catalogue,
    rules: &'a BusinessRules,
    context: &'a CandidateContext,
    /// What the shelf is about, where it is about one product.
    about: Option<&'a Product>,
    taken: BTreeSet<&'a Sku>,
    /// How many products the rungs may find: there is room for the pinned beside them.
    room: usize,
    found: Vec<Candidate>,
}

impl<'a> Ladder<'a> {
    fn new(
        model: &'a Model,
        catalogue: &'a Catalogue,
        rules: &'a BusinessRules,
        context: &'a CandidateContext,
    ) -> Self {
        let newest = context.session.first();
        let about = newest.filter(|_| context.shelf != Showcase::ForYou);
        let repeated = about.map_or(0, |_| 1);
        let session = if rules.repeats_visit {
            // What a shelf is about is never on it.
            &context.session[..repeated]
        } else {
            &context.session
        };
        Self {
            model,
            catalogue,
            rules,
            context,
            about: about.and_then(|sku| catalogue.get(sku)),
            taken: session.iter().collect(),
            room: context.wanted,
            found: Vec::new(),
        }
    }

    /// The pinned products that fit and were not found. Half of the candidates may be pinned in this
    /// way, so that a shelf is not empty where those are sold out.
    fn pinned(&self) -> Vec<&'a Product> {
        let rules = self.rules;
        let allowed = rules.pinned.iter().filter(|sku| {
            let is_held_back = rules.buried.contains(*sku) || rules.restricted.contains(*sku);
            !is_held_back && self.is_free(sku)
        });
        let products = allowed.filter_map(|sku| self.catalogue.get(sku));
        let fitting = products.filter(|product| self.fits(product));
        fitting.take(self.context.wanted / 2).collect()
    }

    /// The merchant wants these on the shelf, whether or not a rung found them.
    fn add_pinned(&mut self) {
        for product in self.pinned() {
            let open = self.context.wanted - self.found.len();
            if open > 0 {
                self.found.push(Candidate {
                    sku: product.sku.clone(),
                    category: product.category.clone(),
                    rung: Rung::Catalogue,
                    relevance: Rung::Catalogue.relevance(0.0),
                });
            }
        }
    }

    /// Whether a product may stand on this shelf.
    fn fits(&self, product: &Product) -> bool {
        let Some(about) = self.about else {
            return true;
        };
        let alike = product.category == about.category;
        let goes_with = || {
            let mut neighbours = self.model.neighbours(&about.sku);
            neighbours.any(|(sku, _)| *sku == product.sku)
        };
        match self.context.shelf {
            Showcase::ForYou => true,
            Showcase::CrossSell => !alike || goes_with(),
            Showcase::Substitutes | Showcase::UpSell => alike && !goes_with(),
        }
    }

    fn add_related(&mut self, rung: Rung, seeds: impl Iterator<Item = (&'a Sku, f64)>) {
        let model = self.model;
        let mut together: BTreeMap<&Sku, f64> = BTreeMap::new();
        for (seed, weight) in seeds {
            for (sku, similarity) in model.neighbours(seed) {
                *together.entry(sku).or_default() += weight * similarity;
            }
        }
        let next_share = match self.context.shelf {
            Showcase::CrossSell => NEXT_SHARE_CROSS_SELL,
            Showcase::ForYou | Showcase::Substitutes | Showcase::UpSell => NEXT_SHARE,
        };
        let best = together.values().copied().fold(0.0, f64::max);
        let mut scores: BTreeMap<&Sku, f64> = BTreeMap::new();
        for (sku, score) in together {
            scores.insert(sku, (1.0 - next_share) * score / best);
        }
        for next in &self.context.next {
            *scores.entry(&next.sku).or_default() += next_share * next.score;
        }
        let correction = f64::from(self.rules.popularity_correction_percent) / 100.0;
        let corrected = scores.into_iter().map(|(sku, score)| {
            let baskets = f64::from(model.baskets(sku).max(1));
            (sku, score / baskets.powf(correction))
        });
        self.add(rung, corrected.collect());
    }

    fn add_popular(&mut self) {
        let model = self.model;
        let scores = model
            .popular()
            .map(|(sku, baskets)| (sku, f64::from(baskets)));
        self.add(Rung::Popular, scores.collect());
    }

    fn add_catalogue(&mut self) {
        let open = self.room.saturating_sub(self.found.len());
        if open == 0 {
            return;
        }
        let catalogue = self.catalogue;
        let free: Vec<_> = catalogue
            .iter()
            .filter(|product| self.is_free(&product.sku) && self.fits(product))
            .take(open)
            .zip(0u32..)
            .map(|(product, place)| (&product.sku, 1.0 / f64::from(place + 1)))
            .collect();
        self.add(Rung::Catalogue, free);
    }

    fn is_free(&self, sku: &Sku) -> bool {
        !self.taken.contains(sku) && !self.model.is_suppressed(sku)
    }

    fn add(&mut self, rung: Rung, mut scores: Vec<(&'a Sku, f64)>) {
        // The catalogue of this run may no longer have what was learned in an earlier one.
        scores.retain(|(sku, _)| {
            let product = self.catalogue.get(sku);
            self.is_free(sku) && product.is_some_and(|product| self.fits(product))
        });
        scores.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let best = scores.first().map_or(1.0, |(_, score)| *score);
        for (sku, score) in scores {
            if self.found.len() >= self.room {
                return;
            }
            let Some(product) = self.catalogue.get(sku) else {
                continue;
            };
            self.taken.insert(sku);
            self.found.push(Candidate {
                sku: sku.clone(),
                category: product.category.clone(),
                rung,
                relevance: rung.relevance(score / best),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommendation::testing::{catalogue, sku};

    fn taught() -> Model {
        let mut model = Model::untaught();
        model.learn(&[sku(1), sku(2)]);
        model.learn(&[sku(1), sku(2), sku(3)]);
        model.learn(&[sku(4), sku(5)]);
        model
    }

    fn rungs(context: &CandidateContext) -> Vec<(Rung, Sku)> {
        candidates(&taught(), &catalogue(8), &BusinessRules::default(), context)
            .into_iter()
            .map(|candidate| (candidate.rung, candidate.sku))
            .collect()
    }

    #[test]
    fn a_stranger_gets_the_popular_and_then_the_catalogue() {
        let found = rungs(&CandidateContext {
            wanted: 7,
            ..CandidateContext::default()
        });
        let names: Vec<_> = found.iter().map(|(rung, _)| *rung).collect();
        assert_eq!(names[..5], [Rung::Popular; 5]);
        assert_eq!(names[5..], [Rung::Catalogue; 2]);
        assert_eq!(found[0].1, sku(1));
    }

    #[test]
    fn a_session_is_answered_from_itself_without_repeating_it() {
        let found = rungs(&CandidateContext {
            session: vec![sku(1)],
            wanted: 3,
            ..CandidateContext::default()
        });
        assert_eq!(
            found[..2],
            [(Rung::Session, sku(2)), (Rung::Session, sku(3))]
        );
        assert!(found.iter().all(|(_, found)| *found != sku(1)));
    }

    #[test]
    fn a_past_makes_it_personal() {
        let found = rungs(&CandidateContext {
            session: vec![sku(1)],
            bought: vec![sku(4)],
            wanted: 3,
            ..CandidateContext::default()
        });
        assert!(found.iter().all(|(rung, _)| *rung == Rung::Personal));
        assert!(found.contains(&(Rung::Personal, sku(5))));
    }

    #[test]
    fn a_weaker_rung_never_outranks_a_stronger_one() {
        let found = candidates(
            &taught(),
            &catalogue(8),
            &BusinessRules::default(),
            &CandidateContext {
                session: vec![sku(4)],
                wanted: 7,
                ..CandidateContext::default()
            },
        );
        assert!(found.is_sorted_by(|a, b| a.relevance >= b.relevance && a.rung <= b.rung));
    }

    /// Catches: a pinned product that only stands first where some rung happened to find it, one where
    /// it does not fit, and pinned products that leave no room for others.
    #[test]
    fn the_pinned_are_found_wherever_they_fit() {
        let mut model = taught();
        model.suppress(sku(30), "low stock".into());
        let rules = BusinessRules {
            pinned: [7, 22, 23, 30, 31, 32, 90].map(sku).into(),
            buried: [sku(31)].into(),
            restricted: [sku(32)].into(),
            ..BusinessRules::default()
        };
        let mut context = CandidateContext {
            session: vec![sku(1), sku(7)],
            wanted: 6,
            ..CandidateContext::default()
        };
        let found = |context: &CandidateContext| -> Vec<Sku> {
            let found = candidates(&model, &catalogue(40), &rules, context);
            assert!(found.len() <= context.wanted);
            found.into_iter().map(|candidate| candidate.sku).collect()
        };
        // Not the one that the visit saw, nor one that is held back or not sold.
        let everywhere = found(&context);
        assert_eq!(everywhere[4..], [sku(22), sku(23)]);
        assert_eq!(everywhere[..2], [sku(2), sku(3)]);
        // In place of a product only what is of its category: two and two are.
        context.shelf = Showcase::Substitutes;
        context.session = vec![sku(22)];
        assert_eq!(found(&context), [sku(23)]);
        context.wanted = 2;
        context.shelf = Showcase::ForYou;
        assert_eq!(found(&context), [sku(1), sku(7)], "half is for the rungs");
    }

    #[test]
    fn the_suppressed_is_on_no_rung() {
        let mut model = taught();
        model.suppress(sku(2), "low stock".into());
        let context = CandidateContext {
            session: vec![sku(1)],
            wanted: 8,
            ..CandidateContext::default()
        };
        let found = candidates(&model, &catalogue(8), &BusinessRules::default(), &context);
        assert_eq!(found.len(), 6);
        assert!(found.iter().all(|candidate| candidate.sku != sku(2)));
    }
}
