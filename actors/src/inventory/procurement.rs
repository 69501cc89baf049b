//! When to buy more, and how much.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::time::Duration;

use mercato_runtime::{Command, Context, Decided, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::commands::check_room;
use super::demand::{Forecast, forecast_demand};
use super::draft::Draft;
use super::events::{
    ProcurementNotified, PurchaseOrderRaised, PurchaseOrderReceived, ReorderAlertGenerated,
};
use super::state::Stock;
use super::{InventoryAgent, InventoryRejection};
use crate::domain::{BasisPoints, PurchaseOrderId, Quantity, Sku};

/// How stock is held and bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InventorySettings {
    /// The buffer, in units, that is to be left when a delivery arrives. Default: 5.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub safety_stock: u32,
    /// How long a supplier promises to take. Default: 2 days.
    #[schemars(extend("minimum" = "0s", "maximum" = "3650d"))]
    pub lead_time: Duration,
    /// For how long a purchase order covers demand beyond the lead time. Default: 7 days.
    #[schemars(extend("minimum" = "0s", "maximum" = "3650d"))]
    pub cover: Duration,
    /// Suppliers sell whole packs of so many units. Default: 6.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub pack_size: NonZeroU32,
    /// The fewest units that a supplier sells. Default: 24.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub order_min: u32,
    /// The weight of the latest hour in the forecast, 0 to 10 000. Default: 1 000.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub smoothing: BasisPoints,
    /// Demand of each calendar month, beginning with January, as a share of an ordinary month.
    /// Default: 13 000 in November and December, 10 000 otherwise.
    #[schemars(extend("minimum" = 0, "maximum" = 1_000_000))]
    pub season: [BasisPoints; 12],
    /// The longest that a hold may last. Default: 1 day.
    #[schemars(extend("minimum" = "1s", "maximum" = "30d"))]
    pub reservation_ttl_max: Duration,
}

impl Default for InventorySettings {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        let mut season = [BasisPoints::WHOLE; 12];
        season[10] = BasisPoints::new(13_000);
        season[11] = BasisPoints::new(13_000);
        Self {
            safety_stock: 5,
            lead_time: DAY * 2,
            cover: DAY * 7,
            pack_size: NonZeroU32::MIN.saturating_add(5),
            order_min: 24,
            smoothing: BasisPoints::new(1_000),
            season,
            reservation_ttl_max: DAY,
        }
    }
}

/// Looks whether more must be bought, and buys it: checks the reorder status, generates the alert,
/// raises the purchase order and notifies procurement. At most one order is open for a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsiderReorder {
    /// The product.
    pub sku: Sku,
    /// Units that customers wait for and that are not held in stock.
    pub waiting: u64,
}

/// What became of a look at the reorder point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReorderStatus {
    /// There is enough, here or on its way.
    NotNeeded,
    /// A purchase order is open already.
    AlreadyOrdered {
        /// Which one.
        order: PurchaseOrderId,
        /// How many units.
        quantity: Quantity,
        /// When it should arrive.
        expected_at: Timestamp,
    },
    /// A purchase order was raised.
    Raised {
        /// Its name.
        order: PurchaseOrderId,
        /// How many units.
        quantity: Quantity,
        /// When it should arrive.
        expected_at: Timestamp,
    },
}

impl Command for ConsiderReorder {
    type Agent = InventoryAgent;
    type Reply = ReorderStatus;
    const NAME: &'static str = "ConsiderReorder";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let mut draft = Draft::open(agent, stock, &self.sku, context);
        if let Some(open) = &stock.purchase {
            return draft.reply(ReorderStatus::AlreadyOrdered {
                order: open.order.clone(),
                quantity: open.quantity,
                expected_at: open.expected_at,
            });
        }
        let forecast = forecast_demand(&agent.settings, stock, context.now);
        let balances = draft.balances();
        let waiting = i64::try_from(self.waiting).unwrap_or(i64::MAX);
        let position = (balances.available() + balances.incoming).saturating_sub(waiting);
        let reorder_point = i64::try_from(forecast.reorder_point).unwrap_or(i64::MAX);
        if position > reorder_point {
            return draft.reply(ReorderStatus::NotNeeded);
        }
        draft.record(ReorderAlertGenerated {
            position,
            reorder_point: forecast.reorder_point,
        });
        let order = purchase_order_of(context)?;
        let quantity = quantity_to_order(&agent.settings, &forecast, position);
        let expected_at = context
            .now
            .plus(Duration::from_millis(forecast.lead_time_ms));
        draft.record(PurchaseOrderRaised {
            order: order.clone(),
            quantity,
            at: context.now,
            expected_at,
        });
        draft.record(ProcurementNotified {
            order: order.clone(),
        });
        draft.reply(ReorderStatus::Raised {
            order,
            quantity,
            expected_at,
        })
    }
}

/// A purchase order is named after the command that raised it: a second attempt names the same.
fn purchase_order_of(context: &Context<'_>) -> Result<PurchaseOrderId, InventoryRejection> {
    PurchaseOrderId::new(context.command_id.to_string())
        .map_err(InventoryRejection::PurchaseOrderName)
}

/// Up to the reorder point plus the cover, in whole packs, at least the supplier's minimum.
fn quantity_to_order(settings: &InventorySettings, forecast: &Forecast, position: i64) -> Quantity {
    let target = forecast
        .reorder_point
        .saturating_add(forecast.units_over(settings.cover));
    let missing = i128::from(target) - i128::from(position);
    let wanted = u32::try_from(missing.max(i128::from(settings.order_min))).unwrap_or(u32::MAX);
    let pack = settings.pack_size.get();
    let packs = wanted.div_ceil(pack).saturating_mul(pack);
    Quantity::new(packs).unwrap_or(Quantity::MOST)
}

/// Books the delivery of a purchase order, in whole. Idempotent. Replies with what is on hand then,
/// in units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivePurchaseOrder {
    /// The product.
    pub sku: Sku,
    /// The purchase order.
    pub order: PurchaseOrderId,
}

impl Command for ReceivePurchaseOrder {
    type Agent = InventoryAgent;
    type Reply = i64;
    const NAME: &'static str = "ReceivePurchaseOrder";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let mut draft = Draft::open(agent, stock, &self.sku, context);
        match &stock.purchase {
            Some(open) if open.order == self.order => {
                check_room(&draft, open.quantity)?;
                draft.record(PurchaseOrderReceived {
                    order: self.order.clone(),
                    quantity: open.quantity,
                    at: context.now,
                });
            }
            _ if stock.last_received.as_ref() == Some(&self.order) => {}
            _ => return Err(InventoryRejection::UnknownPurchaseOrder(self.order.clone())),
        }
        let on_hand = draft.balances().on_hand;
        draft.reply(on_hand)
    }
}
