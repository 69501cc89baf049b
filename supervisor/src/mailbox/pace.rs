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
