//! Buying more: from the look at the reorder point to the delivery.

use std::borrow::Cow;
use std::time::Duration;

use mercato_runtime::{Command, Context, Decided, Timestamp};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::events::{
    ProcurementNotified, PurchaseOrderAccepted, PurchaseOrderOutcomeLost, PurchaseOrderRaised,
    PurchaseOrderRefused, ReorderAlertGenerated,
};
use super::outlook;
use super::replenish::ReorderPlan;
use super::state::{PurchaseState, Stock};
use super::{InventoryAgent, InventoryRejection};
use crate::domain::{PurchaseOrderId, Quantity, Sku, SupplierId, WarehouseId};

/// The most purchase orders of one SKU that are open.
const OPEN_MAX: usize = 8;

/// Looks whether more must be bought, and puts it into the books: checks the reorder status,
/// generates the alert, raises the purchase order. What is on its way counts as the supplier's fill
/// rate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsiderReorder {
    /// The product.
    pub sku: Sku,
    /// Units that customers wait for and that are neither held in stock nor ordered ahead.
    pub waiting: u64,
}

/// What became of a look at the reorder point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReorderStatus {
    /// There is enough.
    NotNeeded,
    /// There is enough with what is on its way, or as much is on its way as may be.
    AlreadyOrdered {
        /// The purchase order that is expected last.
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
        /// From whom.
        supplier: SupplierId,
        /// To where.
        warehouse: WarehouseId,
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
        let mut draft = Draft::open(agent, stock, &self.sku, context)?;
        let position = self.position(stock, &draft);
        let revised = outlook::current(&agent.settings, stock, context.now);
        let terms = agent.settings.order_terms();
        let plan = ReorderPlan::of_points(revised.reorder_point, revised.order_up_to);
        let wanted = plan.quantity(&terms, position);
        let open = stock.purchases.open();
        let last = open.max_by_key(|(id, order)| (order.expected_at, (*id).clone()));
        let is_full = stock.purchases.open().count() >= OPEN_MAX;
        match (wanted, last) {
            (None, None) => draft.reply(ReorderStatus::NotNeeded),
            (wanted, Some((order, open))) if wanted.is_none() || is_full => {
                draft.reply(ReorderStatus::AlreadyOrdered {
                    order: order.clone(),
                    quantity: open.quantity,
                    expected_at: open.expected_at,
                })
            }
            (None, Some(_)) => draft.reply(ReorderStatus::NotNeeded),
            (Some(units), _) => {
                draft.record(ReorderAlertGenerated {
                    position,
                    reorder_point: revised.reorder_point,
                });
                let lead = revised.until.since(revised.at);
                let status = raise(agent, &mut draft, context, units, lead)?;
                draft.reply(status)
            }
        }
    }
}

impl ConsiderReorder {
    /// The inventory position: what is available and what is expected to come, less what waits.
    fn position(&self, stock: &Stock, draft: &Draft<'_>) -> i64 {
        let balances = draft.balances();
        let fill_rate = stock.purchases.supplier.fill_rate();
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // far below 2^52
        let expected = (balances.incoming as f64 * fill_rate).floor() as i64;
        let waiting = i64::try_from(self.waiting).unwrap_or(i64::MAX);
        (balances.available() + balances.in_transit + expected - balances.backordered)
            .saturating_sub(waiting)
    }
}

/// Generates the purchase order, to where goods come in.
fn raise(
    agent: &InventoryAgent,
    draft: &mut Draft<'_>,
    context: &Context<'_>,
    units: u32,
    lead: Duration,
) -> Result<ReorderStatus, InventoryRejection> {
    // It is named after the command that raised it: a second attempt names the same.
    let order = PurchaseOrderId::new(context.command_id.to_string())
        .map_err(InventoryRejection::PurchaseOrderName)?;
    let supplier = agent.settings.supplier.clone();
    let warehouse = agent.settings.warehouses.receiving();
    let quantity = Quantity::new(units).unwrap_or(Quantity::MOST);
    let expected_at = context.now.plus(lead);
    draft.record(PurchaseOrderRaised {
        order: order.clone(),
        supplier: supplier.clone(),
        warehouse: warehouse.clone(),
        quantity,
        at: context.now,
        expected_at,
    });
    Ok(ReorderStatus::Raised {
        order,
        supplier,
        warehouse,
        quantity,
        expected_at,
    })
}

/// What became of asking the supplier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcurementOutcome {
    /// The supplier takes the order.
    Accepted {
        /// When it is promised for.
        promised_at: Timestamp,
    },
    /// The supplier does not take it.
    Refused {
        /// What the supplier says.
        reason: Box<str>,
    },
    /// Nobody knows.
    Unknown,
}

/// Records that procurement was asked, and what came of it. Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordProcurement {
    /// The product.
    pub sku: Sku,
    /// The purchase order.
    pub order: PurchaseOrderId,
    /// What came of it.
    pub outcome: ProcurementOutcome,
}

impl Command for RecordProcurement {
    type Agent = InventoryAgent;
    type Reply = PurchaseState;
    const NAME: &'static str = "RecordProcurement";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        use ProcurementOutcome as O;
        use PurchaseState as S;
        let mut draft = Draft::open(agent, stock, &self.sku, context)?;
        let order = stock
            .purchases
            .get(&self.order)
            .ok_or_else(|| InventoryRejection::UnknownPurchaseOrder(self.order.clone()))?;
        let id = self.order.clone();
        let impossible = InventoryRejection::PurchaseTransition {
            order: id.clone(),
            state: order.state,
        };
        if order.state == S::Raised {
            draft.record(ProcurementNotified { order: id.clone() });
        }
        let state = match (&self.outcome, order.state) {
            (O::Accepted { promised_at }, S::Raised | S::Unknown) => {
                draft.record(PurchaseOrderAccepted {
                    order: id,
                    promised_at: *promised_at,
                });
                S::Accepted
            }
            (O::Refused { reason }, S::Raised | S::Unknown) => {
                draft.record(PurchaseOrderRefused {
                    order: id,
                    quantity: order.quantity,
                    reason: reason.clone(),
                });
                S::Refused
            }
            (O::Unknown, S::Raised) => {
                draft.record(PurchaseOrderOutcomeLost { order: id });
                S::Unknown
            }
            // Said again, or overtaken by a delivery.
            (
                O::Accepted { .. },
                S::Accepted | S::PartlyReceived | S::Received | S::ClosedShort,
            )
            | (O::Refused { .. }, S::Refused)
            | (O::Unknown, _) => order.state,
            (O::Accepted { .. }, S::Refused)
            | (O::Refused { .. }, S::Accepted | S::PartlyReceived | S::Received | S::ClosedShort) =>
            {
                return Err(impossible);
            }
        };
        draft.reply(state)
    }
}
