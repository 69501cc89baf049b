//! The retry budget: a token bucket that all calls to one dependency share.
//!
//! Each call earns a part of a retry, each second brings a few, and a retry takes a whole one. While
//! most calls succeed there is always enough; when the dependency is down, retries fall to the
//! earned part of the load instead of multiplying it. The shape is that of Finagle's `RetryBudget`
//! (a share of the requests and a floor a second), with the bucket of the AWS SDKs' retry quota in
//! place of its sliding window.

use crate::clock::Timestamp;

use super::limits::RetryBudgetSettings;

/// A whole retry, in the unit of the bucket.
const RETRY: u64 = 1_000;

/// The budget of one dependency. Pure: time is an argument.
#[derive(Debug, Clone)]
pub(super) struct RetryBudget {
    settings: RetryBudgetSettings,
    /// In thousandths of a retry.
    saved: u64,
    filled_at: Timestamp,
}

impl RetryBudget {
    pub(super) fn new(settings: RetryBudgetSettings, now: Timestamp) -> Self {
        Self {
            settings,
            saved: u64::from(settings.saved_max) * RETRY,
            filled_at: now,
        }
    }

    /// Goes on under other settings; what was saved is kept, up to the new bound.
    pub(super) fn reconfigure(&mut self, settings: RetryBudgetSettings, now: Timestamp) {
        self.fill(now);
        self.settings = settings;
        self.save(0);
    }

    /// A call begins, and earns its part.
    pub(super) fn earn(&mut self, now: Timestamp) {
        self.fill(now);
        self.save(u64::from(self.settings.earned_percent) * RETRY / 100);
    }

    /// Takes one retry, where there is one.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        self.fill(now);
        match self.saved.checked_sub(RETRY) {
            Some(left) => {
                self.saved = left;
                true
            }
            None => false,
        }
    }

    /// How many whole retries are left.
    pub(super) fn left(&self) -> u64 {
        self.saved / RETRY
    }

    fn fill(&mut self, now: Timestamp) {
        let passed_ms = now.as_millis().saturating_sub(self.filled_at.as_millis());
        // So many a second are as many thousandths a millisecond.
        self.save(passed_ms.saturating_mul(u64::from(self.settings.per_second)));
        self.filled_at = self.filled_at.max(now);
    }

    fn save(&mut self, more: u64) {
        let most = u64::from(self.settings.saved_max) * RETRY;
        self.saved = self.saved.saturating_add(more).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// Catches: a retry that costs nothing, one that is given out of an empty bucket, calls that
    /// earn too much, and a bucket that grows without bound.
    #[test]
    fn retries_are_a_share_of_the_calls() {
        let settings = RetryBudgetSettings {
            earned_percent: 20,
            per_second: 0,
            saved_max: 3,
        };
        let mut budget = RetryBudget::new(settings, at(0));
        let take = |budget: &mut RetryBudget| (0..10).filter(|_| budget.take(at(0))).count();
        assert_eq!(take(&mut budget), 3, "what was saved at first");
        (0..10).for_each(|_| budget.earn(at(0)));
        assert_eq!(take(&mut budget), 2, "a fifth of ten calls");
        (0..1_000).for_each(|_| budget.earn(at(0)));
        assert_eq!(budget.left(), 3);
        assert_eq!(take(&mut budget), 3);
    }

    /// Catches: time that brings nothing, or brings it twice where the clock is read out of order.
    #[test]
    fn time_brings_a_few() {
        let settings = RetryBudgetSettings {
            earned_percent: 0,
            per_second: 2,
            saved_max: 4,
        };
        let mut budget = RetryBudget::new(settings, at(0));
        (0..4).for_each(|_| assert!(budget.take(at(0))));
        assert!(!budget.take(at(499)));
        assert!(budget.take(at(500)));
        assert!(!budget.take(at(400)), "an earlier reading brings nothing");
        assert!(!budget.take(at(900)));
        assert!(budget.take(at(1_000)));
        budget.earn(at(1_000_000));
        assert_eq!(budget.left(), 4);
    }

    /// Catches: other settings that are not heeded, what was saved beyond the new bound, and time that
    /// brought retries under the old settings and is forgotten.
    #[test]
    fn other_settings_keep_what_was_saved_up_to_their_bound() {
        let settings = |per_second, saved_max| RetryBudgetSettings {
            earned_percent: 0,
            per_second,
            saved_max,
        };
        let mut budget = RetryBudget::new(settings(1, 10), at(0));
        (0..10).for_each(|_| assert!(budget.take(at(0))));
        budget.reconfigure(settings(0, 5), at(3_000));
        assert_eq!(budget.left(), 3, "three seconds under the old ones");
        assert!(budget.take(at(60_000)));
        assert_eq!(budget.left(), 2, "and none that bring anything since");
        budget.reconfigure(settings(0, 1), at(60_000));
        assert_eq!(budget.left(), 1);
    }
}
