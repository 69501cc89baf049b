//! How fast a mailbox is drained, measured while there is a backlog.
//!
//! Two instants a batch are enough, and none while the drainer keeps up: then nobody is refused.

use std::time::Duration;

/// What is answered before anything was measured.
const UNMEASURED: Duration = Duration::from_millis(20);
/// Trying again sooner than this is a busy loop.
const SOONEST: Duration = Duration::from_millis(1);
/// Longer than this nobody can foresee.
const LATEST: Duration = Duration::from_secs(10);
/// The weight of the past in the average: seven of eight parts.
const PAST: u32 = 7;

#[derive(Default)]
pub(super) struct Pace {
    /// When the last batch was taken that left a backlog, and how many it had.
    last: Option<(Duration, u32)>,
    per_message: Option<Duration>,
}

impl Pace {
    /// A batch is taken, which may be empty, and leaves a backlog or none.
    pub(super) fn batch(&mut self, taken: usize, backlog: bool, now: impl FnOnce() -> Duration) {
        if self.last.is_none() && !backlog {
            return;
        }
        let now = now();
        if let Some((before, count)) = self.last.take() {
            let sample = now.saturating_sub(before) / count.max(1);
            self.per_message = Some(match self.per_message {
                None => sample,
                Some(past) => (past * PAST + sample) / (PAST + 1),
            });
        }
        if backlog {
            self.last = Some((now, u32::try_from(taken).unwrap_or(u32::MAX)));
        }
    }

    /// When it is worth trying again for who finds `ahead` messages waiting: when those will have
    /// been worked off. While the drainer stands still that is at least as long as it has stood.
    pub(super) fn retry_after(&self, ahead: usize, now: Duration) -> Duration {
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        let estimate = self
            .per_message
            .map_or(UNMEASURED, |each| each.saturating_mul(ahead));
        let standing = self
            .last
            .map_or(Duration::ZERO, |(since, _)| now.saturating_sub(since));
        estimate.max(standing).clamp(SOONEST, LATEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Catches: a rate from one batch's time and another's size, and a clock that is read for
    /// nothing.
    #[test]
    fn the_rate_is_that_of_batches_that_left_a_backlog() {
        let mut pace = Pace::default();
        pace.batch(10, false, || unreachable!("nobody waits"));
        assert_eq!(pace.retry_after(7, 99 * MS), UNMEASURED);
        pace.batch(10, true, || 100 * MS);
        assert_eq!(
            pace.retry_after(7, 100 * MS),
            UNMEASURED,
            "one instant is no rate"
        );
        pace.batch(5, true, || 150 * MS);
        assert_eq!(pace.retry_after(7, 150 * MS), 7 * 5 * MS, "50 ms for ten");
        pace.batch(0, false, || 215 * MS);
        // 65 ms for five are 13 ms each, which counts one part of eight.
        assert_eq!(pace.retry_after(100, 215 * MS), 600 * MS);
        pace.batch(10, false, || unreachable!("the backlog is gone"));
        assert_eq!(
            pace.retry_after(100, 9_000 * MS),
            600 * MS,
            "idle is not slow"
        );
    }

    /// Catches: a bound that is not kept, and a number that overflows.
    #[test]
    fn no_answer_is_out_of_bounds() {
        let mut pace = Pace::default();
        pace.batch(1, true, || Duration::ZERO);
        assert_eq!(pace.retry_after(1, 21 * MS), 21 * MS, "it stands still");
        pace.batch(1, true, || Duration::ZERO);
        assert_eq!(pace.retry_after(usize::MAX, Duration::ZERO), SOONEST);
        pace.batch(usize::MAX, true, || 9_000 * MS);
        assert_eq!(pace.retry_after(usize::MAX, 9_000 * MS), LATEST);
        assert_eq!(pace.retry_after(0, 9_000 * MS), SOONEST);
        assert_eq!(pace.retry_after(0, 900_000 * MS), LATEST);
    }
}
