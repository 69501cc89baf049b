//! Products as small numbers.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::Sku;

/// The number of a product, while it is known.
pub(super) type Slot = u32;

/// Which product has which number. A number that becomes free is given again, the smallest first, so
/// that every replay gives the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Items {
    skus: Vec<Option<Sku>>,
    slots: BTreeMap<Sku, Slot>,
    free: BTreeSet<Slot>,
    /// The bytes of all names.
    name_bytes: usize,
}

impl Items {
    /// The products by their numbers, as they were stored.
    pub(super) fn restored(skus: Vec<Option<Sku>>) -> Self {
        let mut items = Self::default();
        for (slot, sku) in (0..).zip(&skus) {
            items.name_bytes += sku.as_ref().map_or(0, |sku| sku.as_str().len());
            match sku {
                Some(sku) => drop(items.slots.insert(sku.clone(), slot)),
                None => drop(items.free.insert(slot)),
            }
        }
        items.skus = skus;
        items
    }

    pub(super) fn stored(&self) -> &[Option<Sku>] {
        &self.skus
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The bytes of the names of all products that are known.
    pub(super) fn name_bytes(&self) -> usize {
        self.name_bytes
    }

    /// How many numbers were ever given at a time.
    pub(super) fn slots(&self) -> usize {
        self.skus.len()
    }

    pub(super) fn find(&self, sku: &Sku) -> Option<Slot> {
        self.slots.get(sku).copied()
    }

    pub(super) fn sku(&self, slot: Slot) -> Option<&Sku> {
        self.skus.get(slot as usize)?.as_ref()
    }

    pub(super) fn intern(&mut self, sku: &Sku) -> Slot {
        if let Some(slot) = self.find(sku) {
            return slot;
        }
        let slot = self.free.pop_first().unwrap_or_else(|| {
            self.skus.push(None);
            // There are fewer products than clicks, and fewer clicks than this type can count.
            Slot::try_from(self.skus.len() - 1).unwrap_or(Slot::MAX)
        });
        if let Some(place) = self.skus.get_mut(slot as usize) {
            *place = Some(sku.clone());
        }
        self.slots.insert(sku.clone(), slot);
        self.name_bytes += sku.as_str().len();
        slot
    }

    pub(super) fn forget(&mut self, slot: Slot) {
        if let Some(sku) = self.skus.get_mut(slot as usize).and_then(Option::take) {
            self.slots.remove(&sku);
            self.name_bytes -= sku.as_str().len();
            self.free.insert(slot);
        }
    }
}
