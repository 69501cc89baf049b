//! What durable flows promise.
#![allow(
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and is one crate"
)]

#[path = "../support/lives.rs"]
mod lives;
#[path = "../support/shelf.rs"]
mod shelf;
#[path = "../support/mod.rs"]
mod support;

mod at_rest;
mod children;
mod operators;
mod parked;
mod pivot;
mod steps;
mod versions;
