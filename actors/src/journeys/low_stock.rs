//! What follows when stock falls to its reorder point.

use std::collections::BTreeMap;

use futures::future::join_all;
use futures::join;
use mercato_runtime::{Flow, FlowError, FlowType};
use serde::{Deserialize, Serialize};

use super::hold::order_of;
use crate::domain::{BasisPoints, OrderId, Sku};
use crate::inventory::{
    CheckStock, ConsiderReorder, Forecast, OpenReservations, ReorderStatus, ReviseForecast,
    StockStatus,
};
use crate::marketing::{NoteReorder, PausePromotions, ResumePromotions};
use crate::order::PendingUnits;
use crate::pricing::{AdjustStrategy, PriceReason, PriceRecommendation};
use crate::recommendation::{RestoreProduct, SuppressProduct};

/// The flow that follows low stock. It is started by
/// [`LowStockDetected`](crate::LowStockDetected).
pub const LOW_STOCK: FlowType<LowStockRequest, LowStockOutcome, LowStockError> =
    FlowType::new("low-stock", 3).by_the_service();

/// The same when it asked for orders under the names of their holds. What began as it ends as it: only
/// reads have other names since, and they leave nothing behind. It goes when none is on its way any more.
pub(super) const LOW_STOCK_BEFORE: FlowType<LowStockRequest, LowStockOutcome, LowStockError> =
    FlowType::new("low-stock", 2).by_the_service();

/// What a scarce product costs more.
const SCARCITY: BasisPoints = BasisPoints::new(500);
/// How many orders are asked about the pipeline.
const ORDERS_ASKED_MAX: usize = 32;
/// How many promises are looked at for them. Those of one order stand together but for a few, so that of
/// the orders that are asked every one is seen.
const RESERVATIONS_LISTED_MAX: u16 = 512;
const REASON: &str = "stock is low";

/// Which product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LowStockRequest {
    /// The product.
    pub sku: Sku,
}

/// What was done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LowStockOutcome {
    /// What customers wait for and have not been sent, in units, of the orders that were asked.
    pub pipeline: u64,
    /// What is expected to be asked for.
    pub forecast: Forecast,
    /// What the product costs before and after; `None` where stock was not low after all.
    pub price: Option<PriceRecommendation>,
    /// Whether more was bought.
    pub reorder: ReorderStatus,
}

