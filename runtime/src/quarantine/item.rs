//! What a person sees of what stands aside.

use std::num::NonZeroUsize;

use mercato_persistence::Position;
use serde_json::Value;

use crate::bus::EventPlace;
use crate::clock::Timestamp;
use crate::ids::CommandId;

/// What stands aside, of which agent, and which page of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineQuery {
    /// Only of this agent. Default `None`: of all.
    pub agent: Option<Box<str>>,
    /// Only what was set aside after this place: the [`next`](QuarantinePage::next) of the page
    /// before. Default: from the beginning.
    pub after: Position,
    /// The most that one page holds. 1 to 1,000; default 100.
    pub page_max: NonZeroUsize,
}

impl Default for QuarantineQuery {
    fn default() -> Self {
        const PAGE_MAX: NonZeroUsize = NonZeroUsize::new(100).unwrap();
        Self {
            agent: None,
            after: Position::START,
            page_max: PAGE_MAX,
        }
    }
}

/// A page of what stands aside, in the order in which it was set aside first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinePage {
    /// What stands aside.
    pub items: Vec<SetAside>,
    /// Where the next page begins, where there is one.
    pub next: Option<Position>,
}

/// Something that stands aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Of which agent.
    pub agent: Box<str>,
    /// The key of the entity. Empty for commands that an earlier version set aside.
    pub entity: Box<str>,
    /// Where it was set aside first: its place in the list.
    pub position: Position,
    /// When it was set aside the last time.
    pub set_aside_at: Timestamp,
    /// What it is.
    pub what: SetAsideWhat,
}

/// A command, or a whole entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetAsideWhat {
    /// A command made its agent panic time and again.
    Command {
        /// Its id.
        id: CommandId,
        /// Its name.
        name: Box<str>,
        /// How often it was tried in all.
        attempts: u32,
        /// How often it was set aside: once, and once more for each replay that failed.
        times: u32,
        /// What the last panic said; the first 512 bytes of it. Commands carry personal data sealed
        /// only, so a panic has none of it to say.
        panic: Box<str>,
        /// Whether it is being given again just now.
        is_replaying: bool,
    },
    /// The entity has an event that cannot be applied, so none of its commands can be decided.
    Entity {
        /// Where the event stands.
        place: EventPlace,
        /// The name under which it is stored.
        event: Box<str>,
        /// The version of its layout.
        version: u16,
        /// Why it cannot be applied; the first 512 bytes of it.
        reason: Box<str>,
    },
}

/// Something that stands aside, with what is stored of it: the command, or the event.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspected {
    /// What stands aside.
    pub item: SetAside,
    /// The body as today's code reads it, as JSON, with what is sealed still sealed; or why it
    /// cannot read it.
    pub body: Result<Value, Box<str>>,
    /// The stored bytes, in hexadecimal.
    pub bytes: String,
}

/// What became of a command that was given again. It stands aside no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// It was answered with its reply, and had its effect: now, or when somebody else gave it in the
    /// meantime.
    Answered,
    /// The agent refused it; nothing was recorded.
    Refused {
        /// Its refusal.
        reason: Box<str>,
    },
}
