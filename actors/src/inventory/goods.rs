//! Receiving units of one SKU, from suppliers and from customers.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::events::{Condition, StockReceived, StockReturned};
use super::state::Stock;
use super::{InventoryAgent, InventoryRejection};
use crate::domain::{Quantity, Sku, WarehouseId};

/// The most units of one SKU; far from where 64 bits end.
const ON_HAND_MAX: u64 = 1_000_000_000_000;

/// Books units that arrived where goods come in. Replies with what is on hand then, in units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiveStock {
    /// The product.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
}

impl Command for ReceiveStock {
    type Agent = InventoryAgent;
    type Reply = i64;
    const NAME: &'static str = "ReceiveStock";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let warehouse = agent.settings.warehouses.receiving();
        receive(agent, stock, context, &self.sku, warehouse, self.quantity)
    }
}

/// Books units that arrived at one of several warehouses. Replies with what is on hand in all of
/// them then, in units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiveStockAt {
    /// The product.
    pub sku: Sku,
    /// Where.
    pub warehouse: WarehouseId,
    /// How many.
    pub quantity: Quantity,
}

impl Command for ReceiveStockAt {
    type Agent = InventoryAgent;
    type Reply = i64;
    const NAME: &'static str = "ReceiveStockAt";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        agent.settings.warehouses.check(&self.warehouse)?;
        let warehouse = self.warehouse.clone();
        receive(agent, stock, context, &self.sku, warehouse, self.quantity)
    }
}

fn receive(
    agent: &InventoryAgent,
    stock: &Stock,
    context: &Context<'_>,
    sku: &Sku,
    warehouse: WarehouseId,
    quantity: Quantity,
) -> Decided<ReceiveStockAt> {
    let mut draft = Draft::open(agent, stock, sku, context)?;
    check_room(&draft, quantity)?;
    draft.record(StockReceived {
        warehouse,
        quantity,
    });
    let on_hand = draft.balances().on_hand;
    draft.reply(on_hand)
}

/// Refuses what would pass the limit of one SKU's stock.
pub(super) fn check_room(draft: &Draft<'_>, more: Quantity) -> Result<(), InventoryRejection> {
    let on_hand = u64::try_from(draft.balances().on_hand).unwrap_or(0);
    if on_hand + u64::from(more.get()) > ON_HAND_MAX {
        return Err(InventoryRejection::StockLimit { max: ON_HAND_MAX });
    }
    Ok(())
}

/// Takes units back from a customer, after inspection, where goods come in; what is damaged is set
/// aside. Replies with what is on hand then, in units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnStock {
    /// The product.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// What inspection found.
    pub condition: Condition,
}

impl Command for ReturnStock {
    type Agent = InventoryAgent;
    type Reply = i64;
    const NAME: &'static str = "ReturnStock";

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
        let outstanding = stock.balances.shipped - stock.balances.returned;
        if i64::from(self.quantity.get()) > outstanding {
            return Err(InventoryRejection::ReturnExceedsShipped {
                outstanding: u64::try_from(outstanding).unwrap_or(0),
            });
        }
        draft.record(StockReturned {
            warehouse: agent.settings.warehouses.receiving(),
            quantity: self.quantity,
            condition: self.condition,
        });
        let on_hand = draft.balances().on_hand;
        draft.reply(on_hand)
    }
}
