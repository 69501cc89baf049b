//! Durable flows: business that spans agents, survives a crash at any instant, and undoes itself
//! when it fails.
//!
//! A flow is a plain async function over a [`Flow`]. Each step is a command whose id derives from
//! the flow's id and the step's name; agents answer a repeated id with their first reply, so after
//! a crash the function is simply run again, and takes the same path to where it was. What it
//! reads, and what ports answer it, is kept as notes. An undo is data, recorded before the step
//! that it undoes.

mod activity;
mod compensate;
mod context;
mod definition;
mod engine;
mod error;
mod events;
mod log;
mod orchestrator;
mod perform;
mod retry;

pub use activity::{Activity, ActivityCall, ActivityError, ActivityErrorKind};
pub use context::Flow;
pub use definition::FlowType;
pub use error::{FlowError, FlowFailure, RunError};
pub use orchestrator::{FlowOptions, WorkItem};

pub(crate) use activity::Activities;
pub(crate) use definition::{Definitions, TypedFlow};
pub(crate) use engine::Start;
pub(crate) use events::FlowEvent;
pub(crate) use orchestrator::Orchestrator;
