//! What was ordered from suppliers, and how they have done.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{BasisPoints, PurchaseOrderId, Quantity, SupplierId, WarehouseId};
use crate::inventory::events::{InventoryEvent, PurchaseOrderReceived};
use crate::inventory::replenish::LeadTime;

/// How many ended purchase orders are remembered.
const ENDED_REMEMBERED: usize = 32;
/// How many lead times are remembered.
const LEAD_TIMES_MAX: usize = 32;
/// A promise counts as much as so many deliveries.
const PROMISE_COUNTS: u64 = 2;
const DAY_MS: f64 = 86_400_000.0;

/// Where a purchase order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PurchaseState {
    /// In the books; the supplier has not been asked.
    Raised,
    /// The supplier was asked, and nobody knows what became of it.
    Unknown,
    /// The supplier takes it.
    Accepted,
    /// The supplier does not take it.
    Refused,
    /// Some of it has come.
    PartlyReceived,
    /// All of it has come, or more.
    Received,
    /// It is over, and some of it never came.
    ClosedShort,
}

impl PurchaseState {
    /// Whether nothing more is expected of it.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Refused | Self::Received | Self::ClosedShort)
    }
}

/// A purchase order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrder {
    /// From whom.
    pub supplier: SupplierId,
    /// To where.
    pub warehouse: WarehouseId,
    /// How many units.
    pub quantity: Quantity,
    /// How many have come, in units: more than were ordered, it may be.
    pub received: u64,
    /// How many deliveries have come.
    pub deliveries: u32,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When it should arrive.
    pub expected_at: Timestamp,
    /// Where it stands.
    pub state: PurchaseState,
}

impl PurchaseOrder {
    /// How many units have not come yet.
    #[must_use]
    pub fn outstanding(&self) -> u32 {
        if self.state.has_ended() {
            return 0;
        }
        let received = u32::try_from(self.received).unwrap_or(u32::MAX);
        self.quantity.get().saturating_sub(received)
    }
}

/// How a supplier has done with a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplierPerformance {
    /// Purchase orders that are over.
    pub orders: u32,
    /// The share of them whose first delivery came by the day that was expected.
    pub on_time: BasisPoints,
    /// The share of the units ordered that came.
    pub fill_rate: BasisPoints,
    /// The mean time from order to first delivery, in milliseconds.
    pub lead_time_ms: u64,
    /// Its standard deviation, in milliseconds.
    pub lead_time_deviation_ms: u64,
}

/// What is remembered of a supplier.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(in crate::inventory) struct SupplierRecord {
    orders: u32,
    first_deliveries: u32,
    on_time: u32,
    units_ordered: u64,
    units_received: u64,
    /// The latest, the oldest first.
    lead_times_ms: VecDeque<u64>,
}

impl SupplierRecord {
    fn arrived(&mut self, order: &PurchaseOrder, at: Timestamp) {
        self.first_deliveries = self.first_deliveries.saturating_add(1);
        if at <= order.expected_at {
            self.on_time = self.on_time.saturating_add(1);
        }
        let lead_ms = at.since(order.raised_at).as_millis();
        if self.lead_times_ms.len() == LEAD_TIMES_MAX {
            self.lead_times_ms.pop_front();
        }
        self.lead_times_ms
            .push_back(u64::try_from(lead_ms).unwrap_or(u64::MAX));
    }

    fn over(&mut self, order: &PurchaseOrder) {
        let ordered = u64::from(order.quantity.get());
        self.orders = self.orders.saturating_add(1);
        self.units_ordered = self.units_ordered.saturating_add(ordered);
        // What came beyond the order makes up for nothing that did not come of another.
        self.units_received = self
            .units_received
            .saturating_add(order.received.min(ordered));
    }

    /// What the supplier is expected to take, in days: what it took, with the promise counting as
    /// much as two deliveries; spread as it was, or as is assumed while there are too few to tell.
    pub(in crate::inventory) fn lead_time(
        &self,
        promised: Duration,
        assumed: Duration,
    ) -> LeadTime {
        let promised_ms = u64::try_from(promised.as_millis()).unwrap_or(u64::MAX);
        let seen: u64 = self
            .lead_times_ms
            .iter()
            .copied()
            .fold(0, u64::saturating_add);
        let counted = PROMISE_COUNTS + self.lead_times_ms.len() as u64;
        let sum = seen.saturating_add(promised_ms.saturating_mul(PROMISE_COUNTS));
        let deviation = match self.deviation_ms() {
            Some(deviation) => deviation,
            None => assumed.as_secs_f64() * 1_000.0,
        };
        LeadTime {
            mean: float(sum / counted) / DAY_MS,
            deviation: deviation / DAY_MS,
        }
    }

