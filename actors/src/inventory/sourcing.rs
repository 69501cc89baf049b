//! From which warehouses an order is sent: by cost, distance, and how often it may be split.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use mercato_runtime::{Command, Context, Decided};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::events::ReservationSourced;
use super::state::{Shelves, Stock};
use super::{InventoryAgent, InventoryRejection};
use crate::domain::{Jurisdiction, Quantity, ReservationId, Sku, WarehouseId};

/// A place where stock lies, and what it costs to send from there. Costs are in minor units of the
/// shop's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Warehouse {
    /// Its name.
    pub id: WarehouseId,
    /// What a parcel costs wherever it goes.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub parcel_cost: u32,
    /// What it costs more for each hundred kilometres.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub cost_per_100_km: u32,
    /// What picking one unit costs.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub unit_cost: u32,
    /// How far it is to a country, in kilometres.
    #[schemars(extend("minimum" = 0, "maximum" = 1_000_000_000))]
    pub distances_km: BTreeMap<Jurisdiction, u32>,
    /// How far it is to all others, in kilometres.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub elsewhere_km: u32,
}

impl Warehouse {
    /// A warehouse from which everything costs the same.
    #[must_use]
    pub fn plain(id: WarehouseId) -> Self {
        Self {
            id,
            parcel_cost: 0,
            cost_per_100_km: 0,
            unit_cost: 0,
            distances_km: BTreeMap::new(),
            elsewhere_km: 0,
        }
    }

    fn distance_km(&self, ship_to: Option<Jurisdiction>) -> u32 {
        let known = ship_to.and_then(|country| self.distances_km.get(&country));
        known.copied().unwrap_or(self.elsewhere_km)
    }

    fn cost_of_parcel(&self, ship_to: Option<Jurisdiction>) -> u64 {
        let distance = u64::from(self.distance_km(ship_to));
        u64::from(self.parcel_cost) + u64::from(self.cost_per_100_km) * distance / 100
    }
}

/// The warehouses of a shop: one to eight, each named once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Warehouse>", into = "Vec<Warehouse>")]
pub struct Warehouses(Vec<Warehouse>);

/// Why a list of warehouses is not a shop's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WarehousesError {
    /// There is none, or there are too many.
    #[error("a shop has 1 to {} warehouses; give so many", Warehouses::MAX)]
    Number,
    /// Two have one name.
    #[error("warehouse {0} stands twice; keep one of them")]
    Duplicate(WarehouseId),
}

impl Warehouses {
    /// The most warehouses: every combination of them is weighed.
    pub const MAX: usize = 8;

    /// These warehouses.
    ///
    /// # Errors
    /// When there is none or there are too many, or two have one name.
    pub fn new(warehouses: impl Into<Vec<Warehouse>>) -> Result<Self, WarehousesError> {
        let warehouses = warehouses.into();
        if warehouses.is_empty() || warehouses.len() > Self::MAX {
            return Err(WarehousesError::Number);
        }
        let mut seen = BTreeSet::new();
        for warehouse in &warehouses {
            if !seen.insert(&warehouse.id) {
                return Err(WarehousesError::Duplicate(warehouse.id.clone()));
            }
        }
        Ok(Self(warehouses))
    }

    /// Where goods come in.
    #[must_use]
    pub fn receiving(&self) -> WarehouseId {
        let first = self.0.first();
        first.map_or_else(WarehouseId::main, |warehouse| warehouse.id.clone())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Warehouse> {
        self.0.iter()
    }

    pub(super) fn check(&self, id: &WarehouseId) -> Result<(), InventoryRejection> {
        match self.iter().any(|warehouse| warehouse.id == *id) {
            true => Ok(()),
            false => Err(InventoryRejection::UnknownWarehouse(id.clone())),
        }
    }
}

impl Default for Warehouses {
    fn default() -> Self {
        Self(vec![Warehouse::plain(WarehouseId::main())])
    }
}

impl TryFrom<Vec<Warehouse>> for Warehouses {
    type Error = WarehousesError;

    fn try_from(warehouses: Vec<Warehouse>) -> Result<Self, WarehousesError> {
        Self::new(warehouses)
    }
}

impl From<Warehouses> for Vec<Warehouse> {
    fn from(warehouses: Warehouses) -> Self {
        warehouses.0
    }
}

/// Units that are sent from one warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// From where.
    pub warehouse: WarehouseId,
    /// How many.
    pub quantity: Quantity,
}

/// From where a quantity is sent, and what that costs in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourcing {
    /// How many from which warehouse.
    pub sources: Vec<Source>,
    /// What parcels and picking cost together.
    pub cost: u64,
}

