//! What was noticed and what is expected.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::Sku;
use crate::inventory::forecast::{DemandPattern, Method};

/// What is available fell to the reorder point, or stayed there after a delivery. Recorded once
/// until then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LowStockDetected {
    /// The product.
    pub sku: Sku,
    /// What was available then.
    pub available: u64,
    /// The reorder point then.
    pub reorder_point: u64,
}

/// What is available rose above the reorder point again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockRecovered {
    /// The product.
    pub sku: Sku,
    /// What was available then.
    pub available: u64,
}

/// Nothing is available any more: from now on sales say less than demand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockDepleted {
    /// When.
    pub at: Timestamp,
}

/// Something is available again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReplenished {
    /// When.
    pub at: Timestamp,
}

/// Stock on hand and on its way does not cover what is expected to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReorderAlertGenerated {
    /// What is available, plus what is on its way, less the demand that waits.
    pub position: i64,
    /// The point below which more is bought.
    pub reorder_point: u64,
}

/// The forecast was made anew, and with it the reorder point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForecastRevised {
    /// When.
    pub at: Timestamp,
    /// What kind of demand it is.
    pub pattern: DemandPattern,
    /// The method that counts most; `None` while too little is known for any.
    pub method: Option<Method>,
    /// Expected demand of one hour, in thousandths of a unit.
    pub per_hour_milli: u64,
    /// Until when the expectation of the next fields reaches: one lead time from now.
    pub until: Timestamp,
    /// Expected demand until then, in thousandths of a unit.
    pub over_lead_time_milli: u64,
    /// Its standard deviation, in thousandths of a unit.
    pub deviation_milli: u64,
    /// The safety stock, in units.
    pub safety: u64,
    /// Order at this position or below, in units.
    pub reorder_point: u64,
    /// Order up to here, in units.
    pub order_up_to: u64,
    /// The mean absolute error of a period's forecast on periods that were held out, in thousandths
    /// of a unit; `None` where none could be.
    pub held_out_error_milli: Option<u64>,
    /// What came of the forecast whose lead time is over, where one was; by how many deviations
    /// more was asked for than expected, in thousandths.
    pub score_milli: Option<i64>,
}
