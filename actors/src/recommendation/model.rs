//! Which products are bought together, and which are bought often: bounded, and the same after
//! every replay.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::events::ProductsShown;
use super::exposures::Exposures;
use super::model_stored::Stored;
use crate::domain::Sku;

/// How many products are forgotten at once, so that the search for them is paid for rarely.
const EVICTED_AT_ONCE: usize = Model::ITEMS_MAX / 16;

/// The co-occurrence of products in baskets.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "Stored")]
pub struct Model {
    pub(super) items: BTreeMap<Sku, Item>,
    /// The most bought products, most bought first.
    pub(super) popular: Vec<Sku>,
    pub(super) suppressed: BTreeMap<Sku, Box<str>>,
    /// What was shown, of what is not yet known.
    pub(super) exposures: Exposures,
}

impl Serialize for Model {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Stored::of(self).serialize(serializer)
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Item {
    /// In how many baskets it was.
    pub(super) baskets: u32,
    /// In how many of those another product was too, which the model knows as well.
    pub(super) neighbours: BTreeMap<Sku, u32>,
}

impl Model {
    /// How many products the model knows. Beyond it the least bought are forgotten.
    pub const ITEMS_MAX: usize = 8_192;
    /// How many neighbours each product keeps.
    pub const NEIGHBOURS_MAX: usize = 32;
    /// How many products of one basket are learned: the work grows with the square.
    pub const BASKET_SKUS_MAX: usize = 32;
    /// How many products can be suppressed at a time.
    pub const SUPPRESSED_MAX: usize = 8_192;
    /// How many of the most bought products are kept in order.
    pub const POPULAR_MAX: usize = 64;

    /// A model that has learned nothing.
    #[must_use]
    pub const fn untaught() -> Self {
        Self {
            items: BTreeMap::new(),
            popular: Vec::new(),
            suppressed: BTreeMap::new(),
            exposures: Exposures::none(),
        }
    }

    /// In how many of the baskets that were learned a product was.
    #[must_use]
    pub fn baskets(&self, sku: &Sku) -> u32 {
        self.items.get(sku).map_or(0, |item| item.baskets)
    }

    /// What was shown, of what is not yet known.
    #[must_use]
    pub fn exposures(&self) -> &Exposures {
        &self.exposures
    }

    /// How many products the model knows.
    #[must_use]
    pub fn items(&self) -> usize {
        self.items.len()
    }

    /// The products bought together with `sku` and how much they belong together, from 0 to 1:
    /// the cosine of their baskets, so that what everybody buys is not everybody's neighbour.
    pub fn neighbours(&self, sku: &Sku) -> impl Iterator<Item = (&Sku, f64)> {
        self.items.get(sku).into_iter().flat_map(|item| {
            item.neighbours.iter().filter_map(|(other, together)| {
                let others = self.items.get(other)?.baskets;
                let norm = (f64::from(item.baskets) * f64::from(others)).sqrt();
                Some((other, (f64::from(*together) / norm).min(1.0)))
            })
        })
    }

    /// The most bought products, most bought first, each with its baskets.
    pub fn popular(&self) -> impl Iterator<Item = (&Sku, u32)> {
        self.popular
            .iter()
            .filter_map(|sku| Some((sku, self.items.get(sku)?.baskets)))
    }

    /// Whether the product must not be recommended for now.
    #[must_use]
    pub fn is_suppressed(&self, sku: &Sku) -> bool {
        self.suppressed.contains_key(sku)
    }

    /// How many products are suppressed.
    #[must_use]
    pub fn suppressed(&self) -> usize {
        self.suppressed.len()
    }

    pub(super) fn learn(&mut self, basket: &[Sku]) {
        for sku in basket {
            self.exposures.found_a_buyer(sku);
            let item = self.items.entry(sku.clone()).or_default();
            item.baskets = item.baskets.saturating_add(1);
            for other in basket.iter().filter(|other| *other != sku) {
                item.meet(other);
            }
        }
        self.promote(basket);
        if self.items.len() > Model::ITEMS_MAX {
            self.forget_least_bought();
        }
    }

    pub(super) fn shown(&mut self, event: &ProductsShown) {
        let items = &self.items;
        self.exposures.show(event, |sku| items.contains_key(sku));
    }

    pub(super) fn suppress(&mut self, sku: Sku, reason: Box<str>) {
        self.suppressed.insert(sku, reason);
    }

    pub(super) fn restore(&mut self, sku: &Sku) {
        self.suppressed.remove(sku);
    }

