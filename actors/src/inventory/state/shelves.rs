//! What lies in which warehouse.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{Quantity, WarehouseId};
use crate::inventory::sourcing::Source;

/// The stock of one SKU in one warehouse, in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shelf {
    /// Fit for sale, whether promised or not.
    pub on_hand: i64,
    /// Of these, promised and to be sent from here.
    pub allocated: i64,
    /// Not fit for sale.
    pub damaged: i64,
    /// On the way here from another warehouse.
    pub arriving: i64,
}

impl Shelf {
    /// What nothing is to be sent from.
    #[must_use]
    pub fn free(&self) -> i64 {
        self.on_hand - self.allocated
    }
}

/// The shelves of all warehouses that ever had any.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(in crate::inventory) struct Shelves(BTreeMap<WarehouseId, Shelf>);

impl Shelves {
    pub(in crate::inventory) fn get(&self, warehouse: &WarehouseId) -> Shelf {
        self.0.get(warehouse).copied().unwrap_or_default()
    }

    pub(in crate::inventory) fn iter(&self) -> impl Iterator<Item = (&WarehouseId, &Shelf)> {
        self.0.iter()
    }

    pub(super) fn change(&mut self, warehouse: &WarehouseId, change: impl FnOnce(&mut Shelf)) {
        match self.0.get_mut(warehouse) {
            Some(shelf) => change(shelf),
            None => change(self.0.entry(warehouse.clone()).or_default()),
        }
    }

    pub(super) fn receive(&mut self, warehouse: &WarehouseId, quantity: Quantity) {
        self.change(warehouse, |shelf| shelf.on_hand += units(quantity));
    }

    pub(super) fn allocate(&mut self, sources: &[Source]) {
        for source in sources {
            self.change(&source.warehouse, |shelf| {
                shelf.allocated += units(source.quantity);
            });
        }
    }

    pub(in crate::inventory) fn give_back(&mut self, sources: &[Source]) {
        for source in sources {
            self.change(&source.warehouse, |shelf| {
                shelf.allocated -= units(source.quantity);
            });
        }
    }

    pub(super) fn ship(&mut self, sources: &[Source]) {
        self.give_back(sources);
        for source in sources {
            self.change(&source.warehouse, |shelf| {
                shelf.on_hand -= units(source.quantity);
            });
        }
    }
}

pub(super) fn units(quantity: Quantity) -> i64 {
    i64::from(quantity.get())
}
