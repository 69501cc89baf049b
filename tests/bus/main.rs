//! What the bus promises to code outside the agents. Everything runs on a paused clock.
#![allow(
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and is one crate"
)]

#[path = "../support/mod.rs"]
mod support;

mod common;
mod crashes;
mod failures;
mod isolation;
mod operators;
mod order;
mod pulling;
mod real_threads;
mod starting;
