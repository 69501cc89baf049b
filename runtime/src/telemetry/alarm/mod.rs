//! Alarms as data: what is watched, from where on it is wrong, and who is told.
//!
//! | room | what |
//! |---|---|
//! | `settings` | alarms as they are written, with the performance targets as defaults |
//! | `check` | everything that is wrong with them, at once |
//! | `measure` | what an alarm looks at, over its window |
//! | `state` | when it is raised, and when it is over: pure |
//! | `watch` | looks again and again, on the runtime's clock, and tells the monitor |

mod check;
mod measure;
mod settings;
mod state;
mod watch;

pub use check::{AlarmProblem, InvalidAlarms};
pub use settings::{Across, Alarm, Alarms, Comparison, Measure, Selector, Severity};
pub use watch::{AlarmChange, AlarmNotice};

pub(crate) use watch::{AlarmBoard, watch_alarms};
