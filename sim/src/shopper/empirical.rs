//! A distribution as it was observed: values and how often each occurred.

use std::collections::BTreeMap;

use rand::Rng;
use rand::distr::Distribution;

/// The empirical distribution of a whole number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Empirical {
    values: Vec<u32>,
    /// For each value, how many observations are at or below it.
    cumulative: Vec<u64>,
    total: u64,
}

impl Empirical {
    /// From how often each value occurred; `None` without any observation.
    pub fn from_counts(counts: &BTreeMap<u32, u64>) -> Option<Self> {
        let mut total = 0;
        let observed = counts.iter().filter(|(_, times)| **times > 0);
        let (values, cumulative) = observed
            .map(|(value, times)| {
                total += times;
                (*value, total)
            })
            .unzip();
        (total > 0).then_some(Self {
            values,
            cumulative,
            total,
        })
    }

    /// The smallest value that at least the share `p` (0 to 1) of the observations does not exceed.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=total before the cast"
    )]
    pub fn quantile(&self, p: f64) -> u32 {
        let rank = (p.clamp(0.0, 1.0) * self.total as f64).ceil() as u64;
        self.value_at(rank.clamp(1, self.total))
    }

    /// The value of the observation with this rank, from 1 to `total`.
    fn value_at(&self, rank: u64) -> u32 {
        self.values[self
            .cumulative
            .partition_point(|at_or_below| *at_or_below < rank)]
    }
}

impl Distribution<u32> for Empirical {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> u32 {
        self.value_at(rng.random_range(1..=self.total))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn quantiles_and_draws_follow_the_counts() {
        let counts = BTreeMap::from([(1, 50), (3, 0), (4, 30), (9, 20)]);
        let observed = Empirical::from_counts(&counts).unwrap();
        let quantiles = [0.0, 0.5, 0.51, 0.8, 0.81, 1.0].map(|p| observed.quantile(p));
        assert_eq!(quantiles, [1, 1, 4, 4, 9, 9]);

        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let nines = (0..10_000)
            .filter(|_| observed.sample(&mut rng) == 9)
            .count();
        assert!((1_880..=2_120).contains(&nines), "{nines}");
        assert_eq!(Empirical::from_counts(&BTreeMap::new()), None);
    }
}
