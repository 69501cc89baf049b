//! What a mailbox knows of a message.

use std::num::NonZeroU64;
use std::time::Duration;

/// What a mailbox has to know of a message to be fair to it, and to drop it once it is useless.
///
/// ```
/// # use mercato_supervisor::Tag;
/// # use std::time::Duration;
/// let tag = Tag::key(7).until(Duration::from_secs(3));
/// assert_eq!(tag, Tag { key: Some(7), deadline: Some(Duration::from_secs(3)) });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tag {
    /// Whom it is for, as a number: a hash does, and two that share one share their turns. Messages
    /// of one key keep their order, keys take turns, and no key may fill the mailbox. Messages
    /// without a key share one turn, and have no bound but the mailbox's.
    pub key: Option<u64>,
    /// From when on it is not worth handling any more, on the mailbox's clock. `None`: never.
    pub deadline: Option<Duration>,
}

impl Tag {
    /// For this key, without a deadline.
    #[must_use]
    pub const fn key(key: u64) -> Self {
        Self {
            key: Some(key),
            deadline: None,
        }
    }

    /// Not worth handling from `deadline` on.
    #[must_use]
    pub const fn until(self, deadline: Duration) -> Self {
        Self {
            deadline: Some(deadline),
            ..self
        }
    }
}

/// A key in the size of a word, because every message carries one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Option<NonZeroU64>);

impl Key {
    /// Key 0 becomes the largest one: they share their turns, as two keys of one hash do.
    fn new(key: Option<u64>) -> Self {
        Self(key.map(|key| NonZeroU64::new(key).unwrap_or(NonZeroU64::MAX)))
    }

    pub(crate) fn is_none(self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn get(self) -> Option<u64> {
        self.0.map(NonZeroU64::get)
    }

    /// Spreads the key over all bits, since callers may count their keys 1, 2, 3.
    pub(crate) fn hash(self) -> u64 {
        const ODD: u128 = 0x9E37_79B9_7F4A_7C15;
        let spread = u128::from(self.get().unwrap_or(0)) * ODD;
        #[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
        let folded = (spread >> 64) as u64 ^ spread as u64;
        folded
    }
}

/// A point on the mailbox's clock in the size of a word; the last one means never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(u64);

impl Instant {
    pub(crate) const NEVER: Self = Self(u64::MAX);

    pub(crate) fn at(since_start: Duration) -> Self {
        Self(u64::try_from(since_start.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(crate) fn nanos(self) -> u64 {
        self.0
    }
}

/// A message in a mailbox.
pub(crate) struct Entry<M> {
    pub(crate) message: M,
    pub(crate) key: Key,
    pub(crate) deadline: Instant,
    /// How often it was begun.
    pub(crate) attempts: u32,
}

impl<M> Entry<M> {
    pub(crate) fn new(tag: Tag, message: M) -> Self {
        Self {
            message,
            key: Key::new(tag.key),
            deadline: tag.deadline.map_or(Instant::NEVER, Instant::at),
            attempts: 0,
        }
    }

    pub(crate) fn is_dated(&self) -> bool {
        self.deadline != Instant::NEVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: keys that fall together in the index of rows, because the bits of their hashes follow from
    /// few of theirs.
    #[test]
    fn keys_that_are_counted_or_far_apart_are_spread_over_all_bits() {
        const KEYS: u64 = 10_000;
        for shift in [0, 32] {
            let hashes = (1..=KEYS).map(|n| Key::new(Some(n << shift)).hash());
            let hashes: Vec<u64> = hashes.collect();
            for bit in 0..64 {
                let set = hashes.iter().filter(|hash| *hash >> bit & 1 == 1).count();
                assert!((4_500..=5_500).contains(&set), "bit {bit}: {set}");
            }
        }
    }
}
