//! Packing an order: parcels, their labels, their money, and what the carrier tells of them.

use mercato_runtime::{Context, Decision};
use serde::{Deserialize, Serialize};

use super::command::{OrderDecided, write_by_the_shop};
use super::events::{
    FulfilmentBegun, LabelRecorded, MoneyPart, ParcelDispatched, ParcelTracked, PaymentCaptured,
    StockHold,
};
use super::machine::{OrderPhase, Transition};
use super::state::Order;
use super::{OrderAgent, OrderRejection};
use crate::domain::OrderId;
use crate::ports::{TrackingNumber, TrackingScan};

/// Begins to pack an order: from here on it can be neither changed nor cancelled as a whole. An order
/// sets itself a timer for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginFulfilment {
    /// The order.
    pub order: OrderId,
}

/// Whether an order is being packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Begun {
    /// It is, now or since before.
    Begun,
    /// A change of it is being worked out. The end of that sets the timer anew.
    WhenChanged,
}

write_by_the_shop!(BeginFulfilment -> Begun);

impl BeginFulfilment {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<Begun> {
        match order.phase {
            OrderPhase::Fulfilling => return Ok(Decision::reply(Begun::Begun)),
            OrderPhase::Changing => return Ok(Decision::reply(Begun::WhenChanged)),
            _ => order.check(Transition::BeginFulfilment)?,
        }
        Ok(Decision::reply(Begun::Begun).record(FulfilmentBegun {
            order: self.order.clone(),
        }))
    }
}

/// Records the label of a parcel. The same label of the same contents is recorded once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordLabel {
    /// The order.
    pub order: OrderId,
    /// Which of its parcels: one more than there are.
    pub parcel: u32,
    /// What is in it: holds of the order.
    pub contents: Vec<StockHold>,
    /// The number on the label.
    pub tracking: TrackingNumber,
}

write_by_the_shop!(RecordLabel -> ());

impl RecordLabel {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<()> {
        let known = order.units.parcel(self.parcel);
        // A flow takes a step again where its first reply is remembered no longer.
        if known
            .is_some_and(|known| known.contents == self.contents && known.tracking == self.tracking)
        {
            return Ok(Decision::reply(()));
        }
        order.check(Transition::Label)?;
        let parcels = order.units.parcels();
        let next = u32::try_from(parcels.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let mut holds = self.contents.iter();
        let fits = self.parcel == next
            && order.units.open_parcel().is_none()
            && !self.contents.is_empty()
            && holds.all(|hold| order.units.holds().any(|held| held == hold));
        if !fits {
            return Err(OrderRejection::ParcelDiffers { next });
        }
        Ok(Decision::reply(()).record(LabelRecorded {
            parcel: self.parcel,
            contents: self.contents.clone(),
            tracking: self.tracking.clone(),
        }))
    }
}

/// Records that the money for the parcel that has a label was taken: exactly what is due for it, and
/// never more than is set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCapture {
    /// The order.
    pub order: OrderId,
    /// Which parcel.
    pub parcel: u32,
    /// How much of which payment.
    pub parts: Vec<MoneyPart>,
}

write_by_the_shop!(RecordCapture -> ());

impl RecordCapture {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<()> {
        order.check(Transition::Capture)?;
        let parcel = order.parcel(self.parcel)?;
        if parcel.paid {
            return Err(OrderRejection::ParcelPaid(self.parcel));
        }
        let due = order.due_for(parcel)?;
        if !order.payments.allow_capture(&self.parts, due) {
            return Err(OrderRejection::AmountDiffers { total: due });
        }
        Ok(Decision::reply(()).record(PaymentCaptured {
            amount: due,
            parts: self.parts.clone(),
        }))
    }
}

/// Records that a paid parcel has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordDispatch {
    /// The order.
    pub order: OrderId,
    /// Which parcel.
    pub parcel: u32,
}

write_by_the_shop!(RecordDispatch -> ());

impl RecordDispatch {
    fn decide_for(&self, _: &OrderAgent, order: &Order, context: &Context<'_>) -> OrderDecided<()> {
        let parcel = order.parcel(self.parcel)?;
        if parcel.dispatched {
            return Ok(Decision::reply(()));
        }
        order.check(Transition::Dispatch)?;
        if !parcel.paid {
            return Err(OrderRejection::ParcelUnpaid(self.parcel));
        }
        Ok(Decision::reply(()).record(ParcelDispatched {
            parcel: self.parcel,
            at: context.now,
        }))
    }
}

/// Records what the carrier tells of a parcel, late and twice as it may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordTracking {
    /// The order.
    pub order: OrderId,
    /// The number on the label.
    pub tracking: TrackingNumber,
    /// What the carrier tells.
    pub scan: TrackingScan,
}

write_by_the_shop!(RecordTracking -> ());

impl RecordTracking {
    fn decide_for(&self, _: &OrderAgent, order: &Order, _: &Context<'_>) -> OrderDecided<()> {
        let mut parcels = order.units.parcels().iter();
        let parcel = parcels
            .find(|parcel| parcel.tracking == self.tracking)
            .ok_or_else(|| OrderRejection::UnknownParcel(self.tracking.clone()))?;
        let decision = Decision::reply(());
        // What is older than what is known, or the same, is no news.
        if parcel
            .scan
            .as_ref()
            .is_some_and(|known| known.at >= self.scan.at)
        {
            return Ok(decision);
        }
        Ok(decision.record(ParcelTracked {
            parcel: parcel.number,
            scan: self.scan.clone(),
        }))
    }
}

impl Order {
    /// The parcel with this number.
    pub(super) fn parcel(&self, number: u32) -> Result<&super::units::Parcel, OrderRejection> {
        self.units
            .parcel(number)
            .ok_or_else(|| OrderRejection::ParcelDiffers {
                next: u32::try_from(self.units.parcels().len())
                    .unwrap_or(u32::MAX)
                    .saturating_add(1),
            })
    }
}
