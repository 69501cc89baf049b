//! What the crate promises, a file for each promise. One program, because each has to be linked.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod backoff_waits;
mod common;
mod deadlines_and_dead_letters;
mod death_watch;
mod escalation;
mod fair_by_key;
mod hung;
mod mailbox_bounds;
mod nothing_is_lost;
mod overload;
mod panics_anywhere;
mod real_threads;
mod restart_strategies;
mod start_and_stop;
