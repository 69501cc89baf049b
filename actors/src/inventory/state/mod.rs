//! The stock of one SKU: the fold of its ledger.

mod balances;
mod holds;
mod purchases;
mod shelves;

use std::collections::{BTreeMap, VecDeque};

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

pub use balances::Balances;
pub use holds::HoldState;
pub(super) use holds::{Hold, Holds};
pub(super) use purchases::Purchases;
pub use purchases::{PurchaseOrder, PurchaseState, SupplierPerformance};
pub use shelves::Shelf;
pub(super) use shelves::Shelves;

use super::backorder::BackorderTerms;
use super::events::{Adjustment, Condition, FilledAs, InventoryEvent, StockAdjusted};
use super::history::History;
use super::outlook::Outlook;
use crate::domain::{Quantity, TransferId, WarehouseId};
use shelves::units;

/// How many ended transfers are remembered, so that a repeated call gets a true answer.
const TRANSFERS_REMEMBERED: usize = 256;

/// Units between two warehouses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transfer {
    pub(super) from: WarehouseId,
    pub(super) to: WarehouseId,
    pub(super) quantity: Quantity,
    /// How many arrived; `None` while it is on the way.
    pub(super) arrived: Option<u32>,
}

/// The stock of one SKU.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stock {
    pub(super) balances: Balances,
    pub(super) shelves: Shelves,
    pub(super) holds: Holds,
    pub(super) backorders: Option<BackorderTerms>,
    pub(super) transfers: BTreeMap<TransferId, Transfer>,
    transfers_ended: VecDeque<TransferId>,
    pub(super) purchases: Purchases,
    pub(super) history: History,
    pub(super) outlook: Outlook,
    pub(super) low: bool,
    /// Since when nothing is available; `None` while something is.
    pub(super) depleted_since: Option<Timestamp>,
}

impl Stock {
    /// The sums of the ledger.
    #[must_use]
    pub fn balances(&self) -> Balances {
        self.balances
    }

    /// What lies in which warehouse.
    pub fn shelves(&self) -> impl Iterator<Item = (&WarehouseId, &Shelf)> {
        self.shelves.iter()
    }

    /// The balances as they are once every lapsed hold is swept.
    pub(super) fn balances_at(&self, now: Timestamp) -> Balances {
        let lapsed = self.holds.lapsed(now);
        let lapsed: i64 = lapsed.map(|(_, quantity)| units(quantity)).sum();
        Balances {
            reserved: self.balances.reserved - lapsed,
            ..self.balances
        }
    }

    /// What a shopper can have: nothing while others wait for stock, since they go first.
    pub(super) fn sellable(&self, balances: &Balances) -> u64 {
        if balances.backordered > 0 {
            return 0;
        }
        u64::try_from(balances.available()).unwrap_or(0)
    }

