//! What the people around the shop remember: what was acknowledged, delivered and told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mercato_actors::{EmailAddress, OrderId, RecordPaymentNotice, Sku};

use crate::observer::Acknowledgement;

/// It outlives every life of the shop. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct ShopMemory(Arc<Mutex<Remembered>>);

#[derive(Clone, Default)]
pub(crate) struct Remembered {
    pub(crate) acknowledged: BTreeMap<OrderId, Acknowledgement>,
    /// Orders that somebody asked for, whatever came of it.
    pub(crate) asked_for: BTreeSet<OrderId>,
    /// Units that were delivered, and whose booking was acknowledged.
    pub(crate) delivered: BTreeMap<Sku, i64>,
    /// Who agreed to be written to, and did not take it back.
    pub(crate) agreed: BTreeSet<EmailAddress>,
    bookings: BTreeSet<Box<str>>,
    /// What a gateway still has to tell, with the moment.
    pub(crate) notices: Vec<(Duration, RecordPaymentNotice)>,
}

impl ShopMemory {
    pub(crate) fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    /// An order, as it was acknowledged last.
    pub(crate) fn acknowledge(&mut self, told: Acknowledgement) {
        let known = self.acknowledged.get(&told.order);
        if known.is_none_or(|known| known.revision < told.revision) {
            self.acknowledged.insert(told.order.clone(), told);
        }
    }

    /// Somebody asks for an order, and may ask for it again.
    pub(crate) fn asks_for(&mut self, order: &OrderId) {
        self.asked_for.insert(order.clone());
    }

    /// A delivery whose booking was acknowledged; each counts once.
    pub(crate) fn booked(&mut self, key: &str, sku: &Sku, units: u32) {
        if self.bookings.insert(key.into()) {
            *self.delivered.entry(sku.clone()).or_default() += i64::from(units);
        }
    }
}
