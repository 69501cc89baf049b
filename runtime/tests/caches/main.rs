//! What a cache promises: one load for all, true answers only, and a bound.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

// The scaffolding is shared with the tests of the facade, and names that.
extern crate mercato_runtime as mercato;

#[path = "../../../tests/support/mod.rs"]
mod support;

mod agents;
mod one;
