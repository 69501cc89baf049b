//! What happened in a world, in numbers.

use std::fmt;

use super::fault::FaultKind;

/// What happened in a world, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lives of the shop.
    pub lives: u64,
    /// Power cuts.
    pub cuts: u64,
    /// Other faults that struck.
    pub strikes: Strikes,
    /// Requests.
    pub asked: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Answers that were none, after which they were asked again.
    pub unserved: u64,
    /// Damaged disks that were found out.
    pub damage_found: u64,
    /// Bits that turned over in the last commit, and would have been taken for a torn one; they were
    /// turned back.
    pub taken_for_torn: u64,
    /// Durable records at the end.
    pub records: u64,
}

impl Tally {
    /// Adds another world's.
    pub fn add(&mut self, other: &Self) {
        self.lives += other.lives;
        self.cuts += other.cuts;
        self.strikes.add(&other.strikes);
        self.asked += other.asked;
        self.answered += other.answered;
        self.unserved += other.unserved;
        self.damage_found += other.damage_found;
        self.taken_for_torn += other.taken_for_torn;
        self.records += other.records;
    }
}

/// How often each kind of fault took effect. One of the disk does when an operation fails of it, and one
/// of a gateway when a call meets it; a shard that is to crash with its next command counts at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strikes([u64; FaultKind::ALL.len()]);

impl Strikes {
    pub(super) fn count(&mut self, kind: FaultKind) {
        self.0[kind as usize] += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (mine, others) in self.0.iter_mut().zip(other.0) {
            *mine += others;
        }
    }

    /// How often this one struck.
    #[must_use]
    pub fn of(&self, kind: FaultKind) -> u64 {
        self.0[kind as usize]
    }

    /// How often any struck.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl fmt::Display for Strikes {
    /// Every kind with its number, those that never struck too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, kind) in FaultKind::ALL.into_iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{} {}", kind.name(), self.of(kind))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a kind whose strikes are counted as another's.
    #[test]
    fn each_kind_has_a_count_of_its_own() {
        for kind in FaultKind::ALL {
            let mut strikes = Strikes::default();
            strikes.count(kind);
            strikes.add(&strikes.clone());
            assert_eq!((strikes.of(kind), strikes.all()), (2, 2), "{strikes}");
            assert!(strikes.to_string().contains(&format!("{} 2", kind.name())));
        }
    }
}
