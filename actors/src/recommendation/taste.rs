//! What is known of one shopper: bounded, newest first.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::{ProductViewed, ProductsBought};
use crate::domain::Sku;

/// The sum of category points at which all are halved, so that old interests fade.
const CATEGORY_POINTS_MAX: u32 = 256;
const POINTS_PER_VIEW: u32 = 1;
/// A purchase says more about a shopper than a look.
const POINTS_PER_PURCHASE: u32 = 4;

/// A shopper's browsing history, purchases and preferences.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Taste {
    /// Products looked at, newest first, each once; at most [`VIEWS_MAX`](Self::VIEWS_MAX).
    pub views: VecDeque<Sku>,
    /// Products bought, newest first, each once; at most [`PURCHASES_MAX`](Self::PURCHASES_MAX).
    pub purchases: VecDeque<Purchase>,
    /// Points by category; at most [`CATEGORIES_MAX`](Self::CATEGORIES_MAX) categories.
    pub categories: BTreeMap<Box<str>, u32>,
}

/// A product that a shopper bought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Purchase {
    /// Which.
    pub sku: Sku,
    /// When it was bought last.
    pub at: Timestamp,
    /// When it was bought the time before that.
    pub before: Option<Timestamp>,
}

impl Purchase {
    /// How long the last one but one held, where the product was bought more than once.
    #[must_use]
    pub fn held(&self) -> Option<Duration> {
        self.before.map(|before| self.at.since(before))
    }
}

impl Taste {
    /// How many different products of the browsing history are kept.
    pub const VIEWS_MAX: usize = 64;
    /// How many different purchased products are kept.
    pub const PURCHASES_MAX: usize = 128;
    /// How many categories a shopper can have a preference for.
    pub const CATEGORIES_MAX: usize = 32;

    /// A shopper of whom nothing is known.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            views: VecDeque::new(),
            purchases: VecDeque::new(),
            categories: BTreeMap::new(),
        }
    }

    /// The share of a category in the shopper's interest, from 0 to 1.
    #[must_use]
    pub fn affinity(&self, category: &str) -> f64 {
        let total: u32 = self.categories.values().sum();
        match self.categories.get(category) {
            Some(points) if total > 0 => f64::from(*points) / f64::from(total),
            _ => 0.0,
        }
    }

    /// The purchase of a product.
    #[must_use]
    pub fn purchase(&self, sku: &Sku) -> Option<&Purchase> {
        self.purchases.iter().find(|purchase| purchase.sku == *sku)
    }

    pub(super) fn viewed(&mut self, event: &ProductViewed) {
        self.views.retain(|sku| *sku != event.sku);
        self.views.push_front(event.sku.clone());
        self.views.truncate(Self::VIEWS_MAX);
        self.prefer(&event.category, POINTS_PER_VIEW);
    }

    pub(super) fn bought(&mut self, event: &ProductsBought) {
        for product in &event.products {
            let place = (self.purchases.iter()).position(|purchase| purchase.sku == product.sku);
            let known = place.and_then(|place| self.purchases.remove(place));
            self.purchases.push_front(Purchase {
                sku: product.sku.clone(),
                at: event.at,
                before: known.map(|known| known.at),
            });
            self.prefer(&product.category, POINTS_PER_PURCHASE);
        }
        self.purchases.truncate(Self::PURCHASES_MAX);
    }

    fn prefer(&mut self, category: &str, points: u32) {
        if !self.categories.contains_key(category) && self.categories.len() == Self::CATEGORIES_MAX
        {
            // Of equals, the last by name goes: every replay forgets the same one.
            let weakest = self
                .categories
                .iter()
                .rev()
                .min_by_key(|(_, points)| **points)
                .map(|(category, _)| category.clone());
            if let Some(weakest) = weakest {
                self.categories.remove(&weakest);
            }
        }
        *self.categories.entry(category.into()).or_default() += points;
        if self.categories.values().sum::<u32>() > CATEGORY_POINTS_MAX {
            self.categories.retain(|_, points| {
                *points /= 2;
                *points > 0
            });
        }
    }
}
