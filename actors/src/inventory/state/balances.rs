//! The sums of the ledger.

use serde::{Deserialize, Serialize};

use crate::domain::Quantity;
use crate::inventory::events::{
    Adjustment, Condition, FilledAs, InventoryEvent, ReleasedFrom, StockAdjusted,
};

/// The sums of what the ledger moved over all warehouses, in units. None is ever below zero: they
/// are signed so that a broken law would show instead of wrapping round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Balances {
    /// In a warehouse and fit for sale, whether promised or not.
    pub on_hand: i64,
    /// Held for shoppers who have not ordered yet.
    pub reserved: i64,
    /// Belonging to placed orders that have not shipped.
    pub committed: i64,
    /// Ordered from the supplier and not yet here.
    pub incoming: i64,
    /// In a warehouse, and not fit for sale.
    pub damaged: i64,
    /// On the way between two warehouses.
    pub in_transit: i64,
    /// Promised to customers who wait for stock.
    pub backordered: i64,
    /// Ever received.
    pub received: i64,
    /// Ever shipped.
    pub shipped: i64,
    /// Ever returned, damaged or not.
    pub returned: i64,
    /// Ever found that the books did not have.
    pub found: i64,
    /// Ever lost: shrinkage, losses on the way, and what was disposed of.
    pub lost: i64,
}

impl Balances {
    /// What can be promised, holds that have lapsed but are not swept yet still counted as held.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.on_hand - self.reserved - self.committed
    }

    /// The inventory position: what is available and what is on its way, less what customers wait
    /// for.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.available() + self.in_transit + self.incoming - self.backordered
    }

    /// Whether what is here is what came less what went.
    #[must_use]
    pub fn are_conserved(&self) -> bool {
        let here = self.on_hand + self.in_transit + self.damaged;
        here == self.received + self.returned + self.found - self.shipped - self.lost
    }

    /// Adds the movement of one ledger entry.
    pub fn apply(&mut self, event: &InventoryEvent) {
        use InventoryEvent as E;
        match event {
            E::StockReceived(e) => self.receive(units(e.quantity)),
            E::StockReserved(e) => self.reserved += units(e.quantity),
            E::ReservationCommitted(e) => {
                self.reserved -= units(e.quantity);
                self.committed += units(e.quantity);
            }
            E::ReservationReleased(e) => match e.from {
                ReleasedFrom::Held => self.reserved -= units(e.quantity),
                ReleasedFrom::Committed => self.committed -= units(e.quantity),
            },
            E::ReservationExpired(e) => self.reserved -= units(e.quantity),
            E::StockShipped(e) => {
                self.committed -= units(e.quantity);
                self.on_hand -= units(e.quantity);
                self.shipped += units(e.quantity);
            }
            E::StockReturned(e) => {
                self.returned += units(e.quantity);
                match e.condition {
                    Condition::Resaleable => self.on_hand += units(e.quantity),
                    Condition::Damaged => self.damaged += units(e.quantity),
                }
            }
            E::PurchaseOrderRaised(e) => self.incoming += units(e.quantity),
            E::PurchaseOrderReceived(e) => {
                self.incoming -= i64::from(e.ordered);
                self.receive(units(e.quantity));
            }
            E::PurchaseOrderRefused(e) => self.incoming -= units(e.quantity),
            E::PurchaseOrderClosed(e) => self.incoming -= units(e.missing),
            E::StockAdjusted(e) => self.adjust(e),
            E::TransferDispatched(e) => {
                self.on_hand -= units(e.quantity);
                self.in_transit += units(e.quantity);
            }
            E::TransferReceived(e) => {
                self.in_transit -= i64::from(e.arrived) + i64::from(e.lost);
                self.on_hand += i64::from(e.arrived);
                self.lost += i64::from(e.lost);
            }
            E::BackorderPlaced(e) => self.backordered += units(e.quantity),
            E::BackorderCancelled(e) => self.backordered -= units(e.quantity),
            E::BackorderFilled(e) => {
                self.backordered -= units(e.quantity);
                *self.promised(e.filled_as) += units(e.quantity);
            }
            E::ReservationShorted(e) => {
                *self.promised(e.fills_as) -= units(e.quantity);
                self.backordered += units(e.quantity);
            }
            E::ReservationConfirmed(_)
            | E::ReservationExtended(_)
            | E::ReservationSourced(_)
            | E::LowStockDetected(_)
            | E::StockRecovered(_)
            | E::StockDepleted(_)
            | E::StockReplenished(_)
            | E::StockCounted(_)
            | E::ReorderAlertGenerated(_)
            | E::ProcurementNotified(_)
            | E::PurchaseOrderAccepted(_)
            | E::PurchaseOrderOutcomeLost(_)
            | E::BackorderTermsSet(_)
            | E::ForecastRevised(_) => {}
        }
    }

    fn receive(&mut self, units: i64) {
        self.on_hand += units;
        self.received += units;
    }

    fn adjust(&mut self, event: &StockAdjusted) {
        match event.adjustment {
            Adjustment::Found(quantity) => {
                self.on_hand += units(quantity);
                self.found += units(quantity);
            }
            Adjustment::Lost(quantity) => {
                self.on_hand -= units(quantity);
                self.lost += units(quantity);
            }
            Adjustment::Damaged(quantity) => {
                self.on_hand -= units(quantity);
                self.damaged += units(quantity);
            }
            Adjustment::Disposed(quantity) => {
                self.damaged -= units(quantity);
                self.lost += units(quantity);
            }
        }
    }

    fn promised(&mut self, filled_as: FilledAs) -> &mut i64 {
        match filled_as {
            FilledAs::Held { .. } | FilledAs::Confirmed => &mut self.reserved,
            FilledAs::Committed => &mut self.committed,
        }
    }
}

fn units(quantity: Quantity) -> i64 {
    i64::from(quantity.get())
}
