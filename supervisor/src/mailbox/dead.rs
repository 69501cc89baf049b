//! Dead letters: messages that were taken and will not be handled, and why.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::tag::Key;

/// Why a message that a mailbox had taken is not handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DeadReason {
    /// Its deadline passed before it was its turn.
    Expired,
    /// The worker that handles it was given up as hung. Whether it had its effect is not known.
    Stuck,
    /// Its worker ended for good, by itself or because it is not restarted.
    Ended,
    /// The tree was stopped before it was worked off.
    Stopped,
    /// The tree has given up.
    Down,
}

impl fmt::Display for DeadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "its deadline passed before it was its turn",
            Self::Stuck => "its worker hung in it; whether it had its effect is not known",
            Self::Ended => "its worker ended for good",
            Self::Stopped => "the supervision tree was stopped first",
            Self::Down => "the supervision tree is down",
        })
    }
}

/// What is kept of a message that died. Never the message itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadLetter {
    /// When, on the mailbox's clock.
    pub at: Duration,
    /// The key that it was for.
    pub key: Option<u64>,
    /// How often it was begun.
    pub attempts: u32,
    /// Why.
    pub reason: DeadReason,
}

/// How many messages died of what, and the latest of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeadLetters {
    /// Those of [`DeadReason::Expired`].
    pub expired: u64,
    /// Those of [`DeadReason::Stuck`].
    pub stuck: u64,
    /// Those of [`DeadReason::Ended`].
    pub ended: u64,
    /// Those of [`DeadReason::Stopped`].
    pub stopped: u64,
    /// Those of [`DeadReason::Down`].
    pub down: u64,
    /// The latest ones, oldest first; see [`MailboxOptions::dead_letters_max`](crate::MailboxOptions).
    pub latest: VecDeque<DeadLetter>,
}

impl DeadLetters {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.expired + self.stuck + self.ended + self.stopped + self.down
    }

    pub(super) fn note(&mut self, letter: DeadLetter, latest_max: usize) {
        *match letter.reason {
            DeadReason::Expired => &mut self.expired,
            DeadReason::Stuck => &mut self.stuck,
            DeadReason::Ended => &mut self.ended,
            DeadReason::Stopped => &mut self.stopped,
            DeadReason::Down => &mut self.down,
        } += 1;
        if latest_max == 0 {
            return;
        }
        if self.latest.len() >= latest_max {
            self.latest.pop_front();
        }
        self.latest.push_back(letter);
    }
}

impl DeadLetter {
    pub(super) fn new(at: Duration, key: Key, attempts: u32, reason: DeadReason) -> Self {
        Self {
            at,
            key: key.get(),
            attempts,
            reason,
        }
    }
}
