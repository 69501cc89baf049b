//! Deliveries of purchase orders: whole, in part, more than was ordered, late, or never.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Timestamp};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::events::{PurchaseOrderClosed, PurchaseOrderReceived};
use super::goods::check_room;
use super::state::{PurchaseState, Stock};
use super::{InventoryAgent, InventoryRejection};
use crate::domain::{PurchaseOrderId, Quantity, Sku};

/// Books a delivery of a purchase order. Idempotent by the number of the delivery. Replies with
/// what is on hand in all warehouses then, in units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivePurchaseOrder {
    /// The product.
    pub sku: Sku,
    /// The purchase order.
    pub order: PurchaseOrderId,
    /// Which of its deliveries, the first being 1.
    pub delivery: u32,
    /// How many units came.
    pub quantity: Quantity,
    /// When they came: what the supplier is judged by.
    pub arrived_at: Timestamp,
}

impl Command for ReceivePurchaseOrder {
    type Agent = InventoryAgent;
    type Reply = i64;
    const NAME: &'static str = "ReceivePurchaseOrder";
    const VERSION: u16 = 2;

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
        let order = stock
            .purchases
            .get(&self.order)
            .ok_or_else(|| InventoryRejection::UnknownPurchaseOrder(self.order.clone()))?;
        if order.state == PurchaseState::Refused {
            return Err(InventoryRejection::PurchaseTransition {
                order: self.order.clone(),
                state: order.state,
            });
        }
        let expected = order.deliveries + 1;
        if self.delivery > expected || self.delivery == 0 {
            return Err(InventoryRejection::DeliveryOutOfOrder { expected });
        }
        if self.delivery == expected {
            check_room(&draft, self.quantity)?;
            draft.record(PurchaseOrderReceived {
                order: self.order.clone(),
                delivery: self.delivery,
                warehouse: order.warehouse.clone(),
                quantity: self.quantity,
                ordered: self.quantity.get().min(order.outstanding()),
                at: self.arrived_at.min(context.now),
            });
        }
        let on_hand = draft.balances().on_hand;
        draft.reply(on_hand)
    }
}

/// Gives up what has not come of a purchase order. Idempotent. What comes all the same is booked as
/// more than was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosePurchaseOrder {
    /// The product.
    pub sku: Sku,
    /// The purchase order.
    pub order: PurchaseOrderId,
}

impl Command for ClosePurchaseOrder {
    type Agent = InventoryAgent;
    type Reply = PurchaseState;
    const NAME: &'static str = "ClosePurchaseOrder";

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
        let order = stock
            .purchases
            .get(&self.order)
            .ok_or_else(|| InventoryRejection::UnknownPurchaseOrder(self.order.clone()))?;
        let mut state = order.state;
        if let Ok(missing) = Quantity::new(order.outstanding()) {
            draft.record(PurchaseOrderClosed {
                order: self.order.clone(),
                missing,
                at: context.now,
            });
            state = PurchaseState::ClosedShort;
        }
        draft.reply(state)
    }
}