    fn mean_ms(&self) -> Option<f64> {
        let sum: f64 = self.lead_times_ms.iter().map(|ms| float(*ms)).sum();
        let seen = self.lead_times_ms.len();
        (seen > 0).then(|| sum / float(seen as u64))
    }

    fn deviation_ms(&self) -> Option<f64> {
        let mean = self.mean_ms()?;
        let seen = self.lead_times_ms.len() as u64;
        let squares = self.lead_times_ms.iter();
        let squares: f64 = squares.map(|ms| (float(*ms) - mean).powi(2)).sum();
        (seen > 2).then(|| (squares / float(seen - 1)).sqrt())
    }

    /// The share of what is ordered that is expected to come, up to one.
    pub(in crate::inventory) fn fill_rate(&self) -> f64 {
        match self.units_ordered {
            0 => 1.0,
            ordered => float(self.units_received) / float(ordered),
        }
    }

    pub(in crate::inventory) fn performance(&self) -> SupplierPerformance {
        #[allow(clippy::cast_possible_truncation)] // shares of at most one
        let points = |share: f64| BasisPoints::new((share * 10_000.0).round() as i32);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // times are positive
        let ms = |ms: f64| ms.round() as u64;
        let on_time = match self.first_deliveries {
            0 => 1.0,
            some => f64::from(self.on_time) / f64::from(some),
        };
        SupplierPerformance {
            orders: self.orders,
            on_time: points(on_time),
            fill_rate: points(self.fill_rate()),
            lead_time_ms: ms(self.mean_ms().unwrap_or_default()),
            lead_time_deviation_ms: ms(self.deviation_ms().unwrap_or_default()),
        }
    }
}

#[allow(clippy::cast_precision_loss)] // far below 2^52
fn float(number: u64) -> f64 {
    number as f64
}

/// The purchase orders of a SKU: those that are open, and the latest of those that are over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(in crate::inventory) struct Purchases {
    orders: BTreeMap<PurchaseOrderId, PurchaseOrder>,
    ended: VecDeque<PurchaseOrderId>,
    pub(in crate::inventory) supplier: SupplierRecord,
}

impl Purchases {
    pub(in crate::inventory) fn get(&self, order: &PurchaseOrderId) -> Option<&PurchaseOrder> {
        self.orders.get(order)
    }

    /// Those of which something is still expected.
    pub(in crate::inventory) fn open(
        &self,
    ) -> impl Iterator<Item = (&PurchaseOrderId, &PurchaseOrder)> {
        self.orders
            .iter()
            .filter(|(_, order)| !order.state.has_ended())
    }

    pub(super) fn apply(&mut self, event: &InventoryEvent) {
        use InventoryEvent as E;
        match event {
            E::PurchaseOrderRaised(e) => {
                let order = PurchaseOrder {
                    supplier: e.supplier.clone(),
                    warehouse: e.warehouse.clone(),
                    quantity: e.quantity,
                    received: 0,
                    deliveries: 0,
                    raised_at: e.at,
                    expected_at: e.expected_at,
                    state: PurchaseState::Raised,
                };
                self.orders.insert(e.order.clone(), order);
            }
            E::PurchaseOrderAccepted(e) => {
                if let Some(order) = self.orders.get_mut(&e.order) {
                    order.state = PurchaseState::Accepted;
                    order.expected_at = e.promised_at;
                }
            }
            E::PurchaseOrderOutcomeLost(e) => {
                if let Some(order) = self.orders.get_mut(&e.order) {
                    order.state = PurchaseState::Unknown;
                }
            }
            E::PurchaseOrderReceived(e) => self.receive(e),
            E::PurchaseOrderRefused(e) => self.end(&e.order, PurchaseState::Refused),
            E::PurchaseOrderClosed(e) => self.end(&e.order, PurchaseState::ClosedShort),
            _ => {}
        }
    }

    fn receive(&mut self, event: &PurchaseOrderReceived) {
        let Some(order) = self.orders.get_mut(&event.order) else {
            return;
        };
        order.deliveries = event.delivery;
        order.received += u64::from(event.quantity.get());
        if order.state.has_ended() {
            return;
        }
        if event.delivery == 1 {
            self.supplier.arrived(order, event.at);
        }
        if order.received < u64::from(order.quantity.get()) {
            order.state = PurchaseState::PartlyReceived;
        } else {
            self.end(&event.order, PurchaseState::Received);
        }
    }

    fn end(&mut self, id: &PurchaseOrderId, state: PurchaseState) {
        let Some(order) = self.orders.get_mut(id) else {
            return;
        };
        order.state = state;
        if state != PurchaseState::Refused {
            self.supplier.over(order);
        }
        self.ended.push_back(id.clone());
        if self.ended.len() > ENDED_REMEMBERED
            && let Some(oldest) = self.ended.pop_front()
        {
            self.orders.remove(&oldest);
        }
    }
}
