//! Units on their way from one warehouse to another.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::events::{TransferDispatched, TransferReceived};
use super::state::Stock;
use super::{InventoryAgent, InventoryRejection};
use crate::domain::{Quantity, Sku, TransferId, WarehouseId};

/// The most transfers of one SKU that are on their way.
const OPEN_MAX: usize = 64;

/// Sends units from one warehouse to another. Until they arrive nobody can have them. Repeating it
/// for the same transfer changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DispatchTransfer {
    /// The product.
    pub sku: Sku,
    /// The caller's name for the transfer.
    pub transfer: TransferId,
    /// From where.
    pub from: WarehouseId,
    /// To where.
    pub to: WarehouseId,
    /// How many.
    pub quantity: Quantity,
}

impl Command for DispatchTransfer {
    type Agent = InventoryAgent;
    type Reply = ();
    const NAME: &'static str = "DispatchTransfer";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let warehouses = &agent.settings.warehouses;
        // What lies where there is no warehouse any more can still be brought away.
        warehouses.check(&self.to)?;
        if self.from == self.to {
            return Err(InventoryRejection::TransferWithin);
        }
        let mut draft = Draft::open(agent, stock, &self.sku, context)?;
        if let Some(known) = stock.transfers.get(&self.transfer) {
            let same =
                known.from == self.from && known.to == self.to && known.quantity == self.quantity;
            return match same {
                true => draft.reply(()),
                false => Err(InventoryRejection::TransferDiffers(self.transfer.clone())),
            };
        }
        let open = stock.transfers.values();
        if open.filter(|transfer| transfer.arrived.is_none()).count() >= OPEN_MAX {
            return Err(InventoryRejection::TransferLimit { max: OPEN_MAX });
        }
        // Neither what is to be sent from here nor what is promised at all may leave.
        let free = draft.after().shelves.get(&self.from).free();
        let free = free.min(draft.balances().available());
        if i64::from(self.quantity.get()) > free {
            return Err(InventoryRejection::ShelfLimit {
                warehouse: self.from.clone(),
                free: u64::try_from(free).unwrap_or(0),
            });
        }
        draft.record(TransferDispatched {
            transfer: self.transfer.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            quantity: self.quantity,
            at: context.now,
        });
        draft.reply(())
    }
}

/// Books the arrival of a transfer; what did not arrive is lost. Idempotent. Replies with what is
/// on hand in all warehouses then, in units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiveTransfer {
    /// The product.
    pub sku: Sku,
    /// The transfer.
    pub transfer: TransferId,
    /// How many arrived, in units: none where all were lost.
    pub arrived: u32,
}

impl Command for ReceiveTransfer {
    type Agent = InventoryAgent;
    type Reply = i64;
    const NAME: &'static str = "ReceiveTransfer";

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
        let transfer = stock
            .transfers
            .get(&self.transfer)
            .ok_or_else(|| InventoryRejection::UnknownTransfer(self.transfer.clone()))?;
        let sent = transfer.quantity.get();
        match transfer.arrived {
            Some(arrived) if arrived == self.arrived => {}
            Some(_) => return Err(InventoryRejection::TransferDiffers(self.transfer.clone())),
            None => {
                let lost = sent
                    .checked_sub(self.arrived)
                    .ok_or(InventoryRejection::TransferExceeds { sent })?;
                draft.record(TransferReceived {
                    transfer: self.transfer.clone(),
                    to: transfer.to.clone(),
                    arrived: self.arrived,
                    lost,
                    at: context.now,
                });
            }
        }
        let on_hand = draft.balances().on_hand;
        draft.reply(on_hand)
    }
}
