//! Ordering ahead: what is promised before it is there, how much of it, and for when.

use std::borrow::Cow;
use std::time::Duration;

use mercato_runtime::{Command, Context, Decided, Timestamp};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::events::{BackorderPlaced, BackorderTermsSet};
use super::state::{Balances, HoldState, Stock};
use super::{InventoryAgent, InventoryRejection};
use crate::domain::{Quantity, ReservationId, Sku};

/// How much of a product may be promised before it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackorderTerms {
    /// The most units that may wait for stock at a time; zero where nothing may be ordered ahead.
    pub units_max: u32,
    /// A pre-order: no unit is there before this moment.
    pub available_from: Option<Timestamp>,
}

impl BackorderTerms {
    /// Up to so many units may be ordered ahead.
    #[must_use]
    pub const fn up_to(units_max: u32) -> Self {
        Self {
            units_max,
            available_from: None,
        }
    }

    /// Up to so many units may be ordered before the product comes out.
    #[must_use]
    pub const fn preorder(units_max: u32, available_from: Timestamp) -> Self {
        Self {
            units_max,
            available_from: Some(available_from),
        }
    }
}

/// Sets on which terms a product may be ordered ahead. Repeating it changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetBackorderTerms {
    /// The product.
    pub sku: Sku,
    /// The terms.
    pub terms: BackorderTerms,
}

impl Command for SetBackorderTerms {
    type Agent = InventoryAgent;
    type Reply = ();
    const NAME: &'static str = "SetBackorderTerms";

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
        if stock.backorders != Some(self.terms) {
            draft.record(BackorderTermsSet { terms: self.terms });
        }
        draft.reply(())
    }
}

/// Promises units that are not there. When stock comes, it is held for who waited, in the order in
/// which they came. Repeating it for the same reservation gets the same promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackorderStock {
    /// The product.
    pub sku: Sku,
    /// The caller's name for what will be a hold.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: Quantity,
}

/// A promise of units that are not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backorder {
    /// Its name.
    pub reservation: ReservationId,
    /// How many units.
    pub quantity: Quantity,
    /// When they are promised for.
    pub promised_at: Timestamp,
}

impl Command for BackorderStock {
    type Agent = InventoryAgent;
    type Reply = Backorder;
    const NAME: &'static str = "BackorderStock";

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
        let promise = |promised_at| Backorder {
            reservation: self.reservation.clone(),
            quantity: self.quantity,
            promised_at,
        };
        if let Some((hold, state)) = stock.holds.seen(&self.reservation, context.now) {
            if hold.quantity != self.quantity && !state.has_ended() {
                return Err(InventoryRejection::ReservationDiffers {
                    reservation: self.reservation.clone(),
                    held: hold.quantity.get(),
                });
            }
            match state {
                HoldState::Backordered { promised_at } => return draft.reply(promise(promised_at)),
                HoldState::Held { .. } | HoldState::Confirmed | HoldState::Committed => {
                    return draft.reply(promise(context.now));
                }
                HoldState::Shipped => {
                    let id = self.reservation.clone();
                    return Err(InventoryRejection::AlreadyShipped(id));
                }
                HoldState::Released => {
                    let id = self.reservation.clone();
                    return Err(InventoryRejection::ReservationReleased(id));
                }
                HoldState::Expired => {}
            }
        }
        let terms = terms_of(agent, stock);
        let waiting = u64::try_from(draft.balances().backordered).unwrap_or(0);
        let left = u64::from(terms.units_max).saturating_sub(waiting);
        if u64::from(self.quantity.get()) > left {
            return Err(InventoryRejection::BackorderLimit {
                requested: self.quantity.get(),
                left,
            });
        }
        let promised_at = promised_date(agent, stock, draft.balances(), self.quantity, context);
        draft.record(BackorderPlaced {
            reservation: self.reservation.clone(),
            quantity: self.quantity,
            promised_at,
            at: context.now,
        });
        draft.reply(promise(promised_at))
    }
}

/// The terms of a product: its own, or those of all.
fn terms_of(agent: &InventoryAgent, stock: &Stock) -> BackorderTerms {
    let of_all = BackorderTerms::up_to(agent.settings.backorder_units_max);
    stock.backorders.unwrap_or(of_all)
}

/// When units can be promised for: with the first delivery that covers all who wait, or, where none
/// does, when the supplier could deliver what is ordered now, late by two deviations.
pub(super) fn promised_date(
    agent: &InventoryAgent,
    stock: &Stock,
    balances: Balances,
    quantity: Quantity,
    context: &Context<'_>,
) -> Timestamp {
    let ahead = balances.backordered + i64::from(quantity.get()) - balances.available();
    let supplier = &stock.purchases.supplier;
    let mut deliveries: Vec<(Timestamp, u32)> = stock
        .purchases
        .open()
        .map(|(_, order)| (order.expected_at.max(context.now), order.outstanding()))
        .collect();
    deliveries.sort_unstable();
    let mut covered = 0;
    let delivery = deliveries.into_iter().find(|(_, units)| {
        covered += i64::from(*units);
        covered >= ahead
    });
    let settings = &agent.settings;
    let by_order = || {
        let lead = supplier.lead_time(settings.lead_time, settings.lead_time_deviation);
        let days = (lead.mean + 2.0 * lead.deviation).clamp(0.0, 3_650.0);
        context.now.plus(Duration::from_secs(86_400).mul_f64(days))
    };
    let expected = match delivery {
        _ if ahead <= 0 => context.now,
        Some((at, _)) => at,
        None => by_order(),
    };
    let terms = terms_of(agent, stock);
    terms
        .available_from
        .map_or(expected, |from| from.max(expected))
}
