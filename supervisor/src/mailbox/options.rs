//! The bounds of a mailbox, and what it holds.

use std::num::NonZeroUsize;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The bound of the control lane. Control messages are few by nature and never shed for load; a
/// lane this long means that nobody drains it, and then an error beats memory without end.
pub const CONTROL_LANE_MAX: usize = 65_536;

/// How many senders may wait for room in one mailbox. Each is a task of the caller's; more of them
/// are told at once that it is overloaded.
pub const WAITING_SENDERS_MAX: usize = 65_536;

/// The bounds of a [`Mailbox`](crate::Mailbox).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MailboxOptions {
    /// How many business messages may wait. Default 1024.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub capacity: NonZeroUsize,
    /// How many messages are taken in hand at a time, and handled before other tasks of the runtime
    /// get their turn. Default 64.
    #[schemars(range(min = 1, max = 65_536))]
    pub batch_max: NonZeroUsize,
    /// How many of them may be of one [key](crate::Tag::key), so that one key cannot fill the
    /// mailbox. `None`, the default, is half of the capacity.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub key_max: Option<NonZeroUsize>,
    /// How many dead letters are kept to be looked at; all are counted. Default 64.
    #[schemars(range(min = 0, max = 100_000))]
    pub dead_letters_max: usize,
}

impl MailboxOptions {
    /// Bounds that are right by themselves and wrong together: each with its name, what is wrong, and
    /// how to mend it. A mailbox that is made with them draws them into order.
    #[must_use]
    pub fn contradictions(&self) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        if let Some(key_max) = self.key_max.filter(|it| *it > self.capacity) {
            let remedy = format!(
                "one key cannot have more places than there are: choose at most capacity, which is \
                 {}",
                self.capacity
            );
            found.push(("key_max", format!("is {key_max}"), remedy));
        }
        found
    }

    /// How many messages of one key may wait.
    pub(super) fn key_max(&self) -> usize {
        let capacity = self.capacity.get();
        let key_max = self.key_max.map_or(capacity.div_ceil(2), NonZeroUsize::get);
        key_max.min(capacity)
    }
}

impl Default for MailboxOptions {
    fn default() -> Self {
        const CAPACITY: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
        const BATCH_MAX: NonZeroUsize = NonZeroUsize::new(64).unwrap();
        Self {
            capacity: CAPACITY,
            batch_max: BATCH_MAX,
            key_max: None,
            dead_letters_max: 64,
        }
    }
}

/// How many messages a mailbox holds, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Waiting in the business lane, which is the one with the configured bound.
    pub business: usize,
    /// Waiting in the control lane.
    pub control: usize,
    /// Taken out of the lanes and not yet handled, the one being handled included.
    pub in_hand: usize,
    /// Senders that wait for room. Their messages are theirs still, and not in the mailbox.
    pub senders: usize,
}
