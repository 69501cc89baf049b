//! What Mercato measures of itself.
//!
//! Every figure stands beside the least that could do the same on the same machine, in rounds in
//! which the contenders take turns: machines differ and are noisy, and the ratio of two contenders
//! within a round is what can be compared. [`journal()`] holds the journal against a bare append-only
//! log; [`ask()`] holds an ask through the runtime against a bare actor's call, [`mailbox()`] a
//! supervised mailbox against a bare actor's, [`crashes()`] commands while shards crash against
//! the same in peace, and [`entities()`] an entity in memory against its bare state.
//!
//! `cargo bench --bench journal` and `mercato bench journal` print the same.

mod account;
mod ask;
mod clock;
mod crashes;
mod entities;
mod error;
mod journal;
mod launch;
mod machine;
mod mailbox;
mod options;
mod report;
mod stats;

pub use ask::{AskArgs, ask};
pub use clock::since_start;
pub use crashes::{CrashArgs, crashes};
pub use entities::{EntitiesArgs, entities};
pub use error::BenchError;
pub use journal::journal;
pub use launch::Launch;
pub use mailbox::{MailboxArgs, mailbox};
pub use options::{JournalArgs, Part, Role};