    /// Counts only grow, so a product can enter the list only when it was just bought.
    fn promote(&mut self, basket: &[Sku]) {
        for sku in basket {
            if !self.popular.contains(sku) {
                self.popular.push(sku.clone());
            }
        }
        let items = &self.items;
        let baskets = |sku: &Sku| items.get(sku).map_or(0, |item| item.baskets);
        self.popular
            .sort_by(|a, b| baskets(b).cmp(&baskets(a)).then_with(|| a.cmp(b)));
        self.popular.truncate(Self::POPULAR_MAX);
    }

    fn forget_least_bought(&mut self) {
        let mut ranked: Vec<(u32, Sku)> = self
            .items
            .iter()
            .map(|(sku, item)| (item.baskets, sku.clone()))
            .collect();
        // Least bought first, of equals the last by name: the reverse of the popular list's order.
        ranked.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(&a.1)));
        let excess = self.items.len() - Model::ITEMS_MAX + EVICTED_AT_ONCE;
        for (_, sku) in ranked.into_iter().take(excess) {
            self.items.remove(&sku);
        }
        // What is forgotten is nobody's neighbour. So a model that is stored names each product once.
        let known: BTreeSet<Sku> = self.items.keys().cloned().collect();
        for item in self.items.values_mut() {
            item.neighbours.retain(|other, _| known.contains(other));
        }
    }
}

impl Item {
    /// Space-Saving (Metwally et al., 2005): a newcomer takes the place and the count of the
    /// weakest neighbour, so a product that keeps coming back cannot be kept out for ever.
    fn meet(&mut self, other: &Sku) {
        if let Some(together) = self.neighbours.get_mut(other) {
            *together = together.saturating_add(1);
            return;
        }
        let mut together = 1;
        if self.neighbours.len() == Model::NEIGHBOURS_MAX {
            let weakest = self
                .neighbours
                .iter()
                .min_by_key(|(_, together)| **together)
                .map(|(sku, _)| sku.clone());
            if let Some(count) = weakest.and_then(|sku| self.neighbours.remove(&sku)) {
                together = count.saturating_add(1);
            }
        }
        self.neighbours.insert(other.clone(), together);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sku(number: u16) -> Sku {
        crate::recommendation::testing::sku(number)
    }

    fn learned(baskets: &[&[u16]]) -> Model {
        let mut model = Model::untaught();
        for basket in baskets {
            model.learn(&basket.iter().map(|number| sku(*number)).collect::<Vec<_>>());
        }
        model
    }

    #[test]
    fn neighbours_are_what_was_bought_together() {
        let model = learned(&[&[1, 2], &[1, 2], &[1, 3], &[3, 4]]);
        let of_one: Vec<_> = model.neighbours(&sku(1)).collect();
        assert_eq!(of_one.len(), 2);
        let two = of_one
            .iter()
            .find(|(other, _)| **other == sku(2))
            .unwrap()
            .1;
        let three = of_one
            .iter()
            .find(|(other, _)| **other == sku(3))
            .unwrap()
            .1;
        assert!(two > three);
        assert!((two - 2.0 / 6.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn popular_products_are_in_order_and_equals_by_name() {
        let model = learned(&[&[3, 2], &[3], &[1]]);
        let popular: Vec<_> = model
            .popular()
            .map(|(sku, count)| (sku.clone(), count))
            .collect();
        assert_eq!(popular, [(sku(3), 2), (sku(1), 1), (sku(2), 1)]);
    }

    #[test]
    fn the_least_bought_are_forgotten_first() {
        let mut model = Model::untaught();
        model.learn(&[sku(9_999)]);
        model.learn(&[sku(9_999)]);
        for number in 0..=u16::try_from(Model::ITEMS_MAX).unwrap() {
            model.learn(&[sku(number)]);
        }
        assert!(model.items() <= Model::ITEMS_MAX);
        assert_eq!(model.popular().next(), Some((&sku(9_999), 2)));
    }

    proptest! {
        #[test]
        fn bounds_hold_whatever_is_learned(
            baskets in proptest::collection::vec(proptest::collection::btree_set(0u16..300, 0..20), 0..60)
        ) {
            let mut model = Model::untaught();
            for basket in &baskets {
                model.learn(&basket.iter().map(|number| sku(*number)).collect::<Vec<_>>());
            }
            prop_assert!(model.items() <= Model::ITEMS_MAX);
            prop_assert!(model.items.values().all(|item| item.neighbours.len() <= Model::NEIGHBOURS_MAX));
            let popular: Vec<_> = model
                .popular()
                .map(|(sku, count)| (std::cmp::Reverse(count), sku.clone()))
                .collect();
            prop_assert!(popular.len() <= Model::POPULAR_MAX);
            let mut all: Vec<_> = model
                .items
                .iter()
                .map(|(sku, item)| (std::cmp::Reverse(item.baskets), sku.clone()))
                .collect();
            all.sort();
            all.truncate(Model::POPULAR_MAX);
            prop_assert_eq!(popular, all);
        }
    }
}
