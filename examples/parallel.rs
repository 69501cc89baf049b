//! The parallel pattern: several agents at once, and one response made of all that they said; and a
//! race, of which the winner alone counts.
//!
//! Run it with `cargo run --example parallel`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod common;

use std::time::Duration;

use mercato::actors::*;
use mercato::{Caller, Flow, FlowError, FlowId, FlowType};

const BASKET: FlowType<Vec<Sku>, Vec<String>, FlowError> = FlowType::new("basket", 1);
const EITHER: FlowType<Vec<Sku>, Sku, FlowError> = FlowType::new("either", 1);

/// Quotes all products side by side. All must succeed.
async fn basket(flow: Flow, skus: Vec<Sku>) -> Result<Vec<String>, FlowError> {
    let mut quotes = flow.parallel("quotes");
    for sku in skus {
        // Each branch has a `Flow` of its own, so step names need not differ between branches.
        quotes = quotes.branch(&sku.to_string(), async move |flow: Flow| {
            let quote = QuotePrice {
                sku: sku.clone(),
                segment: Segment::Standard,
                held: None,
            };
            let stock = CheckStock { sku: sku.clone() };
            // What is of different types is joined in the ordinary way.
            let (quote, stock) = tokio::join!(flow.ask("price", quote), flow.ask("stock", stock));
            Ok::<_, FlowError>(format!("{sku}: {} at {}", stock?.available, quote?.unit))
        });
    }
    quotes.all().await
}

/// Holds one of the products, whichever can be held first. The others are released behind it.
async fn either(flow: Flow, skus: Vec<Sku>) -> Result<Sku, FlowError> {
    let mut holds = flow.parallel("holds");
    for sku in skus {
        holds = holds.branch(&sku.to_string(), async move |flow: Flow| {
            let reservation = ReservationId::new(flow.id().as_str())
                .map_err(|error| FlowError::Broken(error.to_string()))?;
            let release = ReleaseReservation {
                sku: sku.clone(),
                reservation: reservation.clone(),
            };
            flow.undo_command("hold", release).await?;
            let hold = ReserveStock {
                sku: sku.clone(),
                reservation,
                quantity: Quantity::ONE,
                ttl: Duration::from_secs(900),
            };
            flow.ask("hold", hold).await?;
            Ok::<_, FlowError>(sku)
        });
    }
    Ok(holds.first().await?.value)
}

/// What this example shows: three lines of a basket, and what is left of two products when either
/// was held.
pub async fn run() -> common::Done<(Vec<String>, [u64; 2])> {
    let runtime = common::open(|it| it.flow(BASKET, basket).flow(EITHER, either)).await?;
    let (handle, caller) = (runtime.handle(), Caller::system());
    let (mug, pot, carton) = (Sku::new("mug")?, Sku::new("pot")?, Sku::new("box")?);

    let all = vec![mug.clone(), pot.clone(), carton];
    let lines = handle.run(&caller, BASKET, FlowId::new("ada"), all).await?;
    let two = vec![mug, pot];
    handle.run(&caller, EITHER, FlowId::new("ada"), two).await?;
    let left = [
        common::available(&runtime, "mug").await?,
        common::available(&runtime, "pot").await?,
    ];
    runtime.stop().await?;
    Ok((lines, left))
}

#[tokio::main]
#[allow(dead_code, reason = "a test runs the rest")]
async fn main() -> common::Done {
    let (lines, [mugs, pots]) = run().await?;
    println!(
        "{}\nof mugs {mugs} are left, and of pots {pots}",
        lines.join("\n")
    );
    Ok(())
}
