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

#[cfg(test)]
mod tests {
    use super::super::{Entry, Tag};
    use super::*;

    /// Catches: a reason that is counted as another, or left out of the sum.
    #[test]
    fn each_reason_is_counted_by_itself_and_in_the_sum() {
        let reasons = [
            DeadReason::Expired,
            DeadReason::Stuck,
            DeadReason::Ended,
            DeadReason::Stopped,
            DeadReason::Down,
        ];
        let key = Entry::new(Tag::key(1), ()).key;
        let mut letters = DeadLetters::default();
        let mut texts = std::collections::BTreeSet::new();
        for (n, reason) in reasons.into_iter().enumerate() {
            for _ in 0..=n {
                letters.note(DeadLetter::new(Duration::ZERO, key, 0, reason), 4);
            }
            texts.insert(reason.to_string());
        }
        let DeadLetters {
            expired,
            stuck,
            ended,
            stopped,
            down,
            ..
        } = letters;
        assert_eq!([expired, stuck, ended, stopped, down], [1, 2, 3, 4, 5]);
        assert_eq!(letters.total(), 15);
        assert_eq!(letters.latest.len(), 4);
        assert_eq!(texts.len(), 5, "each is told in words of its own");
        assert!(texts.iter().all(|text| text.len() > 10));
    }
}
