//! From transactions to a shop: its catalogue, and what is on its shelves in the morning.

use std::sync::Arc;

use futures::future::join_all;
use mercato_actors::runtime::{Caller, Handle};
use mercato_actors::{
    Catalogue, CheckStock, CountStock, Currency, DispatchTransfer, Money, Product, Quantity,
    ReceiveStock, ReceiveTransfer, ReportStock, Sku, TransferId, WarehouseId,
};

use crate::data::{Dataset, ProductFacts};
use crate::error::SimulationError;
use crate::shopper::{Calibration, Empirical};
use crate::world::SECOND_WAREHOUSE;

/// What a unit costs the shop, in hundredths of its price.
const COST_PERCENT: i64 = 60;
/// The share of visits that the shelves are filled for, in percent: what shops commonly convert.
const BUYERS_PERCENT: u64 = 3;
/// Every product has at least so many units.
const UNITS_MIN: u64 = 48;

/// A shop's products, in the order of the data set.
#[derive(Debug, Clone)]
pub(crate) struct Range {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) skus: Arc<[Sku]>,
    pub(crate) names: Arc<[Box<str>]>,
}

impl Range {
    pub(crate) fn from(dataset: &Dataset) -> Result<Self, SimulationError> {
        let products: Vec<Product> = dataset
            .products
            .iter()
            .map(product)
            .collect::<Result<_, _>>()?;
        let skus = products.iter().map(|product| product.sku.clone()).collect();
        let names = products
            .iter()
            .map(|product| product.name.clone())
            .collect();
        let catalogue = Catalogue::new(products)
            .map_err(|error| SimulationError::Catalogue(error.to_string()))?;
        Ok(Self {
            catalogue: Arc::new(catalogue),
            skus,
            names,
        })
    }

    pub(crate) fn sku(&self, product: u32) -> Option<&Sku> {
        self.skus.get(usize::try_from(product).ok()?)
    }

    pub(crate) fn name(&self, product: u32) -> Option<&str> {
        Some(self.names.get(usize::try_from(product).ok()?)?)
    }
}

fn product(facts: &ProductFacts) -> Result<Product, SimulationError> {
    let sku = Sku::new(facts.stock_code.as_str())
        .map_err(|error| SimulationError::Catalogue(format!("`{}`: {error}", facts.stock_code)))?;
    let price = facts.price_minor;
    Ok(Product {
        sku,
        name: facts.description.as_str().into(),
        description: facts.description.as_str().into(),
        // Gift-shop descriptions end in what the thing is: "RED RETROSPOT CAKE STAND".
        category: facts
            .description
            .split_whitespace()
            .next_back()
            .unwrap_or("other")
            .to_lowercase()
            .into(),
        base_price: Money::new(price, Currency::GBP),
        cost: Money::new(price * COST_PERCENT / 100, Currency::GBP),
    })
}

/// How many products are delivered at once.
const DELIVERIES_AT_ONCE: usize = 256;

/// Fills the shelves that were never filled before; over the same store a later day finds them as
/// the day before left them.
pub(crate) async fn stock_shelves(
    handle: &Handle,
    range: &Range,
    calibration: &Calibration,
    visits: u64,
) -> Result<(), SimulationError> {
    let units = visits * BUYERS_PERCENT / 100
        * mean(&calibration.basket_lines)
        * mean(&calibration.line_quantity);
    let popularity: u64 = calibration.popularity.iter().sum::<u64>().max(1);
    let shelves: Vec<_> = range.skus.iter().zip(&calibration.popularity).collect();
    for some in shelves.chunks(DELIVERIES_AT_ONCE) {
        let deliveries = some.iter().map(|(sku, weight)| async move {
            // Twice the expected demand of a day: some popular products run low on the way.
            let expected = 2 * u128::from(units) * u128::from(**weight) / u128::from(popularity);
            let units = u64::try_from(expected).unwrap_or(u64::MAX).max(UNITS_MIN);
            deliver_first(handle, sku, units).await
        });
        for delivered in join_all(deliveries).await {
            delivered?;
        }
    }
    Ok(())
}

