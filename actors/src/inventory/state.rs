//! The stock of one SKU: the fold of its ledger.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::demand::Demand;
use super::events::{Condition, InventoryEvent, ReleasedFrom};
use crate::domain::{PurchaseOrderId, Quantity, ReservationId};

/// How many ended reservations are remembered, so that a late or repeated call gets a true answer.
/// Open ones need no bound of their own: each holds at least one unit of stock.
const ENDED_REMEMBERED: usize = 1_024;

/// The sums of what the ledger moved, in units. None is ever below zero: they are signed so that
/// a broken law would show instead of wrapping round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Balances {
    /// In the warehouse and fit for sale, whether promised or not.
    pub on_hand: i64,
    /// Held for shoppers who have not ordered yet.
    pub reserved: i64,
    /// Belonging to placed orders that have not shipped.
    pub committed: i64,
    /// Ordered from the supplier and not yet here.
    pub incoming: i64,
    /// Came back damaged.
    pub damaged: i64,
    /// Ever received.
    pub received: i64,
    /// Ever shipped.
    pub shipped: i64,
    /// Ever returned, damaged or not.
    pub returned: i64,
}

impl Balances {
    /// What can be promised, holds that have lapsed but are not swept yet still counted as held.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.on_hand - self.reserved - self.committed
    }

    /// Adds the movement of one ledger entry.
    pub fn apply(&mut self, event: &InventoryEvent) {
        let units = |quantity: Quantity| i64::from(quantity.get());
        match event {
            InventoryEvent::StockReceived(e) => self.receive(units(e.quantity)),
            InventoryEvent::StockReserved(e) => self.reserved += units(e.quantity),
            InventoryEvent::ReservationCommitted(e) => {
                self.reserved -= units(e.quantity);
                self.committed += units(e.quantity);
            }
            InventoryEvent::ReservationReleased(e) => match e.from {
                ReleasedFrom::Held => self.reserved -= units(e.quantity),
                ReleasedFrom::Committed => self.committed -= units(e.quantity),
            },
            InventoryEvent::ReservationExpired(e) => self.reserved -= units(e.quantity),
            InventoryEvent::StockShipped(e) => {
                self.committed -= units(e.quantity);
                self.on_hand -= units(e.quantity);
                self.shipped += units(e.quantity);
            }
            InventoryEvent::StockReturned(e) => {
                self.returned += units(e.quantity);
                match e.condition {
                    Condition::Resaleable => self.on_hand += units(e.quantity),
                    Condition::Damaged => self.damaged += units(e.quantity),
                }
            }
            InventoryEvent::PurchaseOrderRaised(e) => self.incoming += units(e.quantity),
            InventoryEvent::PurchaseOrderReceived(e) => {
                self.incoming -= units(e.quantity);
                self.receive(units(e.quantity));
            }
            InventoryEvent::ReservationConfirmed(_)
            | InventoryEvent::LowStockDetected(_)
            | InventoryEvent::StockRecovered(_)
            | InventoryEvent::ReorderAlertGenerated(_)
            | InventoryEvent::ProcurementNotified(_) => {}
        }
    }

    fn receive(&mut self, units: i64) {
        self.on_hand += units;
        self.received += units;
    }
}

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldState {
    /// Held until a moment.
    Held {
        /// When it lapses.
        expires_at: Timestamp,
    },
    /// Held without an end: the order is being placed.
    Confirmed,
    /// Belongs to a placed order.
    Committed,
    /// Left the warehouse.
    Shipped,
    /// Given back.
    Released,
    /// Lapsed.
    Expired,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hold {
    pub(super) quantity: Quantity,
    pub(super) state: HoldState,
}

/// A purchase order that the supplier has not delivered yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenPurchase {
    pub(super) order: PurchaseOrderId,
    pub(super) quantity: Quantity,
    pub(super) raised_at: Timestamp,
    pub(super) expected_at: Timestamp,
}

/// How the supplier has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct SupplierRecord {
    deliveries: u32,
    lead_ms_total: u64,
}

impl SupplierRecord {
    /// The mean time from order to delivery; `None` before the first delivery.
    pub(super) fn mean_lead_time(self) -> Option<Duration> {
        let mean_ms = self.lead_ms_total.checked_div(u64::from(self.deliveries))?;
        Some(Duration::from_millis(mean_ms))
    }
}

