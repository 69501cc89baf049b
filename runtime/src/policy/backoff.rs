//! How long to wait before the next attempt.
//!
//! Exponential backoff with jitter, as Marc Brooker's "Exponential Backoff And Jitter" (AWS
//! Architecture Blog, 2015) compares them: `jitter_percent = 50` is its "equal jitter", 100 its
//! "full jitter".

use std::time::Duration;

use rand::{Rng, RngCore};

use super::limits::Backoff;

impl Backoff {
    /// The wait after the attempt with this number, from 1, before chance takes its part.
    pub(super) fn longest(&self, attempt: u32) -> Duration {
        let mut wait = self.first;
        for _ in 1..attempt {
            if wait >= self.max {
                break;
            }
            wait = wait.saturating_mul(self.growth_percent) / 100;
        }
        wait.min(self.max)
    }

    /// The wait after the attempt with this number, from 1.
    pub(super) fn wait_after(&self, attempt: u32, rng: &mut dyn RngCore) -> Duration {
        let longest = self.longest(attempt).as_millis();
        let longest = u64::try_from(longest).unwrap_or(u64::MAX);
        let by_chance = longest.saturating_mul(u64::from(self.jitter_percent.min(100))) / 100;
        // Nothing is drawn where nothing is left to chance, so that waits without jitter do not
        // move the draws of others.
        let less = if by_chance == 0 {
            0
        } else {
            rng.random_range(0..=by_chance)
        };
        Duration::from_millis(longest - less)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::rng_for;

    /// Catches: waits that do not double, or go over the bound.
    #[test]
    fn waits_grow_up_to_the_bound() {
        let waits: Vec<_> = (1..=8)
            .map(|n| Backoff::default().longest(n).as_millis())
            .collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        let slow = Backoff {
            growth_percent: 100,
            ..Backoff::default()
        };
        assert_eq!(
            slow.longest(1_000_000),
            Duration::from_millis(100),
            "and it takes no time to say"
        );
    }

    /// Catches: jitter that goes outside its part, one that is always the same, and one that is not
    /// drawn from the seed.
    #[test]
    fn chance_has_its_part_and_no_more() {
        let draw = |seed| {
            let mut rng = rng_for(seed, "waits");
            let wait = |n| Backoff::default().wait_after(n, &mut rng);
            (1..=4).map(wait).collect::<Vec<_>>()
        };
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            for (nth, wait) in draw(seed).into_iter().enumerate() {
                let longest = 100 << nth;
                let wait = wait.as_millis();
                assert!(
                    (longest / 2..=longest).contains(&wait),
                    "{wait} of {longest}"
                );
                seen.insert(wait);
            }
        }
        assert!(seen.len() > 100, "only {} different waits", seen.len());
        assert_eq!(draw(7), draw(7));
    }
}
