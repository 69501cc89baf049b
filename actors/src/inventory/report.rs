//! Reports and alerts of one SKU.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, Timestamp};
use serde::{Deserialize, Serialize};

use super::InventoryAgent;
use super::outlook::{self, Forecast};
use super::rejection::staff;
use super::state::{Balances, PurchaseOrder, Shelf, Stock, SupplierPerformance};
use crate::domain::{PurchaseOrderId, Quantity, ReservationId, Sku, WarehouseId};

/// The most of anything that a report lists.
const LISTED_MAX: usize = 100;

/// Reports everything that people who look after stock ask about one SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportStock {
    /// The product.
    pub sku: Sku,
}

/// Something that people should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum InventoryAlert {
    /// Nothing is available.
    OutOfStock {
        /// Since when.
        since: Timestamp,
    },
    /// What is available is at or below the reorder point.
    LowStock {
        /// What is available, in units.
        available: u64,
        /// The reorder point, in units.
        reorder_point: u64,
    },
    /// A purchase order is late.
    Overdue {
        /// Which one.
        order: PurchaseOrderId,
        /// When it should have come.
        expected_at: Timestamp,
    },
    /// Nobody knows whether the supplier has a purchase order.
    OutcomeUnknown {
        /// Which one.
        order: PurchaseOrderId,
    },
    /// Customers wait longer than they were promised.
    PromiseMissed {
        /// Whose.
        reservation: ReservationId,
        /// When it was promised for.
        promised_at: Timestamp,
    },
}

/// A customer who waits for stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The hold that it will be.
    pub reservation: ReservationId,
    /// How many units.
    pub quantity: Quantity,
    /// When they were promised for.
    pub promised_at: Timestamp,
}

/// The stock of one SKU, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReport {
    /// The product.
    pub sku: Sku,
    /// The sums of the ledger; lapsed holds are not in `reserved`.
    pub balances: Balances,
    /// What can be promised, in units.
    pub available: u64,
    /// What lies in which warehouse.
    pub shelves: Vec<(WarehouseId, Shelf)>,
    /// What is expected, and how far off earlier forecasts were.
    pub forecast: Forecast,
    /// How the supplier has done.
    pub supplier: SupplierPerformance,
    /// Purchase orders of which something is still expected.
    pub purchases: Vec<(PurchaseOrderId, PurchaseOrder)>,
    /// Who waits for stock, in their order.
    pub waiting: Vec<Waiting>,
    /// What people should look at.
    pub alerts: Vec<InventoryAlert>,
}

impl Command for ReportStock {
    type Agent = InventoryAgent;
    type Reply = StockReport;
    const NAME: &'static str = "ReportStock";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        agent.check(&self.sku)?;
        let balances = stock.balances_at(context.now);
        let revised = outlook::current(&agent.settings, stock, context.now);
        let waiting = stock.holds.waiting().take(LISTED_MAX);
        let mut report = StockReport {
            sku: self.sku.clone(),
            balances,
            available: stock.sellable(&balances),
            shelves: stock
                .shelves()
                .map(|(id, shelf)| (id.clone(), *shelf))
                .collect(),
            forecast: Forecast::of(&revised, &stock.outlook),
            supplier: stock.purchases.supplier.performance(),
            purchases: stock
                .purchases
                .open()
                .map(|(id, order)| (id.clone(), order.clone()))
                .collect(),
            waiting: waiting
                .filter_map(|(reservation, hold)| match hold.state {
                    super::HoldState::Backordered { promised_at } => Some(Waiting {
                        reservation: reservation.clone(),
                        quantity: hold.quantity,
                        promised_at,
                    }),
                    _ => None,
                })
                .collect(),
            alerts: Vec::new(),
        };
        report.alerts = report.find_alerts(stock, context.now);
        Ok(Decision::reply(report))
    }
}

impl StockReport {
    fn find_alerts(&self, stock: &Stock, now: Timestamp) -> Vec<InventoryAlert> {
        let mut alerts = Vec::new();
        let reorder_point = self.forecast.reorder_point;
        match stock.depleted_since.filter(|_| self.available == 0) {
            Some(since) => alerts.push(InventoryAlert::OutOfStock { since }),
            None if self.available <= reorder_point => alerts.push(InventoryAlert::LowStock {
                available: self.available,
                reorder_point,
            }),
            None => {}
        }
        for (id, order) in &self.purchases {
            if order.state == super::PurchaseState::Unknown {
                let order = id.clone();
                alerts.push(InventoryAlert::OutcomeUnknown { order });
            }
            if order.expected_at < now {
                alerts.push(InventoryAlert::Overdue {
                    order: id.clone(),
                    expected_at: order.expected_at,
                });
            }
        }
        let missed = self.waiting.iter();
        alerts.extend(
            missed
                .filter(|waiting| waiting.promised_at < now)
                .map(|waiting| InventoryAlert::PromiseMissed {
                    reservation: waiting.reservation.clone(),
                    promised_at: waiting.promised_at,
                }),
        );
        alerts
    }
}
