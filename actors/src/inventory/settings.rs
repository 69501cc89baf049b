//! How stock is held and bought.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::replenish::{CostTerms, OrderTerms, Replenishment, SafetyMethod, ServiceLevel};
use super::sourcing::Warehouses;
use crate::domain::{BasisPoints, SupplierId};

/// How stock is held and bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InventorySettings {
    /// The least safety stock, in units. It can be sold. Default: 5.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub safety_stock: u32,
    /// The share of the times before a delivery in which stock does not run out. Default: 9 500.
    #[schemars(extend("minimum" = 5_000, "maximum" = 9_999))]
    pub service_level: ServiceLevel,
    /// By which deviations safety stock is measured. Default: those that were seen.
    pub safety: SafetyMethod,
    /// By which policy stock is replenished. Default: (s, S).
    pub replenishment: Replenishment,
    /// What orders and stock cost; where given, quantities follow from it. Default: not given.
    pub costs: Option<CostTerms>,
    /// Who is bought from. Default: the main supplier.
    pub supplier: SupplierId,
    /// How long the supplier promises to take. Default: 2 days.
    #[schemars(extend("minimum" = "0s", "maximum" = "3650d"))]
    pub lead_time: Duration,
    /// The standard deviation of that, until deliveries tell. Default: 12 hours.
    #[schemars(extend("minimum" = "0s", "maximum" = "3650d"))]
    pub lead_time_deviation: Duration,
    /// For how long a purchase order covers demand beyond the lead time. Default: 7 days.
    #[schemars(extend("minimum" = "0s", "maximum" = "3650d"))]
    pub cover: Duration,
    /// Suppliers sell whole packs of so many units. Default: 6.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub pack_size: NonZeroU32,
    /// The fewest units that a supplier sells. Default: 24.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub order_min: u32,
    /// Demand of each calendar month, beginning with January, as a share of an ordinary month.
    /// Default: 13 000 in November and December, 10 000 otherwise.
    #[schemars(extend("minimum" = 0, "maximum" = 1_000_000))]
    pub season: [BasisPoints; 12],
    /// The longest that a hold may last. Default: 1 day.
    #[schemars(extend("minimum" = "1s", "maximum" = "30d"))]
    pub reservation_ttl_max: Duration,
    /// How many units may be ordered ahead, of a product that has no terms of its own. Default: 50.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub backorder_units_max: u32,
    /// How long stock that came is held for a customer who waited for it. Default: 2 days.
    #[schemars(extend("minimum" = "1s", "maximum" = "3650d"))]
    pub backorder_hold: Duration,
    /// Where stock lies; what is bought comes to the first. Default: one warehouse.
    pub warehouses: Warehouses,
    /// From how many warehouses one line of an order may be sent. Default: 2.
    #[schemars(range(min = 1, max = 8))]
    pub splits_max: NonZeroU32,
}

impl Default for InventorySettings {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        let mut season = [BasisPoints::WHOLE; 12];
        season[10] = BasisPoints::new(13_000);
        season[11] = BasisPoints::new(13_000);
        Self {
            safety_stock: 5,
            service_level: ServiceLevel::P95,
            safety: SafetyMethod::Conformal,
            replenishment: Replenishment::OrderUpTo,
            costs: None,
            supplier: SupplierId::main(),
            lead_time: DAY * 2,
            lead_time_deviation: DAY / 2,
            cover: DAY * 7,
            pack_size: NonZeroU32::MIN.saturating_add(5),
            order_min: 24,
            season,
            reservation_ttl_max: DAY,
            backorder_units_max: 50,
            backorder_hold: DAY * 2,
            warehouses: Warehouses::default(),
            splits_max: NonZeroU32::MIN.saturating_add(1),
        }
    }
}

impl InventorySettings {
    /// The terms on which a product is bought.
    #[must_use]
    pub fn order_terms(&self) -> OrderTerms {
        OrderTerms {
            service_level: self.service_level,
            safety: self.safety,
            replenishment: self.replenishment,
            safety_min: self.safety_stock,
            pack_size: self.pack_size,
            order_min: self.order_min,
            costs: self.costs,
        }
    }
}
