//! From a purchase order in the books to goods on the shelf.

use std::sync::Arc;
use std::time::Duration;

use mercato_runtime::{
    Activity, ActivityError, ActivityErrorKind, Flow, FlowError, FlowId, FlowType, Occurred,
    Reaction, RuntimeBuilder, Timestamp, Trigger,
};
use serde::{Deserialize, Serialize};

use crate::domain::{PurchaseOrderId, Sku};
use crate::inventory::{
    ClosePurchaseOrder, ConsiderReorder, InventoryAgent, ProcurementOutcome, PurchaseOrderRaised,
    PurchaseState, ReceivePurchaseOrder, RecordProcurement,
};
use crate::ports::{
    Procurement, ProcurementError, PurchaseAccepted, PurchaseLookup, PurchaseRecord,
    PurchaseRequest,
};

/// Gives a purchase order to its supplier.
pub const PLACE_PURCHASE: Activity<PurchaseRequest, PurchaseAccepted> =
    Activity::new("procurement.place");
/// Asks what has come of a purchase order.
pub const LOOK_UP_PURCHASE: Activity<PurchaseLookup, Option<PurchaseRecord>> =
    Activity::new("procurement.lookup").repeatable();

/// The flow that pursues a purchase order. It is started by
/// [`PurchaseOrderRaised`](crate::PurchaseOrderRaised), and named after the order.
pub const PURCHASE: FlowType<PurchaseRequest, PurchaseOutcome, PurchaseError> =
    FlowType::new("purchase", 1).by_the_service();

/// How often an order is placed while nobody knows whether the supplier has it.
const PLACES_MAX: u32 = 6;
/// How long to wait before it is looked up, or placed again; each wait is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(30);
/// Of the time that the supplier promised, how much passes between two looks for a delivery.
const LOOKS_A_LEAD_TIME: u32 = 4;
/// How often is looked before what has not come is given up: for ten times what was promised.
const LOOKS_MAX: u32 = 40;
/// How long a supplier that did not deliver is left alone.
const ORDER_AGAIN_AFTER: Duration = Duration::from_secs(6 * 3_600);
const LOOK_EVERY_MIN: Duration = Duration::from_secs(1);

/// How a purchase order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PurchaseOutcome {
    /// All of it came, or more.
    Received,
    /// Some of it never came.
    ClosedShort,
    /// The supplier did not take it.
    Refused,
}

/// Why a purchase order is pursued no further. People must look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum PurchaseError {
    /// Nobody can say whether the supplier has the order.
    #[error("the outcome of purchase order {0} stayed unknown; ask the supplier")]
    Unresolved(PurchaseOrderId),
    /// A step could not be taken.
    #[error("the purchase stopped: {0}")]
    Flow(#[from] FlowError),
}

/// Pursues a purchase order: notifies procurement, waits for deliveries and books them. Where less
/// came than was ordered, it looks whether more must be bought.
///
/// # Errors
/// When the outcome stays unknown, or a step cannot be taken.
pub async fn purchase(
    flow: Flow,
    request: PurchaseRequest,
) -> Result<PurchaseOutcome, PurchaseError> {
    let outcome = match notify_procurement(&flow, &request).await? {
        None => PurchaseOutcome::Refused,
        Some(promised_at) => supplier_coordination(&flow, &request, promised_at).await?,
    };
    if outcome != PurchaseOutcome::Received {
        order_again(&flow, &request).await?;
    }
    Ok(outcome)
}

/// Places the order, and records what came of it. Gives when it is promised for; `None` where it
/// was refused. An outcome that nobody knows is looked up; only an order that the supplier does not
/// have is placed again, under the same name.
async fn notify_procurement(
    flow: &Flow,
    request: &PurchaseRequest,
) -> Result<Option<Timestamp>, PurchaseError> {
    for attempt in 0..PLACES_MAX {
        let step = format!("place/{attempt}");
        match flow.perform(&step, PLACE_PURCHASE, request.clone()).await {
            Ok(PurchaseAccepted { promised_at }) => {
                let accepted = ProcurementOutcome::Accepted { promised_at };
                record(flow, request, &step, accepted).await?;
                return Ok(Some(promised_at));
            }
            Err(error) if error.kind == ActivityErrorKind::Permanent => {
                let reason = error.message.clone().into();
                record(flow, request, &step, ProcurementOutcome::Refused { reason }).await?;
                return Ok(None);
            }
            Err(_) => record(flow, request, &step, ProcurementOutcome::Unknown).await?,
        }
        let wait = FIRST_WAIT * 2u32.saturating_pow(attempt);
        flow.sleep(&format!("{step}/wait"), wait).await?;
        if let Some(known) = look_up(flow, request, &format!("{step}/lookup")).await? {
            let promised_at = known.promised_at;
            let accepted = ProcurementOutcome::Accepted { promised_at };
            record(flow, request, &format!("{step}/found"), accepted).await?;
            return Ok(Some(promised_at));
        }
    }
    Err(PurchaseError::Unresolved(request.order.clone()))
}

async fn record(
    flow: &Flow,
    request: &PurchaseRequest,
    step: &str,
    outcome: ProcurementOutcome,
) -> Result<(), FlowError> {
    let record = RecordProcurement {
        sku: request.sku.clone(),
        order: request.order.clone(),
        outcome,
    };
    flow.ask(&format!("{step}/record"), record).await?;
    Ok(())
}

