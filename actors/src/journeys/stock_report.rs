//! Inventory reports over many products: a request, answered at once and recorded nowhere.

use futures::future::join_all;
use mercato_runtime::{FlowError, Scope};

use crate::domain::Sku;
use crate::inventory::{InventoryAlert, ReportStock, StockReport};

/// The most products that one report covers; those after them are left out, and counted.
const PRODUCTS_MAX: usize = 1_000;

/// Stock over many products.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InventoryReport {
    /// Product by product.
    pub products: Vec<StockReport>,
    /// On hand in all of them, in units.
    pub on_hand: i64,
    /// On its way from suppliers, in units.
    pub incoming: i64,
    /// Promised to customers who wait, in units.
    pub backordered: i64,
    /// Lost, in units.
    pub lost: i64,
    /// How many products were asked for and are left out.
    pub left_out: usize,
}

impl InventoryReport {
    /// What people should look at, with the product that it is about.
    pub fn alerts(&self) -> impl Iterator<Item = (&Sku, &InventoryAlert)> {
        let products = self.products.iter();
        products.flat_map(|report| report.alerts.iter().map(|alert| (&report.sku, alert)))
    }
}

/// Generates inventory reports and alerts, asking for all products at once.
///
/// # Errors
/// When a product is unknown, or Inventory could not be asked.
pub async fn inventory_report(scope: &Scope, skus: &[Sku]) -> Result<InventoryReport, FlowError> {
    let covered = skus.iter().take(PRODUCTS_MAX);
    let asked = covered.map(|sku| scope.ask(ReportStock { sku: sku.clone() }));
    let mut report = InventoryReport {
        left_out: skus.len().saturating_sub(PRODUCTS_MAX),
        ..InventoryReport::default()
    };
    for answer in join_all(asked).await {
        let product = answer?;
        report.on_hand += product.balances.on_hand;
        report.incoming += product.balances.incoming;
        report.backordered += product.balances.backordered;
        report.lost += product.balances.lost;
        report.products.push(product);
    }
    Ok(report)
}
