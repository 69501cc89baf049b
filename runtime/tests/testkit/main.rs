//! What the test kit promises those who test with it: it fails where it should, in words, and nowhere
//! else.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

// The scaffolding is shared with the tests of the facade, and names that.
extern crate mercato_runtime as mercato;

#[path = "../../../tests/support/mod.rs"]
mod support;

mod faults;
mod given;
mod leaks;
mod ports;
mod probes;
mod world;
