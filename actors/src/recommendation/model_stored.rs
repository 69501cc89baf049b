//! What is stored of a [`Model`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::exposures::Exposures;
use super::model::{Item, Model};
use crate::domain::Sku;

/// The stored form: each product is named once, and its neighbours are numbers. With the names of all
/// neighbours a model of long names would be larger than any snapshot may be.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    /// In the order of their names; a product's number is its place.
    items: Vec<(Sku, StoredItem)>,
    popular: Vec<Sku>,
    suppressed: BTreeMap<Sku, Box<str>>,
    exposures: Exposures,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredItem {
    baskets: u32,
    /// By number: in how many baskets both were.
    neighbours: Vec<(u32, u32)>,
}

impl Stored {
    pub(super) fn of(model: &Model) -> Self {
        let numbers: BTreeMap<&Sku, u32> = model.items.keys().zip(0..).collect();
        let items = model.items.iter().map(|(sku, item)| {
            let neighbours = item.neighbours.iter();
            let numbered =
                neighbours.filter_map(|(other, together)| Some((*numbers.get(other)?, *together)));
            let stored = StoredItem {
                baskets: item.baskets,
                neighbours: numbered.collect(),
            };
            (sku.clone(), stored)
        });
        Self {
            items: items.collect(),
            popular: model.popular.clone(),
            suppressed: model.suppressed.clone(),
            exposures: model.exposures.clone(),
        }
    }
}

impl From<Stored> for Model {
    fn from(stored: Stored) -> Self {
        let names: Vec<Sku> = stored.items.iter().map(|(sku, _)| sku.clone()).collect();
        let items = stored.items.into_iter().map(|(sku, item)| {
            let neighbours = item.neighbours.into_iter();
            let named = neighbours.filter_map(|(other, together)| {
                Some((names.get(other as usize)?.clone(), together))
            });
            let item = Item {
                baskets: item.baskets,
                neighbours: named.collect(),
            };
            (sku, item)
        });
        Self {
            items: items.collect(),
            popular: stored.popular,
            suppressed: stored.suppressed,
            exposures: stored.exposures,
        }
    }
}
