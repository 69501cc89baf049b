//! A supplier inside this process: it takes as long as it likes, and sends what it has.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::{self, BoxFuture, FutureExt};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Gamma};
use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, LedgerEntry, LedgerFull, LedgerOptions};
use super::procurement::{
    Procurement, ProcurementError, PurchaseAccepted, PurchaseDelivery, PurchaseLookup,
    PurchaseRecord, PurchaseRequest,
};
use crate::domain::{BasisPoints, Quantity};

/// How a supplier does. Shares are of 10 000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupplierHabits {
    /// The mean time to a delivery, which is what is promised. Default: 2 days.
    pub lead_time: Duration,
    /// Its standard deviation; times are gamma-distributed. Default: 8 hours.
    pub deviation: Duration,
    /// How often an order comes in two deliveries. Default: one in ten.
    pub splits: BasisPoints,
    /// How often part of an order never comes. Default: one in twenty.
    pub falls_short: BasisPoints,
    /// How often more comes than was ordered. Default: one in fifty.
    pub overdelivers: BasisPoints,
    /// Draws everything, together with an order's name. Default: 0.
    pub seed: u64,
}

impl Default for SupplierHabits {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3_600);
        Self {
            lead_time: HOUR * 48,
            deviation: HOUR * 8,
            splits: BasisPoints::new(1_000),
            falls_short: BasisPoints::new(500),
            overdelivers: BasisPoints::new(200),
            seed: 0,
        }
    }
}

impl SupplierHabits {
    /// A supplier that delivers everything, at once, when promised.
    #[must_use]
    pub fn punctual(lead_time: Duration) -> Self {
        Self {
            lead_time,
            deviation: Duration::ZERO,
            splits: BasisPoints::ZERO,
            falls_short: BasisPoints::ZERO,
            overdelivers: BasisPoints::ZERO,
            seed: 0,
        }
    }
}

/// An order that was taken, with everything that will be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseEntry {
    /// The order.
    pub request: PurchaseRequest,
    /// What comes of it in the end.
    pub record: PurchaseRecord,
}

impl LedgerEntry for PurchaseEntry {
    fn key(&self) -> &str {
        self.request.order.as_str()
    }
}

/// A supplier inside this process. What it will deliver is drawn when the order is taken, from its
/// seed and the order's name: the same in every run.
pub struct InProcessProcurement {
    habits: SupplierHabits,
    // Held for a few instructions and never across an await.
    ledger: Mutex<Ledger<PurchaseEntry>>,
}

impl InProcessProcurement {
    /// A supplier that was asked for nothing yet.
    #[must_use]
    pub fn new(habits: SupplierHabits, options: LedgerOptions<PurchaseEntry>) -> Self {
        Self {
            habits,
            ledger: Mutex::new(Ledger::new(options)),
        }
    }

    /// Puts back what an earlier life of this supplier took.
    ///
    /// # Errors
    /// When there are more entries than the options allow.
    pub fn restore(
        &self,
        entries: impl IntoIterator<Item = PurchaseEntry>,
    ) -> Result<(), LedgerFull> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .into_iter()
            .try_for_each(|entry| ledger.restore(entry))
    }

    /// Every order that was taken, in order.
    #[must_use]
    pub fn ledger(&self) -> Vec<PurchaseEntry> {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.entries().to_vec()
    }

    fn take(&self, request: &PurchaseRequest) -> Result<PurchaseAccepted, ProcurementError> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = ledger.find(request.order.as_str()) {
            let same = known.request.sku == request.sku
                && known.request.quantity == request.quantity
                && known.request.supplier == request.supplier;
            return match same {
                true => Ok(PurchaseAccepted {
                    promised_at: known.record.promised_at,
                }),
                false => Err(ProcurementError::NameReused),
            };
        }
        let record = self.habits.draw(request);
        let promised_at = record.promised_at;
        ledger.record(PurchaseEntry {
            request: request.clone(),
            record,
        })?;
        Ok(PurchaseAccepted { promised_at })
    }

    fn find(&self, lookup: &PurchaseLookup) -> Option<PurchaseRecord> {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = ledger.find(lookup.order.as_str())?;
        let mut record = entry.record.clone();
        let all = record.deliveries.len();
        record
            .deliveries
            .retain(|delivery| delivery.at <= lookup.now);
        record.complete = record.deliveries.len() == all;
        Some(record)
    }
}

