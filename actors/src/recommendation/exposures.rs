//! How often products were shown that nobody has bought yet, and how much of the shelf was given to
//! finding out who likes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::candidates::Rung;
use super::events::ProductsShown;
use super::model::Model;
use super::rules::BusinessRules;
use crate::domain::{Catalogue, Product, Sku};

/// How many products are forgotten at once, so that the search for them is paid for rarely.
const EVICTED_AT_ONCE: usize = Exposures::PRODUCTS_MAX / 16;
/// How many products of the catalogue are looked at for one that is new.
const LOOKED_AT_MAX: usize = 256;

/// What was shown, and how often.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Exposures {
    /// How often each product was shown that nobody has bought.
    shown: BTreeMap<Sku, u32>,
    /// Places on all shelves so far.
    places: u64,
    /// Those of them that were given to new products.
    explored: u64,
    /// The new product that was shown last: the search goes on after it.
    last: Option<Sku>,
}

impl Exposures {
    /// Of how many products it is known how often they were shown. Beyond it those that were shown
    /// least are forgotten: they are new again.
    pub const PRODUCTS_MAX: usize = 8_192;
    /// How many products one answer shows at most.
    pub const SHOWN_MAX: usize = 20;

    pub(super) const fn none() -> Self {
        Self {
            shown: BTreeMap::new(),
            places: 0,
            explored: 0,
            last: None,
        }
    }

    /// How many products are counted.
    #[must_use]
    pub fn products(&self) -> usize {
        self.shown.len()
    }

    /// How often a product was shown that nobody has bought.
    #[must_use]
    pub fn shown(&self, sku: &Sku) -> u32 {
        self.shown.get(sku).copied().unwrap_or_default()
    }

    /// How many places there were, and how many of them were given to new products.
    #[must_use]
    pub fn places(&self) -> (u64, u64) {
        (self.places, self.explored)
    }

    pub(super) fn show(&mut self, event: &ProductsShown, is_bought: impl Fn(&Sku) -> bool) {
        for product in &event.products {
            self.places = self.places.saturating_add(1);
            if product.rung == Rung::New {
                self.explored = self.explored.saturating_add(1);
                self.last = Some(product.sku.clone());
            }
            if !is_bought(&product.sku) {
                let shown = self.shown.entry(product.sku.clone()).or_default();
                *shown = shown.saturating_add(1);
            }
        }
        if self.shown.len() > Self::PRODUCTS_MAX {
            self.forget_least_shown();
        }
    }

    pub(super) fn found_a_buyer(&mut self, sku: &Sku) {
        self.shown.remove(sku);
    }

    fn forget_least_shown(&mut self) {
        let mut ranked: Vec<(u32, Sku)> = (self.shown.iter())
            .map(|(sku, shown)| (*shown, sku.clone()))
            .collect();
        ranked.sort_unstable();
        let excess = self.shown.len() - Self::PRODUCTS_MAX + EVICTED_AT_ONCE;
        for (_, sku) in ranked.into_iter().take(excess) {
            self.shown.remove(&sku);
        }
    }

    /// Whether one more place may be given to a new product, so that they have no more than their
    /// share of all places.
    fn may_explore(&self, rules: &BusinessRules) -> bool {
        let due = u128::from(self.places) * u128::from(rules.exploration_percent) / 100;
        rules.exploration_percent > 0 && u128::from(self.explored) <= due
    }
}

/// The new product whose turn it is: one that nobody has bought, and that was not yet shown often
/// enough to know that nobody wants it. Rather one of these categories.
pub(super) fn new_product<'a>(
    model: &Model,
    catalogue: &'a Catalogue,
    rules: &BusinessRules,
    categories: &[&str],
    is_free: impl Fn(&Sku) -> bool,
) -> Option<&'a Product> {
    let exposures = model.exposures();
    if !exposures.may_explore(rules) {
        return None;
    }
    let mut first = None;
    let after = catalogue.iter_after(exposures.last.as_ref());
    for product in after.take(LOOKED_AT_MAX) {
        let is_new = model.baskets(&product.sku) == 0
            && exposures.shown(&product.sku) < rules.explored_shown_max
            && is_free(&product.sku);
        if is_new && categories.contains(&&*product.category) {
            return Some(product);
        }
        if is_new && first.is_none() {
            first = Some(product);
        }
    }
    first
}