async fn deliver_first(handle: &Handle, sku: &Sku, units: u64) -> Result<(), SimulationError> {
    let unstocked = |problem: String| SimulationError::Stocking(format!("{sku}: {problem}"));
    let caller = Caller::system();
    let look = CheckStock { sku: sku.clone() };
    let levels = handle.ask(&caller, look).await;
    if levels
        .map_err(|error| unstocked(error.to_string()))?
        .balances
        .received
        > 0
    {
        return Ok(());
    }
    let units = u32::try_from(units)
        .unwrap_or(Quantity::MAX)
        .min(Quantity::MAX);
    let quantity = Quantity::new(units).map_err(|error| unstocked(error.to_string()))?;
    let receive = ReceiveStock {
        sku: sku.clone(),
        quantity,
    };
    let delivered = handle.ask(&caller, receive).await;
    delivered.map_err(|error| unstocked(error.to_string()))?;
    bring_to_second(handle, sku, units / 4).await
}

/// Brings some of what came in to the other warehouse.
async fn bring_to_second(handle: &Handle, sku: &Sku, units: u32) -> Result<(), SimulationError> {
    let unstocked = |problem: String| SimulationError::Stocking(format!("{sku}: {problem}"));
    let (Ok(quantity), Ok(transfer), Ok(to)) = (
        Quantity::new(units),
        TransferId::new("opening"),
        WarehouseId::new(SECOND_WAREHOUSE),
    ) else {
        return Ok(());
    };
    let caller = Caller::system();
    let dispatch = DispatchTransfer {
        sku: sku.clone(),
        transfer: transfer.clone(),
        from: WarehouseId::main(),
        to,
        quantity,
    };
    let sent = handle.ask(&caller, dispatch).await;
    sent.map_err(|error| unstocked(error.to_string()))?;
    let receive = ReceiveTransfer {
        sku: sku.clone(),
        transfer,
        arrived: units,
    };
    let arrived = handle.ask(&caller, receive).await;
    arrived
        .map(drop)
        .map_err(|error| unstocked(error.to_string()))
}

/// One shelf of so many is counted in the evening, and found to have one unit less than it should.
const COUNTED_EVERY: usize = 20;

/// Counts some shelves of which not everything is promised. What is missing is booked as lost.
pub(crate) async fn count_shelves(handle: &Handle, range: &Range) -> Result<(), SimulationError> {
    let caller = Caller::system();
    for sku in range.skus.iter().step_by(COUNTED_EVERY) {
        let failed = |problem: String| SimulationError::Stocking(format!("{sku}: {problem}"));
        let look = ReportStock { sku: sku.clone() };
        let report = handle.ask(&caller, look).await;
        let report = report.map_err(|error| failed(error.to_string()))?;
        let main = report
            .shelves
            .iter()
            .find(|(id, _)| *id == WarehouseId::main());
        let there = main.map_or(0, |(_, shelf)| shelf.on_hand);
        let counted = match u64::try_from(there - 1) {
            // A promise that goes short stops its order until people look at it.
            Ok(counted) if report.available > 0 => counted,
            _ => continue,
        };
        let count = CountStock {
            sku: sku.clone(),
            warehouse: WarehouseId::main(),
            counted,
        };
        let done = handle.ask(&caller, count).await;
        done.map_err(|error| failed(error.to_string()))?;
    }
    Ok(())
}

/// The mean of a distribution, from its quantiles.
fn mean(distribution: &Empirical) -> u64 {
    let quantiles = (0..20).map(|twentieth| f64::from(twentieth) / 20.0 + 0.025);
    let sum: u64 = quantiles.map(|p| u64::from(distribution.quantile(p))).sum();
    (sum / 20).max(1)
}
