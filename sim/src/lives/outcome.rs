//! What a world came to.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use super::tally::Tally;
use crate::law::Verdict;

/// What a world came to. The same plan and scene come to the same, whatever the machine does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldOutcome {
    /// Every law, and whether it held.
    pub verdicts: Vec<Verdict>,
    /// What happened, in numbers.
    pub tally: Tally,
    /// What tells this outcome from all others.
    pub hash: WorldHash,
    /// How long the world lasted, by its own clock.
    pub lasted: Duration,
    /// The last things that the outside saw.
    pub timeline: Vec<String>,
}

impl WorldOutcome {
    /// Whether every law held.
    #[must_use]
    pub fn laws_hold(&self) -> bool {
        self.verdicts.iter().all(Verdict::holds)
    }

    /// The laws that were broken.
    pub fn broken(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| !verdict.holds())
    }
}

/// Hashes of everything that a world leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorldHash {
    /// Of what the outside saw, and when, and of every record of the journal.
    pub events: u64,
    /// Of verdicts and tally.
    pub report: u64,
    /// Of every byte of the disk.
    pub store: u64,
}

impl WorldHash {
    /// All of it in a few digits, to tell whether a world that is replayed is still the same.
    #[must_use]
    pub fn mark(&self) -> WorldMark {
        let all = [self.events, self.report, self.store].map(u64::to_le_bytes);
        let hash = xxh3_64(all.as_flattened());
        #[expect(clippy::cast_possible_truncation, reason = "a part of it will do")]
        WorldMark(hash as u32)
    }
}

/// What a world came to, in eight hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorldMark(u32);

impl fmt::Display for WorldMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// Why a text is no [`WorldMark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give eight hexadecimal digits, as they were printed with the world's name")]
pub struct NoWorldMark;

impl FromStr for WorldMark {
    type Err = NoWorldMark;

    fn from_str(text: &str) -> Result<Self, NoWorldMark> {
        let is_one = text.len() == 8 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let mark = is_one.then(|| u32::from_str_radix(text, 16).ok()).flatten();
        mark.map(Self).ok_or(NoWorldMark)
    }
}

impl fmt::Display for WorldHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            events,
            report,
            store,
        } = self;
        write!(
            f,
            "events {events:016x} report {report:016x} store {store:016x}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: worlds that differ and are taken for the same.
    #[test]
    fn a_mark_tells_worlds_apart_and_is_read_as_it_was_written() {
        let hash = |events, report, store| WorldHash {
            events,
            report,
            store,
        };
        let mark = hash(1, 2, 3).mark();
        assert_eq!(mark.to_string().parse(), Ok(mark));
        for other in [hash(0, 2, 3), hash(1, 0, 3), hash(1, 2, 0)] {
            assert!(other.mark() != mark, "{other}");
        }
        for nonsense in ["", "12", "seven777", "+2345678", "123456789"] {
            assert_eq!(nonsense.parse::<WorldMark>(), Err(NoWorldMark));
        }
    }
}
