//! How many deviations of safety stock a service level takes, by what was seen rather than by the
//! normal distribution: demand has heavier tails.
//!
//! Split conformal prediction (Vovk, Gammerman and Shafer, *Algorithmic Learning in a Random
//! World*, 2005): of `n` scores of forecasts that are exchangeable with the next one, the next is
//! at most the `ceil((n + 1) * q)`-th smallest with probability `q` at least, whatever the
//! distribution.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::service::ServiceLevel;
use crate::inventory::forecast::DemandPattern;

/// How many scores are remembered.
const SCORES_MAX: usize = 60;

/// The scores of one product's own forecasts: by how many standard deviations demand over a lead
/// time was above what had been expected, in thousandths. The latest, up to sixty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scores {
    milli: VecDeque<i64>,
}

impl Scores {
    /// Adds one.
    pub fn add(&mut self, milli: i64) {
        if self.milli.len() == SCORES_MAX {
            self.milli.pop_front();
        }
        self.milli.push_back(milli);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.milli.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.milli.is_empty()
    }

    /// The factor that a service level takes by these scores; `None` where there are too few.
    #[must_use]
    pub fn factor(&self, level: ServiceLevel) -> Option<f64> {
        #[allow(clippy::cast_precision_loss)] // scores are far below 2^52
        let scores = self.milli.iter().map(|milli| *milli as f64 / 1_000.0);
        conformal_quantile(&scores.collect::<Vec<_>>(), level)
    }
}

/// The conformal quantile of scores at a level; `None` where there are too few for it: 95 % takes
/// nineteen.
#[must_use]
pub fn conformal_quantile(scores: &[f64], level: ServiceLevel) -> Option<f64> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[allow(clippy::cast_precision_loss)] // scores are counted in thousands
    let rank = (sorted.len() + 1) as f64 * level.probability();
    // A rank that misses a whole number by rounding alone is that number.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // between one and their count
    let rank = (rank - 1e-9).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

/// Service levels, and the pooled factor of each pattern: smooth, erratic, intermittent, lumpy.
type Row = (f64, [f64; 4]);

/// Conformal quantiles of 7,554 forecasts of four weeks' demand of 2,518 products of a shop (UCI
/// *Online Retail*): what came, less what was expected, over the deviation that the formula of
/// [`safety_stock`](super::safety_stock) gives. `mercato bench forecast` prints them.
const POOLED: [Row; 6] = [
    (0.50, [0.20, 0.13, 0.03, 0.01]),
    (0.80, [1.65, 1.31, 1.72, 1.22]),
    (0.90, [2.89, 2.29, 2.75, 2.67]),
    (0.95, [4.14, 3.53, 4.17, 4.61]),
    (0.975, [7.04, 4.84, 6.29, 7.12]),
    (0.99, [8.90, 8.24, 11.04, 12.50]),
];

/// The factor for a product that has too few scores of its own: what other products of its pattern
/// needed. Between two levels it is interpolated; above 99 % the normal factor's growth goes on.
#[must_use]
pub fn pooled_factor(pattern: DemandPattern, level: ServiceLevel) -> f64 {
    let column = match pattern {
        DemandPattern::Smooth => 0,
        DemandPattern::Erratic => 1,
        DemandPattern::Intermittent => 2,
        DemandPattern::Lumpy => 3,
    };
    let at = |row: &Row| (row.0, row.1.get(column).copied().unwrap_or_default());
    let wanted = level.probability();
    let mut below = (0.5, 0.0);
    for row in &POOLED {
        let (known, factor) = at(row);
        if known >= wanted {
            if known <= below.0 {
                return factor;
            }
            let way = (wanted - below.0) / (known - below.0);
            return below.1 + way * (factor - below.1);
        }
        below = (known, factor);
    }
    below.1 * level.normal_factor() / 2.326_347_874
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::BasisPoints;

    fn level(basis_points: i32) -> ServiceLevel {
        ServiceLevel::new(BasisPoints::new(basis_points)).expect("a level")
    }

    /// Catches: a rank that is one too low, which promises more than the scores can.
    #[test]
    fn the_rank_leaves_room_for_the_next_one() {
        let scores: Vec<f64> = (1..=19).map(f64::from).collect();
        assert_eq!(conformal_quantile(&scores, level(9_500)), Some(19.0));
        assert_eq!(conformal_quantile(&scores[..18], level(9_500)), None);
        assert_eq!(conformal_quantile(&scores, level(5_000)), Some(10.0));
        assert_eq!(conformal_quantile(&[], level(5_000)), None);
    }

    /// Catches: scores without end, and the oldest kept in place of the latest.
    #[test]
    fn the_latest_scores_count() {
        let mut scores = Scores::default();
        for milli in 0..1_000 {
            scores.add(milli);
        }
        assert_eq!(scores.len(), SCORES_MAX);
        assert!(scores.factor(level(5_000)).is_some_and(|f| f > 0.9));
    }

    /// Catches: a table that is read beside its row, and a factor that falls with the level.
    #[test]
    fn more_service_takes_more_stock() {
        use DemandPattern as P;
        for pattern in [P::Smooth, P::Erratic, P::Intermittent, P::Lumpy] {
            let factors: Vec<f64> = (50..100)
                .map(|percent| pooled_factor(pattern, level(percent * 100)))
                .collect();
            assert!(factors.is_sorted(), "{pattern:?}: {factors:?}");
            assert!(pooled_factor(pattern, level(9_999)) > factors[49]);
        }
    }
}
