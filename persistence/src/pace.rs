//! How large a commit may be on this disk.

use std::time::Duration;

/// Below this a smaller group would only cost more syncs.
const GROUP_BYTES_MIN: usize = 64 << 10;
/// Commits smaller than this say more of the disk's latency than of its speed.
const TELLING_BYTES: usize = 256 << 10;

/// Learns how fast the disk writes, and bounds the groups so that no commit takes too long.
#[derive(Debug)]
pub(crate) struct GroupLimit {
    bytes_max: usize,
    time_max: Duration,
    bytes: usize,
}

impl GroupLimit {
    pub(crate) fn new(bytes_max: usize, time_max: Duration) -> Self {
        Self {
            bytes_max,
            time_max,
            bytes: bytes_max,
        }
    }

    /// The most bytes that the next commit should take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Learns from a commit: a slow one of some size makes the next ones smaller, by half at most;
    /// a fast one lets them grow again, by a quarter.
    pub(crate) fn learn(&mut self, bytes: usize, took: Duration) {
        let smallest = GROUP_BYTES_MIN.min(self.bytes_max);
        if took > self.time_max && bytes > smallest {
            self.bytes = (self.bytes.min(bytes) / 2).max(smallest);
        } else if took < self.time_max / 2 && bytes >= TELLING_BYTES.min(self.bytes / 2) {
            self.bytes = (self.bytes + self.bytes / 4).min(self.bytes_max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a limit that never recovers, one that leaves its bounds, and one that a single
    /// slow sync of a small commit drives down.
    #[test]
    fn groups_follow_the_disk_within_their_bounds() {
        const MIB: usize = 1 << 20;
        let fast = Duration::from_millis(2);
        let slow = Duration::from_millis(100);
        let mut limit = GroupLimit::new(4 * MIB, Duration::from_millis(20));
        assert_eq!(limit.bytes(), 4 * MIB);
        limit.learn(1_000, slow);
        assert_eq!(
            limit.bytes(),
            4 * MIB,
            "a small commit tells nothing of the speed"
        );
        limit.learn(4 * MIB, slow);
        assert_eq!(limit.bytes(), 2 * MIB);
        for _ in 0..50 {
            limit.learn(limit.bytes(), slow);
        }
        assert_eq!(limit.bytes(), 64 << 10);
        for _ in 0..50 {
            limit.learn(limit.bytes(), fast);
        }
        assert_eq!(limit.bytes(), 4 * MIB);
    }
}
