//! The event-driven pattern: an event starts a command, what comes of that starts a flow, and what
//! comes of that is the last event. Nobody waits for anybody, each event has its effect once, and the
//! rules stand in one visible place.
//!
//! Run it with `cargo run --example event_driven`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod common;

use std::time::Duration;

use mercato::actors::*;
use mercato::{Caller, Flow, FlowError, FlowId, FlowType, Occurred, Reaction, Trigger};

const WRAP: FlowType<(Sku, ReservationId), (), FlowError> = FlowType::new("wrap", 1);

/// The flow at the end of the chain: it makes the hold on a box one that does not lapse.
async fn wrap(flow: Flow, (sku, reservation): (Sku, ReservationId)) -> Result<(), FlowError> {
    let confirm = ConfirmReservation { sku, reservation };
    flow.ask("confirm", confirm).await?;
    Ok(())
}

/// Whoever holds a mug needs a box for it; and whoever holds a box has it wrapped.
fn rules() -> Trigger {
    Trigger::when::<InventoryAgent, StockReserved>("boxes", |occurred: &Occurred<StockReserved>| {
        let held = &occurred.event;
        let Ok(carton) = Sku::new("box") else {
            return vec![];
        };
        let reservation = held.reservation.clone();
        match &*occurred.entity {
            "mug" => vec![Reaction::command(&ReserveStock {
                sku: carton,
                reservation,
                quantity: held.quantity,
                ttl: Duration::from_secs(900),
            })],
            "box" => {
                let id = FlowId::new(reservation.as_str());
                vec![Reaction::flow(WRAP, id, &(carton, reservation))]
            }
            _ => vec![],
        }
    })
}

/// What this example shows: how the flow at the end of the chain ended, and how many boxes are left.
pub async fn run() -> common::Done<(String, u64)> {
    let runtime = common::open(|it| it.flow(WRAP, wrap).trigger(rules())).await?;
    let first = ReserveStock {
        sku: Sku::new("mug")?,
        reservation: ReservationId::new("ada-1")?,
        quantity: Quantity::ONE,
        ttl: Duration::from_secs(900),
    };
    runtime.handle().ask(&Caller::system(), first).await?;

    // The rest follows by itself. Whoever wants to know looks at the flow, which is found by its id.
    let id = FlowId::new("ada-1");
    let mut state = "not begun".to_owned();
    for _ in 0..1_000 {
        if let Ok(status) = runtime.flows().inspect(WRAP.name(), &id) {
            state = status.state.to_string();
        }
        if state == "completed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let left = common::available(&runtime, "box").await?;
    runtime.stop().await?;
    Ok((state, left))
}

#[tokio::main]
#[allow(dead_code, reason = "a test runs the rest")]
async fn main() -> common::Done {
    let (state, left) = run().await?;
    println!("the wrapping is {state}, and {left} box is left");
    Ok(())
}
