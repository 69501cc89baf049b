//! The sequential pattern: one agent after the other, and a final response made of what they said.
//! Should it fail, what was done is undone; should anything crash, it goes on where it was.
//!
//! Run it with `cargo run --example sequential`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod common;

use std::time::Duration;

use mercato::actors::*;
use mercato::{Caller, Flow, FlowError, FlowId, FlowType};

/// Quotes a product and holds it for a customer. Its undoing is part of its time.
const OFFER: FlowType<(String, u32), Money, FlowError> =
    FlowType::new("offer", 1).within(Duration::from_secs(60));

async fn offer(flow: Flow, (sku, units): (String, u32)) -> Result<Money, FlowError> {
    let broken = |error: &dyn std::error::Error| FlowError::Broken(error.to_string());
    let sku = Sku::new(sku).map_err(|error| broken(&error))?;
    let quantity = Quantity::new(units).map_err(|error| broken(&error))?;
    let reservation = ReservationId::new(flow.id().as_str()).map_err(|error| broken(&error))?;

    // Step 1, at Pricing. A read is noted, so that a second run sees the same price.
    let quote = QuotePrice {
        sku: sku.clone(),
        segment: Segment::Standard,
        held: None,
    };
    let quote = flow.ask("quote", quote).await?;

    // Step 2, at Inventory. The undo is put down before the step that it undoes.
    let release = ReleaseReservation {
        sku: sku.clone(),
        reservation: reservation.clone(),
    };
    flow.undo_command("reserve", release).await?;
    let reserve = ReserveStock {
        sku: sku.clone(),
        reservation: reservation.clone(),
        quantity,
        ttl: Duration::from_secs(900),
    };
    flow.ask("reserve", reserve).await?;

    // Step 3 fails for what costs too much. Then the reservation is released.
    if quote.unit.minor() > 500 {
        return Err(FlowError::Refused(format!("{} is too dear", quote.unit)));
    }
    let confirm = ConfirmReservation { sku, reservation };
    flow.ask("confirm", confirm).await?;
    Ok(quote.unit)
}

/// What this example shows: a price, what is left of both products, and why one was not offered.
pub async fn run() -> common::Done<(Money, [u64; 2], String)> {
    let runtime = common::open(|builder| builder.flow(OFFER, offer)).await?;
    let (handle, caller) = (runtime.handle(), Caller::system());

    // The id names the instance: who asks again under it is told the same end.
    let mug = || ("mug".to_owned(), 1);
    let price = handle
        .run(&caller, OFFER, FlowId::new("ada-1"), mug())
        .await?;
    let again = handle
        .run(&caller, OFFER, FlowId::new("ada-1"), mug())
        .await?;
    assert_eq!(price, again);

    let pot = ("pot".to_owned(), 1);
    let refused = handle.run(&caller, OFFER, FlowId::new("ada-2"), pot).await;
    let why = refused.err().map(|error| error.to_string());
    let left = [
        common::available(&runtime, "mug").await?,
        common::available(&runtime, "pot").await?,
    ];
    runtime.stop().await?;
    Ok((price, left, why.unwrap_or_default()))
}

#[tokio::main]
#[allow(dead_code, reason = "a test runs the rest")]
async fn main() -> common::Done {
    let (price, [mugs, pots], why) = run().await?;
    println!("a mug is held at {price}; {mugs} mug and {pots} pots are left: {why}");
    Ok(())
}
