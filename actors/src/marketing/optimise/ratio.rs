//! Whether groups have the sizes that they were drawn with.
//!
//! Where people were shared out in known shares and the groups that came of it have others, something
//! between the draw and the count loses people of one group more than of another: a variant that
//! spam filters swallow, a link that breaks. Then no comparison of the groups means anything.
//! (Fabijan et al. 2019, "Diagnosing sample ratio mismatch in online controlled experiments".)

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Below this chance a difference is none.
const CHANCE_MIN: f64 = 0.001;
/// The least that must be expected in each group for the test to mean anything (Cochran 1954).
const EXPECTED_MIN: f64 = 5.0;

/// What Pearson's chi-squared test says of the sizes of groups.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SampleRatio {
    /// The sum of the squared differences, each as a share of what was expected.
    pub statistic: f64,
    /// The chance of such sizes, or less likely ones, where nothing is wrong.
    pub chance: f64,
}

impl SampleRatio {
    /// Whether something is wrong: such sizes come about by chance less than once in a thousand times.
    #[must_use]
    pub fn is_mismatch(&self) -> bool {
        self.chance < CHANCE_MIN
    }
}

/// Holds the sizes of groups against the shares in which they were drawn. `None` where there is
/// nothing to compare, or too little for a test.
#[must_use]
pub fn sample_ratio(groups: &[(u64, f64)]) -> Option<SampleRatio> {
    #[allow(clippy::cast_precision_loss)] // counts of people
    let counted = |count: u64| count as f64;
    let total: f64 = groups.iter().map(|(count, _)| counted(*count)).sum();
    let shares: f64 = groups.iter().map(|(_, share)| share).sum();
    if groups.len() < 2 || shares <= 0.0 {
        return None;
    }
    let mut statistic = 0.0;
    for (count, share) in groups {
        let expected = total * share / shares;
        if expected < EXPECTED_MIN {
            return None;
        }
        statistic += (counted(*count) - expected).powi(2) / expected;
    }
    #[allow(clippy::cast_precision_loss)] // a handful of groups
    let freedom = (groups.len() - 1) as f64;
    let distribution = ChiSquared::new(freedom).ok()?;
    Some(SampleRatio {
        statistic,
        chance: distribution.sf(statistic),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of R's `chisq.test`.
    #[test]
    fn the_chance_is_that_of_pearsons_test() {
        let found = sample_ratio(&[(821, 0.5), (745, 0.5)]).unwrap();
        assert!((found.statistic - 3.688_378).abs() < 1e-5, "{found:?}");
        assert!((found.chance - 0.054_79).abs() < 1e-4, "{found:?}");
        assert!(!found.is_mismatch());
        let found = sample_ratio(&[(100, 1.0), (160, 1.0), (100, 1.0)]).unwrap();
        assert!((found.statistic - 20.0).abs() < 1e-9);
        assert!(found.is_mismatch());
    }

    #[test]
    fn too_little_says_nothing() {
        assert_eq!(sample_ratio(&[(3, 0.5), (1, 0.5)]), None);
        assert_eq!(sample_ratio(&[(500, 1.0)]), None);
        assert_eq!(sample_ratio(&[]), None);
    }
}
