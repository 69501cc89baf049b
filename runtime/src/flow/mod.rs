//! Durable flows: business that spans agents, survives a crash at any instant, and undoes itself
//! when it fails.
//!
//! A flow is a plain async function over a [`Flow`]. Each step is a command whose id derives from
//! the flow's id and the step's name; agents answer a repeated id with their first reply, so after
//! a crash the function is simply run again, and takes the same path to where it was. What it
//! reads, and what ports answer it, is kept as notes, and so are replies before agents forget them.
//! An undo is data, recorded before the step that it undoes.
//!
//! | room | what |
//! |---|---|
//! | `context`, `steps`, `undo`, `parallel`, `child` | what a flow's function calls |
//! | `scope`, `group`, `choice`, `losers` | branches: where they belong, which count, what becomes of the others |
//! | `flow_type`, `definition`, `register`, `migration`, `start` | flows by name and version, and how they begin |
//! | `events`, `history`, `log` | a flow's stream, and what it adds up to |
//! | `engine`, `running`, `drive`, `attend`, `compensate`, `remember` | a task for each flow, run until it ends |
//! | `orchestrator`, `change`, `operate`, `inspect`, `work` | what callers and operators reach |
//! | `at_rest` | the same for operators of a journal that no runtime is at |

mod activity;
mod at_rest;
mod attend;
mod change;
mod child;
mod choice;
mod compensate;
mod context;
mod definition;
mod drive;
mod engine;
mod error;
mod events;
mod flow_type;
mod group;
mod history;
mod inspect;
mod log;
mod losers;
mod migration;
mod operate;
mod options;
mod orchestrator;
mod parallel;
mod perform;
mod register;
mod remember;
mod retry;
mod running;
mod scope;
mod start;
mod steps;
mod undo;
mod waiting;
mod work;

pub use activity::{Activity, ActivityCall, ActivityError, ActivityErrorKind};
pub use context::Flow;
pub use error::{FlowError, FlowFailure, RunError};
pub use flow_type::FlowType;
pub use inspect::{
    FlowPage, FlowState, FlowStatus, UndoState, UndoStatus, UnreadableFlow, WaitingStep,
};
pub use migration::FlowProgress;
pub use operate::{FlowOperation, FlowOperationError, Flows};
pub use options::FlowOptions;
pub use parallel::{Counted, Parallel, ParallelError};
pub use waiting::StepKind;
pub use work::{WorkItem, WorkKind, WorkPage};

pub(crate) use activity::Activities;
pub(crate) use definition::Definitions;
pub(crate) use events::FlowEvent;
pub(crate) use log::FLOW_STREAMS;
pub(crate) use orchestrator::Orchestrator;
pub(crate) use start::Start;