/// The cheapest way to send a quantity from at most `splits_max` warehouses; of ways that cost the
/// same the one with fewer parcels, then the nearer, then the one whose warehouses are named first.
/// `None` where no such few have enough.
pub(super) fn source(
    warehouses: &Warehouses,
    shelves: &Shelves,
    quantity: Quantity,
    ship_to: Option<Jurisdiction>,
    splits_max: u32,
) -> Option<Sourcing> {
    let choices = 1u32..1 << warehouses.0.len().min(Warehouses::MAX);
    choices
        .filter(|chosen| chosen.count_ones() <= splits_max)
        .filter_map(|chosen| {
            let (sourcing, distance) = send_from(warehouses, chosen, shelves, quantity, ship_to)?;
            let rank = (sourcing.cost, sourcing.sources.len(), distance);
            Some((rank, sourcing))
        })
        .min_by(|(a, _), (b, _)| a.cmp(b))
        .map(|(_, sourcing)| sourcing)
}

/// Sends from the chosen warehouses, where units cost least first. `None` where they have too
/// little, or one of them is not needed.
fn send_from(
    warehouses: &Warehouses,
    chosen: u32,
    shelves: &Shelves,
    quantity: Quantity,
    ship_to: Option<Jurisdiction>,
) -> Option<(Sourcing, u32)> {
    let all = warehouses.iter().enumerate();
    let mut from: Vec<&Warehouse> = all
        .filter(|(place, _)| chosen & (1 << place) != 0)
        .map(|(_, warehouse)| warehouse)
        .collect();
    // Stable, so that of equals the one named first sends first.
    from.sort_by_key(|warehouse| (warehouse.unit_cost, warehouse.distance_km(ship_to)));
    let (mut left, mut cost, mut distance) = (quantity.get(), 0u64, 0u32);
    let mut sources = Vec::with_capacity(from.len());
    for warehouse in from {
        let free = u32::try_from(shelves.get(&warehouse.id).free()).unwrap_or(0);
        let units = free.min(left);
        left -= units;
        cost +=
            warehouse.cost_of_parcel(ship_to) + u64::from(warehouse.unit_cost) * u64::from(units);
        distance = distance.max(warehouse.distance_km(ship_to));
        sources.push(Source {
            warehouse: warehouse.id.clone(),
            quantity: Quantity::new(units).ok()?,
        });
    }
    (left == 0).then_some((Sourcing { sources, cost }, distance))
}

/// Sends from wherever there is something, the fullest shelves first. A placed order is kept
/// whatever it costs; so it is when a warehouse is no longer in the settings. `None` where there is
/// too little.
pub(super) fn source_anywhere(shelves: &Shelves, quantity: Quantity) -> Option<Vec<Source>> {
    let mut full: Vec<(&WarehouseId, i64)> = shelves
        .iter()
        .map(|(warehouse, shelf)| (warehouse, shelf.free()))
        .filter(|(_, free)| *free > 0)
        .collect();
    full.sort_by_key(|(_, free)| Reverse(*free));
    let mut left = quantity.get();
    let mut sources = Vec::new();
    for (warehouse, free) in full {
        let units = u32::try_from(free).unwrap_or(u32::MAX).min(left);
        if let Ok(quantity) = Quantity::new(units) {
            left -= units;
            let warehouse = warehouse.clone();
            sources.push(Source {
                warehouse,
                quantity,
            });
        }
    }
    (left == 0).then_some(sources)
}

/// Decides from where held units are sent, before they are committed. Deciding again, for another
/// country, changes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReservation {
    /// The product.
    pub sku: Sku,
    /// The hold.
    pub reservation: ReservationId,
    /// Where it goes.
    pub ship_to: Jurisdiction,
}

impl Command for SourceReservation {
    type Agent = InventoryAgent;
    type Reply = Sourcing;
    const NAME: &'static str = "SourceReservation";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let mut draft = Draft::open(agent, stock, &self.sku, context)?;
        let hold = draft.open_hold(&self.reservation)?;
        let mut shelves = draft.after().shelves.clone();
        shelves.give_back(&hold.sources);
        let settings = &agent.settings;
        let splits_max = settings.splits_max.get();
        let sourcing = source(
            &settings.warehouses,
            &shelves,
            hold.quantity,
            Some(self.ship_to),
            splits_max,
        );
        let sourcing = sourcing.ok_or(InventoryRejection::SplitLimit {
            quantity: hold.quantity.get(),
            splits_max,
        })?;
        if sourcing.sources != hold.sources {
            draft.record(ReservationSourced {
                reservation: self.reservation.clone(),
                sources: sourcing.sources.clone(),
            });
        }
        draft.reply(sourcing)
    }
}
