//! What shoppers, data and worlds promise.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it skips"
)]

mod calm_worlds;
mod every_fault_strikes;
#[cfg(feature = "planted-bugs")]
mod planted;
mod real_transactions;
mod sessions_follow_their_figures;
mod shopper_errors;
mod shoppers_follow_their_figures;
mod transactions_errors;
mod transactions_row_classes;
mod worlds;
