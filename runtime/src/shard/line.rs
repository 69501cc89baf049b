//! The incarnations of one shard. One that hung was replaced while it held its thread; it may come back
//! and still record what it had in hand, behind the back of its successor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
struct Line {
    latest: AtomicU64,
    /// How many appends came from an incarnation that was replaced already.
    strays: AtomicU64,
}

/// An incarnation's place in the line of its shard. The first of a line is nobody's.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    line: Arc<Line>,
    number: u64,
}

impl Place {
    /// The next incarnation's. From now on whoever was before it writes out of turn.
    pub(crate) fn succeed(&self) -> Self {
        Self {
            line: self.line.clone(),
            number: self.line.latest.fetch_add(1, Ordering::SeqCst) + 1,
        }
    }

    /// It has appended. Whoever succeeds it from here on reads what it wrote; whoever did so before is
    /// told by [`strays`](Self::strays).
    pub(crate) fn appended(&self) {
        if self.line.latest.load(Ordering::SeqCst) != self.number {
            self.line.strays.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// What is in memory is good for as long as this is the same.
    pub(crate) fn strays(&self) -> u64 {
        self.line.strays.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: an incarnation that is not told that one before it has written, and one that takes its own
    /// appends for those of another.
    #[test]
    fn whoever_writes_out_of_turn_is_noticed_by_all_that_came_after() {
        let (first, other) = (Place::default().succeed(), Place::default().succeed());
        first.appended();
        assert_eq!(first.strays(), 0, "it is its turn");
        let second = first.succeed();
        second.appended();
        let third = second.succeed();
        third.appended();
        assert_eq!(third.strays(), 0);
        for (strays, late) in [(1, &first), (2, &second), (3, &second)] {
            late.appended();
            assert_eq!([&second, &third].map(Place::strays), [strays; 2]);
        }
        third.appended();
        other.appended();
        assert_eq!((third.strays(), other.strays()), (3, 0));
    }
}
