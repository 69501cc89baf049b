//! What can be asked of the stock of one SKU. Reads see lapsed holds as gone and record nothing.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind};
use serde::{Deserialize, Serialize};

use super::InventoryAgent;
use super::outlook;
use super::rejection::staff;
use super::state::{Balances, HoldState, Stock};
use crate::domain::{Quantity, ReservationId, Sku};

/// Checks stock levels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckStock {
    /// The product.
    pub sku: Sku,
}

/// Whether a product can be sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StockStatus {
    /// There is enough.
    Available,
    /// There is some, at or below the reorder point.
    Low,
    /// There is none.
    Out,
}

/// The stock of one SKU at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLevels {
    /// The sums of the ledger; lapsed holds are not in `reserved`.
    pub balances: Balances,
    /// What can be promised, in units: nothing while customers wait for stock.
    pub available: u64,
    /// The buffer that buying aims to keep, in units. It can be sold.
    pub safety: u64,
    /// Whether it can be sold.
    pub status: StockStatus,
}

impl Command for CheckStock {
    type Agent = InventoryAgent;
    type Reply = StockLevels;
    const NAME: &'static str = "CheckStock";
    const KIND: Kind = Kind::Read;
    // A hold that lapses does so by its timer, which records it.
    const AGES: bool = false;

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        agent.check(&self.sku)?;
        let balances = stock.balances_at(context.now);
        let available = stock.sellable(&balances);
        let latest = stock.outlook.latest.as_ref();
        let reorder_point = outlook::reorder_point(&agent.settings, stock);
        Ok(Decision::reply(StockLevels {
            balances,
            available,
            safety: latest.map_or(u64::from(agent.settings.safety_stock), |latest| {
                latest.safety
            }),
            status: match available {
                0 => StockStatus::Out,
                some if some <= reorder_point => StockStatus::Low,
                _ => StockStatus::Available,
            },
        }))
    }
}

/// Lists what is promised and has not shipped, held or ordered ahead: whom to ask about the order
/// pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenReservations {
    /// The product.
    pub sku: Sku,
    /// The most reservations to list.
    pub limit: u16,
}

/// A promise that has not shipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenReservation {
    /// Its name.
    pub reservation: ReservationId,
    /// How many units.
    pub quantity: Quantity,
}

impl Command for OpenReservations {
    type Agent = InventoryAgent;
    type Reply = Vec<OpenReservation>;
    const NAME: &'static str = "OpenReservations";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(&self, _: &InventoryAgent, stock: &Stock, context: &Context<'_>) -> Decided<Self> {
        staff(context.principal)?;
        let open = stock
            .holds
            .iter()
            .filter(|(_, hold)| match hold.state {
                HoldState::Held { expires_at } => expires_at > context.now,
                HoldState::Confirmed | HoldState::Committed | HoldState::Backordered { .. } => true,
                HoldState::Shipped | HoldState::Released | HoldState::Expired => false,
            })
            .take(usize::from(self.limit))
            .map(|(reservation, hold)| OpenReservation {
                reservation: reservation.clone(),
                quantity: hold.quantity,
            })
            .collect();
        Ok(Decision::reply(open))
    }
}

/// Checks the shipping status of an order's units of this SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippingStatus {
    /// The product.
    pub sku: Sku,
    /// The hold that the order has.
    pub reservation: ReservationId,
}

/// Where an order's units are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShippingState {
    /// Held in the warehouse; the order is being placed.
    Held,
    /// In the warehouse, waiting to be sent.
    AwaitingDispatch,
    /// On the way, or delivered.
    Dispatched,
    /// Promised, and not in a warehouse yet.
    AwaitingStock,
    /// Inventory holds nothing under this name, or no longer remembers it.
    Nothing,
}

impl Command for ShippingStatus {
    type Agent = InventoryAgent;
    type Reply = ShippingState;
    const NAME: &'static str = "ShippingStatus";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(&self, _: &InventoryAgent, stock: &Stock, context: &Context<'_>) -> Decided<Self> {
        let hold = stock.holds.seen(&self.reservation, context.now);
        Ok(Decision::reply(match hold.map(|(_, state)| state) {
            Some(HoldState::Backordered { .. }) => ShippingState::AwaitingStock,
            Some(HoldState::Held { .. } | HoldState::Confirmed) => ShippingState::Held,
            Some(HoldState::Committed) => ShippingState::AwaitingDispatch,
            Some(HoldState::Shipped) => ShippingState::Dispatched,
            Some(HoldState::Released | HoldState::Expired) | None => ShippingState::Nothing,
        }))
    }
}
