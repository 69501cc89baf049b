//! From a placed order to its parcels on their way and the money for them taken.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use mercato_runtime::{AskError, Flow, FlowError, FlowType};
use serde::{Deserialize, Serialize};

use super::activities::{CAPTURE, CREATE_LABEL, EXPIRED, LabelRequest};
use super::backorder::{BackorderQueue, LOOKS_MAX};
use super::settle::{Direction, move_money, void_payment};
use crate::domain::{Destination, OrderId, PaymentId};
use crate::inventory::{CommitReservation, InventoryRejection, ShipStock};
use crate::order::{
    CapturePlan, ExpireAuthorisation, Fulfilment, OrderPhase, OrderRejection, Parcel, PlanParcels,
    PlannedMovement, PlannedParcel, RecordCapture, RecordDispatch, RecordLabel, ShowCapture,
    ShowFulfilment, ShowPayments, StockHold,
};
use crate::ports::{Consignment, TrackingNumber};

/// The flow that fulfils an order. It is started by
/// [`FulfilmentBegun`](crate::FulfilmentBegun).
pub const FULFIL: FlowType<FulfilRequest, Fulfilled, FulfilError> =
    FlowType::new("fulfil", TAKES_AT_ONCE).by_the_service();

/// The fulfilment as it was before [`TAKES_AT_ONCE`]: what began as it ends as it. It goes when none is
/// on its way any more, nor on the work list.
pub(super) const FULFIL_BEFORE: FlowType<FulfilRequest, Fulfilled, FulfilError> =
    FlowType::new("fulfil", 3).by_the_service();

/// The version from which on an order whose place among those who wait is over, and that takes a new one,
/// takes at once what has come. Before, it looked at the next round, and what is held for less time than
/// lies between two rounds had lapsed again by then, each time.
pub(super) const TAKES_AT_ONCE: u16 = 4;

/// Which order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FulfilRequest {
    /// The order.
    pub order: OrderId,
}

/// How a fulfilment ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fulfilled {
    /// The parcels are on their way.
    Shipped {
        /// Their numbers.
        tracking: Vec<TrackingNumber>,
    },
    /// Nothing was sent: everything was cancelled line by line.
    NothingLeft,
}

