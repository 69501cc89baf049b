//! What the `mercato` command does for those who call it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and is one crate"
)]

mod command;
mod left_behind;

mod bench;
mod config;
mod erase;
mod flows_command;
mod hunt;
mod journal_tools;
mod kill_nine;
mod simulate;
mod support;
