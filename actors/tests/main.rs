//! What each agent promises, and what the journeys between them do.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and is one crate"
)]

mod common;

mod inventory;
mod inventory_journeys;
mod marketing;
mod order;
mod order_journeys;
mod order_payments;
mod pricing;
mod pricing_journeys;
mod recommendation;
mod support;
