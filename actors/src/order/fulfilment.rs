//! What is needed to send an order and to take the money for it.

use mercato_runtime::{Context, Decision};
use serde::{Deserialize, Serialize};

use super::OrderAgent;
use super::command::{OrderDecided, read_of_order};
use super::events::{MoneyPart, OrderLine, StockHold};
use super::machine::OrderPhase;
use super::state::Order;
use super::totals::PricedOrder;
use super::units::Parcel;
use crate::domain::{CustomerId, Destination, Money, OrderId, PaymentId};
use crate::ports::PaymentMethod;

/// Asks for what is needed to send an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowFulfilment {
    /// The order.
    pub order: OrderId,
}

/// A parcel that is to be packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedParcel {
    /// Its number, from 1.
    pub number: u32,
    /// What is to be in it.
    pub contents: Vec<StockHold>,
    /// What it will weigh.
    pub grams: u64,
}

/// What is needed to send an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilment {
    /// Whose it is.
    pub customer: CustomerId,
    /// Where it stands.
    pub phase: OrderPhase,
    /// Which version it is.
    pub revision: u32,
    /// Where it goes.
    pub address: Destination,
    /// How it is paid.
    pub method: PaymentMethod,
    /// What it costs, once it is priced.
    pub priced: Option<PricedOrder>,
    /// What is held for it and in no parcel.
    pub holds: Vec<StockHold>,
    /// The parcels that have a label.
    pub parcels: Vec<Parcel>,
    /// The parcels that are to be packed of what is held.
    pub planned: Vec<PlannedParcel>,
    /// What no stock is held for.
    pub backordered: Vec<OrderLine>,
    /// How often stock was held for it.
    pub rounds: u32,
}

read_of_order!(ShowFulfilment -> Fulfilment);

impl ShowFulfilment {
    fn decide_for(
        &self,
        agent: &OrderAgent,
        order: &Order,
        _: &Context<'_>,
    ) -> OrderDecided<Fulfilment> {
        let details = &order.details;
        Ok(Decision::reply(Fulfilment {
            customer: details.customer.clone(),
            phase: order.phase,
            revision: order.revision,
            address: details.address.clone(),
            method: details.method.clone(),
            priced: order.priced.clone(),
            holds: order.holds(),
            parcels: order.units.parcels().to_vec(),
            planned: plan_parcels(agent, order, &[]),
            backordered: match order.phase.is_before_placing() {
                true => Vec::new(),
                false => order.backordered(),
            },
            rounds: order.units.rounds(),
        }))
    }
}

/// Asks for the parcels that are to be packed of what is held, without what turned out not to be
/// there: a count found less than was promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanParcels {
    /// The order.
    pub order: OrderId,
    /// What is held and is not there.
    pub short: Vec<StockHold>,
}

read_of_order!(PlanParcels -> Vec<PlannedParcel>);

impl PlanParcels {
    fn decide_for(
        &self,
        agent: &OrderAgent,
        order: &Order,
        _: &Context<'_>,
    ) -> OrderDecided<Vec<PlannedParcel>> {
        Ok(Decision::reply(plan_parcels(agent, order, &self.short)))
    }
}

/// Puts each hold into the first parcel that still has room for it. What leaves the shelf together
/// stays together, so a hold is never divided.
fn plan_parcels(agent: &OrderAgent, order: &Order, short: &[StockHold]) -> Vec<PlannedParcel> {
    let most = u64::from(agent.settings.parcel_grams_max);
    let before = order.units.parcels().len();
    let mut planned: Vec<PlannedParcel> = Vec::new();
    let there = order.units.holds().filter(|hold| !short.contains(hold));
    for hold in there {
        let product = agent.catalogue.get(&hold.sku);
        let grams = agent
            .settings
            .grams(&hold.sku, product, hold.quantity.get());
        let mut with_room = planned.iter_mut();
        let room = with_room.find(|parcel| parcel.grams.saturating_add(grams) <= most);
        if let Some(parcel) = room {
            parcel.grams += grams;
            parcel.contents.push(hold.clone());
            continue;
        }
        let number = u32::try_from(before + planned.len() + 1).unwrap_or(u32::MAX);
        planned.push(PlannedParcel {
            number,
            contents: vec![hold.clone()],
            grams,
        });
    }
    planned
}

/// A movement that the gateway is to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedMovement {
    /// Which payment.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
    /// What of this payment was moved in this direction before. From it the gateway's record tells
    /// whether a movement whose answer was lost was made.
    pub before: Money,
}

impl PlannedMovement {
    /// The movement, as it is recorded.
    #[must_use]
    pub fn part(&self) -> MoneyPart {
        MoneyPart {
            payment: self.payment.clone(),
            amount: self.amount,
        }
    }
}

/// Asks what is to be taken for a parcel that has a label, and from which payments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowCapture {
    /// The order.
    pub order: OrderId,
    /// Which parcel.
    pub parcel: u32,
}

/// What is to be taken for a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CapturePlan {
    /// This; nothing for what costs nothing, and for a parcel that is paid.
    Due(Vec<PlannedMovement>),
    /// Less is set aside than is due: it is being set aside anew.
    Lacking(Money),
}

read_of_order!(ShowCapture -> CapturePlan);

impl ShowCapture {
    fn decide_for(
        &self,
        _: &OrderAgent,
        order: &Order,
        _: &Context<'_>,
    ) -> OrderDecided<CapturePlan> {
        let parcel = order.parcel(self.parcel)?;
        if parcel.paid {
            return Ok(Decision::reply(CapturePlan::Due(Vec::new())));
        }
        let due = order.due_for(parcel)?;
        let plan = match order.payments.to_capture(due)? {
            Some(parts) => CapturePlan::Due(movements(order, parts, |known| known.captured)),
            None => CapturePlan::Lacking(due),
        };
        Ok(Decision::reply(plan))
    }
}

/// Asks to which payments the money of an open return goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowRefund {
    /// The order.
    pub order: OrderId,
}

read_of_order!(ShowRefund -> Vec<PlannedMovement>);

impl ShowRefund {
    fn decide_for(
        &self,
        _: &OrderAgent,
        order: &Order,
        _: &Context<'_>,
    ) -> OrderDecided<Vec<PlannedMovement>> {
        let due = order.returning.as_ref().map(|open| open.refund);
        let parts = match due {
            Some(due) => order.payments.to_refund(due)?,
            None => None,
        };
        let planned = movements(order, parts.unwrap_or_default(), |known| known.refunded);
        Ok(Decision::reply(planned))
    }
}

fn movements(
    order: &Order,
    parts: Vec<MoneyPart>,
    before: impl Fn(&super::payments::OrderPayment) -> Money,
) -> Vec<PlannedMovement> {
    let planned = parts.into_iter().filter_map(|part| {
        let mut known = order.payments.all.iter();
        let known = known.find(|known| known.payment == part.payment)?;
        Some(PlannedMovement {
            payment: part.payment,
            amount: part.amount,
            before: before(known),
        })
    });
    planned.collect()
}
