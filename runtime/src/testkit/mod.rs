//! For tests of agents, flows and whatever else stands on the runtime.
//!
//! - [`given`]: an agent without a runtime. Given what happened, when this is asked, then that.
//! - [`TestWorld`]: a runtime in virtual time over a disk in memory, from one seed. It is started anew
//!   over the same disk, stopped or in the middle of everything, to see what comes back.
//! - [`Probe`]: what an agent has recorded, answered and not yet handled, and a wait for an event that
//!   fails in words.
//! - [`Faults`] strike an agent at the moment that a test names; [`TestWorld`] breaks, fills and slows
//!   the disk; a [`ScriptedPort`] answers as it is told, late or never.
//!
//! A runtime that such a test [started](strict) and lets go of before it was stopped makes the test
//! fail, by the names of what still ran: what it leaves behind would go on beside the next test's.
#![allow(clippy::panic, reason = "a test fails by panicking")]

mod faults;
mod given;
mod port;
mod probe;
mod world;

pub use faults::{Fault, Faults, Gate};
pub use given::{Given, Then, given};
pub use port::{PortCall, PortStep, ScriptedPort};
pub use probe::Probe;
pub use world::{TestRuntime, TestWorld, eventually, fingerprint};

#[doc(no_inline)]
pub use crate::fault::Moment;

use crate::builder::RuntimeBuilder;
use crate::clock::Timestamp;

/// When tests begin, where they do not say: some noon.
const BEGIN: Timestamp =
    Timestamp::from_millis(1_600_000_000_000 / 86_400_000 * 86_400_000 + 43_200_000);

/// The same runtime, which panics where it is dropped before it was
/// [stopped](crate::Runtime::stop), so that its test fails. Outside of tests that is logged as an error.
#[must_use]
pub fn strict(mut builder: RuntimeBuilder) -> RuntimeBuilder {
    builder.is_strict = true;
    builder
}