impl SupplierHabits {
    fn draw(&self, request: &PurchaseRequest) -> PurchaseRecord {
        // The name is the id of a command, so that its bytes are as good as drawn.
        let name = request.order.as_str().bytes();
        let seed = name.fold(self.seed, |seed, byte| {
            (seed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut rng = StdRng::seed_from_u64(seed);
        let mut happens = |share: BasisPoints| rng.random_range(0..10_000) < share.get();
        let (splits, short, over) = (
            happens(self.splits),
            happens(self.falls_short),
            happens(self.overdelivers),
        );
        let ordered = request.quantity.get();
        let comes = match (short, over) {
            (true, _) => ordered - rng.random_range(0..=ordered / 2),
            (false, true) => ordered + rng.random_range(0..=ordered / 10),
            (false, false) => ordered,
        };
        let first = if splits { comes.div_ceil(2) } else { comes };
        let arrives = request.at.plus(self.draw_time(&mut rng));
        let later = arrives.plus(self.draw_time(&mut rng));
        let deliveries = [(first, arrives), (comes - first, later)];
        PurchaseRecord {
            promised_at: request.at.plus(self.lead_time),
            deliveries: deliveries
                .into_iter()
                .filter_map(|(units, at)| {
                    let quantity = Quantity::new(units.min(Quantity::MAX)).ok()?;
                    Some(PurchaseDelivery { quantity, at })
                })
                .collect(),
            complete: false,
        }
    }

    /// A gamma-distributed time with the habit's mean and deviation.
    fn draw_time(&self, rng: &mut StdRng) -> Duration {
        let (mean, deviation) = (self.lead_time.as_secs_f64(), self.deviation.as_secs_f64());
        let spread = deviation * deviation / mean;
        match Gamma::new(mean / spread, spread) {
            Ok(times) => Duration::from_secs_f64(times.sample(rng).min(mean * 10.0)),
            // There is no deviation to draw.
            Err(_) => self.lead_time,
        }
    }
}

impl Procurement for InProcessProcurement {
    fn place<'a>(
        &'a self,
        request: &'a PurchaseRequest,
    ) -> BoxFuture<'a, Result<PurchaseAccepted, ProcurementError>> {
        future::ready(self.take(request)).boxed()
    }

    fn lookup<'a>(
        &'a self,
        request: &'a PurchaseLookup,
    ) -> BoxFuture<'a, Result<Option<PurchaseRecord>, ProcurementError>> {
        future::ready(Ok(self.find(request))).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{PurchaseOrderId, Sku, SupplierId, WarehouseId};
    use mercato_runtime::Timestamp;

    fn request(name: &str, units: u32) -> PurchaseRequest {
        PurchaseRequest {
            order: PurchaseOrderId::new(name).expect("a name"),
            supplier: SupplierId::main(),
            sku: Sku::new("tea").expect("a name"),
            quantity: Quantity::new(units).expect("a quantity"),
            warehouse: WarehouseId::main(),
            at: Timestamp::from_millis(1_000_000_000),
        }
    }

    /// Catches: an order that is taken twice, or a name that is taken for two orders.
    #[test]
    fn an_order_placed_twice_is_one_order() {
        let supplier =
            InProcessProcurement::new(SupplierHabits::default(), LedgerOptions::default());
        let first = supplier.take(&request("a", 10));
        assert_eq!(supplier.take(&request("a", 10)), first);
        assert_eq!(
            supplier.take(&request("a", 11)),
            Err(ProcurementError::NameReused)
        );
        assert_eq!(supplier.ledger().len(), 1);
    }

    /// Catches: habits that are not kept: the lead time's mean, split, short and over deliveries.
    #[test]
    fn a_supplier_keeps_its_habits() {
        let habits = SupplierHabits::default();
        let (mut days, mut split, mut short, mut over) = (0.0, 0, 0, 0);
        for number in 0..2_000 {
            let request = request(&format!("po-{number}"), 100);
            let record = habits.draw(&request);
            let first = record.deliveries.first().expect("something comes");
            days += first.at.since(request.at).as_secs_f64() / 86_400.0;
            let units: u32 = record.deliveries.iter().map(|d| d.quantity.get()).sum();
            split += u32::from(record.deliveries.len() == 2);
            short += u32::from(units < 100);
            over += u32::from(units > 100);
        }
        assert!((days / 2_000.0 - 2.0).abs() < 0.03, "{days}");
        assert!((150..250).contains(&split), "{split}");
        assert!((60..140).contains(&short), "{short}");
        assert!((15..65).contains(&over), "{over}");
    }

    /// Catches: deliveries that are told of before they came.
    #[test]
    fn a_delivery_is_told_of_when_it_came() {
        let lead = Duration::from_secs(3_600);
        let habits = SupplierHabits::punctual(lead);
        let supplier = InProcessProcurement::new(habits, LedgerOptions::default());
        let request = request("a", 10);
        let promised_at = supplier.take(&request).expect("taken").promised_at;
        assert_eq!(promised_at, request.at.plus(lead));
        let look = |now| {
            let order = request.order.clone();
            supplier
                .find(&PurchaseLookup { order, now })
                .expect("known")
        };
        let before = look(promised_at.minus(Duration::from_millis(1)));
        assert!(before.deliveries.is_empty() && !before.complete);
        let after = look(promised_at);
        assert!(after.complete);
        assert_eq!(after.deliveries[0].quantity, request.quantity);
    }
}
