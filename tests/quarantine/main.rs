//! What stops a shard, a trigger or an entity is set aside, kept, and dealt with by a person; and
//! nothing else stops with it. Everything runs on a paused clock.
#![allow(
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and is one crate"
)]

#[path = "../support/mod.rs"]
mod support;

mod commands;
mod drawers;
mod entities;
mod triggers;