/// The stock of one SKU.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stock {
    pub(super) balances: Balances,
    pub(super) holds: BTreeMap<ReservationId, Hold>,
    /// Holds that can lapse, by when they do.
    lapsing: BTreeSet<(Timestamp, ReservationId)>,
    /// Ended holds, the oldest first.
    ended: VecDeque<ReservationId>,
    pub(super) demand: Demand,
    pub(super) low: bool,
    pub(super) purchase: Option<OpenPurchase>,
    pub(super) last_received: Option<PurchaseOrderId>,
    pub(super) supplier: SupplierRecord,
}

impl Stock {
    /// The sums of the ledger.
    #[must_use]
    pub fn balances(&self) -> Balances {
        self.balances
    }

    /// Holds that have lapsed by `now` and are not swept yet, the earliest first.
    pub(super) fn lapsed(
        &self,
        now: Timestamp,
    ) -> impl Iterator<Item = (&ReservationId, Quantity)> {
        self.lapsing
            .iter()
            .take_while(move |(expires_at, _)| *expires_at <= now)
            .filter_map(|(_, id)| self.holds.get(id).map(|hold| (id, hold.quantity)))
    }

    /// The hold as a caller at `now` must see it: one that has lapsed is expired, swept or not.
    pub(super) fn hold(&self, id: &ReservationId, now: Timestamp) -> Option<Hold> {
        let hold = *self.holds.get(id)?;
        Some(match hold.state {
            HoldState::Held { expires_at } if expires_at <= now => Hold {
                state: HoldState::Expired,
                ..hold
            },
            _ => hold,
        })
    }

    /// The balances as they are once every lapsed hold is swept.
    pub(super) fn balances_at(&self, now: Timestamp) -> Balances {
        let lapsed: i64 = self
            .lapsed(now)
            .map(|(_, quantity)| i64::from(quantity.get()))
            .sum();
        Balances {
            reserved: self.balances.reserved - lapsed,
            ..self.balances
        }
    }

    pub(super) fn apply(&mut self, event: &InventoryEvent) {
        self.balances.apply(event);
        match event {
            InventoryEvent::StockReserved(e) => {
                let state = HoldState::Held {
                    expires_at: e.expires_at,
                };
                let hold = Hold {
                    quantity: e.quantity,
                    state,
                };
                self.holds.insert(e.reservation.clone(), hold);
                self.lapsing.insert((e.expires_at, e.reservation.clone()));
            }
            InventoryEvent::ReservationConfirmed(e) => {
                self.change(&e.reservation, HoldState::Confirmed);
            }
            InventoryEvent::ReservationCommitted(e) => {
                self.change(&e.reservation, HoldState::Committed);
                self.demand.add(e.at, e.quantity);
            }
            InventoryEvent::ReservationReleased(e) => {
                self.change(&e.reservation, HoldState::Released);
            }
            InventoryEvent::ReservationExpired(e) => {
                self.change(&e.reservation, HoldState::Expired);
            }
            InventoryEvent::StockShipped(e) => self.change(&e.reservation, HoldState::Shipped),
            InventoryEvent::LowStockDetected(_) => self.low = true,
            InventoryEvent::StockRecovered(_) => self.low = false,
            InventoryEvent::PurchaseOrderRaised(e) => {
                self.purchase = Some(OpenPurchase {
                    order: e.order.clone(),
                    quantity: e.quantity,
                    raised_at: e.at,
                    expected_at: e.expected_at,
                });
            }
            InventoryEvent::PurchaseOrderReceived(e) => {
                if let Some(purchase) = self.purchase.take() {
                    let lead_ms = e.at.since(purchase.raised_at).as_millis();
                    self.supplier.deliveries = self.supplier.deliveries.saturating_add(1);
                    self.supplier.lead_ms_total = self
                        .supplier
                        .lead_ms_total
                        .saturating_add(u64::try_from(lead_ms).unwrap_or(u64::MAX));
                }
                self.last_received = Some(e.order.clone());
            }
            InventoryEvent::StockReceived(_)
            | InventoryEvent::StockReturned(_)
            | InventoryEvent::ReorderAlertGenerated(_)
            | InventoryEvent::ProcurementNotified(_) => {}
        }
    }

    fn change(&mut self, id: &ReservationId, state: HoldState) {
        let Some(hold) = self.holds.get_mut(id) else {
            return;
        };
        if let HoldState::Held { expires_at } = hold.state {
            self.lapsing.remove(&(expires_at, id.clone()));
        }
        hold.state = state;
        if matches!(
            state,
            HoldState::Shipped | HoldState::Released | HoldState::Expired
        ) {
            self.ended.push_back(id.clone());
        }
        if self.ended.len() > ENDED_REMEMBERED
            && let Some(oldest) = self.ended.pop_front()
        {
            self.holds.remove(&oldest);
        }
    }
}
