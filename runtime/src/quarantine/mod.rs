//! What stands aside so that it stops nothing else, kept in the journal until a person has dealt
//! with it: commands that made their agent panic time and again, and entities with an event that
//! cannot be applied.
//!
//! Each agent has a stream of it, `quarantine/<agent>`, folded into what stands aside now. There is a
//! bound on that, and an answer of its own where it is reached.
//!
//! | room | what |
//! |---|---|
//! | `intake.rs` | How a command comes here. |
//! | `ward.rs` | What stands aside of one agent: written to by its shards and by the desk. |
//! | `desk.rs` | The [`Quarantine`]: what a person does with it. |
//! | `item.rs`, `error.rs` | What they see. |
//! | `records.rs` | The same from the records of a file. |
//! | `events.rs` | What the journal keeps. |

mod desk;
mod error;
mod events;
mod intake;
mod item;
mod poison;
mod records;
mod ward;

pub use desk::Quarantine;
pub use error::QuarantineError;
pub use item::{Inspected, QuarantinePage, QuarantineQuery, Replayed, SetAside, SetAsideWhat};
pub use records::QuarantineRecords;

pub(crate) use events::QuarantineEvent;
pub(crate) use poison::Poison;
pub(crate) use ward::{QUARANTINE, Ward};
