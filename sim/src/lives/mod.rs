//! Worlds of which power cuts are part: a runtime that lives several times over one simulated disk,
//! and an outside that outlives each of its lives.
//!
//! A *life* is one runtime on one thread under a paused clock. A power cut ends it between two polls,
//! at the n-th operation of its disk, or at the n-th moment of a command: all of it is dropped at
//! once, nothing is stopped in good order, and the disk keeps, drops, tears or ruins what was not
//! synced. The next life opens what is left, at the time when the former ended. The outside is
//! written as scripts ([`Stage`]): each life runs them from their beginning, and what was answered
//! in an earlier life is remembered, so that a request without an answer, and no other, is asked
//! again under its key.
//!
//! Whoever has agents of their own describes them as a [`Scene`], with [`Law`]s of their own.

mod blame;
mod delay;
mod disk;
mod draw;
mod fault;
mod hang;
mod life;
mod outcome;
mod plan;
mod power;
mod records;
mod rot;
mod run;
mod scene;
mod scenery;
mod stage;
mod strikes;
mod tally;
mod witness;

pub use disk::PoweredDisk;
pub use fault::{Fault, FaultKind, FaultPlan, RateUnit};
pub use outcome::{NoWorldMark, WorldHash, WorldMark, WorldOutcome};
pub use plan::{Cut, CutAt, CutLeaves, WorldPlan};
pub use power::Power;
pub use run::run_world;
pub use scene::{End, Law, Scene, Site};
pub use scenery::Scenery;
pub use stage::{Stage, Unserved, is_worth_asking_again};
pub use tally::{Strikes, Tally};
pub use witness::{Seen, What, Witness};

pub(crate) use draw::spread;
pub(crate) use run::READS;
