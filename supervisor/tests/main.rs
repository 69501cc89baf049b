//! What the crate promises, a file for each promise. One program, because each has to be linked.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod backoff_waits;
mod common;
mod dead_letters;
mod deadlines;
mod death_watch;
mod deferred;
mod escalation;
mod fair_by_key;
mod hung;
mod mailbox_bounds;
mod nothing_is_lost;
mod overload;
mod panics_anywhere;
mod panics_of_timers_and_groups;
mod real_threads;
mod restart_strategies;
mod start_and_stop;
mod waiting_senders;