/// Why a fulfilment stopped. The order stays where it is until people look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("fulfilment stopped: {0}")]
pub struct FulfilError(#[from] FlowError);

/// Money is set aside anew within minutes, or its lines are cancelled.
const LACKING_WAIT: Duration = Duration::from_secs(15 * 60);
/// How often is waited for that.
const LACKING_WAITS_MAX: u32 = 96;
/// One round packs what is held, and waits once for what is not.
const ROUNDS_MAX: u32 = 200;

/// Fulfils an order that is being packed: what is held is sent, and then what was on backorder, as it
/// comes.
///
/// # Errors
/// When a step is refused or cannot be taken.
pub async fn fulfil(flow: Flow, request: FulfilRequest) -> Result<Fulfilled, FulfilError> {
    let order = &request.order;
    let mut tracking = BTreeMap::new();
    let mut short = Vec::new();
    let mut queue = BackorderQueue::of(order)?;
    for round in 0..ROUNDS_MAX {
        let plan = plan(&flow, order, round).await?;
        for parcel in &plan.parcels {
            finish_parcel(&flow, order, parcel).await?;
            tracking.insert(parcel.number, parcel.tracking.clone());
        }
        let planned = plan.planned.iter().flat_map(|parcel| &parcel.contents);
        short = update_inventory(&flow, round, planned, &short).await?;
        for parcel in without_short(&flow, order, round, &plan, &short).await? {
            let sent = send_parcel(&flow, order, &plan.address, &parcel).await?;
            tracking.insert(parcel.number, sent);
        }
        let is_waiting = !plan.backordered.is_empty() || !short.is_empty();
        if !is_waiting || plan.phase != OrderPhase::Fulfilling {
            break;
        }
        if let Some(hold) = short.first().filter(|_| round > LOOKS_MAX) {
            return Err(is_short(hold).into());
        }
        queue.await_stock(&flow, round, &plan).await?;
    }
    queue.leave(&flow).await?;
    release_remainder(&flow, order).await?;
    Ok(match tracking.is_empty() {
        true => Fulfilled::NothingLeft,
        false => Fulfilled::Shipped {
            tracking: tracking.into_values().collect(),
        },
    })
}

async fn plan(flow: &Flow, order: &OrderId, round: u32) -> Result<Fulfilment, FlowError> {
    let order = order.clone();
    let step = format!("show/{round}");
    Ok(flow.ask(&step, ShowFulfilment { order }).await?)
}

/// What is to be packed in this round, but for what a count found to be missing.
async fn without_short(
    flow: &Flow,
    order: &OrderId,
    round: u32,
    plan: &Fulfilment,
    short: &[StockHold],
) -> Result<Vec<PlannedParcel>, FlowError> {
    if short.is_empty() {
        return Ok(plan.planned.clone());
    }
    let ask = PlanParcels {
        order: order.clone(),
        short: short.to_vec(),
    };
    Ok(flow.ask(&format!("plan/{round}"), ask).await?)
}

fn is_short(hold: &StockHold) -> FlowError {
    FlowError::Broken(format!(
        "{} units of sku {} were promised and counted short, and have not come; receive them, then try \
         this fulfilment again",
        hold.quantity.get(),
        hold.sku
    ))
}

/// Packs one parcel, takes the money for it, and sends it off: in this order, so that nothing leaves
/// that is not paid.
async fn send_parcel(
    flow: &Flow,
    order: &OrderId,
    address: &Destination,
    parcel: &PlannedParcel,
) -> Result<TrackingNumber, FlowError> {
    let tracking = generate_shipping_label(flow, order, address, parcel).await?;
    capture_payment(flow, order, parcel.number).await?;
    send_off(flow, order, parcel.number, &parcel.contents).await?;
    Ok(tracking)
}

/// Pays and sends a parcel that has a label: an earlier attempt stopped behind it. It is in no plan
/// any more, and no other one is packed before it has left.
async fn finish_parcel(flow: &Flow, order: &OrderId, parcel: &Parcel) -> Result<(), FlowError> {
    if !parcel.paid {
        // What went short since is not paid before it is there.
        let short = update_inventory(flow, 0, parcel.contents.iter(), &[]).await?;
        if let Some(hold) = short.first() {
            return Err(is_short(hold));
        }
        capture_payment(flow, order, parcel.number).await?;
    }
    if !parcel.dispatched {
        send_off(flow, order, parcel.number, &parcel.contents).await?;
    }
    Ok(())
}

async fn send_off(
    flow: &Flow,
    order: &OrderId,
    parcel: u32,
    contents: &[StockHold],
) -> Result<(), FlowError> {
    dispatch(flow, contents).await?;
    let sent = RecordDispatch {
        order: order.clone(),
        parcel,
    };
    let step = format!("record/dispatch/{parcel}");
    Ok(flow.ask(&step, sent).await?)
}

/// Gives the order what is to be packed. Gives back what is not there, though it was promised: a
/// count found less. It is filled as a backorder is, and asked for again in a later round;
/// `short_before` was so in the round before.
async fn update_inventory(
    flow: &Flow,
    round: u32,
    holds: impl Iterator<Item = &StockHold>,
    short_before: &[StockHold],
) -> Result<Vec<StockHold>, FlowError> {
    let asked = holds.map(|hold| async move {
        let commit = CommitReservation {
            sku: hold.sku.clone(),
            reservation: hold.reservation.clone(),
        };
        let mut step = format!("commit/{}/{}", hold.sku, hold.reservation);
        if short_before.contains(hold) {
            step = format!("{step}/{round}");
        }
        (hold, flow.ask(&step, commit).await)
    });
    let mut short = Vec::new();
    for (hold, answer) in join_all(asked).await {
        match answer {
            Ok(_) => {}
            Err(AskError::Rejected(InventoryRejection::Backordered { .. })) => {
                short.push(hold.clone());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(short)
}

async fn generate_shipping_label(
    flow: &Flow,
    order: &OrderId,
    address: &Destination,
    parcel: &PlannedParcel,
) -> Result<TrackingNumber, FlowError> {
    let number = parcel.number;
    let label = LabelRequest {
        parcel: Consignment {
            order: order.clone(),
            parcel: number,
            grams: parcel.grams,
        },
        address: address.clone(),
    };
    let step = format!("label/{number}");
    let tracking = flow.perform(&step, CREATE_LABEL, label).await?;
    let record = RecordLabel {
        order: order.clone(),
        parcel: number,
        contents: parcel.contents.clone(),
        tracking: tracking.clone(),
    };
    flow.ask(&format!("record/label/{number}"), record).await?;
    Ok(tracking)
}

async fn dispatch(flow: &Flow, contents: &[StockHold]) -> Result<(), FlowError> {
    let asked = contents.iter().map(|hold| async move {
        let ship = ShipStock {
            sku: hold.sku.clone(),
            reservation: hold.reservation.clone(),
        };
        let step = format!("ship/{}/{}", hold.sku, hold.reservation);
        flow.ask(&step, ship).await
    });
    for answer in join_all(asked).await {
        answer?;
    }
    Ok(())
}

/// Takes what is due for a parcel. Where an authorisation ended, it waits until the money is set
/// aside anew.
async fn capture_payment(flow: &Flow, order: &OrderId, parcel: u32) -> Result<(), FlowError> {
    let mut taken = Vec::new();
    for attempt in 0..LACKING_WAITS_MAX {
        let show = ShowCapture {
            order: order.clone(),
            parcel,
        };
        let step = format!("due/{parcel}/{attempt}");
        match flow.ask(&step, show).await? {
            CapturePlan::Due(movements) => {
                match capture(flow, parcel, &movements, &mut taken).await? {
                    None => return record_capture(flow, order, parcel, &movements).await,
                    // The gateway need not have said until when, and a timer may be late.
                    Some(payment) => {
                        let expire = ExpireAuthorisation {
                            order: order.clone(),
                            payment,
                        };
                        flow.ask(&format!("{step}/expired"), expire).await?;
                    }
                }
            }
            CapturePlan::Lacking(_) => flow.sleep(&format!("{step}/wait"), LACKING_WAIT).await?,
        }
    }
    Err(FlowError::Broken(format!(
        "the money for parcel {parcel} was not set aside anew; ask the customer for another payment"
    )))
}

/// Takes these, but for what was `taken` before. Gives back the payment that the gateway no longer
/// sets aside, where it is so.
async fn capture(
    flow: &Flow,
    parcel: u32,
    movements: &[PlannedMovement],
    taken: &mut Vec<PlannedMovement>,
) -> Result<Option<PaymentId>, FlowError> {
    const TAKE: Direction = Direction {
        activity: CAPTURE,
        moved: |record| record.captured,
    };
    // The order knows of it when all of the parcel is taken. What ended in between would be due again.
    if let Some(lost) = taken.iter().find(|taken| !movements.contains(taken)) {
        return Err(FlowError::Broken(format!(
            "{} of payment {} was taken for parcel {parcel} before the rest of it ended; refund it \
             at the gateway, then try this fulfilment again",
            lost.amount, lost.payment
        )));
    }
    for movement in movements {
        if taken.contains(movement) {
            continue;
        }
        let step = format!("capture/{parcel}/{}", movement.payment);
        match move_money(flow, &step, TAKE, movement).await {
            Ok(()) => taken.push(movement.clone()),
            Err(FlowError::Port(error)) if error.code == EXPIRED => {
                return Ok(Some(movement.payment.clone()));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

async fn record_capture(
    flow: &Flow,
    order: &OrderId,
    parcel: u32,
    movements: &[PlannedMovement],
) -> Result<(), FlowError> {
    let record = RecordCapture {
        order: order.clone(),
        parcel,
        parts: movements.iter().map(PlannedMovement::part).collect(),
    };
    let step = format!("record/capture/{parcel}");
    match flow.ask(&step, record).await {
        // A step that is taken again finds the parcel paid.
        Ok(()) | Err(AskError::Rejected(OrderRejection::ParcelPaid(_))) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Gives up what is set aside and will not be taken: of lines that were cancelled or made smaller.
async fn release_remainder(flow: &Flow, order: &OrderId) -> Result<(), FlowError> {
    let order = order.clone();
    let money = flow.ask("remainder", ShowPayments { order }).await?;
    if money.phase == OrderPhase::Fulfilling {
        return Err(FlowError::Broken(
            "something of the order is still to be sent, and needs what is set aside; look at its \
             parcels, then try this fulfilment again"
                .to_owned(),
        ));
    }
    for known in &money.payments {
        if !known.expired && known.captured != known.authorised {
            let step = format!("void/{}", known.payment);
            void_payment(flow, &step, &known.payment).await?;
        }
    }
    Ok(())
}
