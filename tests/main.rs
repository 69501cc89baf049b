//! What Mercato promises, a file or a folder for each promise. They are one program, so that they are
//! linked once.
#![allow(
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and is one crate"
)]

#[path = "support/lives.rs"]
mod lives;
#[path = "support/shelf.rs"]
mod shelf;
mod support;

mod alarms;
mod architecture;
mod bus;
mod compensation;
mod config;
mod conversations;
mod deadlines;
mod deterministic;
mod disk_comes_back;
mod disk_soak;
#[cfg(feature = "shop")]
mod erasure;
mod examples;
mod flows;
mod kill_nine;
mod life_of_a_command;
mod mailbox;
mod passivation;
mod patterns;
mod quarantine;
mod recovery;
mod restart;
mod schema;
mod telemetry;
mod timers;
