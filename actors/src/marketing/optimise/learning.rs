//! Rewards that come late.
//!
//! A message that was sent an hour ago and not clicked is no failure yet. A reward counts when it
//! arrives, and a message without one counts as a failure when its attribution window closes. While a
//! message waits it counts as a failure by the share of rewards that would have arrived by its age:
//! the likelihood of no reward yet is 1 - p F(age), which is (1 - p)^F(age) for small p. F is learnt
//! from the ages at which rewards arrived. (Chapelle 2014, "Modeling delayed feedback in display
//! advertising"; Vernade, Cappé and Perchet 2017, "Stochastic bandit models for delayed conversions".)
//!
//! What is plainer goes wrong. Counted as a failure at once, whatever was sent most lately looks worst,
//! which is the variant that looks best. Not counted at all until its window closes, while rewards
//! count at once, whatever was sent most lately looks best, because only its rewards are in: the
//! optimiser runs after its own sends. `mercato bench campaign` has a row for each.

use std::collections::VecDeque;
use std::time::Duration;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::thompson::Arm;

/// Messages are put together by the 32nd part of the window in which they were sent.
const PARTS: u64 = 32;
/// How many cohorts wait at most. More than a window's are there only where a clock jumped.
const COHORTS_MAX: usize = 64;
/// As if so many rewards had been seen, evenly over the window.
const PRIOR_REWARDS: f64 = 4.0;

/// What a campaign knows of each variant, and what it waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learning {
    window: Duration,
    /// Messages whose outcome is known.
    settled: Vec<Arm>,
    /// Messages that wait, the oldest first.
    open: VecDeque<Cohort>,
    /// How many rewards arrived in each part of the window.
    arrived: Vec<u32>,
}

/// Messages that were sent at about the same time, and have no reward yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cohort {
    /// Which part of time, counted from its beginning.
    number: u64,
    /// By variant.
    waiting: Vec<u32>,
}

impl Learning {
    /// Nothing known of so many variants, whose messages are rewarded within `window` or not at all.
    #[must_use]
    pub fn new(variants: usize, window: Duration) -> Self {
        Self {
            window,
            settled: vec![Arm::default(); variants],
            open: VecDeque::new(),
            arrived: Vec::new(),
        }
    }

