//! What a failure policy promises: the error table row by row, and what stands around it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

// The scaffolding is shared with the tests of the facade, and names that.
extern crate mercato_runtime as mercato;

#[path = "../../../tests/support/mod.rs"]
mod support;

mod around;
mod book;
mod breaker;
mod flows;
mod kinds;
mod limits;
mod table;
mod tokens;
mod world;
