//! What the bus promises to code outside the agents. Everything runs on a paused clock.

mod common;
mod crashes;
mod failures;
mod isolation;
mod operators;
mod order;
mod pulling;
mod real_threads;
mod starting;