    fn width_ms(&self) -> u64 {
        let window = u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX);
        (window / PARTS).max(1)
    }

    /// The part of time, of those that a window has 32 of, in which a moment lies.
    #[must_use]
    pub fn part_of_time(&self, at: Timestamp) -> u64 {
        at.as_millis() / self.width_ms()
    }

    /// When the last message of a cohort has had its whole window.
    fn closes(&self, cohort: u64) -> Timestamp {
        let ends = cohort.saturating_add(1).saturating_mul(self.width_ms());
        Timestamp::from_millis(ends).plus(self.window)
    }

    /// A message with this variant was sent.
    pub fn sent(&mut self, variant: usize, at: Timestamp) {
        self.settle(at);
        let number = self.part_of_time(at);
        let before = self.open.iter().rposition(|cohort| cohort.number <= number);
        let known = before.filter(|place| self.open[*place].number == number);
        let place = known.unwrap_or_else(|| {
            let waiting = vec![0; self.settled.len()];
            let place = before.map_or(0, |before| before + 1);
            self.open.insert(place, Cohort { number, waiting });
            place
        });
        if let Some(waiting) = self.open[place].waiting.get_mut(variant) {
            *waiting = waiting.saturating_add(1);
        }
        while self.open.len() > COHORTS_MAX {
            self.close_oldest();
        }
    }

    /// A message with this variant, sent at `sent_at`, was rewarded. Where its window has closed, it
    /// stays the failure that it became.
    pub fn rewarded(&mut self, variant: usize, sent_at: Timestamp, at: Timestamp) {
        self.settle(at);
        let number = self.part_of_time(sent_at);
        let age = self.part_of_time(at).saturating_sub(number);
        let cohort = self.open.iter_mut().rfind(|one| one.number == number);
        let waiting = cohort.and_then(|cohort| cohort.waiting.get_mut(variant));
        if let Some(waiting) = waiting.filter(|waiting| **waiting > 0) {
            *waiting -= 1;
            if let Some(arm) = self.settled.get_mut(variant) {
                arm.rewarded = arm.rewarded.saturating_add(1);
            }
            let age = usize::try_from(age.min(PARTS)).unwrap_or_default();
            if self.arrived.len() <= age {
                self.arrived.resize(age + 1, 0);
            }
            self.arrived[age] = self.arrived[age].saturating_add(1);
        }
    }

    /// What was sent when nobody noted the time: a failure, until it is known to be none.
    pub(in crate::marketing) fn sent_some_time(&mut self, variant: usize) {
        if let Some(arm) = self.settled.get_mut(variant) {
            arm.ignored = arm.ignored.saturating_add(1);
        }
    }

    /// The reward of a message that was sent when nobody noted the time.
    pub(in crate::marketing) fn rewarded_some_time(&mut self, variant: usize) {
        let arm = self.settled.get_mut(variant);
        if let Some(arm) = arm.filter(|arm| arm.ignored > 0) {
            arm.ignored -= 1;
            arm.rewarded = arm.rewarded.saturating_add(1);
        }
    }

    /// Counts as failures what has waited for its whole window by now.
    fn settle(&mut self, now: Timestamp) {
        while let Some(oldest) = self.open.front() {
            if self.closes(oldest.number) > now {
                return;
            }
            self.close_oldest();
        }
    }

    fn close_oldest(&mut self) {
        let Some(cohort) = self.open.pop_front() else {
            return;
        };
        for (arm, waiting) in self.settled.iter_mut().zip(cohort.waiting) {
            arm.ignored = arm.ignored.saturating_add(waiting);
        }
    }

    /// What is known of each variant at `now`: rewards, and messages that can hardly be rewarded any
    /// more. Those that wait count by the share of rewards that would have arrived.
    #[must_use]
    pub fn arms(&self, now: Timestamp) -> Vec<Arm> {
        let mut waiting = vec![0.0; self.settled.len()];
        let part = self.part_of_time(now);
        let total: u32 = self.arrived.iter().sum();
        for cohort in &self.open {
            let share = if self.closes(cohort.number) <= now {
                1.0
            } else {
                self.arrived_by(part.saturating_sub(cohort.number), total)
            };
            for (sum, waiting) in waiting.iter_mut().zip(&cohort.waiting) {
                *sum += share * f64::from(*waiting);
            }
        }
        let settled = self.settled.iter().zip(waiting);
        settled
            .map(|(arm, waiting)| Arm {
                rewarded: arm.rewarded,
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it saturates
                ignored: arm.ignored.saturating_add(waiting.round() as u32),
            })
            .collect()
    }

    /// The share of rewards that arrive within so many parts of a window.
    fn arrived_by(&self, age: u64, total: u32) -> f64 {
        let parts = usize::try_from(age.min(PARTS)).unwrap_or_default();
        let seen: u32 = self.arrived.iter().take(parts).sum();
        // A message of `age` parts has been out for half of the last of them on the average.
        let last = self.arrived.get(parts).copied().unwrap_or_default();
        let seen = f64::from(seen) + f64::from(last) / 2.0;
        #[allow(clippy::cast_precision_loss)] // at most 32
        let even = (parts as f64 + 0.5) / (PARTS as f64 + 1.0);
        ((seen + PRIOR_REWARDS * even) / (f64::from(total) + PRIOR_REWARDS)).min(1.0)
    }

    /// How many messages of each variant wait for a reward.
    #[must_use]
    pub fn waiting(&self) -> Vec<u32> {
        let mut sums = vec![0u32; self.settled.len()];
        for cohort in &self.open {
            for (sum, waiting) in sums.iter_mut().zip(&cohort.waiting) {
                *sum = sum.saturating_add(*waiting);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const BEGIN: Timestamp = Timestamp::from_millis(1_600_000_000_000);

    fn arm(rewarded: u32, ignored: u32) -> Arm {
        Arm { rewarded, ignored }
    }

    fn sent(learning: &mut Learning, variant: usize, messages: u32) {
        (0..messages).for_each(|_| learning.sent(variant, BEGIN));
    }

    /// Catches: a sent message that counts as a failure at once, and one that never does.
    #[test]
    fn a_message_counts_when_its_reward_arrives_or_its_window_closes() {
        let mut learning = Learning::new(2, HOUR * 32);
        learning.sent(0, BEGIN);
        learning.sent(1, BEGIN);
        assert_eq!(learning.arms(BEGIN.plus(HOUR * 5)), [arm(0, 0); 2]);
        assert_eq!(learning.waiting(), [1, 1]);
        learning.rewarded(1, BEGIN, BEGIN.plus(HOUR * 5));
        assert_eq!(learning.waiting(), [1, 0]);
        assert_eq!(learning.arms(BEGIN.plus(HOUR * 34)), [arm(0, 1), arm(1, 0)]);
    }

    /// Catches: messages that wait and teach nothing, so that only rewards are seen of what was sent
    /// lately.
    #[test]
    fn a_message_that_waits_counts_by_the_rewards_that_would_be_in() {
        let mut learning = Learning::new(1, HOUR * 32);
        sent(&mut learning, 0, 1_000);
        // Nothing is known of when rewards come: evenly.
        let half = learning.arms(BEGIN.plus(HOUR * 16))[0].ignored;
        assert!((450..550).contains(&half), "{half}");
        // They come within an hour, all of them: who has not answered after eight will not.
        for _ in 0..100 {
            learning.rewarded(0, BEGIN, BEGIN.plus(HOUR));
        }
        let most = learning.arms(BEGIN.plus(HOUR * 8))[0];
        assert_eq!(most.rewarded, 100);
        assert!((850..=900).contains(&most.ignored), "{most:?}");
    }

    /// Catches: a reward after the window that makes a success of a failure.
    #[test]
    fn a_late_reward_changes_nothing() {
        let mut learning = Learning::new(1, HOUR);
        learning.sent(0, BEGIN);
        learning.rewarded(0, BEGIN, BEGIN.plus(HOUR * 2));
        assert_eq!(learning.arms(BEGIN.plus(HOUR * 2)), [arm(0, 1)]);
    }

    #[test]
    fn a_cohort_is_not_rewarded_more_often_than_it_was_sent() {
        let mut learning = Learning::new(1, HOUR);
        learning.sent(0, BEGIN);
        for _ in 0..3 {
            learning.rewarded(0, BEGIN, BEGIN);
        }
        assert_eq!(learning.arms(BEGIN.plus(HOUR * 2)), [arm(1, 0)]);
    }

    /// Catches: a queue of cohorts that grows with the campaign.
    #[test]
    fn what_waits_is_bounded_and_nothing_of_it_is_lost() {
        let mut learning = Learning::new(1, HOUR);
        for minute in 0..10_000u32 {
            learning.sent(0, BEGIN.plus(Duration::from_secs(60) * minute));
            assert!(learning.open.len() <= COHORTS_MAX);
        }
        let known = |learning: &Learning| learning.settled[0].known() + learning.waiting()[0];
        assert_eq!(known(&learning), 10_000);
        // A clock that went back puts a message among the older ones.
        learning.sent(0, BEGIN);
        assert_eq!(known(&learning), 10_001);
    }
}
