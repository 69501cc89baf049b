//! What the runtime promises by itself; what it promises together with its agents is in the facade's
//! tests.
#![allow(
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and is one crate"
)]

// The scaffolding is shared with the tests of the facade, and names that.
extern crate mercato_runtime as mercato;

#[path = "../../tests/support/mod.rs"]
mod support;

mod caches;
mod decisions;
mod faults;
mod flows;
mod journal;
mod layouts;
mod names;
mod policy;
mod rules;
mod shards;
mod snapshots;
mod testkit;
mod timers;
mod views;