/// What the supplier says of the order; `None` where it has none, or cannot say.
async fn look_up(
    flow: &Flow,
    request: &PurchaseRequest,
    step: &str,
) -> Result<Option<PurchaseRecord>, FlowError> {
    let lookup = PurchaseLookup {
        order: request.order.clone(),
        now: flow.now(&format!("{step}/at")).await?,
    };
    let found = flow.perform(step, LOOK_UP_PURCHASE, lookup).await;
    Ok(found.unwrap_or_default())
}

/// Waits for deliveries from the day that was promised on, and books each as it comes.
async fn supplier_coordination(
    flow: &Flow,
    request: &PurchaseRequest,
    promised_at: Timestamp,
) -> Result<PurchaseOutcome, FlowError> {
    let every = (promised_at.since(request.at) / LOOKS_A_LEAD_TIME).max(LOOK_EVERY_MIN);
    let now = flow.now("accepted-at").await?;
    flow.sleep("delivery", promised_at.since(now)).await?;
    let mut booked = 0;
    for look in 0..LOOKS_MAX {
        let step = format!("look/{look}");
        if let Some(found) = look_up(flow, request, &step).await? {
            booked = receive_deliveries(flow, request, &found, booked).await?;
            if found.complete {
                break;
            }
        }
        flow.sleep(&format!("{step}/wait"), every).await?;
    }
    let close = ClosePurchaseOrder {
        sku: request.sku.clone(),
        order: request.order.clone(),
    };
    Ok(match flow.ask("close", close).await? {
        PurchaseState::Received => PurchaseOutcome::Received,
        _ => PurchaseOutcome::ClosedShort,
    })
}

/// Books the deliveries after the first `booked`. Gives how many are booked then.
async fn receive_deliveries(
    flow: &Flow,
    request: &PurchaseRequest,
    found: &PurchaseRecord,
    booked: u32,
) -> Result<u32, FlowError> {
    let known = usize::try_from(booked).unwrap_or(usize::MAX);
    let new = found.deliveries.iter().skip(known);
    let mut delivery = booked;
    for arrived in new.take(PurchaseRecord::DELIVERIES_MAX) {
        delivery += 1;
        let receive = ReceivePurchaseOrder {
            sku: request.sku.clone(),
            order: request.order.clone(),
            delivery,
            quantity: arrived.quantity,
            arrived_at: arrived.at,
        };
        flow.ask(&format!("receive/{delivery}"), receive).await?;
    }
    Ok(delivery)
}

/// Looks after a while whether more must be bought in place of what did not come.
async fn order_again(flow: &Flow, request: &PurchaseRequest) -> Result<(), FlowError> {
    flow.sleep("order-again/wait", ORDER_AGAIN_AFTER).await?;
    let consider = ConsiderReorder {
        sku: request.sku.clone(),
        waiting: 0,
    };
    flow.ask("order-again", consider).await?;
    Ok(())
}

/// Adds what is asked of suppliers, the flow that pursues purchase orders, and what starts it.
#[must_use]
pub fn register_purchases(
    builder: RuntimeBuilder,
    procurement: &Arc<dyn Procurement>,
) -> RuntimeBuilder {
    let (place, look_up) = (Arc::clone(procurement), Arc::clone(procurement));
    builder
        .activity(PLACE_PURCHASE, move |_, request| {
            let procurement = Arc::clone(&place);
            async move {
                let placed = procurement.place(&request).await;
                placed.map_err(|error| procurement_error(&error))
            }
        })
        .activity(LOOK_UP_PURCHASE, move |_, request| {
            let procurement = Arc::clone(&look_up);
            async move {
                let found = procurement.lookup(&request).await;
                found.map_err(|error| procurement_error(&error))
            }
        })
        .flow(PURCHASE, purchase)
        .trigger(Trigger::when::<InventoryAgent, PurchaseOrderRaised>(
            "purchase-order-raised",
            pursue_purchase,
        ))
}

fn pursue_purchase(occurred: &Occurred<PurchaseOrderRaised>) -> Vec<Reaction> {
    let raised = &occurred.event;
    let Ok(sku) = Sku::new(&*occurred.entity) else {
        return Vec::new();
    };
    let request = PurchaseRequest {
        order: raised.order.clone(),
        supplier: raised.supplier.clone(),
        sku,
        quantity: raised.quantity,
        warehouse: raised.warehouse.clone(),
        at: raised.at,
    };
    let id = FlowId::new(raised.order.as_str());
    vec![Reaction::flow(PURCHASE, id, &request)]
}

fn procurement_error(error: &ProcurementError) -> ActivityError {
    let (kind, code) = match error {
        ProcurementError::Refused { .. } => (ActivityErrorKind::Permanent, "refused"),
        ProcurementError::Transient => (ActivityErrorKind::Transient, "unavailable"),
        ProcurementError::Unknown => (ActivityErrorKind::Unknown, "unknown_outcome"),
        ProcurementError::NameReused => (ActivityErrorKind::Permanent, "name_reused"),
    };
    ActivityError::new(kind, code, error.to_string())
}