/// Why the alert was not dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the low-stock alert was not dealt with: {0}")]
pub struct LowStockError(#[from] FlowError);

/// Deals with low stock: slows the product down, and buys more. What the slowing changed goes back
/// to normal on [`StockRecovered`](crate::StockRecovered); what was bought is pursued by
/// [`PURCHASE`](crate::PURCHASE).
///
/// # Errors
/// When a step is refused or cannot be taken.
pub async fn low_stock(
    flow: Flow,
    request: LowStockRequest,
) -> Result<LowStockOutcome, LowStockError> {
    let sku = &request.sku;
    let (pipeline, waiting) = check_pending_orders(&flow, sku).await?;
    let forecast = calculate_demand_forecast(&flow, sku).await?;
    let price = match is_low(&flow, "look", sku).await? {
        true => Some(low_stock_detected(&flow, sku).await?),
        false => None,
    };
    let reorder = reorder_needed(&flow, sku, waiting).await?;
    if price.is_some() {
        stock_recovered_meanwhile(&flow, sku).await?;
    }
    Ok(LowStockOutcome {
        pipeline,
        forecast,
        price,
        reorder,
    })
}

/// Asks the orders that hold this product, or have ordered it ahead, what they wait for. Gives the
/// pipeline, and how much of it Inventory knows nothing of: what is neither held nor ordered ahead.
async fn check_pending_orders(flow: &Flow, sku: &Sku) -> Result<(u64, u64), FlowError> {
    let open = OpenReservations {
        sku: sku.clone(),
        limit: RESERVATIONS_LISTED_MAX,
    };
    let mut known: BTreeMap<OrderId, u64> = BTreeMap::new();
    let (mut pipeline, mut waiting) = (0, 0);
    for promised in flow.ask("reservations", open).await? {
        let units = u64::from(promised.quantity.get());
        match order_of(&promised.reservation) {
            // An order has several: each is asked once, about all of them.
            Some(order) => *known.entry(order).or_default() += units,
            None => pipeline += units,
        }
    }
    let asked = known
        .into_iter()
        .enumerate()
        .map(|(place, (order, known))| {
            let sku = sku.clone();
            async move {
                if place >= ORDERS_ASKED_MAX {
                    return (known, known);
                }
                let step = format!("pending/{order}");
                match flow.ask(&step, PendingUnits { order, sku }).await {
                    Ok(pending) => (u64::from(pending), known),
                    // A promise need not belong to an order; then it is all that waits.
                    Err(_) => (known, known),
                }
            }
        });
    for (pending, known) in join_all(asked).await {
        // What Inventory holds is promised until it is given back, whatever the order says.
        pipeline += pending.max(known);
        waiting += pending.saturating_sub(known);
    }
    Ok((pipeline, waiting))
}

/// Makes the forecast anew, and with it the reorder point.
async fn calculate_demand_forecast(flow: &Flow, sku: &Sku) -> Result<Forecast, FlowError> {
    let sku = sku.clone();
    Ok(flow.ask("forecast", ReviseForecast { sku }).await?)
}

async fn is_low(flow: &Flow, step: &str, sku: &Sku) -> Result<bool, FlowError> {
    let levels = flow.ask(step, CheckStock { sku: sku.clone() }).await?;
    Ok(levels.status != StockStatus::Available)
}

/// Raises the price, pauses promotions and recommends other products, all at once.
async fn low_stock_detected(flow: &Flow, sku: &Sku) -> Result<PriceRecommendation, FlowError> {
    let adjust = AdjustStrategy {
        sku: sku.clone(),
        adjustment: SCARCITY,
        reason: PriceReason::LowStock,
    };
    let pause = PausePromotions {
        sku: sku.clone(),
        reason: REASON.into(),
    };
    let suppress = SuppressProduct {
        sku: sku.clone(),
        reason: REASON.into(),
    };
    let (price, promotions, recommendations) = join!(
        flow.ask("strategy", adjust),
        flow.ask("promotions", pause),
        flow.ask("recommendations", suppress),
    );
    promotions?;
    recommendations?;
    Ok(price?)
}

/// Stock can recover while the slowing is still on its way, as when a checkout gives back what it
/// held; then the news of it came too early to take back what was slowed later. So look again.
async fn stock_recovered_meanwhile(flow: &Flow, sku: &Sku) -> Result<(), FlowError> {
    if is_low(flow, "look-again", sku).await? {
        return Ok(());
    }
    let adjust = AdjustStrategy {
        sku: sku.clone(),
        adjustment: BasisPoints::ZERO,
        reason: PriceReason::StockRecovered,
    };
    let (strategy, promotions, recommendations) = join!(
        flow.ask("strategy/normal", adjust),
        flow.ask("promotions/normal", ResumePromotions { sku: sku.clone() }),
        flow.ask(
            "recommendations/normal",
            RestoreProduct { sku: sku.clone() }
        ),
    );
    strategy?;
    promotions?;
    recommendations?;
    Ok(())
}

/// Generates the purchase order, and tells Marketing.
async fn reorder_needed(flow: &Flow, sku: &Sku, waiting: u64) -> Result<ReorderStatus, FlowError> {
    let consider = ConsiderReorder {
        sku: sku.clone(),
        waiting,
    };
    let status = flow.ask("reorder", consider).await?;
    if let ReorderStatus::Raised {
        quantity,
        expected_at,
        ..
    } = &status
    {
        let note = NoteReorder {
            sku: sku.clone(),
            units: quantity.get(),
            expected_at: *expected_at,
        };
        flow.ask("notify-marketing", note).await?;
    }
    Ok(status)
}