    pub(super) fn apply(&mut self, event: &InventoryEvent) {
        use InventoryEvent as E;
        self.balances.apply(event);
        match event {
            E::StockReserved(e) => {
                let expires_at = e.expires_at;
                let state = HoldState::Held { expires_at };
                self.holds.open(&e.reservation, e.quantity, state);
            }
            E::ReservationExtended(e) => {
                let expires_at = e.expires_at;
                self.holds
                    .change(&e.reservation, HoldState::Held { expires_at });
            }
            E::ReservationConfirmed(e) => self.holds.change(&e.reservation, HoldState::Confirmed),
            E::ReservationSourced(e) => {
                let before = self.holds.source(&e.reservation, e.sources.clone());
                self.shelves.give_back(&before);
                self.shelves.allocate(&e.sources);
            }
            E::ReservationCommitted(e) => {
                self.holds.change(&e.reservation, HoldState::Committed);
                self.history.sold(e.at, e.quantity);
            }
            E::ReservationReleased(e) => self.end(&e.reservation, HoldState::Released),
            E::ReservationExpired(e) => self.end(&e.reservation, HoldState::Expired),
            E::BackorderCancelled(e) => self.end(&e.reservation, HoldState::Released),
            E::StockShipped(e) => {
                self.holds.change(&e.reservation, HoldState::Shipped);
                let sources = self.holds.source(&e.reservation, Vec::new());
                match sources.is_empty() {
                    // From before reservations were sourced.
                    true => self.shelves.change(&WarehouseId::main(), |shelf| {
                        shelf.on_hand -= units(e.quantity);
                    }),
                    false => self.shelves.ship(&sources),
                }
            }
            E::BackorderTermsSet(e) => self.backorders = Some(e.terms),
            E::BackorderPlaced(e) => {
                let promised_at = e.promised_at;
                let state = HoldState::Backordered { promised_at };
                self.holds.open(&e.reservation, e.quantity, state);
            }
            E::BackorderFilled(e) => {
                let state = match e.filled_as {
                    FilledAs::Held { expires_at } => HoldState::Held { expires_at },
                    FilledAs::Confirmed => HoldState::Confirmed,
                    FilledAs::Committed => HoldState::Committed,
                };
                self.holds.change(&e.reservation, state);
            }
            E::ReservationShorted(e) => {
                let sources = self.holds.source(&e.reservation, Vec::new());
                self.shelves.give_back(&sources);
                self.holds.short(&e.reservation, e.fills_as, e.promised_at);
            }
            E::StockReceived(e) => self.shelves.receive(&e.warehouse, e.quantity),
            E::StockReturned(e) => self
                .shelves
                .change(&e.warehouse, |shelf| match e.condition {
                    Condition::Resaleable => shelf.on_hand += units(e.quantity),
                    Condition::Damaged => shelf.damaged += units(e.quantity),
                }),
            E::StockAdjusted(e) => self.adjust(e),
            E::TransferDispatched(e) => {
                self.shelves
                    .change(&e.from, |shelf| shelf.on_hand -= units(e.quantity));
                self.shelves
                    .change(&e.to, |shelf| shelf.arriving += units(e.quantity));
                let transfer = Transfer {
                    from: e.from.clone(),
                    to: e.to.clone(),
                    quantity: e.quantity,
                    arrived: None,
                };
                self.transfers.insert(e.transfer.clone(), transfer);
            }
            E::TransferReceived(e) => {
                self.shelves.change(&e.to, |shelf| {
                    shelf.arriving -= i64::from(e.arrived) + i64::from(e.lost);
                    shelf.on_hand += i64::from(e.arrived);
                });
                self.end_transfer(&e.transfer, e.arrived);
            }
            E::PurchaseOrderReceived(e) => {
                self.shelves.receive(&e.warehouse, e.quantity);
                self.purchases.apply(event);
            }
            E::PurchaseOrderRaised(_)
            | E::ProcurementNotified(_)
            | E::PurchaseOrderAccepted(_)
            | E::PurchaseOrderRefused(_)
            | E::PurchaseOrderOutcomeLost(_)
            | E::PurchaseOrderClosed(_) => self.purchases.apply(event),
            E::LowStockDetected(_) => self.low = true,
            E::StockRecovered(_) => self.low = false,
            E::StockDepleted(e) => self.depleted_since = Some(e.at),
            E::StockReplenished(e) => {
                if let Some(since) = self.depleted_since.take() {
                    self.history.out_of_stock(since, e.at);
                }
            }
            E::ForecastRevised(e) => self.outlook.revise(e),
            E::StockCounted(_) | E::ReorderAlertGenerated(_) => {}
        }
    }

    fn end(&mut self, id: &crate::domain::ReservationId, state: HoldState) {
        let sources = self.holds.source(id, Vec::new());
        self.shelves.give_back(&sources);
        self.holds.change(id, state);
    }

    fn adjust(&mut self, event: &StockAdjusted) {
        self.shelves
            .change(&event.warehouse, |shelf| match event.adjustment {
                Adjustment::Found(quantity) => shelf.on_hand += units(quantity),
                Adjustment::Lost(quantity) => shelf.on_hand -= units(quantity),
                Adjustment::Damaged(quantity) => {
                    shelf.on_hand -= units(quantity);
                    shelf.damaged += units(quantity);
                }
                Adjustment::Disposed(quantity) => shelf.damaged -= units(quantity),
            });
    }

    fn end_transfer(&mut self, id: &TransferId, arrived: u32) {
        if let Some(transfer) = self.transfers.get_mut(id) {
            transfer.arrived = Some(arrived);
            self.transfers_ended.push_back(id.clone());
        }
        if self.transfers_ended.len() > TRANSFERS_REMEMBERED
            && let Some(oldest) = self.transfers_ended.pop_front()
        {
            self.transfers.remove(&oldest);
        }
    }
}
